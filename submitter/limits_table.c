/* limits as a table: the numbers, a line for each thing, then the lists. */
#include <stdlib.h>
#include <string.h>

#include "common/auto.h"
#include "common/count.h"
#include "common/members.h"
#include "schemas/units.h"
#include "submitter/lists.h"
#include "submitter/printable.h"
#include "submitter/table.h"

#define CELL_SIZE 32

/* ---- numbers ---- */

static void plain_format(int64_t number, char *ret_text, size_t size)
{
    snprintf(ret_text, size, "%lld", (long long)number);
}

/* What is used is seldom round: whole MiB are exact enough for people. */
static void rough_size_format(int64_t bytes, char *ret_text, size_t size)
{
    size_format(bytes >= 10 << 20 ? bytes >> 20 << 20 : bytes, ret_text, size);
}

static const struct number {
    const char *what; /* of a grant */
    const char *title;
    void (*format)(int64_t number, char *ret_text, size_t size);
    bool each; /* a grant without a part bounds one container */
} numbers[] = {
    {"containers", "containers", plain_format, false},
    {"memory", "memory", rough_size_format, false},
    {"millicpus", "cpus", cpus_format, false},
    {"pids", "pids", plain_format, false},
    {"images_kept", "own images", plain_format, false},
    {"image_bytes", "their size", rough_size_format, false},
    {"disk", "disk", rough_size_format, true},
    {"storage", "storage", rough_size_format, false},
    {"life", "life", duration_format, true},
    {"shm_size", "shm-size", rough_size_format, true},
    {"gpus", "gpus", plain_format, true},
};

static const struct number *find_number(const char *what)
{
    for (size_t i = 0; i < COUNT(numbers); i++)
        if (strcmp(numbers[i].what, what) == 0)
            return &numbers[i];
    return NULL;
}

/* ---- lines: what several grants have in common ---- */

enum column { MOST, USED, EACH, USUAL, AMOUNTS };

/* One line of a table, gathered from the grants of one thing. */
struct line {
    const char *server, *what; /* borrowed from the first grant */
    char amounts[AMOUNTS][CELL_SIZE];
    const char *until; /* of the first to end; borrowed */
    char *items;       /* joined by ", "; owned */
    char *rules;       /* the same */
};

static void line_clear(struct line *line)
{
    free(line->items);
    free(line->rules);
    *line = (struct line){0};
}

static void join(char **text, const char *more)
{
    char *joined = NULL;

    if (asprintf(&joined, "%s%s%s", *text ? *text : "", *text ? ", " : "", more) == -1)
        return;
    free(*text);
    *text = joined;
}

/* Is it one of those that were joined? */
static bool is_joined(const char *text, const char *item)
{
    size_t length = strlen(item);

    for (const char *at = text; at; at = strstr(at, ", ")) {
        at += at == text ? 0 : 2;
        if (strncmp(at, item, length) == 0 && (at[length] == '\0' || at[length] == ','))
            return true;
    }
    return false;
}

/* The rule of a part without that part: mostly all parts stand in one place. */
static void join_rule(struct line *line, const char *rule, const char *part)
{
    size_t length = strlen(rule), ending = part ? strlen(part) + 1 : 0;
    const char *dot = part ? strrchr(rule, '.') : NULL;

    if (dot && strcmp(dot + 1, part) == 0)
        length -= ending;
    AUTO(string) char *place = strndup(rule, length);
    if (place && !is_joined(line->rules, place))
        join(&line->rules, place);
}

static enum column column_of(const json_t *grant, const struct number *number)
{
    const char *part = text_at(grant, "part");

    if (part)
        return strcmp(part, "each") == 0 ? EACH : strcmp(part, "usual") == 0 ? USUAL : MOST;
    return number && number->each ? EACH : MOST;
}

