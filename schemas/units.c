#include "schemas/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/count.h"

#define DIGITS "0123456789"

struct unit {
    const char *suffix;
    int64_t factor;
};

static const struct unit durations[] = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
#define DURATION_MAX (INT64_C(10) * 365 * 86400)

static const struct unit sizes[] = {
    {"", 1},
    {"k", INT64_C(1) << 10},
    {"m", INT64_C(1) << 20},
    {"g", INT64_C(1) << 30},
    {"t", INT64_C(1) << 40},
};
#define SIZE_BYTES_MAX (INT64_C(1) << 53)

#define CPUS_MAX INT64_C(1024)
#define TIMESTAMP_MAX INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */

/* Digits and the suffix of one of the units; the product is at most `most`. */
static bool parse_quantity(const char *text, const struct unit *units, size_t count, int64_t most,
                           int64_t *ret_value)
{
    size_t digits = strspn(text, DIGITS);
    const struct unit *unit = units;
    while (unit < units + count && strcmp(text + digits, unit->suffix) != 0)
        unit++;
    if (digits == 0 || unit == units + count)
        return false;
    int64_t number = 0;
    for (size_t i = 0; i < digits; i++) {
        number = number * 10 + (text[i] - '0');
        if (number > most / unit->factor) /* also keeps the next step from overflowing */
            return false;
    }
    *ret_value = number * unit->factor;
    return true;
}

int duration_parse(const char *text, int64_t *ret_seconds, struct error *err)
{
    if (!parse_quantity(text, durations, COUNT(durations), DURATION_MAX, ret_seconds))
        return fail(err, FAULT_INVALID,
                    "\"%.32s\" is not a duration: use 30s, 10m, 8h or 7d, at most 3650d", text);
    return 0;
}

int size_parse(const char *text, int64_t *ret_bytes, struct error *err)
{
    if (!parse_quantity(text, sizes, COUNT(sizes), SIZE_BYTES_MAX, ret_bytes))
        return fail(err, FAULT_INVALID,
                    "\"%.32s\" is not a size: use 512m or 2g (k, m, g, t or plain bytes)", text);
    return 0;
}

int cpus_parse(const char *text, int64_t *ret_millicpus, struct error *err)
{
    size_t whole = strspn(text, DIGITS);
    const char *point = text + whole;
    size_t places = *point == '.' ? strspn(point + 1, DIGITS) : 0;
    bool fraction_ok = *point == '\0' || (places >= 1 && places <= 3 && !point[1 + places]);
    bool whole_ok = whole == 1 || (whole >= 2 && whole <= 4 && text[0] != '0');
    int64_t millicpus = 0;
    if (whole_ok && fraction_ok) {
        for (size_t i = 0; i < whole; i++)
            millicpus = millicpus * 10 + (text[i] - '0');
        for (size_t i = 1; i <= 3; i++)
            millicpus = millicpus * 10 + (i <= places ? point[i] - '0' : 0);
    }
    if (!whole_ok || !fraction_ok || millicpus > CPUS_MAX * 1000)
        return fail(err, FAULT_INVALID,
                    "\"%.32s\" is not a number of processors: use 0.5 or 2, at most %" PRId64, text,
                    CPUS_MAX);
    *ret_millicpus = millicpus;
    return 0;
}

static void put_number(char *text, size_t digits, int number)
{
    for (; digits > 0; digits--, number /= 10)
        text[digits - 1] = (char)('0' + number % 10);
}

void timestamp_format(int64_t milliseconds, char ret_text[TIMESTAMP_SIZE])
{
    if (milliseconds < 0)
        milliseconds = 0;
    if (milliseconds > TIMESTAMP_MAX)
        milliseconds = TIMESTAMP_MAX;
    time_t seconds = (time_t)(milliseconds / 1000);
    struct tm parts = {0};
    gmtime_r(&seconds, &parts);
    memcpy(ret_text, "dddd-dd-ddTdd:dd:dd.dddZ", TIMESTAMP_SIZE);
    put_number(ret_text, 4, parts.tm_year + 1900);
    put_number(ret_text + 5, 2, parts.tm_mon + 1);
    put_number(ret_text + 8, 2, parts.tm_mday);
    put_number(ret_text + 11, 2, parts.tm_hour);
    put_number(ret_text + 14, 2, parts.tm_min);
    put_number(ret_text + 17, 2, parts.tm_sec);
    put_number(ret_text + 20, 3, (int)(milliseconds % 1000));
}

static int digits_at(const char *text, size_t digits)
{
    int number = 0;
    for (size_t i = 0; i < digits; i++)
        number = number * 10 + (text[i] - '0');
    return number;
}

