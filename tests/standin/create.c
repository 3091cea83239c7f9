/* Making a container: what the body says, over the image, over what the engine fills in. */
#include <ctype.h>
#include <string.h>
#include <unistd.h>

#include "common/members.h"
#include "tests/standin/standin.h"

#define LEAST_MEMORY (6LL << 20)

/* What Docker 20.10.24 shows for a body that says nothing. */
static const char blank[] =
    "{\"Id\":\"\",\"Created\":\"\",\"Path\":\"\",\"Args\":[],\"State\":{\"Status\":\"created\","
    "\"Running\":false,\"Paused\":false,\"Restarting\":false,\"OOMKilled\":false,\"Dead\":false,"
    "\"Pid\":0,\"ExitCode\":0,\"Error\":\"\",\"StartedAt\":\"0001-01-01T00:00:00Z\","
    "\"FinishedAt\":\"0001-01-01T00:00:00Z\"},\"Image\":\"\",\"Name\":\"\",\"RestartCount\":0,"
    "\"Driver\":\"overlay2\",\"Platform\":\"linux\",\"MountLabel\":\"\",\"ProcessLabel\":\"\","
    "\"AppArmorProfile\":\"\",\"ExecIDs\":null,\"HostConfig\":{\"Binds\":null,"
    "\"ContainerIDFile\":\"\",\"LogConfig\":{\"Type\":\"json-file\",\"Config\":{}},"
    "\"NetworkMode\":\"default\",\"PortBindings\":{},\"RestartPolicy\":{\"Name\":\"\","
    "\"MaximumRetryCount\":0},\"AutoRemove\":false,\"VolumeDriver\":\"\",\"VolumesFrom\":null,"
    "\"CapAdd\":null,\"CapDrop\":null,\"CgroupnsMode\":\"host\",\"Dns\":null,\"DnsOptions\":null,"
    "\"DnsSearch\":null,\"ExtraHosts\":null,\"GroupAdd\":null,\"IpcMode\":\"private\","
    "\"Cgroup\":\"\",\"Links\":null,\"OomScoreAdj\":0,\"PidMode\":\"\",\"Privileged\":false,"
    "\"PublishAllPorts\":false,\"ReadonlyRootfs\":false,\"SecurityOpt\":null,\"UTSMode\":\"\","
    "\"UsernsMode\":\"\",\"ShmSize\":67108864,\"Runtime\":\"runc\",\"ConsoleSize\":[0,0],"
    "\"Isolation\":\"\",\"CpuShares\":0,\"Memory\":0,\"NanoCpus\":0,\"CgroupParent\":\"\","
    "\"BlkioWeight\":0,\"BlkioWeightDevice\":null,\"BlkioDeviceReadBps\":null,"
    "\"BlkioDeviceWriteBps\":null,\"BlkioDeviceReadIOps\":null,\"BlkioDeviceWriteIOps\":null,"
    "\"CpuPeriod\":0,\"CpuQuota\":0,\"CpuRealtimePeriod\":0,\"CpuRealtimeRuntime\":0,"
    "\"CpusetCpus\":\"\",\"CpusetMems\":\"\",\"Devices\":null,\"DeviceCgroupRules\":null,"
    "\"DeviceRequests\":null,\"KernelMemory\":0,\"KernelMemoryTCP\":0,\"MemoryReservation\":0,"
    "\"MemorySwap\":0,\"MemorySwappiness\":null,\"OomKillDisable\":false,\"PidsLimit\":null,"
    "\"Ulimits\":null,\"CpuCount\":0,\"CpuPercent\":0,\"IOMaximumIOps\":0,"
    "\"IOMaximumBandwidth\":0,\"MaskedPaths\":[\"/proc/asound\",\"/proc/acpi\",\"/proc/kcore\","
    "\"/proc/keys\",\"/proc/latency_stats\",\"/proc/timer_list\",\"/proc/timer_stats\","
    "\"/proc/sched_debug\",\"/proc/scsi\",\"/sys/firmware\"],\"ReadonlyPaths\":[\"/proc/bus\","
    "\"/proc/fs\",\"/proc/irq\",\"/proc/sys\",\"/proc/sysrq-trigger\"]},\"Mounts\":[],"
    "\"Config\":{\"Hostname\":\"\",\"Domainname\":\"\",\"User\":\"\",\"AttachStdin\":false,"
    "\"AttachStdout\":false,\"AttachStderr\":false,\"Tty\":false,\"OpenStdin\":false,"
    "\"StdinOnce\":false,\"Env\":null,\"Cmd\":null,\"Image\":\"\",\"Volumes\":null,"
    "\"WorkingDir\":\"\",\"Entrypoint\":null,\"OnBuild\":null,\"Labels\":{}},"
    "\"NetworkSettings\":{\"Bridge\":\"\",\"SandboxID\":\"\",\"HairpinMode\":false,"
    "\"Ports\":{},\"SandboxKey\":\"\",\"EndpointID\":\"\",\"Gateway\":\"\",\"IPAddress\":\"\","
    "\"IPPrefixLen\":0,\"MacAddress\":\"\",\"Networks\":{}}}";

