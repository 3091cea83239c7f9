/*
 * Every field that the engine's specification has for the body of a create is ours, granted or
 * never, and the bodies that are built keep to it. A version of the API with other fields is not
 * taken into use before each of them has its place here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/usual_plan.h"
#include "worker/engine.h"

#include <cmocka.h> /* last: it defines a macro fail() */

#define FIELDS_MOST 256
#define PATH_SIZE 128

/* Ours: set in every body, and by DCM alone. */
static const char *const ours[] = {
    "Cmd",
    "Entrypoint",
    "Healthcheck",
    "Healthcheck.Test",
    "HostConfig",
    "HostConfig.CapDrop",
    "HostConfig.CgroupnsMode",
    "HostConfig.Init",
    "HostConfig.IpcMode",
    "HostConfig.LogConfig",
    "HostConfig.LogConfig.Config",
    "HostConfig.LogConfig.Type",
    "HostConfig.NetworkMode",
    "HostConfig.Privileged",
    "HostConfig.PublishAllPorts",
    "HostConfig.ReadonlyRootfs",
    "Image",
    "Labels",
    "StopSignal",
    "Tty",
    "User",
    "WorkingDir",
    NULL,
};

/* Granted: set in every body, and otherwise than usual only by a grant. */
static const char *const granted[] = {
    "Env",
    "ExposedPorts",
    "HostConfig.CapAdd",
    "HostConfig.DeviceRequests",
    "HostConfig.DeviceRequests[].Capabilities",
    "HostConfig.DeviceRequests[].Count",
    "HostConfig.DeviceRequests[].Driver",
    "HostConfig.Devices",
    "HostConfig.Devices[].CgroupPermissions",
    "HostConfig.Devices[].PathInContainer",
    "HostConfig.Devices[].PathOnHost",
    "HostConfig.Memory",
    "HostConfig.MemorySwap",
    "HostConfig.Mounts",
    "HostConfig.Mounts[].BindOptions",
    "HostConfig.Mounts[].BindOptions.Propagation",
    "HostConfig.Mounts[].ReadOnly",
    "HostConfig.Mounts[].Source",
    "HostConfig.Mounts[].Target",
    "HostConfig.Mounts[].Type",
    "HostConfig.NanoCpus",
    "HostConfig.PidsLimit",
    "HostConfig.PortBindings",
    "HostConfig.PortBindings{}[].HostIp",
    "HostConfig.PortBindings{}[].HostPort",
    "HostConfig.RestartPolicy",
    "HostConfig.RestartPolicy.Name",
    "HostConfig.ShmSize",
    "HostConfig.StorageOpt",
    NULL,
};

/* Never in a body, nor what is below them: who could set one could leave the container, or lean on
 * the others. */
