"""dcm-admin on a stack: what the tests of its parts share."""

import contextlib
import json
import os
import signal
import subprocess

from user import User

NAME = "carol"

# Sourced by bash before the script (BASH_ENV): the group dies before the N-th command that could
# change something, wherever in the script that is.
DIE = r"""
set -o functrace
dying() {
    case $1 in
    useradd* | usermod* | userdel* | groupadd* | gpasswd* | install* | mv* | rm* | tar* | find*-delete | rmdir* | kill\ -HUP* | cat\ \>* | \
    cat\ --* | chattr* | mkdir\ -m* | xfs_quota* | pkill* | submit_as*\$@* | submit_as*rmi* | *dcm-worker*--forget* | store_cli\ EVAL\ \"\$STORE_UNLINK*) ;;
    *) return 0 ;;
    esac
    printf '%s\n' "$1" >>"$DIE_LOG"
    (($(wc -l <"$DIE_LOG") <= DIE_AT)) || kill -KILL 0
}
trap 'dying "$BASH_COMMAND"' DEBUG
"""


def getent(database, name):
    done = subprocess.run(["getent", database, name], check=False, capture_output=True, text=True)
    return done.stdout.strip()


class Admin:
    pretended = ""  # functions of bash that stand in for what dcm-admin calls

    def __init__(self, stack):
        self.stack = stack
        self.config = self.configure("admin.conf")
        self.key = self.make_key("carol.key")

    def configure(self, name, **other):
        stack = self.stack
        settings = {"keys": stack.keys, "storage": stack.storage, "policy": stack.policy_path,
                    "broker": stack.urls["AMQP_ADMIN_URL"], "store": stack.urls["REDIS_ADMIN_URL"],
                    "worker_conf": stack.worker.config, "gate_conf": stack.gate.config,
                    "rabbitmqctl": stack.urls["RABBITMQCTL"], **other}
        return stack.secret(name, "".join(f"{key} = {value}\n" for key, value in settings.items()))

    def make_key(self, name):
        path = self.stack.state / name
        path.unlink(missing_ok=True)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
        return self.stack.state / f"{name}.pub"

    def command(self, *args, config=None, form=("--json",)):
        return [self.stack.program("dcm-admin"), "--config", config or self.config, *form, *map(str, args)]

    def tell(self, *args, **how):
        """Run it: returncode, stdout, stderr."""
        return subprocess.run(self.command(*args, **how), capture_output=True, text=True, timeout=600, check=False,
                              env=self.environment(self.pretended) if self.pretended else None)

    def environment(self, text, **more):
        """In which bash reads this text before the script."""
        hook = self.stack.state / "die.sh"
        hook.write_text(text)
        return {**os.environ, "BASH_ENV": str(hook), **more}

    def run(self, *args, status=0, **how):
        """The JSON that it prints, or else what it says; it must end with this status (None: any)."""
        done = self.tell(*args, **how)
        assert status in (None, done.returncode), (args, done)
        return json.loads(done.stdout) if done.stdout else done.stderr

    def add(self, name=NAME):
        key = self.key if name == NAME else self.make_key(f"{name}.key")
        return self.run("user", "add", name, "--key", key, "--group", "testers")["user"]

    def user(self, name=NAME):
        """With the key that was given to user add."""
        user = User.__new__(User)
        user.stack, user.name, user.home = self.stack, name, self.stack.state
        user.uid = int(subprocess.check_output(["id", "-u", name]))
        user.key = self.stack.state / f"{name}.key"
        return user

    def killed(self, at, *args):
        """Kill -9 it, and what it started, before the at-th command that changes something. How it ended."""
        log = self.stack.state / "die.log"
        log.write_text("")
        return subprocess.run(self.command(*args), capture_output=True, text=True, timeout=600, check=False,
                              start_new_session=True,
                              env=self.environment(self.pretended + DIE, DIE_LOG=str(log), DIE_AT=str(at)))

    def killed_everywhere(self, *args, before=lambda: None, after=lambda: None):
        """Kill the command at every step there is, each time from the state that before() makes, and run it again to its
        end; after() then looks at what came of it. How many steps there were."""
        for at in range(1000):
            before()
            done = self.killed(at, *args)
            if done.returncode != -signal.SIGKILL:
                assert done.returncode == 0, done
                after()
                return at
            again = self.tell(*args)
            assert again.returncode in (0, 4), (at, again)
            after()
        raise AssertionError("no end")

    def trace(self, name):
        """What accounts, store, policy and files know of a name."""
        found = {database: getent(database, name) for database in ("passwd", "shadow", "group")}
        for database in ("passwd", "shadow", "group", "gshadow", "subuid", "subgid"):
            with open(f"/etc/{database}") as lines:
                found[f"/etc/{database}"] = "".join(line for line in lines if name in line)
        with self.stack.redis() as store:
            found["store"] = sorted(store.keys(f"*{name}*"))
            for key in store.keys("dcm:server:*"):
                if store.type(key) == "set" and store.sismember(key, name):
                    found[key] = name
        found["policy"] = name in self.stack.policy_path.read_text()
        found["files"] = [str(p) for top in (self.stack.keys, self.stack.storage) for p in top.glob(f"*{name}*")]
        return {where: what for where, what in found.items() if what}


@contextlib.contextmanager
def speaking_for_everybody(stack):
    """dcm-admin, as long as the policy lets it speak for every user."""
    policy = stack.usual_policy()
    policy["publishers"]["dcm-admin"] = {"users": ["*"]}
    stack.set_policy(policy, reload=True)
    yield Admin(stack)
    stack.set_policy(stack.usual_policy(), reload=True)
