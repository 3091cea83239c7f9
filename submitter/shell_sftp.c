#include "submitter/shell_sftp.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define VERSION 3
#define PACKET_MOST (256u * 1024) /* no client of OpenSSH's sends more */

enum { FXP_INIT = 1, FXP_VERSION = 2, FXP_STATUS = 101 }; /* section 3 */
enum { FX_PERMISSION_DENIED = 3 };                        /* section 7 */

/* Numbers are in network order: section 2 there, and RFC 4251, section 5. */
static bool read_number(FILE *in, uint32_t *ret_number)
{
    uint32_t number;
    if (fread(&number, sizeof(number), 1, in) != 1)
        return false;
    *ret_number = ntohl(number);
    return true;
}

static void write_number(FILE *out, uint32_t number)
{
    number = htonl(number);
    fwrite(&number, sizeof(number), 1, out);
}

static void write_text(FILE *out, const char *text)
{
    write_number(out, (uint32_t)strlen(text));
    fputs(text, out);
}

static bool skip(FILE *in, uint32_t length)
{
    while (length > 0 && getc(in) != EOF)
        length--;
    return length == 0;
}

static void answer_version(FILE *out, uint32_t clients)
{
    write_number(out, 1 + 4);
    putc(FXP_VERSION, out);
    write_number(out, clients < VERSION ? clients : VERSION);
}

static void answer_status(FILE *out, uint32_t request, const char *sentence)
{
    write_number(out, (uint32_t)(1 + 4 + 4 + 4 + strlen(sentence) + 4));
    putc(FXP_STATUS, out);
    write_number(out, request);
    write_number(out, FX_PERMISSION_DENIED);
    write_text(out, sentence);
    write_text(out, ""); /* the language is not told */
}

/* Behind the length stand the kind of packet and a number: at first the client's version, later
 * the id of a request. */
void sftp_refuse(FILE *in, FILE *out, const char *sentence)
{
    uint32_t length, number;

    while (read_number(in, &length) && length >= 1 + 4 && length <= PACKET_MOST) {
        int kind = getc(in);
        if (kind == EOF || !read_number(in, &number) || !skip(in, length - 1 - 4))
            return;
        if (kind == FXP_INIT)
            answer_version(out, number);
        else
            answer_status(out, number, sentence);
        if (fflush(out) != 0)
            return;
    }
}
