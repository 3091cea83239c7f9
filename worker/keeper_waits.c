/*
 * What ran runs again after the server, or its engine, was down. The engine does its part, by each
 * container's restart policy, and only once: an alias that comes up later is too late for it, and
 * what it finds running after it was killed it stops for good (Docker 20.10). So the keeper has a
 * word of its own: a row in the journal (journal_waits.h), made when it sees that the engine tried
 * in vain, or that the index has as running what ended before this engine began. The row stands
 * until the container runs or is gone; once its user has stopped it, or it could not be started, it
 * says that the container waits no more.
 */
#include <stdio.h>
#include <string.h>

#include "common/auto.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/members.h"
#include "worker/addresses.h"
#include "worker/describe.h"
#include "worker/keeper_private.h"
#include "worker/locks.h"
#include "worker/requests/requests.h"

#define WAKE_MOST 4
#define ROUND_MS 3000         /* a start takes a moment, and the heartbeat must not wait for many */
#define ANY_ADDRESS "0.0.0.0" /* it lacks none */

static bool is_stopped(const json_t *inspected)
{
    return strcmp(container_state(inspected), "stopped") == 0;
}

/* What has ended since this engine began has done so by itself, or by somebody's hand. */
static int ran_before(struct runner *keeper, const json_t *entry, const json_t *inspected,
                      bool *ret_ran, struct error *err)
{
    const char *known = text_at(json_object_get(entry, "container"), "state");
    const char *finished = text_at(json_object_get(inspected, "State"), "FinishedAt");
    json_auto_t *network = NULL;
    int64_t ended = 0, began = 0;
    if (!known || strcmp(known, "stopped") == 0 || describe_time(finished, &ended) < 0)
        return 0;
    if (engine_default_network(keeper->engine, &network, err) < 0)
        return err->fault == FAULT_NOT_FOUND ? 0 : -1;
    *ret_ran = describe_time(text_at(network, "Created"), &began) == 0 && ended <= began;
    return 0;
}

/* `row`: what the journal has of it, if it has. */
static int look(struct runner *keeper, const json_t *entry, const json_t *inspected,
                struct wait *row, bool *ret_known, bool *ret_waits, struct error *err)
{
    if (waits_find(keeper->journal, text_at(inspected, "Id"), row, ret_known, err) < 0)
        return -1;
    *ret_waits = false;
    if (!is_stopped(inspected))
        return 0;
    if (*ret_known)
        *ret_waits = strcmp(row->address, WAITS_NO_MORE) != 0;
    else if (container_lacked_address(inspected))
        *ret_waits = true;
    else
        return ran_before(keeper, entry, inspected, ret_waits, err);
    return 0;
}

static void find_missing(const json_t *inspected, char ret_address[WAIT_ADDRESS_SIZE])
{
    struct ports ports;
    uint16_t ssh_port = 0;
    describe_ports(inspected, &ports, &ssh_port);
    const char *missing = addresses_missing(&ports);
    snprintf(ret_address, WAIT_ADDRESS_SIZE, "%s", missing ? missing : "");
}

int keeper_look_at_wait(struct runner *keeper, const json_t *entry, const json_t *inspected,
                        bool *ret_news, char ret_address[WAIT_ADDRESS_SIZE], struct error *err)
{
    struct wait row = {0};
    bool known = false, waits = false;
    if (look(keeper, entry, inspected, &row, &known, &waits, err) < 0)
        return -1;
    ret_address[0] = '\0';
    if (waits)
        find_missing(inspected, ret_address);
    *ret_news = waits && !known;
    return 0;
}

int keeper_note_wait(struct runner *keeper, const char *user, const json_t *entry,
                     const json_t *inspected, char ret_address[WAIT_ADDRESS_SIZE],
                     struct error *err)
{
    struct wait row = {0};
    bool known = false, waits = false;
    const char *id = text_at(inspected, "Id");
    const char *name = text_at(json_object_get(entry, "container"), "name");
    ret_address[0] = '\0';
    if (look(keeper, entry, inspected, &row, &known, &waits, err) < 0)
        return -1;
    if (!waits)
        return known && !is_stopped(inspected) ? waits_forget(keeper->journal, id, err) : 0;
    find_missing(inspected, ret_address);
    const char *awaited = ret_address[0] ? ret_address : ANY_ADDRESS;
    if (known && strcmp(row.address, awaited) == 0)
        return 0;
    if (ret_address[0])
        log_warning("user=%s: %s waits for %s, which this server lacks", user, name, ret_address);
    return waits_note(keeper->journal, id, user, name, awaited, err);
}

