#include "worker/config.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/count.h"
#include "common/log.h"
#include "common/settings.h"
#include "schemas/names.h"
#include "schemas/units.h"
#include "worker/addresses.h"
#include "worker/loopback.h"

#define ROW(member) offsetof(struct worker_config, member)

static const struct setting settings[] = {
    {.name = "server", .kind = SETTING_TEXT, .offset = ROW(server)},
    {.name = "broker", .kind = SETTING_LIST, .offset = ROW(broker), .secret = true},
    {.name = "store", .kind = SETTING_TEXT, .offset = ROW(store), .secret = true},
    TLS_SETTINGS(offsetof(struct worker_config, tls)),
    {.name = "engine", .kind = SETTING_PATH, .offset = ROW(engine), .fallback = "/run/docker.sock"},
    {.name = "storage",
     .kind = SETTING_PATH,
     .offset = ROW(storage),
     .fallback = "/var/lib/dcm/storage"},
    {.name = "keys",
     .kind = SETTING_PATH,
     .offset = ROW(keys),
     .fallback = DCM_CONFIG_DIRECTORY "/keys"},
    {.name = "state",
     .kind = SETTING_PATH,
     .offset = ROW(state),
     .fallback = "/var/lib/dcm/worker"},
    {.name = "policy",
     .kind = SETTING_PATH,
     .offset = ROW(policy),
     .fallback = DCM_CONFIG_DIRECTORY "/policy.json"},
    {.name = "keyring",
     .kind = SETTING_PATH,
     .offset = ROW(keyring),
     .fallback = DCM_CONFIG_DIRECTORY "/keyring"},
    {.name = "audit",
     .kind = SETTING_PATH,
     .offset = ROW(audit),
     .fallback = "/var/log/dcm/audit.log"},
    {.name = "addresses", .kind = SETTING_LIST, .offset = ROW(addresses)},
    {.name = "address_file",
     .kind = SETTING_PATH,
     .offset = ROW(address_file),
     .fallback = DCM_CONFIG_DIRECTORY "/addresses.conf"},
    {.name = "ssh_ports",
     .kind = SETTING_TEXT,
     .offset = ROW(ssh_ports),
     .fallback = "20000-29999"},
    {.name = "subnets", .kind = SETTING_TEXT, .offset = ROW(subnets), .fallback = "10.201.0.0/16"},
    {.name = "subnet_bits",
     .kind = SETTING_NUMBER,
     .offset = ROW(subnet_bits),
     .fallback = "26",
     .least = 16,
     .most = 29},
    {.name = "runners",
     .kind = SETTING_NUMBER,
     .offset = ROW(runners),
     .fallback = "4",
     .least = 1,
     .most = 256},
    {.name = "disk_floor", .kind = SETTING_TEXT, .offset = ROW(disk_floor), .fallback = "1g"},
    {.name = "expired_kept", .kind = SETTING_TEXT, .offset = ROW(expired_kept), .fallback = "7d"},
    {.name = "account", .kind = SETTING_TEXT, .offset = ROW(account), .fallback = "dcm"},
    {.name = "metrics", .kind = SETTING_TEXT, .offset = ROW(metrics), .fallback = ""},
    {.name = "log_level", .kind = SETTING_TEXT, .offset = ROW(log_level), .fallback = "info"},
};
#define SETTING_COUNT COUNT(settings)

/* Digits only: strtoul alone takes spaces, signs and trailing text. */
static int number(const char *text, char end, unsigned long most, unsigned long *ret_value,
                  const char **ret_rest)
{
    char *rest = NULL;
    if (*text < '0' || *text > '9')
        return -1;
    unsigned long value = strtoul(text, &rest, 10);
    if (*rest != end || value > most)
        return -1;
    *ret_value = value;
    *ret_rest = rest + (end != '\0');
    return 0;
}

static int read_ssh_ports(struct worker_config *config, struct error *err)
{
    const char *rest = config->ssh_ports;
    unsigned long first = 0, last = 0;
    if (number(rest, '-', 65535, &first, &rest) < 0 ||
        number(rest, '\0', 65535, &last, &rest) < 0 || first < 1024 || last < first)
        return fail(err, FAULT_INVALID,
                    "ssh_ports: '%s' is not a range FIRST-LAST within 1024-65535",
                    config->ssh_ports);
    config->first_port = (uint16_t)first;
    config->last_port = (uint16_t)last;
    return 0;
}

static int read_subnets(struct worker_config *config, struct error *err)
{
    char base[SUBNET_SIZE];
    struct in_addr address;
    unsigned long bits = 0;
    const char *slash = strchr(config->subnets, '/');
    const char *rest = slash ? slash + 1 : "";
    size_t length = slash ? (size_t)(slash - config->subnets) : sizeof base;
    if (length < sizeof base)
        snprintf(base, sizeof base, "%.*s", (int)length, config->subnets);
    if (length >= sizeof base || inet_pton(AF_INET, base, &address) != 1 ||
        number(rest, '\0', 29, &bits, &rest) < 0 || bits < 8 || (long)bits > config->subnet_bits)
        return fail(err, FAULT_INVALID,
                    "subnets: '%s' is not a pool such as 10.201.0.0/16 that holds /%ld networks",
                    config->subnets, config->subnet_bits);
    config->subnet_base = ntohl(address.s_addr);
    if (config->subnet_base & (0xffffffffU >> bits))
        return fail(err, FAULT_INVALID, "subnets: '%s' has bits beyond its /%lu", config->subnets,
                    bits);
    config->subnet_count = 1U << ((unsigned)config->subnet_bits - (unsigned)bits);
    return 0;
}

static int check(struct worker_config *config, struct error *err)
{
    enum log_level level;
    struct sockaddr_storage address;
    socklen_t length = 0;
    if (!name_is_server(config->server))
        return fail(err, FAULT_INVALID, "server: '%s' is not a server name", config->server);
    if (addresses_check(config->addresses, err) < 0)
        return -1;
    if (!log_level_parse(config->log_level, &level))
        return fail(err, FAULT_INVALID, "log_level: '%s' is none of error, warning, info, debug",
                    config->log_level);
    if (duration_parse(config->expired_kept, &config->expired_kept_s, err) < 0)
        return fail_while(err, "expired_kept");
    if (size_parse(config->disk_floor, &config->disk_floor_bytes, err) < 0)
        return fail_while(err, "disk_floor");
    if (config->metrics && loopback_parse(config->metrics, &address, &length, err) < 0)
        return fail_while(err, "metrics");
    if (read_ssh_ports(config, err) < 0)
        return -1;
    return read_subnets(config, err);
}

int worker_config_read(const char *path, struct worker_config *ret_config, struct error *err)
{
    struct worker_config config = {0};
    if (settings_read(path, settings, SETTING_COUNT, &config, err) < 0)
        return -1;
    if (check(&config, err) < 0) {
        worker_config_clear(&config);
        return fail_while(err, "%s", path);
    }
    *ret_config = config;
    return 0;
}

void worker_config_clear(struct worker_config *config)
{
    settings_free(settings, SETTING_COUNT, config);
}

void worker_config_subnet(const struct worker_config *config, unsigned index,
                          char ret_subnet[SUBNET_SIZE])
{
    uint32_t base = config->subnet_base + (index << (32 - (unsigned)config->subnet_bits));
    snprintf(ret_subnet, SUBNET_SIZE, "%u.%u.%u.%u/%ld", base >> 24, (base >> 16) & 255,
             (base >> 8) & 255, base & 255, config->subnet_bits);
}
