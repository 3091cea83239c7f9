#include "submitter/table.h"

#include <stdlib.h>

#include "submitter/printable.h"

void table_begin(struct table *table, const char *const *headings)
{
    *table = (struct table){0};
    while (headings[table->columns])
        table->columns++;
    for (size_t i = 0; i < table->columns; i++)
        table_add(table, headings[i]);
}

/* A cell for which there is no memory shows as if it were empty: a listing is worth more than none.
 */
void table_add(struct table *table, const char *text)
{
    char **cells = realloc(table->cells, (table->count + 1) * sizeof(char *));

    if (!cells)
        return;
    table->cells = cells;
    cells[table->count++] = text && *text ? printable_copy(text) : NULL;
}

static const char *cell(const struct table *table, size_t index)
{
    return table->cells[index] ? table->cells[index] : "-";
}

void table_end(struct table *table, FILE *out)
{
    size_t widths[TABLE_COLUMNS_MAX] = {0};

    for (size_t i = 0; i < table->count; i++) {
        size_t width = printable_width(cell(table, i));
        if (width > widths[i % table->columns])
            widths[i % table->columns] = width;
    }
    for (size_t i = 0; i < table->count; i++) {
        size_t column = i % table->columns;
        const char *text = cell(table, i);
        if (column + 1 == table->columns)
            fprintf(out, "%s\n", text);
        else
            fprintf(out, "%s%*s", text, (int)(widths[column] - printable_width(text) + 2), "");
        free(table->cells[i]);
    }
    free(table->cells);
    *table = (struct table){0};
}
