/* Durations (30s, 10m, 8h, 7d), sizes (512m, 2g) and processors (0.5, 2), as text and as numbers.
 */
#ifndef DCM_SCHEMAS_UNITS_H
#define DCM_SCHEMAS_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "common/error.h"

/* One or more digits and a unit. Seconds, at most 10 years. */
int duration_parse(const char *text, int64_t *ret_seconds, struct error *err);
/* One or more digits and k, m, g or t (powers of 1024), or bytes without. At most 2^53. */
int size_parse(const char *text, int64_t *ret_bytes, struct error *err);
/* A decimal number with at most 3 places, without needless zeros before it. Thousandths of a
 * processor, at most 1024 processors. */
int cpus_parse(const char *text, int64_t *ret_millicpus, struct error *err);

/* RFC 3339 in UTC with milliseconds, "2026-11-23T21:00:00.123Z", in the years 1970 to 9999. */
#define TIMESTAMP_SIZE 25
void timestamp_format(int64_t milliseconds, char ret_text[TIMESTAMP_SIZE]); /* clamped */
int timestamp_parse(const char *text, int64_t *ret_milliseconds, struct error *err);
bool timestamp_is_valid(const char *text);
/* RFC 3339 as people write it: with or without a fraction, in UTC or with an offset. What is finer
 * than a millisecond is dropped. */
int moment_parse(const char *text, int64_t *ret_milliseconds, struct error *err);
bool moment_is_valid(const char *text);
int64_t timestamp_now(void); /* milliseconds since the epoch */

/* "5m", "3h", "2d": for tables. */
void duration_format(int64_t seconds, char *ret_text, size_t size);
/* Exactly, as people write it: "512m", "1536m", "4g"; what has no such form in bytes. */
void size_format(int64_t bytes, char *ret_text, size_t size);
void cpus_format(int64_t millicpus, char *ret_text, size_t size); /* "0.5", "2" */

#endif
