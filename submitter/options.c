#include "submitter/options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/identifier.h"
#include "schemas/names.h"
#include "schemas/units.h"
#include "submitter/commands.h"

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

/* ---- the line ---- */

/* Where we are in it. */
struct line {
    struct options *options;
    int argc, next;
    char **argv;
};

/* attached: what stands in the same word as the option, or NULL. */
static int take_option(struct line *line, size_t which, const char *attached, struct error *err)
{
    const struct row *row = &rows[which];
    const char *value = attached;

    if (row->value && !value) {
        if (line->next == line->argc)
            return fail(err, FAULT_INVALID, "--%s needs a value: --%s %s", row->name, row->name,
                        row->value);
        value = line->argv[line->next++];
    }
    if (takers[row->kind](row, (char *)line->options + row->offset, value, err) == -1)
        return fail_while(err, "--%s", row->name);
    line->options->given |= TAKES(which);
    return 0;
}

/* word: "name" or "name=value". */
static int take_long(struct line *line, const char *word, struct error *err)
{
    size_t length = strcspn(word, "=");
    const char *attached = word[length] == '=' ? word + length + 1 : NULL;

    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (strncmp(rows[i].name, word, length) != 0 || rows[i].name[length] != '\0')
            continue;
        if (attached && !rows[i].value)
            return fail(err, FAULT_INVALID, "--%s takes no value", rows[i].name);
        return take_option(line, i, attached, err);
    }
    return fail(err, FAULT_INVALID, "there is no option --%.*s: see help", (int)length, word);
}

/* letters: "d", "dq", "p80", or "p" with its value in the next word. */
static int take_letters(struct line *line, const char *letters, struct error *err)
{
    while (*letters) {
        size_t which = 0;
        while (which < OPTION_COUNT && rows[which].letter != *letters)
            which++;
        if (which == OPTION_COUNT)
            return fail(err, FAULT_INVALID, "there is no option -%c: see help", *letters);
        letters++;
        if (rows[which].value)
            return take_option(line, which, *letters ? letters : NULL, err);
        if (take_option(line, which, NULL, err) == -1)
            return -1;
    }
    return 0;
}

/* Options are taken as they come; other words are moved to the front of argv. */
static int split(struct line *line, int *ret_words, struct error *err)
{
    int words = 0;
    bool only_words = false;

    while (line->next < line->argc) {
        char *word = line->argv[line->next++];
        int status = 0;
        if (only_words || word[0] != '-' || word[1] == '\0')
            line->argv[words++] = word;
        else if (strcmp(word, "--") == 0)
            only_words = true;
        else if (word[1] == '-')
            status = take_long(line, word + 2, err);
        else
            status = take_letters(line, word + 1, err);
        if (status == -1)
            return -1;
    }
    *ret_words = words;
    return 0;
}

/* What is to be explained is a command line itself. */
static int take_explained(struct options *options, struct error *err)
{
    const struct command *command = command_find(options->operands[0]);

    if (!command)
        return fail(err, FAULT_INVALID, "there is no command \"%s\": see help",
                    options->operands[0]);
    if (!command_is_explained(command))
        return fail(err, FAULT_INVALID, "%s makes no request that a rule could refuse",
                    command->name);
    options->explained = command;
    options->operands++;
    options->count--;
    return 0;
}

/* also: what may stand on the line for another reason. */
static int check_command(const struct options *options, const struct command *command,
                         option_set also, struct error *err)
{
    option_set foreign = options->given & ~(command->options | also | TAKES_ALWAYS);

    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (foreign & TAKES(i))
            return fail(err, FAULT_INVALID, "%s takes no --%s: see help %s", command->name,
                        rows[i].name, command->name);
    if (options->given & TAKES(OPTION_HELP))
        return 0;
    /* The gate takes the user from the kernel: there is nothing that it could be told. */
    if (options->as && !options->config)
        return fail(err, FAULT_INVALID, "--as needs --config: through the gate you are yourself");
    if (options->count < command->least)
        return fail(err, FAULT_INVALID, "%s needs more: %s %s", command->name, command->name,
                    command->operands);
    if (options->count > command->most)
        return fail(err, FAULT_INVALID, "%s takes no \"%s\": %s %s", command->name,
                    options->operands[command->most], command->name, command->operands);
    return 0;
}

int options_parse(int argc, char *argv[], struct options *ret_options, struct error *err)
{
    struct line line = {.options = ret_options, .argc = argc, .argv = argv};
    int words = 0;

    *ret_options = (struct options){0};
    if (split(&line, &words, err) == -1)
        return -1;
    if (words == 0)
        return 0;
    ret_options->command = command_find(argv[0]);
    if (!ret_options->command)
        return fail(err, FAULT_INVALID, "there is no command \"%s\": see help", argv[0]);
    ret_options->operands = argv + 1;
    ret_options->count = words - 1;
    if (ret_options->command->op != OP_POLICY_EXPLAIN || ret_options->count == 0)
        return check_command(ret_options, ret_options->command, 0, err);
    if (take_explained(ret_options, err) == -1)
        return -1;
    return check_command(ret_options, ret_options->explained, ret_options->command->options, err);
}

int options_ports(const struct options *options, struct ports *ret_ports, struct error *err)
{
    *ret_ports = options->ports;
    for (int i = 1; i < options->count; i++)
        if (ports_parse(options->operands[i], ret_ports, err) == -1)
            return -1;
    return 0;
}

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
