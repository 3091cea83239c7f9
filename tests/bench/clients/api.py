"""The engine's API over one connection that is kept: create, start, and inspect what runs. A line: name and body."""

import http.client
import json
import socket
import sys

from turns import serve


class Engine(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("engine")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)

    def call(self, method, path, body=None):
        sent = {"body": json.dumps(body), "headers": {"Content-Type": "application/json"}} if body else {}
        self.request(method, f"/v1.41{path}", **sent)
        response = self.getresponse()
        content = response.read()
        if response.status >= 300:
            raise RuntimeError(f"{method} {path}: {response.status} {content.decode()}")
        return json.loads(content or "null")


def create(line):
    wanted = json.loads(line)
    identity = engine.call("POST", f"/containers/create?name={wanted['name']}", wanted["body"])["Id"]
    engine.call("POST", f"/containers/{identity}/start")
    if not engine.call("GET", f"/containers/{identity}/json")["State"]["Running"]:
        raise RuntimeError(f"{wanted['name']} does not run")


engine = Engine(sys.argv[1])
serve(create)
