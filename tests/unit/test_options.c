#include "submitter/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/count.h"
#include "submitter/commands.h"

#define WORDS_MOST 32

struct line {
    char *words[WORDS_MOST + 1];
    struct options options;
    struct error err;
};

/* Words are separated by single spaces. argv is writable, as main's is. */
static int parse(struct line *line, const char *text)
{
    static char copy[512];
    int count = 0;

    memset(line, 0, sizeof(*line));
    snprintf(copy, sizeof(copy), "%s", text);
    for (char *word = strtok(copy, " "); word && count < WORDS_MOST; word = strtok(NULL, " "))
        line->words[count++] = word;
    return options_parse(count, line->words, &line->options, &line->err);
}

static void assert_refused(const char *text, const char *reason)
{
    struct line line;

    assert_int_equal(parse(&line, text), -1);
    assert_int_equal(line.err.fault, FAULT_INVALID);
    if (!strstr(line.err.text, reason))
        fail_msg("\"%s\": \"%s\" does not say \"%s\"", text, line.err.text, reason);
}

static void options_stand_anywhere_before_two_dashes(void **state)
{
    static const char *const lines[] = {
        "--json -d create --name web debian-ssh 80",
        "create debian-ssh 80 --name=web -d --json",
        "create -d debian-ssh --json 80 --name web",
        "create -d --json --name web -- debian-ssh 80",
    };
    struct line line;

    (void)state;
    for (size_t i = 0; i < COUNT(lines); i++) {
        assert_int_equal(parse(&line, lines[i]), 0);
        assert_string_equal(line.options.command->name, "create");
        assert_int_equal(line.options.given,
                         TAKES(OPTION_JSON) | TAKES(OPTION_DETACH) | TAKES(OPTION_NAME));
        assert_string_equal(line.options.name, "web");
        assert_int_equal(line.options.count, 2);
        assert_string_equal(line.options.operands[0], "debian-ssh");
        assert_string_equal(line.options.operands[1], "80");
    }
}

static void to_speak_for_others_takes_own_credentials(void **state)
{
    struct line line;

    (void)state;
    assert_int_equal(parse(&line, "--config admin.conf --as bob ps"), 0);
    assert_string_equal(line.options.as, "bob");
    assert_refused("--as bob ps", "--config");
    assert_refused("--config admin.conf --as ../bob ps", "user's name");
}

static void what_is_to_be_explained_is_a_command_line_itself(void **state)
{
    struct line line;

    (void)state;
    assert_int_equal(parse(&line, "--json explain create -d debian-ssh 80 --memory 4g"), 0);
    assert_string_equal(line.options.command->name, "explain");
    assert_string_equal(line.options.explained->name, "create");
    assert_int_equal(line.options.count, 2);
    assert_string_equal(line.options.operands[0], "debian-ssh");
    assert_int_equal(line.options.memory, INT64_C(4) << 30);
    assert_int_equal(parse(&line, "explain logs web -d"), 0); /* explain's own */
    assert_int_equal(parse(&line, "create debian-ssh"), 0);
    assert_null(line.options.explained);
    assert_refused("explain", "explain needs more: explain COMMAND…");
    assert_refused("explain dance", "there is no command \"dance\"");
    assert_refused("explain ps", "ps makes no request");
    assert_refused("explain help", "help makes no request");
    assert_refused("explain explain stop web", "explain makes no request");
    assert_refused("explain create debian-ssh -f", "create takes no --force: see help create");
    assert_refused("explain stop", "stop needs more: stop CONTAINER…");
    assert_refused("explain ping pong", "ping takes no \"pong\"");
}

static void after_two_dashes_nothing_is_an_option(void **state)
{
    struct line line;

    (void)state;
    assert_int_equal(parse(&line, "stop -- -d --json"), 0);
    assert_int_equal(line.options.given, 0);
    assert_int_equal(line.options.count, 2);
    assert_string_equal(line.options.operands[0], "-d");
}

static void letters_come_in_clusters_and_with_their_value(void **state)
{
    struct line line;

    (void)state;
    assert_int_equal(parse(&line, "create -dq -p8080:80 -p 53/udp debian-ssh"), 0);
    assert_int_equal(line.options.given,
                     TAKES(OPTION_DETACH) | TAKES(OPTION_QUIET) | TAKES(OPTION_PORT));
    assert_int_equal(line.options.ports.count, 2);
    assert_int_equal(line.options.ports.list[0].host, 8080);
    assert_string_equal(line.options.ports.list[1].protocol, "udp");
}

