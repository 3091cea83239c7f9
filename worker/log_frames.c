#include "worker/log_frames.h"

#include <stdint.h>
#include <string.h>

#include "common/count.h"

/* By the first byte of the header. 0 is stdin, echoed on stdout; 3 is the engine's own complaint.
 */
static const char *const streams[] = {"stdout", "stdout", "stderr", "stderr"};

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The header is complete: begin its frame. */
static int begin_frame(struct log_frames *frames, struct error *err)
{
    const unsigned char *header = frames->header;

    if (header[0] >= COUNT(streams) || header[1] || header[2] || header[3])
        return fail(err, FAULT_ENGINE, "the engine's log is not made of frames");
    frames->stream = streams[header[0]];
    frames->left = (size_t)((uint32_t)header[4] << 24 | (uint32_t)header[5] << 16 |
                            (uint32_t)header[6] << 8 | (uint32_t)header[7]);
    frames->header_length = 0;
    return 0;
}

int log_frames_feed(struct log_frames *frames, const void *data, size_t length,
                    log_frames_sink *sink, void *context, struct error *err)
{
    const unsigned char *next = data;

    while (length > 0) {
        size_t taken;

        if (frames->left > 0) {
            taken = smaller(frames->left, length);
            frames->left -= taken;
            if (sink(frames->stream, next, taken, context) != 0)
                return 1;
        } else {
            taken = smaller(LOG_FRAME_HEADER - frames->header_length, length);
            memcpy(frames->header + frames->header_length, next, taken);
            frames->header_length += taken;
            if (frames->header_length == LOG_FRAME_HEADER && begin_frame(frames, err) < 0)
                return -1;
        }
        next += taken;
        length -= taken;
    }
    return 0;
}
