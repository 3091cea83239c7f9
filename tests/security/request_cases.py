"""Names, limits and grants, as a batch system asks for alice: past the checks of our own programs."""

from case import Case, allowed, ill_formed, refused

NAMES, LIMITS, GRANTS = "worker: names by their grammar", "worker: numbers by their bounds", "policy: nothing that is not granted"
RESERVED = "worker: what nobody can be granted"
OWN = "worker: the index of its user's containers"
BODY = "worker: options by their grammar"


def named(what, wall, hostile):
    return "names", what, wall, hostile, allowed(name="web2")


def of_anothers_container(reference, what, op="container.stop", **args):
    """reference: of the world, how bob's container is called."""
    def hostile(world):
        refused("not_found", op, container=reference(world), **args)(world)
        assert world.stack.inspect(world.bobs)["State"]["Running"]

    def permitted(world):
        allowed(op, container="full", **args)(world)
    return "names", what, OWN, hostile, permitted


def limit(what, wall, hostile, **permitted):
    return "limits", what, wall, hostile, allowed(**permitted)


def grant(what, wall, hostile, shown):
    """shown: of alice's container that has all that is granted."""
    def permitted(world):
        assert shown(world.full), what
    return "grants", what, wall, hostile, permitted


def mount(source, target="/maps", **more):
    return {"mounts": [{"source": source, "target": target, **more}]}


def has_mount(full):
    return [(m["Source"], m["RW"]) for m in full["Mounts"] if m["Destination"] == "/maps"] == [("/srv/maps", False)]


def has_env(full):
    return "TZ=UTC" in full["Config"]["Env"]


def has_capability(full):
    return "CAP_NET_ADMIN" in full["HostConfig"]["CapAdd"]


def has_device(full):
    return [device["PathOnHost"] for device in full["HostConfig"]["Devices"]] == ["/dev/fuse"]


def has_port(full):
    return full["HostConfig"]["PortBindings"]["81/tcp"][0]["HostPort"] == "8001"


def is_plain(full):
    return not full["HostConfig"]["Privileged"] and full["State"]["Running"]