static void set_amount(struct line *line, enum column column, const json_t *amount,
                       const struct number *number)
{
    char *cell = line->amounts[column];

    if (json_is_null(amount))
        snprintf(cell, CELL_SIZE, "no end");
    else if (amount)
        (number ? number->format : plain_format)(json_integer_value(amount), cell, CELL_SIZE);
}

static void take_grant(struct line *line, const json_t *item)
{
    const json_t *grant = json_object_get(item, "grant");
    const struct number *number = find_number(text_at(grant, "what"));
    const char *until = text_at(grant, "until"), *listed = text_at(grant, "item");

    line->server = text_at(item, "server");
    line->what = text_at(grant, "what");
    if (listed)
        join(&line->items, listed);
    set_amount(line, column_of(grant, number), json_object_get(grant, "most"), number);
    set_amount(line, USED, json_object_get(grant, "used"), number);
    if (until && (!line->until || strcmp(until, line->until) < 0))
        line->until = until;
    join_rule(line, text_at(grant, "rule"), text_at(grant, "part"));
}

static bool same_text(const char *left, const char *right)
{
    return left == right || (left && right && strcmp(left, right) == 0);
}

/* Numbers of one thing are one line, and so are a list's items with the same rule and end. */
static bool belongs(const struct line *line, const json_t *item)
{
    const json_t *grant = json_object_get(item, "grant");

    return same_text(line->server, text_at(item, "server")) &&
           same_text(line->what, text_at(grant, "what")) &&
           (!line->items || (same_text(line->rules, text_at(grant, "rule")) &&
                             same_text(line->until, text_at(grant, "until"))));
}

/* ---- tables ---- */

static void add_until(struct table *table, const struct line *line)
{
    char until[CELL_SIZE] = "";

    if (line->until) /* to the second */
        snprintf(until, sizeof(until), "%.19sZ", line->until);
    table_add(table, until);
    table_add(table, line->rules);
    table_add(table, line->server);
}

static void add_number(struct table *table, const struct line *line)
{
    const struct number *number = find_number(line->what);

    table_add(table, number ? number->title : line->what);
    table_add(table, line->amounts[USED]);
    table_add(table, line->amounts[MOST]);
    table_add(table, line->amounts[EACH]);
    table_add(table, line->amounts[USUAL]);
    add_until(table, line);
}

static void add_list(struct table *table, const struct line *line)
{
    table_add(table, line->what);
    table_add(table, line->items);
    add_until(table, line);
}

static void print_table(FILE *out, const json_t *items, const char *const *headings, bool of_lists,
                        void (*add)(struct table *table, const struct line *line))
{
    struct line line = {0};
    struct table table;
    size_t i;
    json_t *item;

    table_begin(&table, headings);
    json_array_foreach(items, i, item)
    {
        const json_t *grant = json_object_get(item, "grant");
        bool is_listed = json_object_get(grant, "item") != NULL;
        if (is_listed != of_lists || (!is_listed && !json_object_get(grant, "most")))
            continue;
        if (line.what && !belongs(&line, item)) {
            add(&table, &line);
            line_clear(&line);
        }
        take_grant(&line, item);
    }
    if (line.what)
        add(&table, &line);
    line_clear(&line);
    table_end(&table, out);
}

void print_limits(FILE *out, const json_t *items)
{
    static const char *const of_numbers[] = {
        "WHAT", "USED", "MOST", "PER CONTAINER", "USUAL", "UNTIL", "RULE", "SERVER", NULL};
    static const char *const of_lists[] = {"WHAT", "GRANTED", "UNTIL", "RULE", "SERVER", NULL};
    size_t i;
    json_t *item;

    json_array_foreach(items, i, item)
    {
        if (strcmp(text_at(json_object_get(item, "grant"), "what"), "suspended") != 0)
            continue;
        fputs("You are suspended on ", out);
        print_line_part(out, text_at(item, "server"));
        fputs(": nothing can be created, started or restarted. Ask the administrator.\n", out);
    }
    print_table(out, items, of_numbers, false, add_number);
    fputc('\n', out);
    print_table(out, items, of_lists, true, add_list);
}
