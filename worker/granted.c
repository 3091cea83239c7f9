#include "worker/granted.h"

#include "common/auto.h"
#include "common/members.h"
#include "schemas/run_args.h"

#define LABEL "dcm.options"
#define NANOCPUS_PER_MILLICPU 1000000

int granted_write(const json_t *options, char **ret_text, struct error *err)
{
    AUTO(string) char *text = NULL;

    if (json_object_size(options) > 0) {
        text = json_dumps(options, JSON_COMPACT | JSON_SORT_KEYS);
        if (!text)
            return fail(err, FAULT_INTERNAL, "out of memory");
    }
    *ret_text = TAKE(text);
    return 0;
}

const char *granted_text(const json_t *inspected)
{
    const json_t *labels = json_object_get(json_object_get(inspected, "Config"), "Labels");

    return text_at(labels, LABEL);
}

int granted_options(const json_t *inspected, json_t **ret_options, struct error *err)
{
    const char *text = granted_text(inspected);
    /* An image's label is overwritten with nothing, which is none. */
    json_auto_t *written =
        text && *text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : json_object();
    json_auto_t *options = json_is_object(written) ? run_args_of(written) : NULL;

    /* What we do not know we could not judge. */
    if (!options || json_object_size(options) != json_object_size(written))
        return fail(err, FAULT_INTERNAL, "the container's label " LABEL " is damaged");
    *ret_options = TAKE(options);
    return 0;
}

int granted_args(const json_t *inspected, json_t **ret_args, struct error *err)
{
    const json_t *host = json_object_get(inspected, "HostConfig");
    json_int_t nano_cpus = number_at(host, "NanoCpus");
    json_auto_t *args = NULL;
    json_auto_t *limits =
        json_pack("{s:O, s:I, s:O}", "memory", json_object_get(host, "Memory"), "millicpus",
                  nano_cpus / NANOCPUS_PER_MILLICPU, "pids", json_object_get(host, "PidsLimit"));

    if (granted_options(inspected, &args, err))
        return -1;
    if (!limits || json_object_update(args, limits))
        return fail(err, FAULT_INTERNAL, "the engine does not say the container's limits");
    *ret_args = TAKE(args);
    return 0;
}
