#include "common/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "common/auto.h"

#define SPACE " \t\r\n"
#define SEPARATORS " \t,"

/* Where the table says that the field is. */
static void *field_of(const struct setting *setting, void *settings)
{
    return (char *)settings + setting->offset;
}

static int out_of_memory(struct error *err)
{
    return fail(err, FAULT_INTERNAL, "out of memory");
}

static int parse_text(const struct setting *setting, const char *value, void *field,
                      struct error *err)
{
    (void)setting;
    char *copy = strdup(value);
    if (!copy)
        return out_of_memory(err);
    *(char **)field = copy;
    return 0;
}

static int parse_path(const struct setting *setting, const char *value, void *field,
                      struct error *err)
{
    if (value[0] != '/')
        return fail(err, FAULT_INVALID, "%s must be an absolute path", setting->name);
    return parse_text(setting, value, field, err);
}

static int parse_number(const struct setting *setting, const char *value, void *field,
                        struct error *err)
{
    char *end = NULL;

    errno = 0;
    long number = strtol(value, &end, 10);
    if (errno || end == value || *end || number < setting->least || number > setting->most)
        return fail(err, FAULT_INVALID, "%s must be a number from %ld to %ld", setting->name,
                    setting->least, setting->most);
    *(long *)field = number;
    return 0;
}

static void free_text(void *field)
{
    char **text = field;
    free(*text);
    *text = NULL;
}

static void free_list(void *field)
{
    char ***list = field;
    for (char **item = *list; item && *item; item++)
        free(*item);
    free(*list);
    *list = NULL;
}

static void free_number(void *field)
{
    *(long *)field = 0;
}

static int parse_list(const struct setting *setting, const char *value, void *field,
                      struct error *err)
{
    /* At most every second byte begins an item. */
    char **list = calloc(strlen(value) / 2 + 2, sizeof(*list));
    size_t count = 0;

    (void)setting;
    if (!list)
        return out_of_memory(err);
    for (value += strspn(value, SEPARATORS); *value; value += strspn(value, SEPARATORS)) {
        size_t length = strcspn(value, SEPARATORS);
        list[count] = strndup(value, length);
        if (!list[count++]) {
            free_list(&list);
            return out_of_memory(err);
        }
        value += length;
    }
    *(char ***)field = list;
    return 0;
}

static const struct {
    int (*parse)(const struct setting *setting, const char *value, void *field, struct error *err);
    void (*clear)(void *field);
} kinds[] = {
    [SETTING_TEXT] = {parse_text, free_text},
    [SETTING_PATH] = {parse_path, free_text},
    [SETTING_NUMBER] = {parse_number, free_number},
    [SETTING_LIST] = {parse_list, free_list},
};

/* What reading one file needs to remember. */
struct reading {
    const struct setting *table;
    size_t count;
    void *settings;
    bool *seen; /* by row */
    bool open_to_others;
};

static int take_setting(struct reading *reading, const char *name, const char *value,
                        struct error *err)
{
    size_t row = 0;

    while (row < reading->count && strcmp(reading->table[row].name, name) != 0)
        row++;
    if (row == reading->count)
        return fail(err, FAULT_INVALID, "there is no setting \"%s\"", name);

    const struct setting *setting = &reading->table[row];
    if (reading->seen[row])
        return fail(err, FAULT_INVALID, "%s is set twice", name);
    if (value[strspn(value, SEPARATORS)] == '\0')
        return fail(err, FAULT_INVALID, "%s has no value", name);
    if (setting->secret && reading->open_to_others)
        return fail(err, FAULT_INVALID,
                    "%s is a secret, but everybody may read the file: chmod o=", name);
    reading->seen[row] = true;
    return kinds[setting->kind].parse(setting, value, field_of(setting, reading->settings), err);
}

/* Cuts the spaces off both ends, in place. */
static char *trim(char *text)
{
    text += strspn(text, SPACE);
    size_t length = strlen(text);
    while (length > 0 && strchr(SPACE, text[length - 1]))
        length--;
    text[length] = '\0';
    return text;
}

static int take_line(struct reading *reading, char *line, size_t length, struct error *err)
{
    if (strlen(line) != length)
        return fail(err, FAULT_INVALID, "the line holds a NUL byte");
    line = trim(line);
    if (line[0] == '\0' || line[0] == '#')
        return 0;

    char *equals = strchr(line, '=');
    if (!equals)
        return fail(err, FAULT_INVALID, "expected \"name = value\"");
    *equals = '\0';
    return take_setting(reading, trim(line), trim(equals + 1), err);
}

static int read_file(const char *path, struct reading *reading, struct error *err)
{
    AUTO(file) FILE *file = fopen(path, "re");
    AUTO(string) char *line = NULL;
    size_t size = 0;
    ssize_t length;
    struct stat status;

    if (!file || fstat(fileno(file), &status) < 0)
        return fail(err, FAULT_INVALID, "%s: %s", path, strerror(errno));
    reading->open_to_others = status.st_mode & (S_IROTH | S_IWOTH);

    for (size_t number = 1; (length = getline(&line, &size, file)) >= 0; number++)
        if (take_line(reading, line, (size_t)length, err) < 0)
            return fail_while(err, "%s:%zu", path, number);
    if (ferror(file))
        return fail(err, FAULT_INVALID, "%s: %s", path, strerror(errno));
    return 0;
}

static int take_fallbacks(struct reading *reading, struct error *err)
{
    for (size_t row = 0; row < reading->count; row++) {
        const struct setting *setting = &reading->table[row];
        if (reading->seen[row])
            continue;
        if (!setting->fallback)
            return fail(err, FAULT_INVALID, "%s is missing", setting->name);
        /* Only an empty list takes memory: so that callers may walk it without a look. */
        if (!setting->fallback[0] && setting->kind != SETTING_LIST)
            continue;
        void *field = field_of(setting, reading->settings);
        if (kinds[setting->kind].parse(setting, setting->fallback, field, err) < 0)
            return -1;
    }
    return 0;
}

int settings_read(const char *path, const struct setting *table, size_t count, void *settings,
                  struct error *err)
{
    struct reading reading = {.table = table, .count = count, .settings = settings};
    int result = 0;

    reading.seen = calloc(count + 1, sizeof(*reading.seen));
    if (!reading.seen)
        return out_of_memory(err);
    if (path)
        result = read_file(path, &reading, err);
    if (result == 0 && take_fallbacks(&reading, err) < 0)
        result = path ? fail_while(err, "%s", path) : -1;
    free(reading.seen);
    if (result < 0)
        settings_free(table, count, settings);
    return result;
}

void settings_free(const struct setting *table, size_t count, void *settings)
{
    for (size_t row = 0; row < count; row++)
        kinds[table[row].kind].clear(field_of(&table[row], settings));
}
