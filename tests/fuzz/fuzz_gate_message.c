/* Both directions of the gate's socket: what a user sends, and what a gate answers. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/auto.h"
#include "common/clock.h"
#include "submitter/gate_answer.h"
#include "submitter/gate_ask.h"
#include "submitter/gate_packet.h"
#include "tests/fuzz/fuzz.h"

/* Through a socket, as it comes. Empty: the bytes make no packet. */
static char *through_socket(const uint8_t *data, size_t size, size_t *ret_length)
{
    int ends[2];
    char *bytes = NULL;

    HOLDS(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    bool sent = size > 0 && send(ends[0], data, size, MSG_DONTWAIT) == (ssize_t)size;
    enum packet_fate fate =
        sent ? packet_receive(ends[1], clock_ms(), &bytes, ret_length) : PACKET_GONE;
    HOLDS(!sent || fate == (size > GATE_PACKET_MAX ? PACKET_TOO_LARGE : PACKET_DONE));
    HOLDS(fate != PACKET_DONE || *ret_length == size);
    close(ends[0]);
    close(ends[1]);
    return bytes;
}

/* Whatever is asked, it is asked for the user whom the kernel named. */
static void check_ask(const char *bytes, size_t length)
{
    AUTO(gate_ask) struct gate_ask ask = {0};
    AUTO(string) char *text = NULL;
    struct error err = {0};

    if (gate_ask_decode(bytes, length, "alice", &ask, &err) < 0) {
        fuzz_check_error(&err);
        return;
    }
    HOLDS(ask.kind < ASK_COUNT && ask.wait_ms >= 0 && ask.wait_ms <= GATE_SUBMIT_MOST_MS);
    HOLDS(ask.count <= GATE_ENQUEUE_MOST && (ask.kind != ASK_SUBMIT || ask.count == 1));
    for (size_t i = 0; i < ask.count; i++)
        HOLDS(strcmp(ask.requests[i].user, "alice") == 0);
    if (ask.kind == ASK_RECORD || ask.kind == ASK_EVENTS)
        HOLDS(identifier_is_valid(ask.id));
    if (ask.kind == ASK_EVENTS)
        HOLDS(gate_cursor_is_valid(ask.after));
    if (gate_ask_encode(&ask, &text, &err) < 0)
        fuzz_check_error(&err);
}

static void check_answer(const char *bytes, size_t length)
{
    AUTO(gate_answer) struct gate_answer answer = {0};
    struct error err = {0};

    if (gate_answer_decode(bytes, length, &answer, &err) < 0) {
        fuzz_check_error(&err);
        return;
    }
    if (answer.kind == ANSWER_ERROR)
        fuzz_check_error(&answer.error);
    if (answer.kind == ANSWER_RESULT || answer.kind == ANSWER_ITEM)
        HOLDS(json_is_object(answer.value));
    json_auto_t *again = gate_answer_encode(&answer);
    HOLDS(again != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t length = 0;
    AUTO(string) char *bytes = through_socket(data, size, &length);

    if (bytes) {
        check_ask(bytes, length);
        check_answer(bytes, length);
    }
    return 0;
}
