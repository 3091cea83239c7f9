#include "tests/unit/journal_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/count.h"

#include <cmocka.h> /* last: it defines a macro fail() */

int journal_place_make(void **state)
{
    static struct place place;

    snprintf(place.directory, sizeof(place.directory), "/tmp/dcm-journal-XXXXXX");
    assert_non_null(mkdtemp(place.directory));
    snprintf(place.path, sizeof(place.path), "%s/journal.db", place.directory);
    *state = &place;
    return 0;
}

int journal_place_remove(void **state)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    const struct place *place = *state;
    char path[80];

    for (size_t i = 0; i < COUNT(suffixes); i++) {
        snprintf(path, sizeof(path), "%s%s", place->path, suffixes[i]);
        unlink(path);
    }
    return rmdir(place->directory);
}

struct journal *open_journal(void *const *state)
{
    const struct place *place = *state;
    struct journal *journal = NULL;
    struct error err = {0};

    if (journal_open(place->path, &journal, &err))
        fail_msg("%s", err.text);
    return journal;
}

struct request request_of(unsigned number)
{
    struct request request = {.op = OP_PING, .user = "alice", .submitted = 1700000000000};

    snprintf(request.id, sizeof(request.id), "0193a1b2-0000-7000-8000-%012u", number);
    request.args = json_object();
    return request;
}

void begin(struct journal *journal, const struct request *request)
{
    struct error err = {0};

    if (journal_begin(journal, request, HASH, "dcm-gate", "{\"the\":\"body\"}", NULL, &err))
        fail_msg("%s", err.text);
}

void end(struct journal *journal, const struct request *request, const char *state)
{
    json_t *result = json_pack("{s:s}", "state", state);
    struct error err = {0};

    if (journal_end(journal, request, HASH, result, &err))
        fail_msg("%s", err.text);
    json_decref(result);
}

struct journal_entry find(struct journal *journal, const char *id)
{
    struct journal_entry entry = {0};
    struct error err = {0};

    if (journal_find(journal, id, &entry, &err))
        fail_msg("%s", err.text);
    return entry;
}

void assert_unfinished(struct journal *journal, const char *expected)
{
    json_t *requests = NULL;

    assert_int_equal(journal_unfinished(journal, &requests, NULL), 0);
    assert_int_equal(json_array_size(requests), strlen(expected));
    for (size_t i = 0; i < json_array_size(requests); i++) {
        const json_t *id = json_object_get(json_array_get(requests, i), "id");
        assert_int_equal(json_string_value(id)[json_string_length(id) - 1], expected[i]);
    }
    json_decref(requests);
}
