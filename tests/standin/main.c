/*
 * dcm-standin: an engine that does nothing, for tests.
 *
 *   dcm-standin --socket PATH [--image NAME[=CONFIG.json]]… [--taken PORT]… [--identity TEXT]
 *               [--commit-ms N]
 *
 * --image: an image that is there, with the Config that an inspect shows ("debian-ssh" if no image
 * is named). --taken: a host port that some program holds: no container that publishes it starts.
 * --commit-ms: so long a commit takes, while its container is paused.
 * Faults, counts and the bodies of creates: faults.c.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/count.h"
#include "tests/standin/standin.h"

static const struct option options[] = {
    {"socket", required_argument, NULL, 's'},    {"image", required_argument, NULL, 'i'},
    {"taken", required_argument, NULL, 't'},     {"identity", required_argument, NULL, 'n'},
    {"commit-ms", required_argument, NULL, 'c'}, {0},
};

static void take_port(struct standin *standin, const char *port)
{
    static const char *const protocols[] = {"tcp", "udp"};
    for (size_t i = 0; i < COUNT(protocols); i++) {
        char key[32];
        snprintf(key, sizeof(key), "%.16s/%s", port, protocols[i]);
        json_object_set_new(standin->ports, key, json_pack("{s:s}", "0.0.0.0", ""));
    }
}

static void take_image(struct standin *standin, char *argument)
{
    char *file = argument;
    const char *name = strsep(&file, "=");
    add_image(standin, name, file);
}

int main(int argc, char **argv)
{
    const char *socket_path = NULL;
    struct standin standin = {
        .identity = "STAN:DIN0:0000:0000",
        .images = json_array(),
        .containers = json_object(),
        .names = json_object(),
        .logs = json_object(),
        .ports = json_object(),
        .networks = json_object(),
        .events = json_array(),
        .faults = json_array(),
        .counts = json_object(),
        .bodies = json_array(),
    };

    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 's')
            socket_path = optarg;
        else if (option == 'i')
            take_image(&standin, optarg);
        else if (option == 't')
            take_port(&standin, optarg);
        else if (option == 'n')
            standin.identity = optarg;
        else if (option == 'c')
            standin.commit_ms = strtol(optarg, NULL, 10);
        else
            return 2;
    }
    if (!socket_path || optind < argc) {
        fprintf(stderr, "usage: dcm-standin --socket PATH [--image NAME[=CONFIG.json]]... "
                        "[--taken PORT]... [--identity TEXT] [--commit-ms N]\n");
        return 2;
    }
    if (json_array_size(standin.images) == 0)
        add_image(&standin, "debian-ssh", NULL);
    return http_serve(socket_path, standin_handle, &standin);
}
