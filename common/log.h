/*
 * Structured log lines on standard error, one a line, in logfmt:
 *
 *   time=2026-11-23T21:00:00.123Z level=info program=dcm-worker part=runner-2 request=0193… msg="…"
 *
 * Values are quoted and escaped (control bytes as \xNN), so that no text from outside can forge a
 * line or a field. Under systemd the line is prefixed with <N>, its syslog level (sd-daemon(3)).
 */
#ifndef DCM_COMMON_LOG_H
#define DCM_COMMON_LOG_H

#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* program and part are borrowed for good. part names the process within the program ("link"). */
void log_open(const char *program, enum log_level threshold);
void log_part(const char *part);

/* Every line from here on carries this request's id; NULL ends that. Copied. */
void log_request(const char *id);

/* Lines from here to log_release are written many at a time: a write costs more than a line. */
void log_gather(void);
void log_release(void);

/* "error", "warning", "info", "debug"; false if it is none of them. */
bool log_level_parse(const char *text, enum log_level *ret_level);

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
