#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/identifier.h"
#include "schemas/names.h"
#include "schemas/units.h"
#include "submitter/options_private.h"

enum kind { FLAG, TEXT, TEXTS, MOUNTS, PORTS, DURATION, SIZE, CPUS, NUMBER };

struct row {
    const char *name;
    const char *value; /* what stands for it in help; NULL for a flag */
    const char *summary;
    bool (*well_formed)(const char *text); /* TEXT, TEXTS; NULL: anything but nothing */
    const char *expects;                   /* what a well-formed value is, or the least one */
    int64_t least;                         /* of a number, as the request's schema has it */
    int64_t most;                          /* NUMBER; the others' parsers know theirs */
    size_t offset;                         /* of its value in struct options */
    enum kind kind;
    char letter; /* or '\0' */
};

#define AT(member) .offset = offsetof(struct options, member)

static const struct row rows[OPTION_COUNT] = {
    [OPTION_DETACH] = {"detach", NULL, "print the request's id and leave once it is confirmed",
                       .kind = FLAG, .letter = 'd'},
    [OPTION_JSON] = {"json", NULL, "one JSON object per request", .kind = FLAG},
    [OPTION_QUIET] = {"quiet", NULL, "ids only", .kind = FLAG, .letter = 'q'},
    [OPTION_TIMEOUT] = {"timeout", "DURATION", "stop following then; the request goes on",
                        .kind = DURATION, AT(timeout_s)},
    [OPTION_DEADLINE] = {"deadline", "DURATION", "do not start it later than that",
                         .kind = DURATION, AT(deadline_s)},
    [OPTION_BATCH] = {"batch", NULL, "let it wait for its turn, behind whatever is interactive",
                      .kind = FLAG},
    [OPTION_ID] = {"id", "UUID", "repeat an earlier submission", identifier_is_valid,
                   "a request's whole id", .kind = TEXT, AT(id)},
    [OPTION_CONFIG] = {"config", "FILE", "own credentials: publish directly, not through the gate",
                       .kind = TEXT, AT(config)},
    [OPTION_AS] = {"as", "USER", "ask for this user, where the publisher may speak for others",
                   name_is_user, "a user's name", .kind = TEXT, AT(as)},
    [OPTION_VERSION] = {"version", NULL, "print the version", .kind = FLAG},
    [OPTION_HELP] = {"help", NULL, "print this help", .kind = FLAG, .letter = 'h'},
    [OPTION_PORT] = {"port", "PORT", "publish [ADDRESS:][HOST:]CONTAINER[/tcp|udp], or ranges",
                     .kind = PORTS, AT(ports), .letter = 'p'},
    [OPTION_NAME] = {"name", "NAME", "its name; otherwise container<SSH port>",
                     name_is_container_own,
                     "a letter and at most 31 of a-z 0-9 _ . - (container<digits> is reserved)",
                     .kind = TEXT, AT(name)},
    [OPTION_ADDRESS] = {"address", "ADDRESS", "publish ports on this address of the server",
                        name_is_address, "an IPv4 address", .kind = TEXT, AT(address)},
    [OPTION_SERVER] = {"server", "SERVER", "create it on this server", name_is_server,
                       "a server's name", .kind = TEXT, AT(server)},
    [OPTION_CPUS] = {"cpus", "NUMBER", "processors, as 0.5 or 2", .expects = "0.01", .kind = CPUS,
                     AT(millicpus), .least = 10},
    [OPTION_MEMORY] = {"memory", "SIZE", "memory, as 512m or 2g", .expects = "6m", .kind = SIZE,
                       AT(memory), .least = 6 << 20},
    [OPTION_PIDS] = {"pids", "NUMBER", "most processes and threads", .kind = NUMBER, AT(pids),
                     .least = 1, .most = 4194304},
    [OPTION_SHM_SIZE] = {"shm-size", "SIZE", "shared memory (/dev/shm), as 1g", .expects = "1m",
                         .kind = SIZE, AT(shm_size), .least = 1 << 20},
    [OPTION_RESTART] = {"restart", "POLICY",
                        "no, on-failure, unless-stopped (what you get otherwise) or always",
                        option_is_restart, "no, on-failure, unless-stopped or always", .kind = TEXT,
                        AT(restart)},
    [OPTION_GPUS] = {"gpus", "NUMBER", "graphics processors", .kind = NUMBER, AT(gpus), .least = 1,
                     .most = GPUS_MAX},
    [OPTION_ENV] = {"env", "NAME=VALUE", "set a variable of the environment", option_is_setting,
                    "NAME=VALUE of one line, with a name that is not DCM's own", .kind = TEXTS,
                    AT(env)},
    [OPTION_CAP_ADD] = {"cap-add", "CAPABILITY", "a capability beside the usual ones, as NET_ADMIN",
                        option_is_capability, "a capability that could be granted, without CAP_",
                        .kind = TEXTS, AT(capabilities)},
    [OPTION_DEVICE] = {"device", "PATH", "a device of the server, as /dev/fuse", option_is_device,
                       "a path below /dev", .kind = TEXTS, AT(devices)},
    [OPTION_MOUNT] = {"mount", "SRC:DST[:ro]", "a directory of the server, in the container",
                      .kind = MOUNTS, AT(mounts)},
    [OPTION_FORCE] = {"force", NULL, "remove it also while it runs", .kind = FLAG, .letter = 'f'},
    [OPTION_FOLLOW] = {"follow", NULL, "go on with what comes, until Ctrl-C", .kind = FLAG},
    [OPTION_TAIL] = {"tail", "NUMBER", "only the last lines", .kind = NUMBER, AT(tail), .least = 1,
                     .most = 1000000},
    [OPTION_REPLACE] = {"replace", NULL, "also where you have an image of this name", .kind = FLAG},
    [OPTION_MESSAGE] = {"message", "TEXT", "a comment in the image's history", .kind = TEXT,
                        AT(message), .letter = 'm'},
    [OPTION_TTL] = {"ttl", "DURATION",
                    "how long it may live; then it is stopped, and later removed", .expects = "1s",
                    .kind = DURATION, AT(ttl_s), .least = 1},
};

