/* What the store holds for users, and how it is shown: whatever is in it, a terminal is safe. */

#include "common/auto.h"
#include "schemas/event.h"
#include "schemas/result.h"
#include "submitter/render.h"
#include "tests/fuzz/fuzz.h"

static const volatile sig_atomic_t interrupted = 0;

/* As people read it, on a terminal and elsewhere, by itself and as one of several. */
static void check_render(const json_t *result, bool terminal, const char *subject)
{
    AUTO(string) char *out = NULL;
    AUTO(string) char *err = NULL;
    size_t out_length = 0, err_length = 0;
    const struct options options = {.given = 0};
    struct session session = {
        .program = "fuzz",
        .prefix = "",
        .user = "alice",
        .out = open_memstream(&out, &out_length),
        .err = open_memstream(&err, &err_length),
        .out_is_terminal = terminal,
        .err_is_terminal = terminal,
        .interrupted = &interrupted,
    };

    HOLDS(session.out && session.err);
    render_result(&session, &options, result, subject);
    HOLDS(fclose(session.out) == 0 && fclose(session.err) == 0);
    fuzz_check_output(out, out_length);
    fuzz_check_output(err, err_length);
}

static void check_result(const char *text)
{
    json_auto_t *result = NULL;
    struct error err = {0}, fault = {0};

    if (result_decode(text, &result, &err) < 0) {
        fuzz_check_error(&err);
        return;
    }
    HOLDS(result_state(result) != NULL);
    HOLDS(result_fault(result, &fault) < FAULT_COUNT);
    check_render(result, true, NULL);
    check_render(result, false, "web");
}

static void check_event(const char *text)
{
    json_auto_t *event = NULL;
    struct error err = {0};
    const char *stream = NULL;
    unsigned char *bytes = NULL;
    size_t length = 0;

    if (event_decode(text, &event, &err) < 0) {
        fuzz_check_error(&err);
        return;
    }
    if (event_output_data(event, &stream, &bytes, &length, &err) == 0)
        HOLDS(length <= EVENT_OUTPUT_MAX && stream);
    else
        fuzz_check_error(&err);
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(string) char *text = fuzz_text(data, size);

    check_result(text);
    check_event(text);
    return 0;
}
