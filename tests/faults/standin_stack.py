"""A stack on the stand-in engine (tests/standin), which counts what it is asked."""

import json
import subprocess

from stack import BUILD, Stack, eventually


class StandinStack(Stack):
    standin_options = ()
    sandboxed = False # processes count in a file at which step they die

    def run_standin(self, socket):
        engine = subprocess.Popen([BUILD / "tests" / "standin" / "dcm-standin", "--socket", socket,
                                   *self.standin_options])
        eventually(socket.exists, 10, "the stand-in")
        return engine

    def start_services(self):
        socket = self.state / "engine.sock"
        self.engine = self.run_standin(socket)
        return super().start_services(socket)

    def usual_policy(self):
        policy = super().usual_policy()
        policy["groups"]["testers"].update({"images_kept": 3, "image_bytes": "8g"})
        return policy

    def down(self):
        super().down()
        self.engine.kill()
        self.engine.wait()

    def ask_engine(self, path, method="GET", body=None):
        """Past DCM: the answer's JSON, None where there is none."""
        sent = ["-H", "Content-Type: application/json", "-d", json.dumps(body)] if body is not None else []
        done = subprocess.run(["curl", "-sS", "--unix-socket", self.engine_socket, "-X", method, *sent,
                               f"http://engine/v1.41{path}"], capture_output=True, check=True)
        return json.loads(done.stdout) if done.stdout else None

    def calls(self, route):
        """How often this was asked of the engine since it started."""
        return self.ask_engine("/standin/counts").get(route, 0)

    def add_fault(self, method, path, **fault):
        """The next calls go wrong (tests/standin/faults.c)."""
        self.ask_engine("/standin/faults", "POST", {"method": method, "path": path, **fault})
