/* What the store refused, in words: one row for each value of "refused" (schemas/store/). */
#include <stdio.h>
#include <string.h>

#include "common/count.h"
#include "common/members.h"
#include "worker/store_containers.h"
#include "worker/store_private.h"

#define AMOUNT_SIZE 48
#define SHOWN_MAX 3 /* ports in one message; the rest is counted */

/* What a message can show. */
static const char *text_of(const json_t *object, const char *name)
{
    const char *text = text_at(object, name);
    return text ? text : "";
}

/* A quota's amount as people write it: "512 MiB", "1.50". */
struct measure {
    const char *what;  /* in the answer */
    const char *title; /* in the message */
    const char *unit;
    json_int_t one; /* this many are one unit */
};
static const struct measure measures[] = {
    {"containers", "containers", "", 1},
    {"memory", "memory", " MiB", 1 << 20},
    {"millicpus", "processors", "", 1000},
    {"pids", "processes", "", 1},
    {"images", "images of your own", "", 1},
    {"image_bytes", "bytes of your own images", " MiB", 1 << 20},
};

static void write_amount(const struct measure *measure, json_int_t amount,
                         char ret_text[AMOUNT_SIZE])
{
    if (amount % measure->one == 0)
        snprintf(ret_text, AMOUNT_SIZE, "%" JSON_INTEGER_FORMAT "%s", amount / measure->one,
                 measure->unit);
    else
        snprintf(ret_text, AMOUNT_SIZE, "%.2f%s", (double)amount / (double)measure->one,
                 measure->unit);
}

static const struct measure *find_measure(const json_t *quota)
{
    const char *what = text_of(quota, "what");
    for (size_t i = 0; i < COUNT(measures); i++)
        if (strcmp(measures[i].what, what) == 0)
            return &measures[i];
    return measures;
}

void store_quota_text(const json_t *quota, char ret_text[STORE_QUOTA_SIZE])
{
    const struct measure *measure = find_measure(quota);
    char asked[AMOUNT_SIZE];
    char used[AMOUNT_SIZE];
    char most[AMOUNT_SIZE];
    write_amount(measure, number_at(quota, "asked"), asked);
    write_amount(measure, number_at(quota, "used"), used);
    write_amount(measure, number_at(quota, "most"), most);
    snprintf(ret_text, STORE_QUOTA_SIZE, "%s in all: %s more, beside %s of %s", measure->title,
             asked, used, most);
}

static int refuse_quota(const json_t *answer, struct error *err)
{
    const struct measure *measure = find_measure(answer);
    bool of_images = strncmp(measure->what, "image", strlen("image")) == 0;
    char asked[AMOUNT_SIZE];
    char used[AMOUNT_SIZE];
    char most[AMOUNT_SIZE];
    write_amount(measure, number_at(answer, "asked"), asked);
    write_amount(measure, number_at(answer, "used"), used);
    write_amount(measure, number_at(answer, "most"), most);
    return fail_by_rule(err, FAULT_QUOTA, text_of(answer, "rule"),
                        "%s: %s asked for, and %s of %s in use: remove %s%s", measure->title, asked,
                        used, most, of_images ? "an image" : "a container",
                        of_images || measure == measures ? " first" : ", or ask for less");
}

/* "port 80/tcp is taken on 10.0.0.1 and 10.0.0.2" for each, as far as there is room. */
static int refuse_ports(const json_t *answer, struct error *err)
{
    char text[200] = ""; /* the last byte stays NUL, however much is written */
    FILE *out = fmemopen(text, sizeof(text) - 1, "w");
    if (!out)
        return fail(err, FAULT_CONFLICT, "a port is taken: choose another one");

    const json_t *taken = json_object_get(answer, "taken");
    size_t count = json_array_size(taken);
    for (size_t i = 0; i < count && i < SHOWN_MAX; i++) {
        const json_t *port = json_array_get(taken, i);
        const json_t *addresses = json_object_get(port, "addresses");
        fprintf(out, "%sport %" JSON_INTEGER_FORMAT "/%s is taken", i ? "; " : "",
                number_at(port, "host"), text_of(port, "protocol"));
        for (size_t j = 0; j < json_array_size(addresses); j++)
            fprintf(out, "%s%s", j ? " and " : " on ",
                    json_string_value(json_array_get(addresses, j)));
    }
    if (count > SHOWN_MAX)
        fprintf(out, "; and %zu more", count - SHOWN_MAX);
    fclose(out);
    return fail(err, FAULT_CONFLICT, "%s: choose another host port", text);
}

