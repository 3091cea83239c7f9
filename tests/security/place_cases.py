"""Storage, keys and audit log with links planted where root writes; images, and containers started by hand."""

import os
import subprocess

from case import Case

LINKS = "worker: openat2 without links"
BODY = "worker: sets what an image could"
REFUSES = "worker: refuses what it cannot override"
MAC = "worker: MACs on labels"
HOSTILE = {
    "User": "nobody", "Entrypoint": ["/bin/evil"], "Cmd": ["evil"], "WorkingDir": "/evil", "StopSignal": "SIGKILL",
    "Env": ["NVIDIA_VISIBLE_DEVICES=all", "LD_PRELOAD=/evil.so", "DCM_USER=root", "APP=kept"],
    "Healthcheck": {"Test": ["CMD", "/bin/evil"]}, "ExposedPorts": {"2375/tcp": {}},
    "Labels": {"dcm.user": "bob", "dcm.v": "1", "dcm.kind": "container", "evil": "1"}}
IMAGES = {"hostile-ssh": HOSTILE, "volume-ssh": {"Volumes": {"/var/lib/evil": {}}}, "onbuild-ssh": {"OnBuild": ["RUN id"]}}


# ---- links ----

def bobs_create(world):
    return world.bob.json("create", "debian-ssh", "--name", "planted", status=None)


def create_works(world):
    made = bobs_create(world)
    assert made["state"] == "done", made
    world.bob.do("remove", "-f", "planted")


def planted(place):
    """In place of what is there, a link to a directory (file) of root's: nothing is made or changed behind it."""
    def hostile(world):
        victim, path = world.stack.state / "victim", place(world)
        victim.mkdir(mode=0o755, exist_ok=True)
        aside = path.with_name(path.name + ".aside")
        os.rename(path, aside)
        os.symlink(victim, path)
        before = victim.stat()
        try:
            made = bobs_create(world)
            assert made["state"] != "done", made
            after = victim.stat()
            assert (after.st_uid, after.st_mode, after.st_mtime) == (before.st_uid, before.st_mode, before.st_mtime)
            assert os.listdir(victim) == []
        finally:
            os.unlink(path)
            os.rename(aside, path)
        # Nor is anything left of it.
        assert world.bob.names() == ["secret"]
    return hostile


def link(what, place):
    return "places", what, LINKS, planted(place), create_works


def links_inside(world):
    """What root of a container can do to the storage that it sees."""
    container = world.bobs
    world.bob.ssh(container, "ln -sfn /etc /root/.dcm.link; ln -sf /etc/shadow /home/bob/.x; chmod 777 /root /home/bob; "
                  "chown 0:0 /home/bob", login="root")
    shadow = world.stack.state / "etc" / "shadow"
    before = shadow.stat()
    create_works(world)
    after = shadow.stat()
    assert (before.st_uid, before.st_mode, before.st_mtime) == (after.st_uid, after.st_mode, after.st_mtime)
    home = (world.stack.storage / "bob" / "home").stat()
    assert home.st_mode & 0o7777 == 0o700


def setuid_program(world):
    """On the host nobody but root gets as far as the storage."""
    world.bob.ssh(world.bobs, "cp /bin/bash /home/bob/shell && chmod 4755 /home/bob/shell", login="root")
    program = world.stack.storage / "bob" / "home" / "shell"
    assert program.stat().st_mode & 0o4000
    tried = subprocess.run(["/bin/sh", "-c", f"{program} -p -c id"], user=world.bob.uid, group=world.bob.uid, extra_groups=[],
                           capture_output=True, text=True, check=False)
    program.unlink()
    assert "euid=0" not in tried.stdout and "Permission denied" in tried.stderr


def inside_it_runs(world):
    assert world.bob.ssh(world.bobs, "id -u", login="root") == "0"


def audit_link(world):
    """A link in the audit log's place is not written through."""
    log = world.stack.audit
    aside, victim = log.with_suffix(".aside"), world.stack.state / "victim.log"
    victim.write_text("")
    log.rename(aside)
    log.symlink_to(victim)
    try:
        world.works()
        assert victim.read_text() == ""
        assert "a symbolic link" in world.stack.worker.log()
    finally:
        log.unlink()
        aside.rename(log)


def audited(world):
    assert world.ask("ping")["state"] == "done"


# ---- a user who is removed ----

# Names that are options, orders to a terminal, or several lines; links out; what reading would wait for; more
# folders within each other than any path may name.
HARD_TO_REMOVE = r"""
cd /root && mkfifo fifo && ln -s / top && ln -s /etc/shadow shadow
touch -- -delete --checkpoint-action=exec=id '-exec rm' "$(printf 'one\nother')" "$(printf '\033]0;x\007')"
mkdir locked && touch locked/file && chmod 0 locked
perl -e '$name = "d" x 200; for (1 .. 600) { mkdir $name; chdir $name or die }'
"""


def tree_that_is_hard_to_remove(world):
    """By the administrator, with an archive: it goes whole, nothing behind it does, and no terminal is told anything."""
    archive = world.stack.state / "mallory.tar"
    with world.nothing_changes():
        world.admin.add("mallory")
        mallory = world.admin.user("mallory")
        mallory.ssh(mallory.create(), HARD_TO_REMOVE, login="root")
        removed = world.admin.tell("user", "remove", "mallory", "--yes", "--archive", archive, form=())
    assert removed.returncode == 0, removed
    assert (removed.stdout + removed.stderr).replace("\n", "").isprintable()
    assert world.admin.trace("mallory") == {}
    listed = subprocess.run(["tar", "-tf", archive], capture_output=True, text=True, check=True).stdout
    assert "mallory/root/shadow\n" in listed and listed.count("d" * 200) >= 600


