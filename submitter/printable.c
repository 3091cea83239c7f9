#include "submitter/printable.h"

#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"

/* As many bytes of a printable character as the input has, 0 if it has none there. */
static size_t printable_at(const char *bytes, size_t left)
{
    char character[5] = "";

    memcpy(character, bytes, left < 4 ? left : 4);
    return utf8_printable(character);
}

static void escape(FILE *out, const char *bytes, size_t length, const char *passing)
{
    for (size_t i = 0; i < length;) {
        size_t printable = printable_at(bytes + i, length - i);
        if (printable > 0) {
            fwrite(bytes + i, 1, printable, out);
            i += printable;
            continue;
        }
        if (bytes[i] != '\0' && strchr(passing, bytes[i]))
            fputc(bytes[i], out);
        else
            fprintf(out, "\\x%02x", (unsigned)(unsigned char)bytes[i]);
        i++;
    }
}

void print_escaped(FILE *out, const char *bytes, size_t length)
{
    escape(out, bytes, length, "\n\t\r");
}

void print_line_part(FILE *out, const char *text)
{
    if (text)
        escape(out, text, strlen(text), "");
}

char *printable_copy(const char *text)
{
    char *copy = NULL;
    size_t length = 0;
    FILE *memory = open_memstream(&copy, &length);

    if (!memory)
        return NULL;
    print_line_part(memory, text);
    if (fclose(memory) == 0)
        return copy;
    free(copy);
    return NULL;
}

size_t printable_width(const char *text)
{
    size_t width = 0;

    /* Every byte that does not continue a character (RFC 3629, section 3) begins one. */
    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0U) != 0x80U;
    return width;
}
