/* Files of an administrator's: settings, addresses, the keyring; and the URLs in them. */
#include <string.h>

#include "common/auto.h"
#include "common/url.h"
#include "tests/fuzz/fuzz.h"
#include "worker/addresses.h"
#include "worker/config.h"
#include "worker/keyring.h"
#include "worker/labels.h"

static void check_worker_conf(const char *path)
{
    struct worker_config config = {0};
    struct error err = {0};

    if (worker_config_read(path, &config, &err) < 0) {
        fuzz_check_error(&err);
        return;
    }
    HOLDS(config.addresses[0] && config.first_port >= 1024 &&
          config.first_port <= config.last_port);
    HOLDS(config.subnet_count > 0 && config.runners > 0);
    char subnet[SUBNET_SIZE];
    worker_config_subnet(&config, config.subnet_count - 1, subnet);
    HOLDS(memchr(subnet, '\0', sizeof(subnet)) != NULL);
    worker_config_clear(&config);
}

static void check_addresses(const char *path)
{
    char *usual[] = {"127.0.0.1", NULL};
    AUTO(string) char *file = strdup(path);
    const struct worker_config config = {.addresses = usual, .address_file = file};
    char **addresses = NULL;
    struct error err = {0};

    if (addresses_read(&config, &addresses, &err) < 0) {
        fuzz_check_error(&err);
        return;
    }
    HOLDS(addresses_check(addresses, NULL) == 0);
    AUTO(string) char *text = addresses_text(addresses);
    HOLDS(text != NULL);
    addresses_free(addresses);
}

static void check_keyring(const char *path)
{
    AUTO(keyring) struct keyring *keyring = NULL;
    struct error err = {0};

    if (keyring_read(path, &keyring, &err) < 0) {
        fuzz_check_error(&err);
        return;
    }
    const struct key *newest = keyring_newest(keyring);
    HOLDS(newest->length >= KEY_BYTES_MIN && newest->length <= KEY_BYTES_MAX);
    HOLDS(keyring_find(keyring, newest->id) == newest);
}

static void check_url(const char *text)
{
    static const char *const schemes[] = {"amqp", "redis", "unix", NULL};
    struct url url = {.port = 0};
    struct error err = {0};

    if (url_parse(text, schemes, &url, &err) < 0) {
        fuzz_check_error(&err);
        HOLDS(!url.memory);
        return;
    }
    HOLDS(url.host && url.port >= 0 && url.port <= 65535);
    url_clear(&url);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const checks[])(const char *path) = {check_worker_conf, check_addresses,
                                                       check_keyring};
    unsigned chosen = fuzz_choose(&data, &size, 4);

    if (chosen < 3) {
        struct fuzz_file file = fuzz_file_of(data, size);
        checks[chosen](file.path);
        fuzz_file_close(&file);
    } else {
        AUTO(string) char *text = fuzz_text(data, size);
        check_url(text);
    }
    return 0;
}