# ---- images ----

def make_images(world):
    """Once: images that the administrator has granted without looking into them."""
    if hasattr(world, "hostile"):
        return world.hostile
    with world.stack.engine() as engine:
        base = engine.create_container("debian-ssh", command=["true"], entrypoint=[])["Id"]
        for name, config in IMAGES.items():
            engine.commit(base, repository=name, conf=config)
        engine.remove_container(base)
    world.hostile = world.stack.inspect(world.alice.json("create", "hostile-ssh", "--name", "hostile")["container"])
    return world.hostile


def image(what, holds):
    def hostile(world):
        found = make_images(world)
        config = {**found["Config"], "published": [port for port, to in found["NetworkSettings"]["Ports"].items() if to]}
        assert holds(config), config

    def permitted(world):
        # What an image may say, is said.
        assert "APP=kept" in make_images(world)["Config"]["Env"] and make_images(world)["State"]["Running"]
    return "images", what, BODY, hostile, permitted


def no_image(what, name, text):
    def hostile(world):
        make_images(world)
        with world.nothing_changes():
            made = world.alice.json("create", name, status=3)
        assert text in made["error"]["message"], made

    def permitted(world):
        assert make_images(world)["State"]["Running"]
    return "images", what, REFUSES, hostile, permitted


# ---- containers that prove nothing ----

def by_hand(labels, name="dcm.bob.forged"):
    """Started by an administrator, or by whoever got at the engine: alice and bob neither see it nor reach it."""
    def hostile(world):
        with world.stack.engine() as engine:
            made = engine.create_container("debian-ssh", name=name, command=["sleep", "99"], entrypoint=[], labels=labels(world))["Id"]
            engine.start(made)
            try:
                for user in (world.alice, world.bob):
                    for reference in ("forged", made[:12] if not made[:12].isdigit() else made):
                        ran = user.submit("stop", reference)
                        assert ran.returncode in (2, 4), ran
                assert "forged" not in world.bob.names()
                # Nor does the keeper, who looks now, touch it.
                listed = subprocess.run([world.stack.program("dcm-worker"), "--config", world.stack.worker.config, "--reconcile",
                                         "--apply"], capture_output=True, text=True, timeout=60, check=False)
                assert '"unverified"' in listed.stdout, listed
                assert engine.inspect_container(made)["State"]["Running"]
            finally:
                engine.remove_container(made, force=True)
    return hostile


def forged(world):
    return {"dcm.v": "1", "dcm.kind": "container", "dcm.user": "bob", "dcm.name": "forged",
            "dcm.request": "0193a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b", "dcm.mac": "k1:" + "0" * 64}


def copied(world):
    labels = world.stack.inspect(world.bobs)["Config"]["Labels"]
    assert labels["dcm.user"] == "bob" and "dcm.mac" in labels
    return labels


def copied_to_another(world):
    return {**copied(world), "dcm.name": "forged"}


def own_stop_works(world):
    world.bob.do("restart", "secret")


CASES = [Case(*row) for row in [
    link("a link in place of a user's storage", lambda world: world.stack.storage / "bob"),
    link("a link in place of /root's storage", lambda world: world.stack.storage / "bob" / "root"),
    link("a link in place of /home's storage", lambda world: world.stack.storage / "bob" / "home"),
    link("a link in place of a user's keys", lambda world: world.stack.keys / "bob"),
    link("a link in place of a user's key file", lambda world: world.stack.keys / "bob" / "authorized_keys"),
    ("places", "links in the storage, by root of a container", LINKS, links_inside, create_works),
    ("places", "a setuid program in the storage", "storage: folders that root alone enters", setuid_program, inside_it_runs),
    ("places", "a link in place of the audit log", "audit log: root's file, without links", audit_link, audited),
    ("places", "a tree that is hard to remove", "dcm-admin: folder by folder, without links", tree_that_is_hard_to_remove,
     create_works),
    image("USER", lambda config: config["User"] == "0:0"),
    image("ENTRYPOINT and CMD", lambda config: config["Entrypoint"] == ["/usr/sbin/dcm-init"] and not config["Cmd"]),
    image("ENV NVIDIA_VISIBLE_DEVICES", lambda config: "NVIDIA_VISIBLE_DEVICES=all" not in config["Env"]),
    image("ENV LD_PRELOAD", lambda config: "LD_PRELOAD=/evil.so" not in config["Env"]),
    image("ENV of DCM's own", lambda config: "DCM_USER=alice" in config["Env"] and "DCM_USER=root" not in config["Env"]),
    image("HEALTHCHECK", lambda config: config["Healthcheck"]["Test"] == ["NONE"]),
    image("STOPSIGNAL and WORKDIR", lambda config: config["StopSignal"] == "SIGTERM" and config["WorkingDir"] == "/"),
    image("EXPOSE", lambda config: "2375/tcp" in config["ExposedPorts"] and config["published"] == ["22/tcp"]),
    image("labels of DCM's and of its own", lambda config: config["Labels"]["dcm.user"] == "alice" and not config["Labels"].get("evil")),
    no_image("VOLUME", "volume-ssh", "volumes"),
    no_image("ONBUILD", "onbuild-ssh", "ONBUILD"),
    ("images", "a container with forged labels", MAC, by_hand(forged), own_stop_works),
    ("images", "a container with another's labels", MAC, by_hand(copied), own_stop_works),
    ("images", "a container with another's labels and a new name", MAC, by_hand(copied_to_another), own_stop_works),
]]
