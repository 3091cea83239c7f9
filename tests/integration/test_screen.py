"""The prompt in tmux: what a person has on the screen, compared whole."""

import os
import re
import shlex
import subprocess
import time

import pytest

from login import command_of
from stack import eventually

WIDTH, HEIGHT = 100, 30
LONG = "create debian-ssh --name " + "abcdefghij" * 10

# What differs from one run to the next, and of the progress, which leaves out what it came too late for.
CHANGING = ((r"\b[0-9a-f]{64}\b", "ID"), (r"\b2\d{4}\b", "PORT"), (r"container2\d{4}\b", "NAME"), (r"\b\d{1,2}s +-", "AGE  -"),
            (r"(?m)queued( → \w+)* → done$", "queued … done"), (r" {2,}", "  "))

STARTED = """\
*** Docker containers manager ***
Welcome, alice!
See 'help' for help, 'list' for the list of implemented commands.
Enter command > create debian-ssh 8080:80
debian-ssh: queued … done
Using alias 127.0.0.1
ID
Container NAME created successfully.
To connect use
  ssh alice@127.0.0.1 -p PORT
You can also login as root.
Use name or port number to identify the container to DCM.
Enter command > ps
NAME  STATE  SERVER  ADDRESS  SSH  PORTS  IMAGE  AGE  LEFT
NAME  running  lab1  127.0.0.1  PORT  127.0.0.1:8080:80  debian-ssh  AGE  -
Enter command >"""


class Screen:
    """tmux with one window, in which somebody signs in by ssh. tmux is UTF-8's and reads nobody's configuration."""

    def __init__(self, user):
        self.socket = user.stack.state / "tmux"
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", WIDTH, "-y", HEIGHT, shlex.join(command_of(user)))

    def tmux(self, *words):
        return subprocess.run(["tmux", "-u", "-S", self.socket, *map(str, words)], check=True, capture_output=True,
                              text=True, env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TERM": "xterm"}).stdout

    def type(self, *keys):
        """Keys by tmux's names; a text stands for itself."""
        self.tmux("send-keys", *keys)

    def clear(self):
        """An empty line on an empty screen."""
        self.type("C-u", "C-l")
        self.shows("Enter command >", (16, 0))

    def shows(self, expected, cursor=None):
        """In the end it shows just that, with the cursor in this column and row."""
        end = time.monotonic() + 30
        while self.now() != (expected, cursor or self.cursor()) and time.monotonic() < end:
            time.sleep(0.1)
        assert self.now() == (expected, cursor or self.cursor())

    def now(self):
        text = self.tmux("capture-pane", "-p").rstrip("\n")
        for pattern, name in CHANGING:
            text = re.sub(pattern, name, text)
        return text, self.cursor()

    def cursor(self):
        return tuple(map(int, self.tmux("display-message", "-p", "#{cursor_x} #{cursor_y}").split()))

    def resize(self, width):
        """Without the lines that have left the screen, which tmux would bring back. tmux redraws at once and tells
        the program later; nobody types so fast."""
        self.tmux("clear-history")
        self.tmux("resize-window", "-x", width, "-y", HEIGHT)
        eventually(lambda: shell_widths() == {width}, 10, "dcm-shell to learn of the window's size")

    def close(self):
        self.tmux("kill-server")


@pytest.fixture
def screen(login, alice):
    made = Screen(alice)
    made.shows("\n".join(STARTED.splitlines()[:3] + ["Enter command >"]), (16, 3))
    yield made
    made.close()


def shell_widths():
    """How wide the terminals are that the shells of this login server have."""
    shells = subprocess.run(["pgrep", "-x", "dcm-shell"], check=True, capture_output=True, text=True).stdout.split()
    return {width_of(f"/proc/{shell}/fd/0") for shell in shells}


def width_of(path):
    terminal = os.open(path, os.O_RDONLY | os.O_NOCTTY)
    try:
        return os.get_terminal_size(terminal).columns
    finally:
        os.close(terminal)


def wrapped(text, width):
    """As the prompt shows a line that is longer than the window is wide."""
    whole = f"Enter command > {text}"
    return "\n".join(whole[start:start + width] for start in range(0, len(whole), width))


def test_what_a_person_sees(screen):
    screen.type("create debian-ssh 8080:80", "Enter")
    screen.shows("\n".join(STARTED.splitlines()[:12] + ["Enter command >"]), (16, 12))
    screen.type("ps", "Enter")
    screen.shows(STARTED, (16, 15))


def test_a_line_is_edited(screen):
    screen.clear()
    screen.type("bing", "C-a", "C-d", "p", "Enter")
    answered = "Enter command > ping\nqueued … done\nlab1 answers.\nEnter command >"
    screen.shows(answered, (16, 3))
    screen.type("Up", "Left", "Left", "X", "BSpace", "C-e", "Y")
    screen.shows(f"{answered} pingY", (21, 3))
    screen.type("C-w", "pong", "Home", "C-k", "exi")
    screen.shows(f"{answered} exi", (19, 3))
    screen.type("C-c")
    screen.shows(f"{answered} exi\nEnter command >", (16, 4))


def test_words_are_completed(alice, screen):
    alice.create("--name", "webserver")
    screen.clear()
    screen.type("sho", "Tab", "web", "Tab", "--js", "Tab")
    screen.shows("Enter command > show webserver --json", (38, 0))
    screen.clear()
    screen.type("st", "Tab")
    screen.shows("Enter command > st\nstart  stop  status\nEnter command > st", (18, 2))


def test_a_long_line_goes_on_in_the_next_row(screen):
    screen.clear()
    screen.type(LONG)
    screen.shows(wrapped(LONG, WIDTH), (41, 1))
    screen.type("C-a", "X")
    screen.shows(wrapped(f"X{LONG}", WIDTH), (17, 0))
    screen.type("C-e", "BSpace", "BSpace", "Left", "Y")
    screen.shows(wrapped(f"X{LONG[:-3]}Y{LONG[-3]}", WIDTH), (40, 1))


def test_a_window_of_another_size(screen):
    screen.clear()
    screen.type("show web")
    screen.resize(60)
    screen.type("server")
    screen.shows("Enter command > show webserver", (30, 0))
    screen.clear()
    screen.type(LONG)
    screen.shows(wrapped(LONG, 60), (21, 2))
    screen.resize(100)
    screen.shows(wrapped(LONG, 100), (41, 1))
    screen.type("C-a", "X", "C-e")
    screen.shows(wrapped(f"X{LONG}", 100), (42, 1))
    screen.type("C-c")
    screen.shows(wrapped(f"X{LONG}", 100) + "\nEnter command >", (16, 2))
