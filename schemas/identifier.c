#include "schemas/identifier.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "schemas/units.h"

/* xxxxxxxx-xxxx-7xxx-Vxxx-xxxxxxxxxxxx: x is a hex digit, V the variant's (RFC 9562, 4.1). */
static const char form[] = "xxxxxxxx-xxxx-7xxx-Vxxx-xxxxxxxxxxxx";

void identifier_new(char ret_id[IDENTIFIER_SIZE])
{
    uint8_t random[10];
    /* A call this short is not interrupted (getrandom(2)); an id that could repeat is worse than
     * no program. */
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        abort();
    uint64_t now = (uint64_t)timestamp_now();
    snprintf(ret_id, IDENTIFIER_SIZE, "%08x-%04x-7%01x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
             (unsigned)(now >> 16 & 0xffffffff), (unsigned)(now & 0xffff), random[0] & 0xfU,
             random[1], (random[2] & 0x3fU) | 0x80U, random[3], random[4], random[5], random[6],
             random[7], random[8], random[9]);
}

static bool fits(char expected, char actual)
{
    switch (expected) {
    case 'x':
        return (actual >= '0' && actual <= '9') || (actual >= 'a' && actual <= 'f');
    case 'V':
        return actual == '8' || actual == '9' || actual == 'a' || actual == 'b';
    default:
        return actual == expected;
    }
}

bool identifier_is_valid(const char *text)
{
    if (!text || strlen(text) != IDENTIFIER_SIZE - 1)
        return false;
    for (size_t i = 0; form[i]; i++)
        if (!fits(form[i], text[i]))
            return false;
    return true;
}

int64_t identifier_milliseconds(const char *id)
{
    return strtoll(id, NULL, 16) << 16 | strtoll(id + strlen("xxxxxxxx-"), NULL, 16);
}