static int start_checked(struct runner *keeper, const char *user, const struct owned *owned,
                         struct error *err)
{
    if (container_check_life(keeper, owned, err) < 0 ||
        container_check_policy(keeper, user, owned, NULL, NULL, err) < 0 ||
        engine_container_act(keeper->engine, ENGINE_START, owned->id, NULL, err) < 0)
        return -1;
    log_info("user=%s: %s ran before, and runs again", user, owned->name);
    return 0;
}

/* Once, unless the address has gone again: what cannot be started, or may not, is its user's to
 * start. */
static int start_once(struct runner *keeper, const char *user, const struct owned *owned,
                      struct error *err)
{
    struct error unheard;
    char missing[WAIT_ADDRESS_SIZE];
    find_missing(owned->inspected, missing);
    if (missing[0] || start_checked(keeper, user, owned, err) == 0)
        return 0;
    find_missing(owned->inspected, missing);
    if (fault_fate(err->fault) != FATE_RETRY && !missing[0])
        waits_note(keeper->journal, owned->id, user, owned->name, WAITS_NO_MORE, &unheard);
    return -1;
}

static int bring_up_locked(struct runner *keeper, const char *user, const char *name,
                           const char *id, bool *ret_busy, struct error *err)
{
    AUTO(lock) struct lock lock = {.file = -1};
    AUTO(owned) struct owned owned = {.name = name, .id = id};
    struct wait row = {0};
    bool known = false, waits = false;
    if (lock_try(keeper->config->state, LOCK_CONTAINER, id, &lock, err) < 0)
        return -1;
    *ret_busy = lock.file < 0;
    if (*ret_busy)
        return 0;
    if (keeper_bound_entry(keeper, user, name, id, &owned.entry, err) < 0)
        return -1;
    if (!owned.entry)
        return waits_forget(keeper->journal, id, err); /* seen anew once the index has it */
    if (engine_container_inspect(keeper->engine, id, &owned.inspected, err) < 0)
        return err->fault == FAULT_NOT_FOUND ? 0 : -1;
    if (!container_is_ours(keeper, owned.inspected, user, name, NULL))
        return waits_forget(keeper->journal, id, err);
    if (look(keeper, owned.entry, owned.inspected, &row, &known, &waits, err) < 0)
        return -1;
    return waits ? start_once(keeper, user, &owned, err) : 0;
}

/* The index follows, whatever came of it. */
int keeper_bring_up(struct runner *keeper, const char *user, const char *name, const char *id,
                    struct error *err)
{
    struct error trouble = {0};
    bool busy = false;
    int status = bring_up_locked(keeper, user, name, id, &busy, &trouble);
    if (busy)
        return fail(err, FAULT_CONFLICT, "a request is at it");
    bool later = status < 0 && fault_fate(trouble.fault) == FATE_RETRY;
    if (!later && keeper_refresh(keeper, user, name, id, err) < 0)
        return -1;
    if (status < 0)
        *err = trouble;
    return status;
}

static json_t *as_difference(const struct wait *wait)
{
    return json_pack("[{s:s, s:s, s:s, s:s, s:s}]", "kind", difference_name(DIFFERENCE_DOWN),
                     "remedy", difference_remedy(DIFFERENCE_DOWN), "user", wait->user, "name",
                     wait->name, "id", wait->container);
}

/* A few of those whose address is there. */
static int find_due(struct runner *keeper, struct wait ret_due[WAKE_MOST], size_t *ret_count,
                    struct error *err)
{
    json_auto_t *addresses = NULL;
    size_t i = 0, count = 0;
    json_t *address = NULL;
    if (waits_addresses(keeper->journal, &addresses, err) < 0)
        return -1;
    json_array_foreach(addresses, i, address)
    {
        size_t more = 0;
        const char *text = json_string_value(address);
        if (!address_is_up(text))
            continue;
        if (waits_for(keeper->journal, text, ret_due + count, WAKE_MOST - count, &more, err) < 0)
            return -1;
        count += more;
    }
    *ret_count = count;
    return 0;
}

int keeper_wake(struct runner *keeper, bool *ret_trouble, struct error *err)
{
    struct wait due[WAKE_MOST];
    size_t count = 0;
    int64_t began = clock_ms();
    if (find_due(keeper, due, &count, err) < 0 || (count && runner_identity(keeper, err) < 0))
        return -1;
    for (size_t i = 0; i < count && clock_ms() - began < ROUND_MS; i++) {
        struct error trouble = {0};
        json_auto_t *found = as_difference(&due[i]);
        metrics_add(keeper->metrics, METRIC_DIFFERENCES, difference_name(DIFFERENCE_DOWN), NULL);
        if (keeper_settle(keeper, found, &trouble) < 0)
            log_warning("user=%s: %s is to run again, but: %s", due[i].user, due[i].name,
                        trouble.text);
        *ret_trouble |= !flag_at(json_array_get(found, 0), "done");
    }
    return 0;
}
