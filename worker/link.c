#include "worker/link.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/prefork.h"
#include "worker/link_private.h"
#include "worker/walls.h"

#define TURN_MS 1000  /* well under half of the broker's heartbeat */
#define TRIES_ALONE 5 /* after these, what still fails is not taken for an outage */
#define POSTPONED_MOST 1000
#define DOUBT_PAUSE_MS 60000

/* Where the broker has all again that was tried in vain, only its next delivery can show that
 * engine and store are back. And one request that always fails must not stop all others for ever;
 * but what is taken in a true outage is kept from other servers, so that is not tried often. */
void link_doubt_outage(struct link *link)
{
    int64_t now = clock_ms();
    if (link->workload.first && now < link->doubt_at)
        return;
    link->doubt_at = now + DOUBT_PAUSE_MS;
    link->outage = false;
}

static bool is_doubtful(const struct link *link)
{
    return workload_tried(&link->workload, TRIES_ALONE) &&
           workload_count(&link->workload, ITEM_WAITING) < POSTPONED_MOST;
}

static void hand_out_all(struct link *link)
{
    link_drop_returned(link);
    if (link->outage && is_doubtful(link))
        link_doubt_outage(link);
    for (size_t i = 0; i < link->slots; i++) {
        struct runner_slot *slot = &link->runners[i];
        if (slot->socket < 0 || slot->out > 0)
            continue;
        if (link->outage && workload_count(&link->workload, ITEM_OUT) > 0)
            return; /* one at a time tries whether engine and store are back */
        if (!link_hand_out(link, slot))
            return;
    }
}

static void wait_turn(struct link *link, struct pollfd *fds)
{
    size_t count = 0;
    fds[count++] = (struct pollfd){.fd = link->control, .events = POLLIN};
    fds[count++] =
        (struct pollfd){.fd = link->broker ? amqp_link_fd(link->broker) : -1, .events = POLLIN};
    for (size_t i = 0; i < link->slots; i++)
        fds[count++] = (struct pollfd){.fd = link->runners[i].socket, .events = POLLIN};
    int wait = workload_pause(&link->workload, clock_ms(), link->broker ? TURN_MS : 200);
    if (link->broker && amqp_link_has_input(link->broker))
        wait = 0;
    if (poll(fds, (nfds_t)count, wait) < 0)
        return; /* a signal; the loop looks at prefork_stopping */
    for (size_t i = 0; i < link->slots; i++)
        if (fds[i + 2].revents && fds[i + 2].fd == link->runners[i].socket)
            link_hear_runner(link, &link->runners[i]);
    if (fds[0].revents)
        link_meet_runner(link);
}

static int loop(struct link *link, struct pollfd *fds)
{
    bool stopping = false;
    while (!stopping || workload_count(&link->workload, ITEM_OUT) > 0) {
        if (prefork_stopping && !stopping) {
            stopping = true;
            log_info("taking no more requests; %zu under way",
                     workload_count(&link->workload, ITEM_OUT));
        }
        link_keep_broker(link, stopping);
        link_read_broker(link);
        link_settle_now(link);
        if (!stopping) {
            link_park_condemned(link);
            link_keep_batches(link);
            hand_out_all(link);
        }
        link_measure(link);
        wait_turn(link, fds);
        if (!stopping)
            continue;
        /* Runners leave too; what one left undone is the broker's or the journal's again. */
        for (size_t i = 0; i < link->slots; i++)
            if (link->runners[i].socket < 0)
                link_drop_items(link, &link->runners[i]);
    }
    link_settle_now(link);
    return EXIT_SUCCESS;
}

int link_run(const struct worker_config *config, struct metrics *metrics, int control)
{
    struct error err = {0};
    struct link link = {
        .config = config, .metrics = metrics, .control = control, .slots = (size_t)config->runners};
    if (walls_raise(config, PROCESS_LINK, &err) < 0) {
        log_error("%s", err.text);
        return EXIT_FAILURE;
    }
    workload_init(&link.workload);
    link.runners = calloc(link.slots, sizeof *link.runners);
    struct pollfd *fds = calloc(link.slots + 2, sizeof *fds);
    if (!link.runners || !fds) {
        free(link.runners);
        free(fds);
        return EXIT_FAILURE;
    }
    for (size_t i = 0; i < link.slots; i++)
        link.runners[i] = (struct runner_slot){.socket = -1, .number = i + 1};
    int status = loop(&link, fds);
    amqp_link_close(link.broker);
    link_end_sorting(&link);
    workload_clear(&link.workload);
    batches_clear(&link.batches);
    free(link.runners);
    free(fds);
    return status;
}
