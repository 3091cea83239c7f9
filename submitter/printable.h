/*
 * Text from elsewhere, made harmless: control bytes, which a terminal obeys, and bytes that are no
 * UTF-8 go out as \xNN.
 */
#ifndef DCM_SUBMITTER_PRINTABLE_H
#define DCM_SUBMITTER_PRINTABLE_H

#include <stddef.h>
#include <stdio.h>

/* Newlines, tabs and carriage returns pass. */
void print_escaped(FILE *out, const char *bytes, size_t length);
/* Not even these: for what must stay on one line. NULL prints nothing. */
void print_line_part(FILE *out, const char *text);
/* The same as a new string, the caller's to free; NULL without memory. */
char *printable_copy(const char *text);
/* How many columns it takes, at one a character. */
size_t printable_width(const char *text);

#endif
