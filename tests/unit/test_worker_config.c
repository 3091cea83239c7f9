#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/count.h"
#include "worker/config.h"

#include <cmocka.h> /* last: it defines a macro fail() */

#define BASE "server = lab1\nbroker = amqp://w:x@127.0.0.1/dcm\nstore = redis://127.0.0.1\n"

/* Read a configuration of these lines. */
static int read_lines(const char *lines, struct worker_config *config, struct error *err)
{
    char path[] = "/tmp/dcm-config-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, lines, strlen(lines)), (ssize_t)strlen(lines));
    close(file);
    int status = worker_config_read(path, config, err);
    unlink(path);
    return status;
}

static void a_complete_file_is_read(void **state)
{
    struct worker_config config = {0};
    struct error err = {0};
    char subnet[SUBNET_SIZE];
    (void)state;
    int status = read_lines(BASE "addresses = 10.0.0.1 10.0.0.2\nssh_ports = 2000-2999\n"
                                 "subnets = 10.201.0.0/16\nsubnet_bits = 26\nexpired_kept = 36h\n",
                            &config, &err);
    assert_int_equal(status, 0);
    assert_string_equal(config.addresses[1], "10.0.0.2");
    assert_int_equal(config.first_port, 2000);
    assert_int_equal(config.last_port, 2999);
    assert_int_equal(config.subnet_count, 1024);
    assert_int_equal(config.expired_kept_s, 36 * 3600);
    worker_config_subnet(&config, 17, subnet);
    assert_string_equal(subnet, "10.201.4.64/26");
    worker_config_subnet(&config, 1023, subnet);
    assert_string_equal(subnet, "10.201.255.192/26");
    worker_config_clear(&config);
}

static void what_is_expired_is_kept_for_seven_days(void **state)
{
    struct worker_config config = {0};
    struct error err = {0};
    (void)state;
    assert_int_equal(read_lines(BASE "addresses = 10.0.0.1\n", &config, &err), 0);
    assert_int_equal(config.expired_kept_s, 7 * 86400);
    worker_config_clear(&config);
}

static void a_gigabyte_of_each_disk_is_kept_unless_the_file_says_otherwise(void **state)
{
    struct worker_config config = {0};
    struct error err = {0};
    (void)state;
    assert_int_equal(read_lines(BASE "addresses = 10.0.0.1\n", &config, &err), 0);
    assert_int_equal(config.disk_floor_bytes, 1 << 30);
    worker_config_clear(&config);
    assert_int_equal(read_lines(BASE "addresses = 10.0.0.1\ndisk_floor = 0\n", &config, &err), 0);
    assert_int_equal(config.disk_floor_bytes, 0);
    worker_config_clear(&config);
}

static void a_faulty_setting_is_named(void **state)
{
    static const struct {
        const char *line;
        const char *named;
    } faults[] = {
        {"addresses = 10.0.0.256\n", "addresses"},
        {"addresses = 10.0.0.1\nssh_ports = 80-90\n", "ssh_ports"},
        {"addresses = 10.0.0.1\nssh_ports = 3000-2000\n", "ssh_ports"},
        {"addresses = 10.0.0.1\nssh_ports = 2000-70000\n", "ssh_ports"},
        {"addresses = 10.0.0.1\nssh_ports = 2000-3000x\n", "ssh_ports"},
        {"addresses = 10.0.0.1\nsubnets = 10.201.0.1/16\n", "subnets"},
        {"addresses = 10.0.0.1\nsubnets = 10.201.0.0/28\n", "subnets"},
        {"addresses = 10.0.0.1\nsubnets = 10.201.0.0\n", "subnets"},
        {"addresses = 10.0.0.1\nrunners = 0\n", "runners"},
        {"addresses = 10.0.0.1\nexpired_kept = 7\n", "expired_kept"},
        {"addresses = 10.0.0.1\ndisk_floor = 5%\n", "disk_floor"},
        {"addresses = 10.0.0.1\nlog_level = loud\n", "log_level"},
        {"addresses = 10.0.0.1\nmetrics = 0.0.0.0:9470\n", "metrics"},
        {"addresses = 10.0.0.1\nserver_name = x\n", "server_name"},
        {"", "addresses"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(faults); i++) {
        struct worker_config config = {0};
        struct error err = {0};
        char lines[512];
        snprintf(lines, sizeof lines, BASE "%s", faults[i].line);
        assert_int_equal(read_lines(lines, &config, &err), -1);
        assert_int_equal(err.fault, FAULT_INVALID);
        assert_non_null(strstr(err.text, faults[i].named));
        assert_null(config.server);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_complete_file_is_read),
        cmocka_unit_test(what_is_expired_is_kept_for_seven_days),
        cmocka_unit_test(a_gigabyte_of_each_disk_is_kept_unless_the_file_says_otherwise),
        cmocka_unit_test(a_faulty_setting_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
