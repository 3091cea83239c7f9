#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/count.h"
#include "worker/dispatch.h"

#include <cmocka.h> /* last: it defines a macro fail() */

static int set_up(void **state)
{
    static int pair[2];
    *state = pair;
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
}

static int tear_down(void **state)
{
    int *pair = *state;
    close(pair[0]);
    close(pair[1]);
    return 0;
}

static struct works got; /* not on the stack */

static void work_arrives_whole_with_only_as_much_body_as_it_has(void **state)
{
    struct work sent = {
        .kind = WORK_DELIVERY, .serial = 7, .account = "dcm-gate", .length = 3, .body = "{}\n"};
    int *pair = *state;
    struct error err;
    assert_int_equal(works_send(pair[0], &sent, 1, &err), 0);
    assert_int_equal(works_receive(pair[1], &got, &err), 0);
    assert_int_equal(got.count, 1);
    assert_int_equal(got.list[0].serial, 7);
    assert_string_equal(got.list[0].account, "dcm-gate");
    assert_int_equal(got.list[0].length, 3);
    assert_memory_equal(got.list[0].body, "{}\n", 3);
}

static void many_go_in_one_message_each_with_its_own_body(void **state)
{
    static const char *const bodies[] = {"{}", "", "[1, 2]"};
    struct work sent[3] = {{0}};
    int *pair = *state;
    struct error err;
    for (size_t i = 0; i < 3; i++)
        sent[i] = (struct work){
            .light = true, .serial = i + 1, .length = strlen(bodies[i]), .body = bodies[i]};
    assert_int_equal(works_send(pair[0], sent, 3, &err), 0);
    assert_int_equal(works_receive(pair[1], &got, &err), 0);
    assert_int_equal(got.count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(got.list[i].serial, i + 1);
        assert_int_equal(got.list[i].length, strlen(bodies[i]));
        assert_memory_equal(got.list[i].body, bodies[i], strlen(bodies[i]));
    }
}

static void the_largest_body_passes(void **state)
{
    static char body[REQUEST_MAX_BYTES];
    struct work sent = {.length = sizeof body, .body = body};
    int *pair = *state;
    struct error err;
    body[sizeof body - 1] = '}';
    assert_int_equal(works_send(pair[0], &sent, 1, &err), 0);
    assert_int_equal(works_receive(pair[1], &got, &err), 0);
    assert_int_equal(got.list[0].body[REQUEST_MAX_BYTES - 1], '}');
}

static void more_than_a_message_holds_is_not_sent(void **state)
{
    static char body[REQUEST_MAX_BYTES];
    struct work sent = {.length = sizeof body, .body = body};
    struct work both[] = {sent, sent};
    int *pair = *state;
    struct error err = {0};
    assert_true(work_size(&sent) * 2 > WORKS_BYTES);
    assert_int_equal(works_send(pair[0], both, 2, &err), -1);
    assert_int_equal(err.fault, FAULT_INTERNAL);
}

static void assert_refused(int *pair, const void *bytes, size_t size)
{
    struct error err = {0};
    assert_int_equal(send(pair[0], bytes, size, 0), (int)size);
    assert_int_equal(works_receive(pair[1], &got, &err), -1);
    assert_int_equal(err.fault, FAULT_INTERNAL);
}

static void a_message_that_does_not_add_up_is_refused(void **state)
{
    static const char bytes[16];
    struct work too_long[2] = {{.length = sizeof(struct work) + 1}};
    struct work endless = {.length = SIZE_MAX};
    assert_refused(*state, bytes, sizeof bytes);
    assert_refused(*state, too_long, sizeof too_long);
    assert_refused(*state, &endless, sizeof endless);
}

static void more_works_than_there_can_be_are_refused(void **state)
{
    static struct work works[WORKS_MOST + 1];
    assert_refused(*state, works, sizeof works);
}

static void what_a_link_that_was_taken_over_might_say_is_refused(void **state)
{
    struct work works[4] = {{0}};
    works[0].kind = WORK_COUNT;
    works[1].kind = (enum work_kind) - 1;
    memset(works[2].account, 'x', sizeof works[2].account);
    memset(works[3].id, 'x', sizeof works[3].id);
    for (size_t i = 0; i < COUNT(works); i++)
        assert_refused(*state, &works[i], sizeof works[i]);
}

static void one_word_names_all_that_have_ended(void **state)
{
    static struct word word = {.kind = WORD_ENDED}, heard;
    int *pair = *state;
    struct error err;
    uint64_t serial = 0;
    size_t at = 0;
    for (uint64_t i = 1; i <= WORKS_MOST; i++)
        word_add_serial(&word, i * 1000);
    assert_int_equal(word_send(pair[0], &word, &err), 0);
    assert_int_equal(word_receive(pair[1], &heard, &err), 0);
    for (uint64_t i = 1; i <= WORKS_MOST; i++) {
        assert_true(word_next_serial(&heard, &at, &serial));
        assert_int_equal(serial, i * 1000);
    }
    assert_false(word_next_serial(&heard, &at, &serial));
}

static void the_other_sides_end_is_seen(void **state)
{
    int *pair = *state;
    struct word word;
    struct error err;
    shutdown(pair[0], SHUT_WR);
    assert_int_equal(word_receive(pair[1], &word, &err), 1);
}

static void a_descriptor_travels_with_its_slot(void **state)
{
    int *pair = *state;
    int passed[2], received = -1;
    struct slot_news news = {0};
    struct error err;
    char byte = 0;
    assert_int_equal(pipe(passed), 0);
    assert_int_equal(slot_send(pair[0], &(struct slot_news){5, SIGKILL}, passed[1], &err), 0);
    close(passed[1]);
    assert_int_equal(slot_receive(pair[1], &news, &received, &err), 0);
    assert_int_equal(news.slot, 5);
    assert_int_equal(news.wait_status, SIGKILL);
    assert_int_equal(write(received, "x", 1), 1);
    assert_int_equal(read(passed[0], &byte, 1), 1);
    assert_int_equal(byte, 'x');
    close(received);
    close(passed[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(work_arrives_whole_with_only_as_much_body_as_it_has, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(many_go_in_one_message_each_with_its_own_body, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_largest_body_passes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(more_than_a_message_holds_is_not_sent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(more_works_than_there_can_be_are_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(one_word_names_all_that_have_ended, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_message_that_does_not_add_up_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_a_link_that_was_taken_over_might_say_is_refused,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_other_sides_end_is_seen, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_descriptor_travels_with_its_slot, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