static bool parse_timestamp(const char *text, int64_t *ret_milliseconds)
{
    static const char form[] = "dddd-dd-ddTdd:dd:dd.dddZ";
    if (!text || strlen(text) != strlen(form))
        return false;
    for (size_t i = 0; form[i]; i++)
        if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
            return false;
    struct tm parts = {
        .tm_year = digits_at(text, 4) - 1900,
        .tm_mon = digits_at(text + 5, 2) - 1,
        .tm_mday = digits_at(text + 8, 2),
        .tm_hour = digits_at(text + 11, 2),
        .tm_min = digits_at(text + 14, 2),
        .tm_sec = digits_at(text + 17, 2),
    };
    /* timegm turns 30 February into 2 March: what does not stay as it was said was no time. */
    struct tm real = parts;
    int64_t milliseconds = (int64_t)timegm(&real) * 1000 + digits_at(text + 20, 3);
    if (real.tm_year != parts.tm_year || real.tm_mon != parts.tm_mon ||
        real.tm_mday != parts.tm_mday || real.tm_hour != parts.tm_hour ||
        real.tm_min != parts.tm_min || real.tm_sec != parts.tm_sec || milliseconds < 0)
        return false;
    *ret_milliseconds = milliseconds;
    return true;
}

int timestamp_parse(const char *text, int64_t *ret_milliseconds, struct error *err)
{
    if (!parse_timestamp(text, ret_milliseconds))
        return fail(err, FAULT_INVALID,
                    "\"%.32s\" is not a time in UTC such as 2026-11-23T21:00:00.123Z", text);
    return 0;
}

bool timestamp_is_valid(const char *text)
{
    int64_t milliseconds;
    return parse_timestamp(text, &milliseconds);
}

/* "Z", "+01:00". Minutes east of Greenwich. */
static bool parse_offset(const char *text, int64_t *ret_minutes)
{
    if (strcmp(text, "Z") == 0) {
        *ret_minutes = 0;
        return true;
    }
    static const char form[] = "+dd:dd";
    if (strlen(text) != strlen(form) || !strchr("+-", text[0]) || text[3] != ':' ||
        strspn(text + 1, DIGITS) != 2 || strspn(text + 4, DIGITS) != 2)
        return false;
    int hours = digits_at(text + 1, 2);
    int minutes = digits_at(text + 4, 2);
    int east = hours * 60 + minutes;
    *ret_minutes = text[0] == '-' ? -east : east;
    return hours < 24 && minutes < 60;
}

#define SECONDS_LENGTH 19 /* of "2026-11-23T21:00:00" */

int moment_parse(const char *text, int64_t *ret_milliseconds, struct error *err)
{
    char canonical[TIMESTAMP_SIZE];
    char fraction[] = "000";
    int64_t milliseconds = 0;
    int64_t offset = 0;
    bool is_moment = text && strlen(text) > SECONDS_LENGTH;
    const char *rest = is_moment ? text + SECONDS_LENGTH : "";
    if (*rest == '.') {
        size_t digits = strspn(++rest, DIGITS);
        memcpy(fraction, rest, digits < 3 ? digits : 3);
        is_moment = digits > 0 && digits <= 9;
        rest += digits;
    }
    if (is_moment)
        snprintf(canonical, sizeof(canonical), "%.*s.%sZ", SECONDS_LENGTH, text, fraction);
    if (!is_moment || !parse_offset(rest, &offset) || !parse_timestamp(canonical, &milliseconds))
        return fail(err, FAULT_INVALID,
                    "\"%.40s\" is not a time of RFC 3339 such as 2026-11-23T21:00:00Z",
                    text ? text : "");
    *ret_milliseconds = milliseconds - offset * 60000;
    return 0;
}

bool moment_is_valid(const char *text)
{
    int64_t milliseconds;
    return moment_parse(text, &milliseconds, NULL) == 0;
}

int64_t timestamp_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void duration_format(int64_t seconds, char *ret_text, size_t size)
{
    if (seconds < 0)
        seconds = 0;
    const struct unit *unit = &durations[COUNT(durations) - 1];
    while (unit > durations && seconds < unit->factor)
        unit--;
    snprintf(ret_text, size, "%" PRId64 "%s", seconds / unit->factor, unit->suffix);
}

void size_format(int64_t bytes, char *ret_text, size_t size)
{
    const struct unit *unit = &sizes[COUNT(sizes) - 1];
    while (unit > sizes && (bytes == 0 || bytes % unit->factor != 0))
        unit--;
    snprintf(ret_text, size, "%" PRId64 "%s", bytes / unit->factor, unit->suffix);
}

void cpus_format(int64_t millicpus, char *ret_text, size_t size)
{
    char text[32];
    size_t length = (size_t)snprintf(text, sizeof(text), "%" PRId64 ".%03u", millicpus / 1000,
                                     (unsigned)(millicpus % 1000));
    while (text[length - 1] == '0')
        length--;
    if (text[length - 1] == '.')
        length--;
    snprintf(ret_text, size, "%.*s", (int)length, text);
}