static void values_are_read_into_numbers(void **state)
{
    struct line line;

    (void)state;
    assert_int_equal(parse(&line, "create x --cpus 0.5 --memory 512m --pids 100 --address 10.0.0.1 "
                                  "--server lcg50 --timeout 10m --deadline 8h --ttl 7d"),
                     0);
    assert_int_equal(line.options.millicpus, 500);
    assert_int_equal(line.options.memory, 512 << 20);
    assert_int_equal(line.options.pids, 100);
    assert_string_equal(line.options.address, "10.0.0.1");
    assert_string_equal(line.options.server, "lcg50");
    assert_int_equal(line.options.timeout_s, 600);
    assert_int_equal(line.options.deadline_s, 8 * 3600);
    assert_int_equal(line.options.ttl_s, 7 * 86400);
}

static void ill_formed_values_are_refused_with_the_option(void **state)
{
    (void)state;
    assert_refused("create x --cpus 0", "--cpus: 0 is too little: use at least 0.01");
    assert_refused("create x --cpus many", "--cpus: \"many\"");
    assert_refused("create x --memory 5m", "--memory: 5m is too little: use at least 6m");
    assert_refused("create x --memory lots", "--memory: \"lots\"");
    assert_refused("create x --pids 0", "--pids: \"0\"");
    assert_refused("create x --pids 99999999999999999999", "--pids:");
    assert_refused("create x --pids 5x", "--pids: \"5x\"");
    assert_refused("create x --name container22", "reserved");
    assert_refused("create x --name Web", "--name: \"Web\"");
    assert_refused("create x --address 10.0.0.256", "--address:");
    assert_refused("create x --server -", "--server:");
    assert_refused("create x -p 22", "--port:");
    assert_refused("create x --shm-size 1023k", "--shm-size: 1023k is too little: use at least 1m");
    assert_refused("create x --restart sometimes",
                   "--restart: \"sometimes\" is not no, on-failure");
    assert_refused("create x --restart on-failure:3", "--restart:");
    assert_refused("create x --env TZ", "--env: \"TZ\" is not NAME=VALUE");
    assert_refused("create x --env =UTC", "--env:");
    assert_refused("create x --env DCM_USER=bob", "--env:");
    assert_refused("create x --env LD_PRELOAD=/x.so", "--env:");
    assert_refused("create x --env TZ=a\nb", "--env:");
    assert_refused("create x --cap-add SYS_ADMIN", "--cap-add: \"SYS_ADMIN\" is not a capability");
    assert_refused("create x --cap-add ALL", "--cap-add:");
    assert_refused("create x --gpus 0", "--gpus: \"0\" is not a number from 1 to 64");
    assert_refused("create x --gpus all", "--gpus: \"all\"");
    assert_refused("create x --device fuse", "--device: \"fuse\" is not a path below /dev");
    assert_refused("create x --device /dev/../etc", "--device:");
    assert_refused("create x --mount /data", "--mount: \"/data\" is not SRC:DST[:ro]");
    assert_refused("create x --mount /data:/data:rx", "is not SRC:DST[:ro]");
    assert_refused("create x --mount /data:/data:ro:ro", "is not SRC:DST[:ro]");
    assert_refused("create x --mount /etc:/data", "\"/etc\" is no directory of the server");
    assert_refused("create x --mount data:/data", "\"data\" is no directory of the server");
    assert_refused("create x --mount /data/../etc:/x", "no directory of the server");
    assert_refused("create x --mount :/data", "\"\" is no directory of the server");
    assert_refused("create x --mount /data:/etc/dcm/keys", "\"/etc/dcm/keys\" is no place");
    assert_refused("create x --mount /data:", "\"\" is no place");
    assert_refused("ping --timeout 5", "--timeout: \"5\"");
    assert_refused("ping --id 1234", "--id: \"1234\"");
    assert_refused("create x --ttl 0h", "--ttl: 0h is too little: use at least 1s");
    assert_refused("create x --ttl 3651d", "--ttl: \"3651d\"");
    assert_refused("logs x --tail 0", "--tail: \"0\"");
}

static void an_option_that_may_be_repeated_keeps_each_value(void **state)
{
    struct line line;

    (void)state;
    assert_int_equal(parse(&line, "create x --env TZ=UTC --cap-add NET_ADMIN --env=A=b=c"), 0);
    assert_int_equal(line.options.env.count, 2);
    assert_string_equal(line.options.env.list[0], "TZ=UTC");
    assert_string_equal(line.options.env.list[1], "A=b=c");
    assert_int_equal(line.options.capabilities.count, 1);
}

