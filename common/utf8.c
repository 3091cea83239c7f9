#include "common/utf8.h"

#include <stdbool.h>

#include "common/count.h"

/* RFC 3629, section 4: by first byte, the length and the bounds of the second byte, which keep out
 * overlong forms, surrogates and what lies beyond U+10FFFF. */
static const struct lead {
    unsigned char first, last;
    unsigned char length;
    unsigned char second_least, second_most;
} leads[] = {
    {0x01, 0x7f, 1, 0, 0},       {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf},
    {0xe1, 0xec, 3, 0x80, 0xbf}, {0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf},
    {0xf0, 0xf0, 4, 0x90, 0xbf}, {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},
};

static bool between(unsigned char byte, unsigned char least, unsigned char most)
{
    return byte >= least && byte <= most;
}

static const struct lead *find_lead(unsigned char byte)
{
    for (size_t i = 0; i < COUNT(leads); i++)
        if (between(byte, leads[i].first, leads[i].last))
            return &leads[i];
    return NULL;
}

size_t utf8_character(const char *text)
{
    const unsigned char *bytes = (const unsigned char *)text;
    const struct lead *lead = find_lead(bytes[0]);

    if (!lead)
        return 0;
    if (lead->length > 1 && !between(bytes[1], lead->second_least, lead->second_most))
        return 0;
    for (size_t i = 2; i < lead->length; i++)
        if (!between(bytes[i], 0x80, 0xbf)) /* a NUL ends the loop before it is passed */
            return 0;
    return lead->length;
}

size_t utf8_printable(const char *text)
{
    const unsigned char *bytes = (const unsigned char *)text;

    if (bytes[0] < 0x20 || bytes[0] == 0x7f)
        return 0;
    if (bytes[0] == 0xc2 && bytes[1] < 0xa0)
        return 0;
    return utf8_character(text);
}
