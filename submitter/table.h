/* Columns for people: each as wide as its widest cell, two spaces between, none at the end. */
#ifndef DCM_SUBMITTER_TABLE_H
#define DCM_SUBMITTER_TABLE_H

#include <stddef.h>
#include <stdio.h>

#define TABLE_COLUMNS_MAX 12

struct table {
    size_t columns;
    size_t count; /* of cells */
    char **cells; /* row by row; owned */
};

/* The first row: headings, NULL-terminated, at most TABLE_COLUMNS_MAX. */
void table_begin(struct table *table, const char *const *headings);
/* The next cell. The text is copied; NULL and "" show as "-". Control bytes are escaped. */
void table_add(struct table *table, const char *text);
/* Print and free it. */
void table_end(struct table *table, FILE *out);

#endif
