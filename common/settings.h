/*
 * Configuration files: `name = value` lines, `#` comments, one table of settings per program.
 *
 * Unknown or repeated names, missing required ones and ill-formed values are refused with
 * "FILE:LINE: …". A file that holds a secret must not be readable by others than its owner and
 * group.
 */
#ifndef DCM_COMMON_SETTINGS_H
#define DCM_COMMON_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

enum setting_kind {
    SETTING_TEXT,   /* char *, owned by the settings */
    SETTING_PATH,   /* char *, must be absolute */
    SETTING_NUMBER, /* long, within [least, most] */
    SETTING_LIST,   /* char **, NULL-terminated; values separated by spaces or commas */
};

struct setting {
    const char *name;
    enum setting_kind kind;
    bool secret;          /* the file must not be open to everybody if this is set */
    size_t offset;        /* of the field in the program's own struct */
    const char *fallback; /* NULL: required; "": may be left out (NULL, 0 or empty list) */
    long least, most;     /* SETTING_NUMBER */
};

/*
 * Read the file at path into *settings, a zeroed struct that the table's offsets describe.
 * A NULL path means: fallbacks only. On failure *settings is as zeroed as before.
 */
int settings_read(const char *path, const struct setting *table, size_t count, void *settings,
                  struct error *err);
void settings_free(const struct setting *table, size_t count, void *settings);

#endif
