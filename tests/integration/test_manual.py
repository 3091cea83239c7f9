"""Manual pages and completion have every command and every option that the programs themselves tell of."""

import gzip
import os
import re
import subprocess

import pytest

OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
EVERYWHERE = {"--help", "--version"}


def told(stack, *words):
    return subprocess.run([stack.program(words[0]), *words[1:]], capture_output=True, text=True, check=True).stdout


def commands_of_users(stack):
    """{command: its options}, as `help` tells them to users."""
    listed = re.findall(r"^  ([a-z][a-z-]*)", told(stack, "dcm-submit", "--help"), re.MULTILINE)
    return {name: set(OPTION.findall(told(stack, "dcm-submit", "help", name))) - EVERYWHERE for name in listed}


def commands_of_administrators(stack):
    lines = re.findall(r"^  ([a-z].*)", told(stack, "dcm-admin", "--help"), re.MULTILINE)
    return {re.match(r"[a-z]+( [a-z]+)*", line)[0]: set(OPTION.findall(line)) for line in lines}


def manual(stack, page):
    """As it reads, without troff's marks but for those of headings."""
    text = gzip.decompress((stack.prefix / "share" / "man" / f"man{page[-1]}" / f"{page}.gz").read_bytes()).decode()
    return re.sub(r"\\f[A-Z]", "", text.replace("\\-", "-"))


def completed(stack, program, *words):
    """What is offered behind these words, as bash would ask for it."""
    script = stack.prefix / "share" / "bash-completion" / "completions" / program
    line = " ".join(f"'{word}'" for word in (program, *words))
    asked = f". '{script}'; COMP_WORDS=({line}); COMP_CWORD={len(words)}; _{program.replace('-', '_')}; " \
        "printf '%s\\n' \"${COMPREPLY[@]}\""
    path = f"{stack.prefix}/bin:{stack.prefix}/sbin:{os.environ['PATH']}"
    return set(subprocess.run(["bash", "-c", asked], env={"PATH": path}, capture_output=True, text=True,
                              check=True).stdout.split())


@pytest.mark.parametrize("page", ["dcm-submit.1", "dcm-shell.1"])
def test_the_users_pages_have_every_command_with_its_options(whole_stack, page):
    commands = commands_of_users(whole_stack)
    head, *parts = re.split(r"^\.SS ", manual(whole_stack, page), flags=re.MULTILINE)
    described = {part.split()[0]: part for part in parts}
    assert len(commands) > 20 and commands.keys() <= described.keys()
    withheld = {"--config", "--as"} if page == "dcm-shell.1" else set()
    for name, options in commands.items():
        assert options - withheld <= set(OPTION.findall(described[name] + head)), name


def test_completion_offers_every_command_with_its_options(whole_stack):
    commands = commands_of_users(whole_stack)
    assert commands.keys() <= completed(whole_stack, "dcm-submit", "")
    assert "--json" in completed(whole_stack, "dcm-submit", "--")
    for name, options in commands.items():
        behind = ["explain", "create"] if name == "explain" else [name]  # that one takes another's
        assert options <= completed(whole_stack, "dcm-submit", *behind, "--"), name


def test_the_administrators_page_and_completion_have_every_command_with_its_options(whole_stack):
    commands, page = commands_of_administrators(whole_stack), manual(whole_stack, "dcm-admin.8")
    assert len(commands) > 30
    for name, options in commands.items():
        [usage] = re.findall(rf"^{name}( .*)?$", page, re.MULTILINE)
        assert options <= set(OPTION.findall(usage)), name
        *before, last = name.split()
        assert completed(whole_stack, "dcm-admin", *before, last[:2]) >= {last}
        assert options | {"--json"} <= completed(whole_stack, "dcm-admin", *name.split(), "--"), name
