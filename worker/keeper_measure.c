/* What the keeper shows to Prometheus (worker/metrics.h) of what it sees anyway. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "common/count.h"
#include "common/members.h"
#include "schemas/digest.h"
#include "schemas/units.h"
#include "worker/keeper_private.h"

/* SSH is leased on every address (schemas/store/20_leases.lua), direct ports on one of ours. */
static bool is_ssh(const struct worker_config *config, const char *port, const char *address)
{
    unsigned long number = strncmp(port, "tcp/", 4) == 0 ? strtoul(port + 4, NULL, 10) : 0;
    return strcmp(address, "0.0.0.0") == 0 && number >= config->first_port &&
           number <= config->last_port;
}

void keeper_count_lease(const struct runner *keeper, struct keeper_census *census, const char *port,
                        const char *address)
{
    if (is_ssh(keeper->config, port, address))
        census->ssh_ports++;
    else
        census->direct_ports++;
}

void keeper_count_container(struct keeper_census *census, const char *state)
{
    if (strcmp(state, "running") == 0)
        census->running++;
    else if (strcmp(state, "paused") == 0)
        census->paused++;
    else
        census->stopped++;
}

void keeper_measure_census(const struct runner *keeper, const struct keeper_census *census)
{
    const struct {
        enum metric metric;
        const char *label;
        size_t count;
    } rows[] = {{METRIC_CONTAINERS, "running", census->running},
                {METRIC_CONTAINERS, "paused", census->paused},
                {METRIC_CONTAINERS, "stopped", census->stopped},
                {METRIC_PORTS, "ssh", census->ssh_ports},
                {METRIC_PORTS, "direct", census->direct_ports},
                {METRIC_SUBNETS_LEASED, NULL, census->subnets}};
    for (size_t i = 0; i < COUNT(rows); i++)
        metrics_set(keeper->metrics, rows[i].metric, rows[i].label, rows[i].count);
}

void keeper_measure_differences(const struct runner *keeper, const json_t *found)
{
    size_t left[DIFFERENCE_COUNT] = {0};
    size_t i = 0;
    const json_t *item = NULL;
    json_array_foreach(found, i, item)
    {
        const char *name = text_at(item, "kind");
        metrics_add(keeper->metrics, METRIC_DIFFERENCES, name, NULL);
        for (enum difference kind = 0; name && kind < DIFFERENCE_COUNT; kind++)
            left[kind] += strcmp(name, difference_name(kind)) == 0 && !flag_at(item, "done");
    }
    for (enum difference kind = 0; kind < DIFFERENCE_COUNT; kind++)
        metrics_set(keeper->metrics, METRIC_DIFFERENCES_LEFT, difference_name(kind), left[kind]);
    metrics_set(keeper->metrics, METRIC_COMPARED, NULL, (uint64_t)timestamp_now());
}

static void measure_disk(const struct runner *keeper, const char *place, const char *folder)
{
    struct statvfs disk;
    if (!folder[0] || statvfs(folder, &disk) < 0)
        return;
    metrics_set(keeper->metrics, METRIC_DISK, place, disk.f_blocks * disk.f_frsize);
    metrics_set(keeper->metrics, METRIC_DISK_FREE, place, disk.f_bavail * disk.f_frsize);
}

void keeper_measure_server(const struct runner *keeper)
{
    char policy[DIGEST_SIZE];
    json_digest(keeper->policy, policy);
    policy[16] = '\0'; /* as much as a word holds */
    metrics_set(keeper->metrics, METRIC_POLICY, NULL, strtoull(policy, NULL, 16));
    metrics_set(keeper->metrics, METRIC_DISK_FLOOR, NULL,
                (uint64_t)keeper->config->disk_floor_bytes);
    measure_disk(keeper, "engine", keeper->data_root);
    measure_disk(keeper, "storage", keeper->config->storage);
    measure_disk(keeper, "state", keeper->config->state);
}
