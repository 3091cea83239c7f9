/*
 * What fuzz targets share. A target is one function that takes any bytes, hands them to a reader of
 * ours, and ends the program where a promise of that reader's header does not hold. libFuzzer calls
 * it with bytes of its own making (preset `fuzz`), replay.c with those of the seeds (every other
 * preset, as a unit test).
 */
#ifndef DCM_TESTS_FUZZ_H
#define DCM_TESTS_FUZZ_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the program, saying where, unless the condition is true: in every build. */
#define HOLDS(condition) ((condition) ? (void)0 : fuzz_broken(#condition, __FILE__, __LINE__))
_Noreturn void fuzz_broken(const char *condition, const char *file, int line);

/* A failure has a fault, and words of one printable line. */
void fuzz_check_error(const struct error *err);
/* Nothing that a terminal obeys, but newlines, tabs and carriage returns. */
void fuzz_check_output(const char *bytes, size_t length);

/* The bytes as a C string of their own. */
char *fuzz_text(const uint8_t *data, size_t size);
/* Which of `count` readers the input is for, by its first byte, 'a' for the first; that is taken
 * off. */
unsigned fuzz_choose(const uint8_t **data, size_t *size, unsigned count);

/* A file with these bytes that only we may read, for readers that take a path. */
struct fuzz_file {
    int fd;
    char path[32];
};
struct fuzz_file fuzz_file_of(const uint8_t *data, size_t size);
void fuzz_file_close(struct fuzz_file *file);

#endif
