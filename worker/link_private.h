/* What the link's files share: link.c turns the loop, link_runners.c hands out and hears what comes
 * of it, link_broker.c keeps the connection, link_settle.c acknowledges and parks, link_sort.c
 * fills the queues of the batch class, link_measure.c tells what there is. */
#ifndef DCM_WORKER_LINK_PRIVATE_H
#define DCM_WORKER_LINK_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/amqp_link.h"
#include "worker/batches.h"
#include "worker/config.h"
#include "worker/metrics.h"
#include "worker/workload.h"

#define SORTER_TIMEOUT_MS 2000 /* the loop stands still meanwhile */
/* In hand for each runner. What one server has in hand others lack, and slow ones hold it. */
#define PREFETCH_EACH 32          /* of those that somebody waits for */
#define PREFETCH_UNSORTED_EACH 16 /* which may all be one user's */
/* A runner gets so many for each runner together: the rest comes meanwhile, and one that stands
 * still leaves it to the others. */
#define TOGETHER_EACH 8
/* Of copies of what other servers have, so many are waited for: records can be forged by whoever
 * publishes (docs/protocol.md), and must not fill the hand. */
#define ELSEWHERE_EACH 8
/* And for 20 minutes: a broker ends the connection of whoever keeps a delivery for half an hour
 * (www.rabbitmq.com/docs/consumers#acknowledgement-timeout). */
#define ELSEWHERE_MOST_MS 1200000
#define SETTLED_MOST 256

struct link {
    const struct worker_config *config;
    struct metrics *metrics; /* borrowed */
    struct workload workload;
    struct batches batches;
    struct amqp_link *broker;              /* NULL while disconnected */
    struct consumer interactive, unsorted; /* of these queues */
    struct amqp_link *sorter; /* a second connection, to publish; NULL while there is none */
    int64_t sort_at;          /* when (clock_ms) to use it again, after a failure */
    int64_t batches_at;       /* when to ask again who has a batch queue */
    int64_t measure_at;       /* when (clock_ms) to ask again how long the queues are */
    bool outage;              /* engine or store out of reach */
    bool outage_told;         /* and logged so, until something has got through */
    int64_t doubt_at;         /* from when on (clock_ms) it may be doubted again */
    int64_t connect_at;       /* when (clock_ms) to try the broker again */
    int64_t connect_pause;
    bool broker_missed; /* it has been reported that the broker is out of reach */
    bool returned;      /* a connection broke: what no runner has of it is the broker's again */
    int control;
    bool recalling; /* the journal's leftovers have been asked for */
    bool recalled;  /* and are in hand: what comes from the broker comes after them */
    size_t slots;
    struct runner_slot {
        int socket;    /* -1: no runner */
        size_t number; /* from 1 on */
        size_t out;    /* items that it has in hand */
    } * runners;
    size_t settled; /* of these deliveries, which are to be acknowledged together */
    uint64_t settled_tags[SETTLED_MOST];
};

/* Connect when it is time to, and consume or cancel as outage and stopping have it. */
void link_keep_broker(struct link *link, bool stopping);
/* Whoever meets the failure may have an item in hand, so none is dropped yet. */
void link_lose_broker(struct link *link, const struct error *err);
/* What no runner has of a connection that broke comes again with the next one. */
void link_drop_returned(struct link *link);
/* Read what the broker has sent, without waiting. */
void link_read_broker(struct link *link);
/* Exchanges and queues that are there whoever uses them: not those of users. */
int link_declare_all(struct amqp_link *broker, struct error *err);
/* One more connection to the broker: to publish over, or to consume. */
int link_open_broker(const struct link *link, bool publishes, struct amqp_link **ret_broker,
                     struct error *err);

/* In an outage: perhaps engine and store are back. Take in more, if that was not tried a minute
 * ago. */
void link_doubt_outage(struct link *link);

/* A runner takes the place of the last one in its slot: what that had in hand is ready again. */
void link_meet_runner(struct link *link);
/* One word of this runner's, or its end. */
void link_hear_runner(struct link *link, struct runner_slot *slot);
/* Work for an idle runner, of light requests several. False: there is none, for nobody. */
bool link_hand_out(struct link *link, struct runner_slot *slot);
/* What a runner that does not come again had in hand is the broker's or the journal's. */
void link_drop_items(struct link *link, const struct runner_slot *slot);

/* Acknowledge the item's delivery, if it still has one: with others, before the loop next waits, or
 * once the light ones that came before it and are out have ended. */
void link_settle(struct link *link, struct item *item);
void link_settle_now(struct link *link);
/* Is it a request, whatever may be wrong with it? Else nobody waits for it. */
bool link_is_request(const struct item *item);
/* Set aside what no worker can make anything of, one at a time: a copy is published and confirmed
 * before it is settled. What is no request is thrown away where there is no room for it. */
void link_park_condemned(struct link *link);

/* A delivery that no queue was there for: into its user's, or to a runner first, who says whether
 * there may be one. */
void link_sort(struct link *link, struct item *item);
/* A runner has admitted its user. */
void link_admit(struct link *link, struct item *item);
/* A user of whom a runner says that there is a queue. */
void link_meet_batch(struct link *link, const char *user);
/* Publish what is to be sorted, and find out which queues are there. */
void link_keep_batches(struct link *link);
/* The second connection: one that has published is not read under a broker's alarm,
 * acknowledgements included, so the first one never does. */
int link_need_sorter(struct link *link, struct error *err);
void link_end_sorting(struct link *link);

/* Show how much there is to do, and who does it (worker/metrics.h). */
void link_measure(struct link *link);

#endif