static int refuse_twice(const json_t *answer, struct error *err)
{
    return fail(err, FAULT_INVALID, "port %" JSON_INTEGER_FORMAT "/%s is asked for twice",
                number_at(answer, "host"), text_of(answer, "protocol"));
}

static int refuse_name(const json_t *answer, struct error *err)
{
    return fail(err, FAULT_CONFLICT,
                "you have a container %s already: choose another name, or remove that one",
                text_of(answer, "name"));
}

static int refuse_image_name(const json_t *answer, struct error *err)
{
    return fail(err, FAULT_CONFLICT, "you have an image %s already: use --replace, or another name",
                text_of(answer, "name"));
}

static int refuse_image_server(const json_t *answer, struct error *err)
{
    return fail(err, FAULT_CONFLICT, "your image %s is on the server %s: use another name",
                text_of(answer, "name"), text_of(answer, "server"));
}

static int refuse_ssh_ports(const json_t *answer, struct error *err)
{
    return fail(err, FAULT_CONFLICT,
                "this server has no free SSH port from %" JSON_INTEGER_FORMAT
                " to %" JSON_INTEGER_FORMAT ": use another server, or ask the administrator",
                number_at(answer, "first"), number_at(answer, "last"));
}

static int refuse_subnets(const json_t *answer, struct error *err)
{
    return fail(err, FAULT_CONFLICT,
                "all %" JSON_INTEGER_FORMAT
                " subnets of this server are in use: use another server, or ask the administrator",
                number_at(answer, "most"));
}

static int refuse_subnet(const json_t *answer, struct error *err)
{
    return fail(err, FAULT_CONFLICT, "subnet %" JSON_INTEGER_FORMAT " belongs to user %s",
                number_at(answer, "subnet"), text_of(answer, "user"));
}

static int refuse_gone(const json_t *answer, struct error *err)
{
    return fail(err, FAULT_CONFLICT, "the reservation of %s ran out: create it again",
                text_of(answer, "name"));
}

static int refuse_replaced(const json_t *answer, struct error *err)
{
    return fail(err, FAULT_CONFLICT, "%s is being recreated: try again in a moment",
                text_of(answer, "name"));
}

static int refuse_missing(const json_t *answer, struct error *err)
{
    return fail(err, FAULT_NOT_FOUND, "the user has no container %s on this server",
                text_of(answer, "name"));
}

static const struct {
    const char *refused;
    int (*refuse)(const json_t *answer, struct error *err);
} refusals[] = {
    {"quota", refuse_quota},           {"ports", refuse_ports},
    {"twice", refuse_twice},           {"name", refuse_name},
    {"subnets", refuse_subnets},       {"subnet", refuse_subnet},
    {"image_name", refuse_image_name}, {"image_server", refuse_image_server},
    {"ssh_ports", refuse_ssh_ports},   {"gone", refuse_gone},
    {"missing", refuse_missing},       {"replaced", refuse_replaced},
};

int store_refuse(const json_t *answer, struct error *err)
{
    const char *refused = text_of(answer, "refused");
    for (size_t i = 0; i < COUNT(refusals); i++)
        if (strcmp(refusals[i].refused, refused) == 0)
            return refusals[i].refuse(answer, err);
    return fail(err, FAULT_INTERNAL, "the store refused: %s", refused);
}
