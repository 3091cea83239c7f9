/* Files that somebody sends to the login shell, as bytes of SFTP: refused, whatever they are. */

#include "common/auto.h"
#include "submitter/shell_sftp.h"
#include "tests/fuzz/fuzz.h"

#define ANSWER_MOST 64 /* of one packet, with the sentence below */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(string) char *text = fuzz_text(data, size);
    AUTO(string) char *answer = NULL;
    size_t length = 0;
    FILE *in = fmemopen(text, size + 1, "r");
    FILE *out = open_memstream(&answer, &length);

    HOLDS(in && out);
    sftp_refuse(in, out, "no files here");
    HOLDS(fclose(in) == 0 && fclose(out) == 0);
    HOLDS(length <= (size / 9 + 1) * ANSWER_MOST); /* one answer a packet, of nine bytes or more */
    return 0;
}
