/* A container's output as the engine frames it. How the bytes are cut up must not matter. */
#include <string.h>

#include "common/auto.h"
#include "common/count.h"
#include "tests/fuzz/fuzz.h"
#include "worker/log_frames.h"

struct heard {
    FILE *memory;
    const char *stream;
};

static int hear(const char *stream, const void *data, size_t length, void *context)
{
    struct heard *heard = context;

    HOLDS(length > 0);
    HOLDS(strcmp(stream, "stdout") == 0 || strcmp(stream, "stderr") == 0);
    if (heard->stream != stream)
        fprintf(heard->memory, "[%s]", stream);
    heard->stream = stream;
    fwrite(data, 1, length, heard->memory);
    return 0;
}

/* In pieces of `step` bytes; what was heard, and how it ended. */
static char *feed(const uint8_t *data, size_t size, size_t step, size_t *ret_length, int *ret_end)
{
    struct log_frames frames = {0};
    struct error err = {0};
    char *bytes = NULL;
    struct heard heard = {.memory = open_memstream(&bytes, ret_length)};
    int end = 0;

    HOLDS(heard.memory != NULL);
    for (size_t at = 0; end == 0 && at < size; at += step)
        end = log_frames_feed(&frames, data + at, size - at < step ? size - at : step, hear, &heard,
                              &err);
    if (end < 0)
        fuzz_check_error(&err);
    HOLDS(fclose(heard.memory) == 0);
    *ret_end = end < 0 ? end : log_frames_are_whole(&frames);
    return bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t steps[] = {1, 3, 7, 8, 9, 64};
    size_t length = 0, again_length = 0;
    int end = 0, again_end = 0;
    AUTO(string) char *whole = feed(data, size, size ? size : 1, &length, &end);

    for (size_t i = 0; i < COUNT(steps); i++) {
        AUTO(string) char *again = feed(data, size, steps[i], &again_length, &again_end);
        HOLDS(end == again_end);
        HOLDS(length == again_length && memcmp(whole, again, length) == 0);
    }
    return 0;
}
