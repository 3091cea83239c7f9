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

static void work_arrives_whole_with_only_as_much_body_as_it_has(void **state)
{
    static struct work sent = {
        .kind = WORK_DELIVERY, .serial = 7, .account = "dcm-gate", .length = 3};
    static struct work got;
    int *pair = *state;
    struct error err;
    memcpy(sent.body, "{}\n", 3);
    assert_int_equal(work_send(pair[0], &sent, &err), 0);
    assert_int_equal(work_receive(pair[1], &got, &err), 0);
    assert_int_equal(got.serial, 7);
    assert_string_equal(got.account, "dcm-gate");
    assert_int_equal(got.length, 3);
    assert_memory_equal(got.body, "{}\n", 3);
}

static void the_largest_body_passes(void **state)
{
    static struct work sent = {.length = REQUEST_MAX_BYTES};
    static struct work got;
    int *pair = *state;
    struct error err;
    sent.body[REQUEST_MAX_BYTES - 1] = '}';
    assert_int_equal(work_send(pair[0], &sent, &err), 0);
    assert_int_equal(work_receive(pair[1], &got, &err), 0);
    assert_int_equal(got.body[REQUEST_MAX_BYTES - 1], '}');
}

static void a_message_that_does_not_add_up_is_refused(void **state)
{
    static struct work got;
    struct work *short_one = &got;
    int *pair = *state;
    struct error err = {0};
    char bytes[16] = {0};
    assert_int_equal(send(pair[0], bytes, sizeof bytes, 0), (int)sizeof bytes);
    assert_int_equal(work_receive(pair[1], short_one, &err), -1);
    assert_int_equal(err.fault, FAULT_INTERNAL);
}

static void what_a_link_that_was_taken_over_might_say_is_refused(void **state)
{
    static struct work works[4], got;
    int *pair = *state;
    works[0].kind = WORK_COUNT;
    works[1].kind = (enum work_kind) - 1;
    memset(works[2].account, 'x', sizeof works[2].account);
    memset(works[3].id, 'x', sizeof works[3].id);
    for (size_t i = 0; i < COUNT(works); i++) {
        struct error err = {0};
        assert_int_equal(work_send(pair[0], &works[i], &err), 0);
        assert_int_equal(work_receive(pair[1], &got, &err), -1);
        assert_int_equal(err.fault, FAULT_INTERNAL);
    }
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
        cmocka_unit_test_setup_teardown(the_largest_body_passes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_message_that_does_not_add_up_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_a_link_that_was_taken_over_might_say_is_refused,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_other_sides_end_is_seen, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_descriptor_travels_with_its_slot, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