/* ---- values, by kind ---- */

typedef int take(const struct row *row, void *slot, const char *value, struct error *err);

/* A flag's only value is that it was given. */
static int take_flag(const struct row *row, void *slot, const char *value, struct error *err)
{
    (void)row, (void)slot, (void)value, (void)err;
    return 0;
}

static int take_text(const struct row *row, void *slot, const char *value, struct error *err)
{
    if (row->well_formed ? !row->well_formed(value) : *value == '\0')
        return fail(err, FAULT_INVALID, "\"%s\" is not %s", value,
                    row->expects ? row->expects : "a name");
    *(const char **)slot = value;
    return 0;
}

static int take_texts(const struct row *row, void *slot, const char *value, struct error *err)
{
    struct texts *texts = slot;

    if (texts->count == RUN_LIST_MAX)
        return fail(err, FAULT_INVALID, "is there more than %d times", RUN_LIST_MAX);
    return take_text(row, &texts->list[texts->count], value, err) == -1 ? -1 : (texts->count++, 0);
}

static int take_mounts(const struct row *row, void *slot, const char *value, struct error *err)
{
    struct mount mount;
    return option_mount_parse(value, &mount, err) == -1 ? -1 : take_texts(row, slot, value, err);
}

static int take_ports(const struct row *row, void *slot, const char *value, struct error *err)
{
    (void)row;
    return ports_parse(value, slot, err);
}

static int check_least(const struct row *row, int64_t number, const char *value, struct error *err)
{
    if (number < row->least)
        return fail(err, FAULT_INVALID, "%s is too little: use at least %s", value, row->expects);
    return 0;
}

static int take_duration(const struct row *row, void *slot, const char *value, struct error *err)
{
    int64_t *seconds = slot;
    return duration_parse(value, seconds, err) == -1 ? -1 : check_least(row, *seconds, value, err);
}

static int take_size(const struct row *row, void *slot, const char *value, struct error *err)
{
    int64_t *bytes = slot;
    return size_parse(value, bytes, err) == -1 ? -1 : check_least(row, *bytes, value, err);
}

static int take_cpus(const struct row *row, void *slot, const char *value, struct error *err)
{
    int64_t *millicpus = slot;
    return cpus_parse(value, millicpus, err) == -1 ? -1 : check_least(row, *millicpus, value, err);
}

static int take_number(const struct row *row, void *slot, const char *value, struct error *err)
{
    size_t digits = strspn(value, "0123456789");
    int64_t number = digits < 10 ? strtoll(value, NULL, 10) : row->most + 1;

    if (digits == 0 || value[digits] != '\0' || number < row->least || number > row->most)
        return fail(err, FAULT_INVALID, "\"%s\" is not a number from %" PRId64 " to %" PRId64,
                    value, row->least, row->most);
    *(int64_t *)slot = number;
    return 0;
}

static take *const takers[] = {
    [FLAG] = take_flag,     [TEXT] = take_text,   [TEXTS] = take_texts,
    [MOUNTS] = take_mounts, [PORTS] = take_ports, [DURATION] = take_duration,
    [SIZE] = take_size,     [CPUS] = take_cpus,   [NUMBER] = take_number,
};

int option_take(enum option option, const char *value, struct options *options, struct error *err)
{
    const struct row *row = &rows[option];

    if (takers[row->kind](row, (char *)options + row->offset, value, err) == -1)
        return fail_while(err, "--%s", row->name);
    options->given |= TAKES(option);
    return 0;
}

/* ---- what help says ---- */

const char *option_name(enum option option)
{
    return rows[option].name;
}

const char *option_value(enum option option)
{
    return rows[option].value;
}

char option_letter(enum option option)
{
    return rows[option].letter;
}

const char *option_summary(enum option option)
{
    return rows[option].summary;
}

void options_describe(FILE *out, option_set set)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct row *row = &rows[i];
        if (!(set & TAKES(i)))
            continue;
        int width = row->letter ? fprintf(out, "  -%c, --%s", row->letter, row->name)
                                : fprintf(out, "      --%s", row->name);
        if (row->value)
            width += fprintf(out, " %s", row->value);
        fprintf(out, "%*s%s\n", width < 28 ? 28 - width : 1, "", row->summary);
    }
}