static const char *const never[] = {
    /* What the engine fills in by itself, or inherits from the image where we say nothing. */
    "ArgsEscaped",
    "AttachStderr",
    "AttachStdin",
    "AttachStdout",
    "Domainname",
    "Hostname",
    "OnBuild",
    "OpenStdin",
    "Shell",
    "StdinOnce",
    "StopTimeout",
    "Volumes",
    "Healthcheck.Interval",
    "Healthcheck.Retries",
    "Healthcheck.StartPeriod",
    "Healthcheck.Timeout",
    "HostConfig.ConsoleSize",
    "HostConfig.MaskedPaths",
    "HostConfig.ReadonlyPaths",
    "HostConfig.Runtime",
    /* Namespaces and walls of the host. */
    "HostConfig.Cgroup",
    "HostConfig.CgroupParent",
    "HostConfig.DeviceCgroupRules",
    "HostConfig.DeviceRequests[].DeviceIDs",
    "HostConfig.DeviceRequests[].Options",
    "HostConfig.GroupAdd",
    "HostConfig.PidMode",
    "HostConfig.SecurityOpt",
    "HostConfig.Sysctls",
    "HostConfig.UTSMode",
    "HostConfig.UsernsMode",
    /* Its files, and others'. */
    "HostConfig.Binds",
    "HostConfig.ContainerIDFile",
    "HostConfig.Mounts[].BindOptions.NonRecursive",
    "HostConfig.Mounts[].Consistency",
    "HostConfig.Mounts[].TmpfsOptions",
    "HostConfig.Mounts[].VolumeOptions",
    "HostConfig.Tmpfs",
    "HostConfig.VolumeDriver",
    "HostConfig.VolumesFrom",
    /* The network beside the user's own. */
    "HostConfig.Dns",
    "HostConfig.DnsOptions",
    "HostConfig.DnsSearch",
    "HostConfig.ExtraHosts",
    "HostConfig.Links",
    "MacAddress",
    "NetworkDisabled",
    "NetworkingConfig",
    /* Shares of the machine that no policy counts. */
    "HostConfig.BlkioDeviceReadBps",
    "HostConfig.BlkioDeviceReadIOps",
    "HostConfig.BlkioDeviceWriteBps",
    "HostConfig.BlkioDeviceWriteIOps",
    "HostConfig.BlkioWeight",
    "HostConfig.BlkioWeightDevice",
    "HostConfig.CpuCount",
    "HostConfig.CpuPercent",
    "HostConfig.CpuPeriod",
    "HostConfig.CpuQuota",
    "HostConfig.CpuRealtimePeriod",
    "HostConfig.CpuRealtimeRuntime",
    "HostConfig.CpuShares",
    "HostConfig.CpusetCpus",
    "HostConfig.CpusetMems",
    "HostConfig.IOMaximumBandwidth",
    "HostConfig.IOMaximumIOps",
    "HostConfig.KernelMemory",
    "HostConfig.KernelMemoryTCP",
    "HostConfig.MemoryReservation",
    "HostConfig.MemorySwappiness",
    "HostConfig.OomKillDisable",
    "HostConfig.OomScoreAdj",
    "HostConfig.Ulimits",
    /* How it ends is the journal's business; and Windows. */
    "HostConfig.AutoRemove",
    "HostConfig.Isolation",
    "HostConfig.RestartPolicy.MaximumRetryCount",
    NULL,
};

static char fields[FIELDS_MOST][PATH_SIZE];
static size_t field_count;

static bool is_in(const char *const *list, const char *path)
{
    for (; *list; list++)
        if (strcmp(*list, path) == 0)
            return true;
    return false;
}

/* Also below one that is. */
static bool is_never(const char *path)
{
    for (const char *const *row = never; *row; row++) {
        size_t length = strlen(*row);
        if (strncmp(*row, path, length) == 0 && (!path[length] || strchr(".[{", path[length])))
            return true;
    }
    return false;
}

static bool begins_a_field(const char *path, const char *suffix)
{
    char start[PATH_SIZE];
    int length = snprintf(start, sizeof start, "%s%s", path, suffix);
    for (size_t i = 0; i < field_count; i++)
        if (strncmp(fields[i], start, (size_t)length) == 0)
            return true;
    return false;
}

static int read_fields(void **state)
{
    char line[512], version[16] = "";
    FILE *file = fopen(DCM_CREATE_BODY_FIELDS, "r");
    (void)state;
    if (!file)
        return -1;
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '#' || sscanf(line, "version %15s", version) == 1)
            continue;
        if (field_count == FIELDS_MOST)
            break;
        snprintf(fields[field_count++], PATH_SIZE, "%.*s", PATH_SIZE - 1, line);
    }
    fclose(file);
    return field_count > 100 && strcmp(version, ENGINE_API) == 0 ? 0 : -1;
}

static void every_field_of_the_engines_is_ours_granted_or_never(void **state)
{
    (void)state;
    for (size_t i = 0; i < field_count; i++) {
        int places = is_in(ours, fields[i]) + is_in(granted, fields[i]) + is_never(fields[i]);
        if (places != 1)
            fail_msg("%s is classified %d times", fields[i], places);
    }
}

static void nothing_is_classified_that_the_engine_does_not_know(void **state)
{
    const char *const *const lists[] = {ours, granted, never};
    (void)state;
    for (size_t list = 0; list < 3; list++)
        for (const char *const *row = lists[list]; *row; row++) {
            bool known = false;
            for (size_t i = 0; i < field_count; i++)
                known |= strcmp(fields[i], *row) == 0;
            if (!known)
                fail_msg("%s is no field of the engine's", *row);
        }
}

