"""A create body like that of a container which DCM has made, for whoever else makes one."""

import copy

FIRST_PORT = 45000
OWN = ("Hostname", "Domainname", "Labels")  # of one container


def body_like(inspected):
    """The create body that makes such a container, but for its port."""
    config = {name: value for name, value in inspected["Config"].items() if name not in OWN}
    return {**config, "HostConfig": inspected["HostConfig"]}


def with_port(body, port):
    body = copy.deepcopy(body)
    body["HostConfig"]["PortBindings"]["22/tcp"] = [{"HostIp": "0.0.0.0", "HostPort": str(port)}]
    return body


def words_of(body):
    """The same for `docker run`."""
    host = body["HostConfig"]
    yield from ("--network", host["NetworkMode"], "--memory", host["Memory"], "--memory-swap", host["MemorySwap"],
                "--cpus", host["NanoCpus"] / 1e9, "--pids-limit", host["PidsLimit"], "--shm-size", host["ShmSize"],
                "--init", "--no-healthcheck", "--cap-drop", "ALL", "--cgroupns", host["CgroupnsMode"],
                "--ipc", host["IpcMode"], "--user", body["User"], "--workdir", body["WorkingDir"],
                "--stop-signal", body["StopSignal"], "--entrypoint", body["Entrypoint"][0],
                "--publish", host["PortBindings"]["22/tcp"][0]["HostPort"] + ":22")
    for option, values in (("--cap-add", host["CapAdd"]), ("--env", body["Env"])):
        for value in values:
            yield from (option, value)
    for name, value in host["LogConfig"]["Config"].items():
        yield from ("--log-opt", f"{name}={value}")
    for mount in host["Mounts"]:
        readonly = ",readonly" if mount.get("ReadOnly") else ""
        yield from ("--mount", f"type=bind,source={mount['Source']},target={mount['Target']}{readonly}")
