#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/auto.h"
#include "common/utf8.h"

void fuzz_broken(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    abort();
}

static void check_line(const char *text)
{
    while (*text) {
        size_t length = utf8_printable(text);
        HOLDS(length > 0);
        text += length;
    }
}

void fuzz_check_error(const struct error *err)
{
    HOLDS(err->fault > FAULT_NONE && err->fault < FAULT_COUNT);
    HOLDS(memchr(err->text, '\0', sizeof(err->text)) && err->text[0]);
    HOLDS(memchr(err->rule, '\0', sizeof(err->rule)) != NULL);
    check_line(err->text);
    check_line(err->rule);
}

void fuzz_check_output(const char *bytes, size_t length)
{
    HOLDS(strlen(bytes) == length);
    while (*bytes) {
        size_t printable = utf8_printable(bytes);
        HOLDS(printable > 0 || strchr("\n\t\r", *bytes));
        bytes += printable ? printable : 1;
    }
}

char *fuzz_text(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    HOLDS(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

unsigned fuzz_choose(const uint8_t **data, size_t *size, unsigned count)
{
    if (*size == 0)
        return 0;
    unsigned chosen = (uint8_t)(**data - 'a') % count;
    *data += 1;
    *size -= 1;
    return chosen;
}

struct fuzz_file fuzz_file_of(const uint8_t *data, size_t size)
{
    struct fuzz_file file = {.fd = memfd_create("fuzz", MFD_CLOEXEC)};

    HOLDS(file.fd >= 0 && fchmod(file.fd, 0600) == 0);
    HOLDS(write(file.fd, data, size) == (ssize_t)size);
    snprintf(file.path, sizeof(file.path), "/proc/self/fd/%d", file.fd);
    return file;
}

void fuzz_file_close(struct fuzz_file *file)
{
    auto_fd(&file->fd);
}