static void an_option_is_not_repeated_without_end(void **state)
{
    char *words[2 * (RUN_LIST_MAX + 1) + 2] = {"create", "x"};
    struct options options;
    struct error err = {0};

    (void)state;
    for (int i = 0; i <= RUN_LIST_MAX; i++) {
        words[2 + 2 * i] = "--env";
        words[3 + 2 * i] = "A=b";
    }
    assert_int_equal(options_parse(2 + 2 * RUN_LIST_MAX, words, &options, &err), 0);
    for (int i = 0; i <= RUN_LIST_MAX; i++) {
        words[2 + 2 * i] = "--env";
        words[3 + 2 * i] = "A=b";
    }
    words[0] = "create", words[1] = "x";
    assert_int_equal(options_parse(4 + 2 * RUN_LIST_MAX, words, &options, &err), -1);
    assert_non_null(strstr(err.text, "--env: is there more than 64 times"));
}

static void unknown_words_are_refused_by_name(void **state)
{
    (void)state;
    assert_refused("dance", "\"dance\"");
    assert_refused("create x --privileged", "--privileged");
    assert_refused("--as bob ps", "--as");
    assert_refused("ping --bath", "--bath");
    assert_refused("ping -x", "-x");
    assert_refused("ping -dx", "-x");
    /* No abbreviations: they would break when an option is added. */
    assert_refused("ping --det", "--det");
    assert_refused("ping --=x", "--");
}

static void an_option_of_another_command_is_refused(void **state)
{
    (void)state;
    assert_refused("stop x --name y", "stop takes no --name");
    assert_refused("stop x -f", "stop takes no --force");
    assert_refused("ps -d", "ps takes no --detach");
    assert_refused("--id 0193a1b2-7c3d-7e4f-8a5b-6c7d8e9fa0b1 wait", "wait takes no --id");
}

static void a_value_is_asked_for_where_it_belongs(void **state)
{
    (void)state;
    assert_refused("ping --timeout", "--timeout needs a value");
    assert_refused("create x -p", "--port needs a value");
    assert_refused("ping --json=yes", "--json takes no value");
    assert_refused("ps --config=", "--config");
}

static void the_number_of_operands_is_the_commands(void **state)
{
    struct line line;

    (void)state;
    assert_refused("stop", "stop needs more: stop CONTAINER");
    assert_refused("ps all", "ps takes no \"all\"");
    assert_refused("show a b", "show takes no \"b\"");
    assert_int_equal(parse(&line, "stop a b c"), 0);
    assert_int_equal(line.options.count, 3);
    assert_int_equal(parse(&line, "status"), 0);
    assert_int_equal(parse(&line, "stop --help"), 0);
}

static void no_command_is_no_mistake_of_the_line(void **state)
{
    struct line line;

    (void)state;
    assert_int_equal(parse(&line, ""), 0);
    assert_null(line.options.command);
    assert_int_equal(parse(&line, "--version"), 0);
    assert_int_equal(line.options.given, TAKES(OPTION_VERSION));
}

static void synonyms_are_the_same_command(void **state)
{
    (void)state;
    assert_ptr_equal(command_find("rm"), command_find("remove"));
    assert_ptr_equal(command_find("delete"), command_find("remove"));
    assert_ptr_equal(command_find("ls"), command_find("ps"));
    assert_null(command_find(""));
    assert_null(command_find("rm delete"));
    assert_null(command_find("rem"));
}

static void every_command_is_whole_and_found_by_its_name_only_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < command_count; i++) {
        assert_ptr_equal(command_find(commands[i].name), &commands[i]);
        assert_non_null(commands[i].run);
        assert_non_null(commands[i].synonyms);
        assert_true(commands[i].least <= commands[i].most);
        /* What makes requests can be told how long to wait for them. */
        if (commands[i].op != OP_COUNT)
            assert_true(commands[i].options & TAKES(OPTION_TIMEOUT));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_stand_anywhere_before_two_dashes),
        cmocka_unit_test(to_speak_for_others_takes_own_credentials),
        cmocka_unit_test(what_is_to_be_explained_is_a_command_line_itself),
        cmocka_unit_test(after_two_dashes_nothing_is_an_option),
        cmocka_unit_test(letters_come_in_clusters_and_with_their_value),
        cmocka_unit_test(values_are_read_into_numbers),
        cmocka_unit_test(ill_formed_values_are_refused_with_the_option),
        cmocka_unit_test(an_option_that_may_be_repeated_keeps_each_value),
        cmocka_unit_test(an_option_is_not_repeated_without_end),
        cmocka_unit_test(unknown_words_are_refused_by_name),
        cmocka_unit_test(an_option_of_another_command_is_refused),
        cmocka_unit_test(a_value_is_asked_for_where_it_belongs),
        cmocka_unit_test(the_number_of_operands_is_the_commands),
        cmocka_unit_test(no_command_is_no_mistake_of_the_line),
        cmocka_unit_test(synonyms_are_the_same_command),
        cmocka_unit_test(every_command_is_whole_and_found_by_its_name_only_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
