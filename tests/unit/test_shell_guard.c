#include "submitter/shell_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/count.h"

/* In a child: what is confined stays so. */
static void confined(bool (*holds)(void))
{
    int status = -1;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0)
        _exit(guard_confine(NULL) == 0 && holds() ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static bool is_denied(long result)
{
    return result == -1 && errno == EPERM;
}

static bool no_program(void)
{
    char *const argv[] = {"true", NULL};
    return is_denied(execve("/bin/true", argv, NULL)) &&
           is_denied(execveat(AT_FDCWD, "/bin/true", argv, NULL, 0));
}

static bool no_process(void)
{
    return is_denied(syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL)) &&
           is_denied(syscall(SYS_clone3, NULL, 0)) && is_denied(fork());
}

static bool no_other_socket(void)
{
    return is_denied(socket(AF_INET, SOCK_STREAM, 0)) &&
           is_denied(socket(AF_UNIX, SOCK_STREAM, 0)) &&
           is_denied(socket(AF_NETLINK, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)) &&
           socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0) >= 0;
}

static bool no_writing(void)
{
    return is_denied(open("/dev/null", O_WRONLY)) && is_denied(open("/dev/null", O_RDWR)) &&
           is_denied(open("/dev/null", O_RDONLY | O_TRUNC)) &&
           is_denied(open("/nonexistent", O_RDONLY | O_CREAT, 0600)) &&
           open("/dev/null", O_RDONLY) >= 0;
}

static void no_program_is_started(void **state)
{
    (void)state;
    confined(no_program);
}

static void no_process_is_made(void **state)
{
    (void)state;
    confined(no_process);
}

static void only_a_gates_client_has_a_socket(void **state)
{
    (void)state;
    confined(no_other_socket);
}

static void no_file_is_opened_for_writing(void **state)
{
    (void)state;
    confined(no_writing);
}

static void the_environment_is_emptied(void **state)
{
    (void)state;
    setenv("TERM", "xterm-256color", 1);
    setenv("TERMINFO", "/tmp", 1);
    setenv("VISUAL", "/bin/sh", 1);
    setenv("HOME", "/tmp", 1);
    setenv("DCM_GATE", "relative", 1);
    setenv("SSH_ORIGINAL_COMMAND", "ps --json", 1);
    assert_int_equal(guard_environment(NULL), 0);
    assert_string_equal(getenv("TERM"), "xterm-256color");
    assert_string_equal(getenv("SSH_ORIGINAL_COMMAND"), "ps --json");
    assert_null(getenv("TERMINFO"));
    assert_null(getenv("VISUAL"));
    assert_null(getenv("HOME"));
    assert_null(getenv("DCM_GATE"));
}

static void a_terminals_name_is_no_path(void **state)
{
    static const char *const names[] = {"../../x", "/tmp/x", "",    ".",       "..",
                                        "-x",      "x y",    "x\n", "x:co#80:"};
    (void)state;

    for (size_t i = 0; i < COUNT(names); i++) {
        setenv("TERM", names[i], 1);
        assert_int_equal(guard_environment(NULL), 0);
        assert_null(getenv("TERM"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_program_is_started),
        cmocka_unit_test(no_process_is_made),
        cmocka_unit_test(only_a_gates_client_has_a_socket),
        cmocka_unit_test(no_file_is_opened_for_writing),
        cmocka_unit_test(the_environment_is_emptied),
        cmocka_unit_test(a_terminals_name_is_no_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
