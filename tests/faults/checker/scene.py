"""What is there at the end, asked of engine, store, journal and broker themselves, and whether it fits together."""

import json
from collections import Counter, namedtuple

# kind: lost, doubled, leaked, wrong. requests: the ids that it is about.
Violation = namedtuple("Violation", "kind text requests")


def leaked(text, *requests):
    return Violation("leaked", text, tuple(r for r in requests if r))


class Scene:
    """Of one server."""

    def __init__(self, stack, site):
        client, store = site.docker(), stack.redis()
        try:
            api = client.api
            found = [api.inspect_container(c["Id"]) for c in api.containers(all=True)]
            self.images = [api.inspect_image(i["Id"]) for i in api.images(all=True)]
            self.networks = [n["Name"].split(".")[1] for n in api.networks() if n["Name"].startswith("dcm.")]
        finally:
            client.close()
        self.containers = {c["Id"]: c for c in found if c["Config"]["Labels"].get("dcm.kind") == "container"}
        self.entries, self.image_entries = {}, {}
        for user in stack.people:
            for name, text in store.hgetall(f"dcm:user:{user}:containers").items():
                self.entries[user, name] = json.loads(text)
            for name, text in store.hgetall(f"dcm:user:{user}:images").items():
                self.image_entries[user, name] = json.loads(text)
        for entries in (self.entries, self.image_entries):
            for owner in [owner for owner, entry in entries.items() if entry["server"] != site.name]:
                del entries[owner]
        self.leases = store.hgetall(f"dcm:server:{site.name}:ports")
        self.subnets = list(store.hgetall(f"dcm:server:{site.name}:subnets").values())
        self.index_users = store.smembers(f"dcm:server:{site.name}:users")
        self.journal = site.journal()
        self.waiting = stack.queue_length()

    def leaks(self):
        """Everything that belongs to nothing."""
        return [*self.check_index(), *self.check_ports(), *self.check_networks(), *self.check_images(),
                *self.check_journal()]

    def check_index(self):
        by_id = {entry["container"]["id"]: (owner, entry) for owner, entry in self.entries.items()}
        for id, container in self.containers.items():
            labels = container["Config"]["Labels"]
            owner, entry = by_id.get(id, (None, None))
            if not entry:
                yield leaked(f"container {container['Name']} without a record", labels["dcm.request"])
                continue
            if container["Name"] != "/dcm." + ".".join(owner):
                yield leaked(f"container {container['Name']} is {owner}'s in the index", labels["dcm.request"])
            if state_of(container) != entry["container"]["state"]:
                yield leaked(f"{owner} is {state_of(container)}, but {entry['container']['state']} in the index",
                             labels["dcm.request"])
            if ports_in(container) != ports_of(entry):
                yield leaked(f"{owner} has the ports {ports_in(container)}, but {ports_of(entry)} in the index",
                             labels["dcm.request"])
        for owner, entry in self.entries.items():
            if entry["until"] or entry["container"]["id"] not in self.containers:
                yield leaked(f"a record of {owner} without a container: {entry}", entry["request"])
            if "heir" in entry:
                yield leaked(f"{owner} is kept for a recreate", entry["heir"]["request"])

    def check_ports(self):
        """No lease without a container, no container without its leases, no port twice."""
        leases = {(field, address): lease for field, text in self.leases.items()
                  for address, lease in json.loads(text).items()}
        due = {port: (owner, entry["request"]) for owner, entry in self.entries.items() for port in ports_of(entry)}
        for port, lease in leases.items():
            if port not in due:
                yield leaked(f"a lease of {port} without a container", lease["request"])
            elif ((lease["user"], lease["name"]), lease["request"]) != due[port]:
                yield leaked(f"the lease of {port} is {lease}, not {due[port]}'s", lease["request"])
        for port in due.keys() - leases.keys():
            yield leaked(f"{due[port]} without its lease of {port}", due[port][1])
        held = Counter(port for container in self.containers.values() for port in ports_in(container))
        for field, address in held:
            others = [a for f, a in held if f == field and a != address and "0.0.0.0" in (a, address)]
            if held[field, address] > 1 or others:
                yield Violation("doubled", f"the port {field} of {address} is given twice", ())

    def check_networks(self):
        users = {owner for owner, _name in self.entries}
        for what, there in (("network", self.networks), ("subnet", self.subnets), ("place", list(self.index_users))):
            if sorted(there) != sorted(users):
                yield leaked(f"{what}s of {sorted(there)}, but containers of {sorted(users)}")

    def check_images(self):
        tagged = {tag: image for image in self.images for tag in image["RepoTags"] or []
                  if tag.startswith("dcm.local/")}
        for (user, name), entry in self.image_entries.items():
            image = tagged.pop(f"dcm.local/{user}/{name}", None)
            if "image" not in entry:
                yield leaked(f"room for an image of {user}'s that nobody makes: {entry}", name)
            elif not image or image["Id"] != entry["image"]["id"]:
                yield leaked(f"the image {name} of {user} is only in the index", entry["request"])
        for tag, image in tagged.items():
            yield leaked(f"the image {tag} without a record", image["Config"]["Labels"]["dcm.request"])

    def check_journal(self):
        for id, (user, op, attempts, result, recorded, _) in self.journal.items():
            if not recorded:
                what = "its result never told" if result else f"begun {attempts} times and never ended"
                yield leaked(f"{op} of {user} in the journal, {what}", id)
        if self.waiting:
            yield leaked(f"{self.waiting} messages in the queue")


class Whole:
    """Of all servers together."""

    def __init__(self, stack):
        self.scenes = [Scene(stack, site) for site in stack.sites]
        self.containers = {id: c for scene in self.scenes for id, c in scene.containers.items()}
        self.images = [image for scene in self.scenes for image in scene.images]
        self.journal = {id: row for scene in self.scenes for id, row in scene.journal.items()}

    def leaks(self):
        return [violation for scene in self.scenes for violation in scene.leaks()]


def state_of(container):
    state = container["State"]
    return "paused" if state["Paused"] else "running" if state["Running"] else "stopped"


def ports_in(container):
    """(protocol/host port, address) of everything that the engine would publish."""
    return sorted((f"{inside.split('/')[1]}/{binding['HostPort']}", binding["HostIp"] or "0.0.0.0")
                  for inside, bindings in (container["HostConfig"]["PortBindings"] or {}).items()
                  for binding in bindings)


def ports_of(entry):
    """The same of an entry of the index."""
    return sorted([(f"tcp/{entry['ssh_port']}", "0.0.0.0"),
                   *((f"{port['protocol']}/{port['host']}", port["address"]) for port in entry["ports"])])
