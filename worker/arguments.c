#include "worker/arguments.h"

#include <getopt.h>
#include <stdlib.h>

#include "common/count.h"

void arguments_usage(FILE *to)
{
    fputs("usage: dcm-worker [--config FILE] [--runners N] [--version]\n"
          "       dcm-worker [--config FILE] --reconcile [--apply]\n"
          "       dcm-worker [--config FILE] --journal ID\n"
          "       dcm-worker [--config FILE] --parked list|show|requeue|drop [ID] --broker FILE\n"
          "       dcm-worker [--config FILE] --forget USER\n"
          "       dcm-worker [--config FILE] --sign-image USER NAME:TAG\n"
          "       dcm-worker --check-policy FILE\n"
          "       dcm-worker --grants FILE\n",
          to);
}

static int take_runners(const char *text, long *ret_runners)
{
    char *rest = NULL;
    long runners = strtol(text, &rest, 10);
    if (*rest || runners < 1 || runners > 256) {
        fprintf(stderr, "dcm-worker: --runners: '%s' is not between 1 and 256\n", text);
        return -1;
    }
    *ret_runners = runners;
    return 0;
}

static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                        {"runners", required_argument, NULL, 'r'},
                                        {"check-policy", required_argument, NULL, 'p'},
                                        {"grants", required_argument, NULL, 'g'},
                                        {"journal", required_argument, NULL, 'j'},
                                        {"parked", required_argument, NULL, 'P'},
                                        {"broker", required_argument, NULL, 'b'},
                                        {"forget", required_argument, NULL, 'f'},
                                        {"sign-image", required_argument, NULL, 's'},
                                        {"reconcile", no_argument, NULL, 'R'},
                                        {"apply", no_argument, NULL, 'a'},
                                        {"version", no_argument, NULL, 'V'},
                                        {"help", no_argument, NULL, 'h'},
                                        {0}};

/* Where the option's text or flag goes. */
static void take(int option, struct arguments *arguments)
{
    const struct {
        int option;
        const char **text;
        bool *flag;
    } places[] = {{'c', &arguments->config, NULL},    {'p', &arguments->check_policy, NULL},
                  {'g', &arguments->grants, NULL},    {'j', &arguments->journal, NULL},
                  {'P', &arguments->parked, NULL},    {'b', &arguments->broker, NULL},
                  {'f', &arguments->forget, NULL},    {'s', &arguments->sign_image, NULL},
                  {'R', NULL, &arguments->reconcile}, {'a', NULL, &arguments->apply},
                  {'V', NULL, &arguments->version},   {'h', NULL, &arguments->help}};
    for (size_t i = 0; i < COUNT(places); i++) {
        if (places[i].option == option && places[i].text)
            *places[i].text = optarg;
        if (places[i].option == option && places[i].flag)
            *places[i].flag = true;
    }
}

/* Are all words taken, and do the options go together? */
static bool makes_sense(int argc, char **argv, struct arguments *arguments)
{
    if (arguments->parked && optind < argc)
        arguments->id = argv[optind++];
    if (arguments->sign_image && optind < argc)
        arguments->image = argv[optind++];
    return optind == argc && (!arguments->apply || arguments->reconcile) &&
           !arguments->parked == !arguments->broker;
}

int arguments_parse(int argc, char **argv, struct arguments *ret_arguments)
{
    int option = 0;
    *ret_arguments = (struct arguments){.config = DCM_CONFIG_DIRECTORY "/worker.conf"};
    while ((option = getopt_long(argc, argv, "c:r:h", options, NULL)) != -1) {
        if (option == '?' || (option == 'r' && take_runners(optarg, &ret_arguments->runners) < 0))
            return -1;
        take(option, ret_arguments);
    }
    return makes_sense(argc, argv, ret_arguments) ? 0 : -1;
}
