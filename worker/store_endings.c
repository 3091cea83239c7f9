/* Requests that are claimed and ended in one: those of a user by one call of `end_unclaimed`
 * (schemas/store/10_requests.lua), those of several users in one round trip. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/auto.h"
#include "schemas/keys.h"
#include "schemas/result.h"
#include "worker/store_private.h"
#include "worker/store_requests.h"

#define KEYS_EACH 2      /* record and stream */
#define ARGUMENTS_EACH 7 /* as ENDING names them */

/* What the function is told of one request; keys and arguments point into it. */
struct ending {
    char record[KEY_SIZE], stream[KEY_SIZE];
    char submitted[24];
    char *result, *event; /* owned */
};

/* One user's. */
struct user_endings {
    char requests[KEY_SIZE], told[KEY_SIZE];
    size_t count;
    size_t places[STORE_TOGETHER]; /* among all endings */
    const char *keys[STORE_TOGETHER * KEYS_EACH + 1];
    const char *arguments[STORE_TOGETHER * ARGUMENTS_EACH + 1];
};

struct endings {
    char retention[24];
    struct ending list[STORE_TOGETHER];
    size_t users;
    struct user_endings *of_users[STORE_TOGETHER]; /* owned */
    struct store_call calls[STORE_TOGETHER];       /* one for each user */
};

static void auto_endings(struct endings **slot)
{
    struct endings *endings = *slot;
    for (size_t i = 0; endings && i < STORE_TOGETHER; i++) {
        free(endings->list[i].result);
        free(endings->list[i].event);
        free(endings->of_users[i]);
    }
    free(endings);
}

static int write_ending(const struct store *store, const struct store_ending *asked,
                        struct ending *ending, struct error *err)
{
    const struct request *request = asked->request;
    ending->result = result_done_text(request, store->server);
    ending->event = event_progress(request->id, PHASE_DONE);
    if (!ending->result || !ending->event)
        return fail(err, FAULT_INTERNAL, "out of memory");
    key_of_user(ending->record, KEY_REQUEST, request->user, request->id);
    key_of_user(ending->stream, KEY_EVENTS, request->user, request->id);
    snprintf(ending->submitted, sizeof(ending->submitted), "%" PRId64, request->submitted);
    return 0;
}

static void add_ending(struct user_endings *user, const struct store_ending *asked,
                       const struct ending *ending, size_t place)
{
    const char *const keys[KEYS_EACH] = {ending->record, ending->stream};
    const char *const arguments[ARGUMENTS_EACH] = {asked->request->id,
                                                   op_name(asked->request->op),
                                                   asked->hash,
                                                   ending->submitted,
                                                   "done",
                                                   ending->result,
                                                   ending->event};
    memcpy(&user->keys[user->count * KEYS_EACH], keys, sizeof(keys));
    memcpy(&user->arguments[user->count * ARGUMENTS_EACH], arguments, sizeof(arguments));
    user->places[user->count++] = place;
}

static bool is_of(const struct user_endings *user, const struct store_ending *all, const char *name)
{
    return strcmp(all[user->places[0]].request->user, name) == 0;
}

/* The user's, who may have come before. NULL: out of memory. */
static struct user_endings *user_of(struct endings *endings, const struct store *store,
                                    const struct store_ending *all, const char *name)
{
    for (size_t i = 0; i < endings->users; i++)
        if (is_of(endings->of_users[i], all, name))
            return endings->of_users[i];
    struct user_endings *user = calloc(1, sizeof(*user));
    if (!user)
        return NULL;
    key_of_user(user->requests, KEY_REQUESTS, name, NULL);
    key_of_user(user->told, KEY_TOLD, name, NULL);
    endings->of_users[endings->users] = user;
    endings->calls[endings->users++] =
        (struct store_call){.function = "end_unclaimed",
                            .keys = {user->requests, user->told},
                            .arguments = {store->server, endings->retention},
                            .more_keys = user->keys,
                            .more_arguments = user->arguments};
    return user;
}

static int write_endings(struct endings *endings, const struct store *store,
                         const struct store_ending *all, size_t count, struct error *err)
{
    snprintf(endings->retention, sizeof(endings->retention), "%d", REQUEST_RETENTION_S);
    for (size_t i = 0; i < count; i++) {
        if (write_ending(store, &all[i], &endings->list[i], err) < 0)
            return -1;
        struct user_endings *user = user_of(endings, store, all, all[i].request->user);
        if (!user)
            return fail(err, FAULT_INTERNAL, "out of memory");
        add_ending(user, &all[i], &endings->list[i], i);
    }
    return 0;
}

static void read_words(const struct user_endings *user, const json_t *words, bool *ret_ended)
{
    for (size_t i = 0; i < user->count; i++) {
        const char *word = json_string_value(json_array_get(words, i));
        ret_ended[user->places[i]] = word && strcmp(word, "done") == 0;
    }
}

int store_end_unclaimed(struct store *store, const struct store_ending *endings, size_t count,
                        bool *ret_ended, struct error *err)
{
    /* Not on the stack, which keeps what it has once grown to. */
    AUTO(endings) struct endings *written = NULL;
    json_auto_t *answers = NULL;

    if (count == 0 || count > STORE_TOGETHER)
        return fail(err, FAULT_INTERNAL, "%zu endings at a time", count);
    written = calloc(1, sizeof(*written));
    if (!written)
        return fail(err, FAULT_INTERNAL, "out of memory");
    if (write_endings(written, store, endings, count, err) < 0 ||
        store_call_all(store, written->calls, written->users, &answers, err) < 0)
        return -1;
    for (size_t i = 0; i < written->users; i++)
        read_words(written->of_users[i], json_array_get(answers, i), ret_ended);
    return 0;
}
