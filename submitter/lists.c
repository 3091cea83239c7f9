#include "submitter/lists.h"

#include <stdlib.h>
#include <string.h>

#include "common/auto.h"
#include "common/members.h"
#include "schemas/units.h"
#include "submitter/printable.h"
#include "submitter/table.h"

#define CELL_SIZE 24
#define SHORT_ID 12 /* digits: the part of an id behind its last dash */

/* From the time in `timestamp` to now; "" where there is none. */
static void age_since(const char *timestamp, int64_t now, char ret_text[CELL_SIZE])
{
    int64_t then = 0;

    ret_text[0] = '\0';
    if (timestamp && timestamp_parse(timestamp, &then, NULL) == 0)
        duration_format((now - then) / 1000, ret_text, CELL_SIZE);
}

static void time_until(const char *timestamp, int64_t now, char ret_text[CELL_SIZE])
{
    int64_t then = 0;

    ret_text[0] = '\0';
    if (!timestamp || timestamp_parse(timestamp, &then, NULL) == -1)
        return;
    if (then <= now)
        snprintf(ret_text, CELL_SIZE, "expired");
    else
        duration_format((then - now) / 1000, ret_text, CELL_SIZE);
}

/* As users write ports: "10.0.0.2:8080:80 10.0.0.2:53:53/udp". The caller's to free. */
static char *ports_text(const json_t *ports)
{
    char *text = NULL;
    size_t length = 0, i;
    json_t *port;
    FILE *memory = open_memstream(&text, &length);

    if (!memory)
        return NULL;
    json_array_foreach(ports, i, port)
    {
        const char *address = text_at(port, "address");
        const char *protocol = text_at(port, "protocol");
        fprintf(memory, "%s%s:%" JSON_INTEGER_FORMAT ":%" JSON_INTEGER_FORMAT "%s", i ? " " : "",
                address ? address : "", number_at(port, "host"), number_at(port, "container"),
                protocol && strcmp(protocol, "udp") == 0 ? "/udp" : "");
    }
    fclose(memory);
    return text;
}

static void ssh_port_text(const json_t *container, char ret_text[CELL_SIZE])
{
    snprintf(ret_text, CELL_SIZE, "%" JSON_INTEGER_FORMAT, number_at(container, "ssh_port"));
}

#define STATE_SIZE (CELL_SIZE + 32)

/* "stopped, waits for 10.0.0.3" */
static void state_text(const json_t *container, char ret_text[STATE_SIZE])
{
    const char *state = text_at(container, "state"), *awaited = text_at(container, "waits_for");

    snprintf(ret_text, STATE_SIZE, "%s%s%s", state ? state : "", awaited ? ", waits for " : "",
             awaited ? awaited : "");
}

void print_containers(FILE *out, const json_t *list, int64_t now)
{
    static const char *const headings[] = {"NAME",  "STATE", "SERVER", "ADDRESS", "SSH",
                                           "PORTS", "IMAGE", "AGE",    "LEFT",    NULL};
    struct table table;
    size_t i;
    json_t *item;

    table_begin(&table, headings);
    json_array_foreach(list, i, item)
    {
        const json_t *container = json_object_get(item, "container");
        AUTO(string) char *ports = ports_text(json_object_get(container, "ports"));
        char state[STATE_SIZE], ssh_port[CELL_SIZE], age[CELL_SIZE], left[CELL_SIZE];

        state_text(container, state);
        ssh_port_text(container, ssh_port);
        age_since(text_at(container, "created"), now, age);
        time_until(text_at(container, "expires"), now, left);
        table_add(&table, text_at(container, "name"));
        table_add(&table, state);
        table_add(&table, text_at(item, "server"));
        table_add(&table, text_at(container, "address"));
        table_add(&table, ssh_port);
        table_add(&table, ports);
        table_add(&table, text_at(container, "image"));
        table_add(&table, age);
        table_add(&table, left);
    }
    table_end(&table, out);
}

static const char *image_short_id(const json_t *image, char ret_text[CELL_SIZE])
{
    const char *id = text_at(image, "id");
    const char *digits = id ? strchr(id, ':') : NULL;

    snprintf(ret_text, CELL_SIZE, "%.*s", SHORT_ID, digits ? digits + 1 : id ? id : "");
    return ret_text;
}

