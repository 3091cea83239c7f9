/* A line at the prompt: split into words, read by the tables, completed up to any cursor. */
#include <string.h>

#include "common/auto.h"
#include "submitter/options.h"
#include "submitter/session.h"
#include "submitter/shell_complete.h"
#include "submitter/shell_words.h"
#include "tests/fuzz/fuzz.h"

static void check_parse(struct words *words)
{
    struct options options;
    struct ports ports = {0};
    struct error err = {0};

    if (options_parse(words->count, words->texts, &options, &err) < 0) {
        fuzz_check_error(&err);
        HOLDS(err.fault == FAULT_INVALID);
        return;
    }
    HOLDS(options.count >= 0 && options.count <= words->count);
    for (int i = 0; i < options.count; i++)
        HOLDS(options.operands[i] != NULL);
    HOLDS(options.timeout_s >= 0 && options.deadline_s >= 0 && options.memory >= 0 &&
          options.millicpus >= 0 && options.pids >= 0 && options.tail >= 0);
    if (options.count > 0 && options_ports(&options, &ports, &err) < 0)
        fuzz_check_error(&err);
    HOLDS(ports.count <= PORTS_MAX);
}

static void check_words(const char *line)
{
    AUTO(words) struct words words = {0};
    struct error err = {0};
    size_t total = 0;

    if (words_split(line, &words, &err) < 0) {
        fuzz_check_error(&err);
        return;
    }
    HOLDS(words.texts[words.count] == NULL);
    for (int i = 0; i < words.count; i++)
        total += strlen(words.texts[i]);
    HOLDS(total <= strlen(line)); /* nothing is expanded */
    check_parse(&words);
}

static void check_completion(char *line)
{
    const struct session session = {.program = "fuzz", .prefix = ""};
    struct completion completion = completion_of(line);
    AUTO(candidates) struct candidates candidates = {.stem = completion.stem};

    candidates_add_own(&candidates, &session, &completion);
    for (size_t i = 0; i < candidates.count; i++)
        HOLDS(strncmp(candidates.texts[i], completion.stem, strlen(completion.stem)) == 0);
    HOLDS(candidates.count == 0 || candidates_common(&candidates) >= strlen(completion.stem));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(string) char *line = fuzz_text(data, size);

    check_words(line);
    for (size_t length = strlen(line); length > 0; length /= 2) {
        line[length] = '\0';
        check_completion(line);
    }
    return 0;
}
