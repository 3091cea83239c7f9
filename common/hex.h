/* Hexadecimal digits, in capitals or not. */
#ifndef DCM_COMMON_HEX_H
#define DCM_COMMON_HEX_H

#include <string.h>

/* The byte that two digits stand for; -1 where two are not there. Reads no further than a NUL. */
static inline int hex_byte(const char *text)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *high = text[0] ? strchr(digits, text[0]) : NULL;
    const char *low = high && text[1] ? strchr(digits, text[1]) : NULL;

    return low ? (int)((high - digits) % 16 * 16 + (low - digits) % 16) : -1;
}

#endif
