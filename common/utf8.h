/*
 * What may pass as text (RFC 3629). Pure.
 */
#ifndef DCM_COMMON_UTF8_H
#define DCM_COMMON_UTF8_H

#include <stddef.h>

/* Bytes of the character at text, 1 to 4; 0 if it is not well-formed UTF-8. Of a NUL: 0. */
size_t utf8_character(const char *text);

/* The same, and 0 too for control characters: C0, DEL, and C1, which terminals obey as well. */
size_t utf8_printable(const char *text);

#endif