/* Members that the body sets; a null is as good as nothing. */
static void overlay(json_t *base, json_t *body)
{
    const char *name;
    json_t *value;

    json_object_foreach(body, name, value)
    {
        if (json_is_null(value) || strcmp(name, "HostConfig") == 0 ||
            strcmp(name, "NetworkingConfig") == 0)
            continue;
        json_object_set_new(base, name, json_deep_copy(value));
    }
}

static bool is_name(const char *text)
{
    size_t length = strlen(text);
    if (length < 2 || !isalnum((unsigned char)text[0]))
        return false;
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)text[i]) && !strchr("_.-", text[i]))
            return false;
    return true;
}

/* The bind mounts of the body whose source is not there, NULL if there is none. */
static const char *missing_source(const json_t *host_config)
{
    size_t i;
    json_t *mount;

    json_array_foreach(json_object_get(host_config, "Mounts"), i, mount)
    {
        const char *type = text_at(mount, "Type");
        const char *source = text_at(mount, "Source");
        if (type && source && strcmp(type, "bind") == 0 && access(source, F_OK) != 0)
            return source;
    }
    return NULL;
}

/* Refuses what the engine would refuse. */
static bool is_acceptable(const struct standin *standin, const struct call *call,
                          struct http_reply *reply)
{
    const char *name = query_text(call, "name");
    const char *image = text_at(call->body, "Image");
    json_t *host_config = json_object_get(call->body, "HostConfig");
    json_int_t memory = number_at(host_config, "Memory");
    const char *other = text_at(standin->names, name);
    const char *missing = missing_source(host_config);

    if (!json_is_object(call->body))
        refuse(reply, 400, "the body is not a JSON object");
    else if (!is_name(name))
        refuse(reply, 400,
               "Invalid container name (%s), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed", name);
    else if (!image || !find_image(standin, image))
        refuse(reply, 404, "No such image: %s%s", image ? image : "",
               image && strchr(image, ':') ? "" : ":latest");
    else if (memory > 0 && memory < LEAST_MEMORY)
        refuse(reply, 400, "Minimum memory limit allowed is 6MB");
    else if (missing)
        refuse(reply, 400,
               "invalid mount config for type \"bind\": bind source path does not exist: %s",
               missing);
    else if (other)
        refuse(reply, 409,
               "Conflict. The container name \"/%s\" is already in use by container \"%s\". You "
               "have to remove (or rename) that container to be able to reuse that name.",
               name, other);
    return reply->body.length == 0;
}

static void set_command(json_t *container, json_t *config)
{
    json_t *words = json_array();
    json_t *entrypoint = json_object_get(config, "Entrypoint");
    json_t *command = json_object_get(config, "Cmd");

    if (json_is_array(entrypoint))
        json_array_extend(words, entrypoint);
    if (json_is_array(command))
        json_array_extend(words, command);
    if (json_array_size(words) > 0) {
        json_object_set(container, "Path", json_array_get(words, 0));
        json_array_remove(words, 0);
    }
    json_object_set_new(container, "Args", words);
}

static void set_mounts(json_t *container, const json_t *host_config, json_t *volumes)
{
    json_t *mounts = json_object_get(container, "Mounts");
    size_t i;
    json_t *mount;
    const char *path;

    json_array_foreach(json_object_get(host_config, "Mounts"), i, mount)
    {
        json_t *source = json_object_get(mount, "Source");
        json_array_append_new(mounts, json_pack("{s:O, s:o, s:O, s:s, s:b, s:s}", "Type",
                                                json_object_get(mount, "Type"), "Source",
                                                source ? json_incref(source) : json_string(""),
                                                "Destination", json_object_get(mount, "Target"),
                                                "Mode", "", "RW", !flag_at(mount, "ReadOnly"),
                                                "Propagation", "rprivate"));
    }
    json_object_foreach(volumes, path, mount)
    {
        json_array_append_new(mounts,
                              json_pack("{s:s, s:s, s:s, s:s, s:b}", "Type", "volume", "Driver",
                                        "local", "Destination", path, "Mode", "", "RW", 1));
    }
}

