#include "submitter/courier_direct.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/auto.h"
#include "common/clock.h"
#include "common/fault_point.h"
#include "common/members.h"
#include "submitter/mailbox.h"
#include "submitter/publisher.h"

#define KEEP_TIMEOUT_MS 2000

struct direct {
    struct courier courier; /* first: what callers hold is a pointer to it */
    char user[USER_NAME_MAX + 1];
    char *store;
    struct publisher *publisher;
    struct mailbox *mailbox;        /* NULL: no store is configured */
    char followed[IDENTIFIER_SIZE]; /* the container.logs request that the user reads, or "" */
};

static struct direct *direct_of(struct courier *courier)
{
    return (struct direct *)courier;
}

/* The worker refuses an id that is another request's as well, so a store that is down is no reason
 * not to ask. */
static void check_ids(struct direct *direct, const struct request *requests, size_t count,
                      struct error *reasons)
{
    if (direct->mailbox)
        mailbox_check_ids(direct->mailbox, requests, count, reasons);
}

/* They have been asked: that this cannot be noted down here is no failure. */
static void note_down(struct direct *direct, const struct request *requests, size_t count,
                      const struct error *reasons)
{
    if (direct->mailbox)
        mailbox_queue(direct->mailbox, requests, count, reasons, NULL);
    for (size_t i = 0; i < count; i++) {
        const struct request *request = &requests[i];
        if (reasons[i].fault != FAULT_NONE)
            continue;
        if (direct->mailbox && request->op == OP_JOB_CANCEL)
            mailbox_cancel(direct->mailbox, request->user, text_at(request->args, "request"), NULL);
        if (request->op == OP_CONTAINER_LOGS)
            memcpy(direct->followed, request->id, IDENTIFIER_SIZE);
    }
}

void courier_direct_begin(struct courier *courier, struct passage *passage, int timeout_ms)
{
    struct direct *direct = direct_of(courier);
    int64_t until = clock_ms() + timeout_ms;

    memset(passage->reasons, 0, passage->count * sizeof(*passage->reasons));
    check_ids(direct, passage->requests, passage->count, passage->reasons);
    FAULT_POINT("confirm.before");
    passage->publishing = publisher_begin(direct->publisher, passage->requests, passage->count,
                                          clock_left(until, timeout_ms), passage->reasons);
}

int courier_direct_finish(struct courier *courier, struct passage *passage)
{
    struct direct *direct = direct_of(courier);

    int status = publisher_finish(direct->publisher, TAKE(passage->publishing));
    FAULT_POINT("confirm.after");
    note_down(direct, passage->requests, passage->count, passage->reasons);
    return status;
}

static int direct_submit(struct courier *courier, const struct request *requests, size_t count,
                         int timeout_ms, struct error *reasons)
{
    struct passage passage = {.requests = requests, .count = count, .reasons = reasons};

    courier_direct_begin(courier, &passage, timeout_ms);
    return courier_direct_finish(courier, &passage);
}

static int need_mailbox(const struct direct *direct, const char *id, struct error *err)
{
    if (!direct->mailbox)
        return fail(err, FAULT_INVALID, "the configuration names no store, so only --detach works");
    if (id && !identifier_is_valid(id))
        return fail(err, FAULT_INVALID, "this is no request's id");
    return 0;
}

static int direct_record(struct courier *courier, const char *id, json_t **ret_result,
                         struct error *err)
{
    struct direct *direct = direct_of(courier);

    if (need_mailbox(direct, id, err) == -1 ||
        mailbox_record(direct->mailbox, direct->user, id, ret_result, err) == -1)
        return -1;

    const char *op = text_at(*ret_result, "op");
    if (op && strcmp(op, op_name(OP_CONTAINER_LOGS)) == 0)
        memcpy(direct->followed, id, IDENTIFIER_SIZE);
    return 0;
}

static int direct_events(struct courier *courier, const char *id, char cursor[COURIER_CURSOR_SIZE],
                         int wait_ms, json_t **ret_events, struct error *err)
{
    struct direct *direct = direct_of(courier);

    if (need_mailbox(direct, id, err) == -1)
        return -1;
    publisher_keep(direct->publisher); /* whoever follows a request calls this every few seconds */
    /* Or the worker would take the reader for gone, and end the stream. */
    if (strcmp(direct->followed, id) == 0 &&
        mailbox_follow(direct->mailbox, direct->user, id, err) == -1)
        return -1;
    return mailbox_events(direct->mailbox, direct->user, id, cursor, wait_ms, ret_events, err);
}

static int direct_list(struct courier *courier, enum listing listing, json_t **ret_list,
                       struct error *err)
{
    struct direct *direct = direct_of(courier);

    if (need_mailbox(direct, NULL, err) == -1)
        return -1;
    return mailbox_list(direct->mailbox, direct->user, listing, ret_list, err);
}

static void direct_close(struct courier *courier)
{
    struct direct *direct = direct_of(courier);

    publisher_free(direct->publisher);
    mailbox_free(direct->mailbox);
    free(direct->store);
    free(direct);
}

static const struct courier_methods direct_methods = {
    .submit = direct_submit,
    .record = direct_record,
    .events = direct_events,
    .list = direct_list,
    .close = direct_close,
};

int courier_direct_open(const char *const *brokers, const char *store, const char *user,
                        struct courier **ret_courier, struct error *err)
{
    struct direct *direct = calloc(1, sizeof(*direct));
    if (!direct)
        return fail(err, FAULT_INTERNAL, "out of memory");

    AUTO(courier) struct courier *courier = &direct->courier;
    courier->methods = &direct_methods;
    direct->store = store ? strdup(store) : NULL;
    if (store && !direct->store)
        return fail(err, FAULT_INTERNAL, "out of memory");
    courier_direct_set_user(courier, user);
    if (publisher_new(brokers, &direct->publisher, err) == -1)
        return -1;
    if (direct->store && mailbox_new(direct->store, &direct->mailbox, err) == -1)
        return -1;
    *ret_courier = TAKE(courier);
    return 0;
}

void courier_direct_set_user(struct courier *courier, const char *user)
{
    struct direct *direct = direct_of(courier);

    snprintf(direct->user, sizeof(direct->user), "%s", user);
    direct->followed[0] = '\0';
}

int courier_direct_keep(struct courier *courier, struct error *err)
{
    struct direct *direct = direct_of(courier);

    publisher_keep(direct->publisher);
    return publisher_connect(direct->publisher, KEEP_TIMEOUT_MS, err);
}
