#include "worker/plan.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/auto.h"

#define NANOCPUS_PER_MILLICPU 1000000
#define SHM_BYTES (64 << 20)
#define PATH_VALUE "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* Environment of an image's that must not reach the init: what changes how programs are loaded or
 * shells start, what the engine's hooks read (NVIDIA_VISIBLE_DEVICES makes devices of the host
 * appear), and our own names. A row that ends with _ is a prefix. */
static const char *const withheld[] = {"LD_",          "NVIDIA_", "DCM_",       "PATH", "BASH_ENV",
                                       "ENV",          "IFS",     "GCONV_PATH", "HOME", "HOSTNAME",
                                       "GLIBC_TUNABLES"};

/* What sshd, apt, useradd and their like need inside. Not NET_RAW (forged packets on the user's
 * network and the host's bridges), not MKNOD, nothing that reaches beyond the container. */
static const char *const capabilities[] = {
    "CAP_AUDIT_WRITE", "CAP_CHOWN",  "CAP_DAC_OVERRIDE",     "CAP_FOWNER",
    "CAP_FSETID",      "CAP_KILL",   "CAP_NET_BIND_SERVICE", "CAP_SETGID",
    "CAP_SETPCAP",     "CAP_SETUID", "CAP_SYS_CHROOT"};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const json_t *image_config(const json_t *image)
{
    return json_object_get(image, "Config");
}

int plan_check_image(const json_t *image, struct error *err)
{
    static const struct {
        const char *field;
        const char *what;
    } refused[] = {
        {"Volumes", "declares volumes"},
        {"OnBuild", "holds ONBUILD instructions"},
    };
    const char *os = json_string_value(json_object_get(image, "Os"));

    if (!os || strcmp(os, "linux") != 0)
        return fail(err, FAULT_DENIED, "the image is not one for Linux");
    for (size_t i = 0; i < COUNT(refused); i++) {
        const json_t *value = json_object_get(image_config(image), refused[i].field);
        if (json_object_size(value) > 0 || json_array_size(value) > 0)
            return fail(err, FAULT_DENIED,
                        "the image %s, which DCM cannot override; ask for one without",
                        refused[i].what);
    }
    return 0;
}

static json_t *text_list(const char *const *texts, size_t count)
{
    json_auto_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        if (json_array_append_new(list, json_string(texts[i])))
            return NULL;
    return TAKE(list);
}

/* An image's labels can't be taken away, only overwritten. */
static json_t *all_labels(const struct container_plan *plan)
{
    json_t *of_image = json_object_get(image_config(plan->image), "Labels");
    json_auto_t *labels = json_object();
    const char *name;
    json_t *value;

    json_object_foreach(of_image, name, value)
        if (json_object_set_new(labels, name, json_string("")))
            return NULL;
    return json_object_update(labels, json_deep_copy(plan->labels)) ? NULL : TAKE(labels);
}

static bool is_withheld(const char *name, size_t length)
{
    for (size_t i = 0; i < COUNT(withheld); i++) {
        size_t row = strlen(withheld[i]);
        bool is_prefix = withheld[i][row - 1] == '_';
        if (length >= row && (is_prefix || length == row) && memcmp(name, withheld[i], row) == 0)
            return true;
    }
    return false;
}