/* Calls visit for every field within, by its path in the specification. */
static void walk(const char *path, json_t *value, void (*visit)(const char *path, void *context),
                 void *context)
{
    char below[PATH_SIZE];
    const char *name;
    json_t *member;
    size_t i;
    if (*path && path[strlen(path) - 1] != '}' && path[strlen(path) - 1] != ']')
        visit(path, context);
    bool is_map = begins_a_field(path, "{}");
    if (*path && !is_map && !begins_a_field(path, ".") && !begins_a_field(path, "[]"))
        return; /* the specification says no more of it */
    json_object_foreach(value, name, member)
    {
        snprintf(below, sizeof below, is_map ? "%s{}%.0s" : *path ? "%s.%s" : "%s%s", path, name);
        walk(below, member, visit, context);
    }
    json_array_foreach(value, i, member)
    {
        snprintf(below, sizeof below, "%s[]", path);
        walk(below, member, visit, context);
    }
}

/* A body of every option there is, or of none. */
static json_t *body_of(bool everything)
{
    json_auto_t *image = json_load_file(DCM_TEST_DATA "/image.json", 0, NULL);
    json_auto_t *labels = json_pack("{s:s}", "dcm.kind", "container");
    json_auto_t *options = json_pack("{s:[s], s:[s], s:{s:s}, s:i, s:[{s:s, s:s, s:b}], s:s, s:i}",
                                     "capabilities", "NET_ADMIN", "devices", "/dev/fuse", "env",
                                     "TZ", "UTC", "gpus", 1, "mounts", "source", "/data", "target",
                                     "/data", "read_only", 1, "restart", "no", "shm_size", 1 << 30);
    struct ports ports = {.count = everything};
    ports.list[0] =
        (struct port){.address = "192.0.2.1", .host = 8080, .container = 80, .protocol = "tcp"};
    struct container_plan plan = usual_plan;
    plan.image = image;
    plan.labels = labels;
    plan.ports = &ports;
    if (everything) {
        plan.memory = 1 << 30;
        plan.millicpus = 1000;
        plan.pids = 512;
        plan.disk = 10LL << 30;
        plan.options = options;
    }
    assert_non_null(options);
    return plan_body(&plan);
}

static void assert_allowed(const char *path, void *context)
{
    (void)context;
    if (!is_in(ours, path) && !is_in(granted, path))
        fail_msg("%s is in a body, and neither ours nor granted", path);
}

static void a_body_has_what_is_ours_or_granted_and_nothing_else(void **state)
{
    (void)state;
    for (int everything = 0; everything < 2; everything++) {
        json_auto_t *body = body_of(everything);
        assert_non_null(body);
        walk("", body, assert_allowed, NULL);
    }
}

struct search {
    const char *path;
    bool found;
};

static void look_for(const char *path, void *context)
{
    struct search *search = context;
    search->found |= strcmp(path, search->path) == 0;
}

static void what_is_ours_or_granted_is_in_a_body(void **state)
{
    const char *const *const lists[] = {ours, granted};
    json_auto_t *body = body_of(true);
    (void)state;
    for (size_t list = 0; list < 2; list++)
        for (const char *const *row = lists[list]; *row; row++) {
            struct search search = {.path = *row};
            walk("", body, look_for, &search);
            if (!search.found)
                fail_msg("%s is in no body", *row);
        }
}

/* Of members of HostConfig and of the body itself. */
static json_t *member_of(json_t *body, const char *path)
{
    const char *rest = strncmp(path, "HostConfig.", 11) == 0 ? path + 11 : NULL;
    return json_object_get(rest ? json_object_get(body, "HostConfig") : body, rest ? rest : path);
}

static void only_what_is_granted_differs_by_what_is_asked_for(void **state)
{
    json_auto_t *usual = body_of(false), *asked = body_of(true);
    (void)state;
    for (const char *const *row = ours; *row; row++)
        if (strcmp(*row, "HostConfig") != 0 && !strpbrk(*row, "[{") &&
            !json_equal(member_of(usual, *row), member_of(asked, *row)) && member_of(usual, *row))
            fail_msg("%s is ours, and differs", *row);
    for (const char *const *row = granted; *row; row++)
        if (member_of(usual, *row) && json_equal(member_of(usual, *row), member_of(asked, *row)))
            fail_msg("%s is granted, and never differs", *row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_of_the_engines_is_ours_granted_or_never),
        cmocka_unit_test(nothing_is_classified_that_the_engine_does_not_know),
        cmocka_unit_test(a_body_has_what_is_ours_or_granted_and_nothing_else),
        cmocka_unit_test(what_is_ours_or_granted_is_in_a_body),
        cmocka_unit_test(only_what_is_granted_differs_by_what_is_asked_for),
    };
    return cmocka_run_group_tests(tests, read_fields, NULL);
}
