/*
 * The engine's log stream of a container without a terminal, taken apart incrementally: frames of
 * an 8-byte header {stream, 0, 0, 0, length in big endian} and that many bytes (Docker Engine API
 * 1.41, "Stream format" of ContainerAttach). Pieces may be split anywhere, also inside a header.
 * Pure.
 */
#ifndef DCM_WORKER_LOG_FRAMES_H
#define DCM_WORKER_LOG_FRAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

/* Gets what there is of a frame's bytes, never an empty piece. Nonzero ends the feeding. */
typedef int log_frames_sink(const char *stream, const void *data, size_t length, void *context);

#define LOG_FRAME_HEADER 8
struct log_frames { /* zeroed at the beginning */
    unsigned char header[LOG_FRAME_HEADER];
    size_t header_length;
    size_t left;        /* bytes of the current frame that are still to come */
    const char *stream; /* of the current frame; static */
};

/* 0, or 1 when the sink ended it, or -1 with FAULT_ENGINE for bytes that are no frame. */
int log_frames_feed(struct log_frames *frames, const void *data, size_t length,
                    log_frames_sink *sink, void *context, struct error *err);

/* No frame has been begun and not ended. */
static inline bool log_frames_are_whole(const struct log_frames *frames)
{
    return frames->header_length == 0 && frames->left == 0;
}

#endif
