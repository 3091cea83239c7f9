"""A pytest plugin: several runs, each with its own stack, share the files of one suite.

    pytest -p shares --share 2/3 --claims FOLDER …

Each begins at another place, goes round, and leaves out what another one has begun: whoever has a fast half helps
with the slow one. Of a module that says OWN_STACKS each test is shared by itself. What is left out is in nobody's
report but that of the one who ran it.
"""

import pathlib


def pytest_addoption(parser):
    parser.addoption("--share", type=lambda text: tuple(map(int, text.split("/"))), help="which one of how many, as 2/3")
    parser.addoption("--claims", type=pathlib.Path, help="a folder for them all, empty at the beginning")


def pytest_configure(config):
    if config.getoption("share"):
        config.pluginmanager.register(Share(*config.getoption("share"), config.getoption("claims")))


class Share:
    def __init__(self, number, count, claims):
        self.number, self.count, self.claims = number, count, claims
        self.ours = {}

    def pytest_collection_modifyitems(self, items):
        files = list(dict.fromkeys(item.path for item in items))
        first = len(files) * (self.number - 1) // self.count
        turn = {path: (place - first) % len(files) for place, path in enumerate(files)}
        items.sort(key=lambda item: turn[item.path])

    def pytest_runtest_protocol(self, item):
        """None goes on to pytest's own; True says that all is done."""
        name = item.name if getattr(item.module, "OWN_STACKS", False) else item.path.name
        if name not in self.ours:
            self.ours[name] = self.claim(name)
        return None if self.ours[name] else True

    def claim(self, name):
        try:
            (self.claims / name).mkdir()
        except FileExistsError:
            return False
        return True