NAME_CASES = [
    named("a name that leaves its folder", NAMES, ill_formed("name", name="../x")),
    named("a name with percent escapes", NAMES, ill_formed("name", name="%2e%2e%2fx")),
    named("a name with a newline", NAMES, ill_formed("name", name="web\n")),
    named("a name of DCM's own", NAMES, ill_formed("name", name="container99")),
    named("a name of 33 letters", NAMES, ill_formed("name", name="x" * 33)),
    named("a name with a dash first", NAMES, ill_formed("name", name="-web")),
    named("an image that is a path", NAMES, ill_formed("image", image="../../etc/passwd")),
    named("an image of another's", NAMES, ill_formed("image", image="dcm.local/bob/mine")),
    named("an image of a registry", NAMES, ill_formed("image", image="evil.example/debian-ssh")),
    named("an image of digits", NAMES, ill_formed("image", image="123456")),
    of_anothers_container(lambda world: "secret", "another's container by its name"),
    of_anothers_container(lambda world: str(world.bobs["ssh_port"]), "another's container by its port"),
    of_anothers_container(lambda world: "secret", "removes another's container", "container.remove", force=True),
    of_anothers_container(lambda world: "secret", "reads another's log", "container.logs"),
    ("names", "another's container by 12 digits of its id", NAMES,
     lambda world: ill_formed("container", "container.stop", container=world.bobs["id"][:12])(world)
     if world.bobs["id"][0].isdigit() else refused("not_found", "container.stop", container=world.bobs["id"][:12])(world),
     allowed("container.stop", container="full")),
    ("names", "another's container by the engine's name", OWN,
     refused("not_found", "container.stop", container="dcm.bob.secret"), allowed("container.stop", container="full")),
]
LIMIT_CASES = [
    limit("no memory", LIMITS, ill_formed("memory", memory=0), memory=64 << 20),
    limit("memory below nothing", LIMITS, ill_formed("memory", memory=-1), memory=64 << 20),
    limit("memory of 2^63", LIMITS, ill_formed("", memory="RAW", raw="9223372036854775808"), memory=64 << 20),
    limit("memory of 2^63-1", LIMITS, ill_formed("memory", memory=2**63 - 1), memory=64 << 20),
    limit("memory of 1e309", LIMITS, ill_formed("", memory="RAW", raw="1e309"), memory=64 << 20),
    limit("memory that is a text", LIMITS, ill_formed("memory", memory="64m"), memory=64 << 20),
    limit("memory beyond the grant", GRANTS, refused("policy_denied", rule="memory.each", memory=8 << 30), memory=128 << 20),
    limit("no processors", LIMITS, ill_formed("millicpus", millicpus=0), millicpus=500),
    limit("processors that are a fraction", LIMITS, ill_formed("millicpus", millicpus=0.5), millicpus=500),
    limit("processors beyond the grant", GRANTS, refused("policy_denied", rule="cpus.each", millicpus=64000), millicpus=500),
    limit("processes without a limit", LIMITS, ill_formed("pids", pids=-1), pids=64),
    limit("processes beyond the grant", GRANTS, refused("policy_denied", rule="pids.each", pids=100000), pids=64),
    limit("a life of no time", LIMITS, ill_formed("ttl", ttl=0), ttl=3600),
    limit("a life beyond the grant", GRANTS, refused("policy_denied", rule="life", ttl=86400 * 30), ttl=3600),
    limit("shared memory beyond the grant", GRANTS, refused("policy_denied", rule="shm_size", shm_size=1 << 30), shm_size=100 << 20),
    limit("65 ports", LIMITS, ill_formed("ports", ports=[{"host": 8000 + i, "container": 80 + i, "protocol": "tcp"}
                                                         for i in range(65)]), memory=64 << 20),
    limit("port 65536", LIMITS, ill_formed("ports", ports=[{"host": 65536, "container": 80, "protocol": "tcp"}]), memory=64 << 20),
]
GRANT_CASES = [
    grant("a variable that loads code", RESERVED, ill_formed("LD_PRELOAD", env={"LD_PRELOAD": "/tmp/x.so"}), has_env),
    grant("a variable of DCM's own", RESERVED, ill_formed("DCM_USER", env={"DCM_USER": "bob"}), has_env),
    grant("a variable that names GPUs", RESERVED, ill_formed("NVIDIA", env={"NVIDIA_VISIBLE_DEVICES": "all"}), has_env),
    grant("a variable with a newline", BODY, ill_formed("env", env={"TZ": "UTC\nLD_PRELOAD=/x"}), has_env),
    grant("a variable that is not granted", GRANTS, refused("policy_denied", rule="env", env={"PROXY": "x"}), has_env),
    grant("SYS_ADMIN", RESERVED, ill_formed("SYS_ADMIN", capabilities=["SYS_ADMIN"]), has_capability),
    grant("all capabilities", RESERVED, ill_formed("ALL", capabilities=["ALL"]), has_capability),
    grant("a capability that is not granted", GRANTS, refused("policy_denied", rule="capabilities", capabilities=["SYS_NICE"]),
          has_capability),
    grant("the memory of the host", GRANTS, refused("policy_denied", rule="devices", devices=["/dev/mem"]), has_device),
    grant("a device with permissions of its own", BODY, ill_formed("devices", devices=["/dev/fuse:/dev/fuse:rwm"]), has_device),
    grant("a device that is a path elsewhere", BODY, ill_formed("devices", devices=["/dev/../etc/shadow"]), has_device),
    grant("/etc", RESERVED, ill_formed("mounts", **mount("/etc")), has_mount),
    grant("the engine's socket", RESERVED, ill_formed("mounts", **mount("/var/run/docker.sock")), has_mount),
    grant("the whole host", RESERVED, ill_formed("mounts", **mount("/")), has_mount),
    grant("a mount that climbs", BODY, ill_formed("mounts", **mount("/srv/maps/../../etc")), has_mount),
    grant("a mount with a colon", BODY, ill_formed("mounts", **mount("/srv/maps:/etc")), has_mount),
    grant("a mount over /etc inside", RESERVED, ill_formed("mounts", **mount("/srv/maps", "/etc", read_only=True)), has_mount),
    grant("a mount that is granted to be read", GRANTS, refused("policy_denied", rule="mounts", **mount("/srv/maps")), has_mount),
    grant("a directory beside the granted one", GRANTS, refused("policy_denied", rule="mounts", **mount("/srv/other", read_only=True)),
          has_mount),
    grant("a propagation of mounts", BODY, ill_formed("propagation", **mount("/srv/maps", propagation="shared")), has_mount),
    grant("a port that is not granted", GRANTS, refused(
        "policy_denied", rule="ports", ports=[{"host": 443, "container": 443, "protocol": "tcp"}]), has_port),
    grant("an address that is not the server's", "worker: the server's own addresses", refused(
        "not_found", ports=[{"host": 8002, "container": 80, "protocol": "tcp", "address": "192.0.2.1"}]), has_port),
    grant("GPUs", GRANTS, refused("policy_denied", rule="gpus", gpus=1), is_plain),
    grant("a restart policy that is not granted", GRANTS, refused("policy_denied", rule="restart", restart="always"),
          lambda full: full["HostConfig"]["RestartPolicy"]["Name"] == "on-failure"),
    grant("privileged", BODY, ill_formed("privileged", privileged=True), is_plain),
    grant("a body of the engine's", BODY, ill_formed("HostConfig", HostConfig={"Privileged": True}), is_plain),
]
CASES = [Case(*row) for row in NAME_CASES + LIMIT_CASES + GRANT_CASES]
