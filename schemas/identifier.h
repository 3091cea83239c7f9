/*
 * Request ids: UUIDs of version 7 (RFC 9562, section 5.7), lower-case, 36 characters. Their first
 * 48 bits are milliseconds since the epoch, so ids sort by time and a worker can refuse old ones.
 */
#ifndef DCM_SCHEMAS_IDENTIFIER_H
#define DCM_SCHEMAS_IDENTIFIER_H

#include <stdbool.h>
#include <stdint.h>

#define IDENTIFIER_SIZE 37 /* with the terminating NUL */

/* Clock and random bytes come from the system. */
void identifier_new(char ret_id[IDENTIFIER_SIZE]);
bool identifier_is_valid(const char *text);
/* Of a valid id. */
int64_t identifier_milliseconds(const char *id);

#endif