static void set_host_config(json_t *host_config)
{
    json_int_t memory = number_at(host_config, "Memory");
    json_t *policy = json_object_get(host_config, "RestartPolicy");
    size_t i;
    json_t *mount, *request;

    json_array_foreach(json_object_get(host_config, "DeviceRequests"), i, request)
    {
        json_object_set_new(request, "DeviceIDs",
                            json_null()); /* shown also where they say nothing */
        json_object_set_new(request, "Options", json_null());
    }
    json_array_foreach(json_object_get(host_config, "Mounts"), i, mount)
    {
        if (!flag_at(mount, "ReadOnly"))
            json_object_del(mount, "ReadOnly"); /* the engine shows it only where it is set */
    }
    if (number_at(host_config, "MemorySwap") == 0)
        json_object_set_new(host_config, "MemorySwap", json_integer(2 * memory));
    if (!json_object_get(policy, "MaximumRetryCount"))
        json_object_set_new(policy, "MaximumRetryCount", json_integer(0));
}

static void set_network(json_t *container, const json_t *body, const json_t *host_config)
{
    const char *mode = text_at(host_config, "NetworkMode");
    const char *name = strcmp(mode, "default") == 0 ? "bridge" : mode;
    json_t *wanted = json_object_get(
        json_object_get(json_object_get(body, "NetworkingConfig"), "EndpointsConfig"), name);
    json_t *aliases = json_object_get(wanted, "Aliases");

    aliases = json_is_array(aliases) ? json_deep_copy(aliases) : json_array();
    json_array_append_new(aliases, json_stringn(container_id(container), 12));
    json_object_set_new(json_object_get(json_object_get(container, "NetworkSettings"), "Networks"),
                        name,
                        json_pack("{s:n, s:n, s:o, s:s, s:s, s:s, s:s, s:i}", "IPAMConfig", "Links",
                                  "Aliases", aliases, "NetworkID", "", "EndpointID", "", "Gateway",
                                  "", "IPAddress", "", "IPPrefixLen", 0));
}

static json_t *new_container(const json_t *image, const char *name, json_t *body)
{
    json_t *container = json_loads(blank, 0, NULL);
    json_t *config = json_object_get(container, "Config");
    json_t *host_config = json_object_get(container, "HostConfig");
    char id[65];
    char time[TIME_SIZE];

    new_id(id);
    time_text(time);
    json_object_set_new(container, "Id", json_string(id));
    json_object_set_new(container, "Created", json_string(time));
    json_object_set_new(container, "Name", json_sprintf("/%s", name));
    json_object_set(container, "Image", json_object_get(image, "Id"));
    json_object_set_new(config, "Hostname", json_stringn(id, 12));
    overlay(config, body);
    merge_config(config, json_object_get(image, "Config"));
    overlay(host_config, json_object_get(body, "HostConfig"));
    set_host_config(host_config);
    set_command(container, config);
    set_mounts(container, host_config, json_object_get(config, "Volumes"));
    set_network(container, body, host_config);
    return container;
}

void create_container(struct standin *standin, const struct call *call, struct http_reply *reply)
{
    const char *name = query_text(call, "name");

    if (json_array_size(standin->bodies) >= BODIES_MAX)
        json_array_remove(standin->bodies, 0);
    json_array_append_new(standin->bodies,
                          json_pack("{s:s, s:O*}", "name", name, "body", call->body));
    if (!is_acceptable(standin, call, reply))
        return;
    const char *image = text_at(call->body, "Image");
    json_t *container = new_container(find_image(standin, image), name, call->body);
    if (json_string_length(json_object_get(container, "Path")) == 0) {
        json_decref(container);
        refuse(reply, 400, "No command specified");
        return;
    }
    const char *id = container_id(container);
    json_object_set_new(standin->containers, id, container);
    json_object_set_new(standin->names, name, json_string(id));
    json_object_set_new(standin->logs, id, json_array());
    standin_event(standin, container, "create");
    reply_json(reply, 201, json_pack("{s:s, s:[]}", "Id", id, "Warnings"));
}