void print_images(FILE *out, const json_t *list, int64_t now)
{
    static const char *const headings[] = {"#",      "NAME", "ID",  "OWNER",
                                           "SERVER", "SIZE", "AGE", NULL};
    struct table table;
    size_t i;
    json_t *item;

    table_begin(&table, headings);
    json_array_foreach(list, i, item)
    {
        const json_t *image = json_object_get(item, "image");
        char number[CELL_SIZE], id[CELL_SIZE], size[CELL_SIZE], age[CELL_SIZE];
        const char *owner = text_at(image, "owner");

        snprintf(number, sizeof(number), "%zu", i + 1);
        snprintf(size, sizeof(size), "%" JSON_INTEGER_FORMAT "m", number_at(image, "bytes") >> 20);
        age_since(text_at(image, "created"), now, age);
        table_add(&table, number);
        table_add(&table, text_at(image, "name"));
        table_add(&table, image_short_id(image, id));
        table_add(&table, owner ? owner : "administrator");
        table_add(&table, text_at(item, "server"));
        table_add(&table, size);
        table_add(&table, age);
    }
    table_end(&table, out);
}

static const char *short_id(const json_t *result)
{
    const char *id = text_at(result, "request");
    size_t length = id ? strlen(id) : 0;
    return length > SHORT_ID ? id + length - SHORT_ID : id;
}

void print_requests(FILE *out, const json_t *list, int64_t now)
{
    static const char *const headings[] = {"REQUEST",   "WHAT", "STATE", "SERVER",
                                           "CONTAINER", "AGE",  "ERROR", NULL};
    struct table table;
    size_t i;
    json_t *result;

    table_begin(&table, headings);
    json_array_foreach(list, i, result)
    {
        char age[CELL_SIZE];

        age_since(text_at(result, "submitted"), now, age);
        table_add(&table, short_id(result));
        table_add(&table, text_at(result, "op"));
        table_add(&table, text_at(result, "state"));
        table_add(&table, text_at(result, "server"));
        table_add(&table, text_at(json_object_get(result, "container"), "name"));
        table_add(&table, age);
        table_add(&table, text_at(json_object_get(result, "error"), "code"));
    }
    table_end(&table, out);
}

/* ---- pages ---- */

static void print_fact(FILE *out, const char *name, const char *text)
{
    if (!text || !*text)
        return;
    fprintf(out, "%-10s ", name);
    print_line_part(out, text);
    fputc('\n', out);
}

static void print_container_facts(FILE *out, const json_t *container)
{
    AUTO(string) char *ports = ports_text(json_object_get(container, "ports"));
    char ssh_port[CELL_SIZE];

    ssh_port_text(container, ssh_port);
    print_fact(out, "container", text_at(container, "name"));
    print_fact(out, "id", text_at(container, "id"));
    print_fact(out, "image", text_at(container, "image"));
    print_fact(out, "address", text_at(container, "address"));
    print_fact(out, "ssh port", ssh_port);
    print_fact(out, "ports", ports);
    print_fact(out, "created", text_at(container, "created"));
    print_fact(out, "expires", text_at(container, "expires"));
}

void print_container_page(FILE *out, const json_t *item, int64_t now)
{
    const json_t *container = json_object_get(item, "container");
    char state[STATE_SIZE], left[CELL_SIZE];

    state_text(container, state);
    time_until(text_at(container, "expires"), now, left);
    print_container_facts(out, container);
    print_fact(out, "state", state);
    print_fact(out, "server", text_at(item, "server"));
    print_fact(out, "left", left);
}

void print_request_page(FILE *out, const json_t *result)
{
    const json_t *container = json_object_get(result, "container");
    const json_t *error = json_object_get(result, "error");

    print_fact(out, "request", text_at(result, "request"));
    print_fact(out, "what", text_at(result, "op"));
    print_fact(out, "state", text_at(result, "state"));
    print_fact(out, "server", text_at(result, "server"));
    print_fact(out, "submitted", text_at(result, "submitted"));
    print_fact(out, "finished", text_at(result, "finished"));
    print_fact(out, "error", text_at(error, "message"));
    print_fact(out, "rule", text_at(error, "rule"));
    if (container)
        print_container_facts(out, container);
}
