#include "tests/bench/turns.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/auto.h"

static int64_t microseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int turns_serve(turn *take_turn, void *context)
{
    AUTO(string) char *line = NULL;
    size_t size = 0;

    while (getline(&line, &size, stdin) != -1) {
        struct error err = {0};
        line[strcspn(line, "\n")] = '\0';
        int64_t began = microseconds();
        int status = take_turn(line, context, &err);
        int64_t took = microseconds() - began;
        if (status == 0)
            printf("%" PRId64 "\n", took);
        else
            printf("failed: %s\n", err.text);
        fflush(stdout);
    }
    return EXIT_SUCCESS;
}

int turns_refuse(const struct error *err)
{
    fprintf(stderr, "%s\n", err->text);
    return EXIT_FAILURE;
}
