"""What engine, index, leases, journal and the containers themselves say of the same things."""

import json
import pwd
import subprocess

from stack import eventually

STATES = {"running": "running", "paused": "paused"}  # the engine has many words for "stopped"


def engine_containers(stack):
    """id → inspected, of those that DCM has made."""
    client = stack.docker()
    try:
        listed = client.api.containers(all=True, filters={"label": "dcm.v=1"})
        return {one["Id"]: client.api.inspect_container(one["Id"]) for one in listed}
    finally:
        client.close()


def host_ports(inspected):
    """Every (protocol, host port, address) that a container has, as the engine knows it."""
    for port, bindings in (inspected["HostConfig"]["PortBindings"] or {}).items():
        for binding in bindings:
            yield port.split("/")[1], int(binding["HostPort"]), binding["HostIp"]


def entries(store):
    """(user, name) → index entry."""
    found = {}
    for key in store.scan_iter("dcm:user:*:containers"):
        for name, text in store.hgetall(key).items():
            found[key.split(":")[2], name] = json.loads(text)
    return found


def leases(store, server):
    """(protocol, host port, address) → lease."""
    return {(*field.split("/"), address): lease for field, text in store.hgetall(f"dcm:server:{server}:ports").items()
            for address, lease in json.loads(text).items()}


def ports_twice(containers):
    """Ports that two containers of the engine have, on addresses that overlap."""
    holders = {}
    for identity, inspected in containers.items():
        for protocol, port, address in host_ports(inspected):
            for other, at in holders.get((protocol, port), []):
                if "0.0.0.0" in (address, at) or address == at:
                    yield f"{protocol}/{port} is given to {identity[:12]} and {other[:12]}"
            holders.setdefault((protocol, port), []).append((identity, address))


def entry_differences(containers, index):
    by_id = {entry["container"]["id"]: (who, entry) for who, entry in index.items()}
    for identity in containers.keys() - by_id.keys():
        yield f"{containers[identity]['Name']} is not in the index"
    for identity, ((user, name), entry) in by_id.items():
        inspected = containers.get(identity)
        if not inspected:
            yield f"{user}'s {name} ({entry['container']['state']}) is not in the engine"
            continue
        if inspected["Name"] != f"/dcm.{user}.{name}":
            yield f"{user}'s {name} is called {inspected['Name']}"
        state = STATES.get(inspected["State"]["Status"], "stopped")
        if entry["container"]["state"] != state:
            yield f"{user}'s {name} is {state}, not {entry['container']['state']}"


def lease_differences(containers, index, leased):
    wanted = {(protocol, str(port), address) for inspected in containers.values()
              for protocol, port, address in host_ports(inspected)}
    for port in wanted - leased.keys():
        yield f"{port} is not leased"
    for port in leased.keys() - wanted:
        yield f"{port} is leased to {leased[port]['name']} and no container has it"
    requests = {entry["request"] for entry in index.values()}
    for port, lease in leased.items():
        if lease["request"] not in requests or lease["until"] != 0:
            yield f"{port} is leased by {lease}"


def is_known(user):
    return user in (account.pw_name for account in pwd.getpwall())


def record_differences(stack, store):
    """What the journal has ended, and its user, unless he was removed since, cannot read."""
    for identity, user, result in stack.journal("SELECT id, user, result FROM requests"):
        if not is_known(user):
            continue
        if result is None:
            yield f"{identity} has not ended"
            continue
        known = store.hget(f"dcm:user:{user}:request:{identity}", "result")
        if known is None or json.loads(known)["state"] != json.loads(result)["state"]:
            yield f"{identity} ended as {json.loads(result)['state']}, and its record says {known}"


def differences(stack):
    """Everything about containers that is not as it should be once nothing is under way."""
    containers = engine_containers(stack)
    with stack.redis() as store:
        index, leased = entries(store), leases(store, stack.server)
        return [*ports_twice(containers), *entry_differences(containers, index),
                *lease_differences(containers, index, leased), *record_differences(stack, store)]


def host_key(container):
    """By which sshd in there is known, once it is up."""
    scan = ["ssh-keyscan", "-T", "2", "-t", "ed25519", "-p", str(container["ssh_port"]), "127.0.0.1"]
    scanned = eventually(lambda: subprocess.run(scan, capture_output=True, text=True, check=False).stdout, 20, "a key")
    return scanned.split()[-1]
