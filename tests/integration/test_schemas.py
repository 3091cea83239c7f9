"""The JSON Schemas and the C that reads the same messages say the same of every document.

The C is asked through check_document (tests/check), the schemas through the jsonschema package.
Neither is the reference for the other: both are held to schemas/examples, and then to whatever
small changes to those examples bring forth.
"""

import copy
import decimal
import json
import math
import os
import pathlib
import re
import subprocess

import jsonschema
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "schemas" / "examples"
CHECK = ROOT / os.environ.get("DCM_BUILD", "build/dev") / "tests" / "check" / "check_document"
KINDS = {"request": 32768, "result": 65536, "event": 65536, "policy": 4194304, "grant": 1024,
         "parked": 131072}  # most bytes


def load_schema(kind):
    return json.loads((ROOT / "schemas" / f"{kind}.schema.json").read_text())


# ---- what DCM asks of JSON text, before any schema ------------------------------------------


class IllFormed(Exception):
    pass


def refuse(text):
    raise IllFormed(text)


def whole_number(text):
    number = int(text)
    return number if -(2**63) <= number < 2**63 else refuse("a number too large")


def fraction(text):
    """JSON Schema takes 1.0 for an integer. DCM does not, and jsonschema does not take a Decimal."""
    return refuse("a number too large") if math.isinf(float(text)) else decimal.Decimal(text)


def without_repetition(pairs):
    if len({key for key, _ in pairs}) != len(pairs):
        raise IllFormed("a key twice")
    return dict(pairs)


def parse(data, most):
    if len(data) > most:
        raise IllFormed("too long")
    try:
        document = json.loads(
            data.decode("utf-8"),
            parse_int=whole_number,
            parse_float=fraction,
            parse_constant=refuse,
            object_pairs_hook=without_repetition,
        )
        text = json.dumps(document, ensure_ascii=False, default=str)
        text.encode("utf-8")  # fails for half a surrogate pair
    except (ValueError, RecursionError) as reason:
        raise IllFormed(str(reason)) from reason
    if "\\u0000" in text:
        raise IllFormed("a NUL")
    return document


# ---- what the schemas cannot say, and their descriptions do -----------------------------------


def overlapping_ports(request):
    taken = []
    for i, port in enumerate(request.get("args", {}).get("ports", [])):
        here = port.get("address", "")
        for host, protocol, address in taken:
            if (host, protocol) == (port["host"], port["protocol"]) and (
                here == address or "0.0.0.0" in (here, address)
            ):
                yield f"args.ports[{i}]"
        taken.append((port["host"], port["protocol"], here))


def overlapping_mounts(request):
    targets = []
    for i, mount in enumerate(request.get("args", {}).get("mounts", [])):
        here = mount["target"] + "/"
        if any(here.startswith(other) or other.startswith(here) for other in targets):
            yield f"args.mounts[{i}]"
        targets.append(here)


def twice_or_overlapping(request):
    yield from overlapping_ports(request)
    yield from overlapping_mounts(request)
    if request["op"] == "policy.explain":
        yield from (f"args.{place}" for place in twice_or_overlapping(request["args"]))


def reversed_ranges(policy):
    places = [("defaults", policy.get("defaults", {}))]
    for part in ("groups", "users"):
        places += [(f"{part}.{name}", grants) for name, grants in policy.get(part, {}).items()]
    places += [(f"{path}.extra[{i}]", extra) for path, grants in places[:] for i, extra in enumerate(grants.get("extra", []))]
    for path, grants in places:
        for i, ports in enumerate(grants.get("ports", [])):
            low, _, high = ports.partition("/")[0].partition("-")
            if high and int(low) > int(high):
                yield f"{path}.ports[{i}]"


BEYOND = {"request": twice_or_overlapping, "policy": reversed_ranges}


# ---- the two judges ---------------------------------------------------------------------------


EMPTY = '""'


def render(path):
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part or EMPTY}" for part in path)
    return text.lstrip(".")


def places(error):
    """The fields that one error of jsonschema is about, as the C would write them."""
    path = list(error.absolute_path)
    if error.validator == "required":
        yield from (render(path + [name]) for name in error.validator_value)
    elif error.validator in ("additionalProperties", "unevaluatedProperties"):
        yield from (render(path + [name]) for name in error.instance)
    else:
        yield render(path)
    for inner in error.context or []:
        yield from places(inner)


VALIDATORS = {kind: jsonschema.Draft202012Validator(load_schema(kind)) for kind in KINDS}


def ask_schema(kind, data):
    """None for a valid document, else the places of what is wrong with it ("" for syntax)."""
    try:
        document = parse(data, KINDS[kind])
    except IllFormed:
        return {""}
    found = {place for e in VALIDATORS[kind].iter_errors(document) for place in places(e)}
    if not found and kind in BEYOND:
        found = set(BEYOND[kind](document))
    return found or None


def ask_c(kind, paths):
    """By path, None for a valid document, else the C's message."""
    verdicts = {}
    for start in range(0, len(paths), 500):
        some = [str(path) for path in paths[start : start + 500]]
        run = subprocess.run([CHECK, kind, *some], capture_output=True, check=True, timeout=60)
        lines = run.stdout.decode("utf-8").splitlines()
        assert len(lines) == len(some)
        for path, line in zip(some, lines):
            assert line.startswith(f"{path}: ")
            message = line[len(path) + 2 :]
            verdicts[path] = None if message == "ok" else message
    return verdicts


def names_place(message, found):
    """Does the C's message begin with one of these places, or with the position in the text?"""
    if message.startswith("upgrade this server: "):
        return "v" in found
    if "" in found and re.match(r"\d+:\d+: |longer than \d+ bytes$|the document ", message):
        return True
    return any(place and re.match(re.escape(place) + r"[:.\[]", message) for place in found)


def examples(verdict):
    return [
        pytest.param(kind, path, id=f"{kind}-{path.stem}")
        for kind in KINDS
        for path in sorted((EXAMPLES / verdict / kind).glob("*.json"))
    ]


# ---- tests ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_the_schema_itself_is_well_formed(kind):
    jsonschema.Draft202012Validator.check_schema(load_schema(kind))


def test_a_rule_that_several_schemas_hold_is_the_same_in_each():
    known = {}
    for kind in KINDS:
        for name, rule in load_schema(kind)["$defs"].items():
            assert known.setdefault(name, rule) == rule, f"{kind}.schema.json: $defs/{name}"


@pytest.mark.parametrize("kind", KINDS)
def test_there_are_examples_of_both_sorts(kind):
    for verdict in ("valid", "invalid"):
        assert list((EXAMPLES / verdict / kind).glob("*.json"))


@pytest.mark.parametrize("kind, path", examples("valid"))
def test_a_valid_example_is_accepted_by_both(kind, path):
    assert ask_schema(kind, path.read_bytes()) is None
    assert ask_c(kind, [path])[str(path)] is None


@pytest.mark.parametrize("kind, path", examples("invalid"))
def test_an_invalid_example_is_refused_by_both_for_the_same_field(kind, path):
    found = ask_schema(kind, path.read_bytes())
    message = ask_c(kind, [path])[str(path)]
    assert found is not None, "the schema accepts it"
    assert message is not None, "the C accepts it"
    assert names_place(message, found), f"{message!r} names none of {sorted(found)}"


@pytest.mark.parametrize("kind, most", KINDS.items())
def test_length_is_judged_before_content(kind, most, tmp_path):
    body = next(iter(sorted((EXAMPLES / "valid" / kind).glob("*.json")))).read_bytes()
    longest, longer = tmp_path / "longest.json", tmp_path / "longer.json"
    longest.write_bytes(body + b" " * (most - len(body)))
    longer.write_bytes(body + b" " * (most + 1 - len(body)))
    verdicts = ask_c(kind, [longest, longer])
    assert verdicts[str(longest)] is None and ask_schema(kind, longest.read_bytes()) is None
    assert verdicts[str(longer)] == f"longer than {most} bytes"
    assert ask_schema(kind, longer.read_bytes()) == {""}


# What each value of an example is replaced with, one at a time.
STRANGE = [
    None, True, False, 0, 1, -1, 22, 255, 65535, 65536, 2**53, 2**53 + 1, 2**63 - 1,
    "", "a", "A", "0", "22", "tcp", "udp", "*", "ping", "alice\n", "a-b", "a--b", "a.b", "a/b",
    "container1", "10.0.0.1", "0.0.0.0", "512m", "0.5", "80-90", "x" * 31, "x" * 32, "x" * 33,
    "x" * 63, "x" * 64, "x" * 128, "x" * 129, "f" * 64, "ä" * 255, "ä" * 256, "AA==",
    [], [0], [[]], {}, {"a": {}}, {"v": 1},
]  # fmt: skip


def spots(value, path=()):
    """Every place in a document, the whole of it first."""
    yield path
    if isinstance(value, (dict, list)):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from spots(value[key], path + (key,))


def changed(document, path, change):
    copied = copy.deepcopy(document)
    parent = copied
    for key in path[:-1]:
        parent = parent[key]
    change(parent, path[-1])
    return copied


def mutations(document):
    for path in spots(document):
        if not path:
            continue
        yield changed(document, path, lambda parent, key: parent.pop(key))
        yield changed(document, path, lambda parent, key: parent.update({f"{key}2": parent[key]})
                      if isinstance(parent, dict) else parent.append(parent[key]))  # fmt: skip
        for value in STRANGE:
            yield changed(document, path, lambda parent, key: parent.__setitem__(key, value))


@pytest.mark.parametrize("kind", KINDS)
def test_small_changes_to_examples_are_judged_alike(kind, tmp_path):
    texts = set()
    for path in sorted((EXAMPLES / "valid" / kind).glob("*.json")):
        document = json.loads(path.read_bytes())
        if len(list(spots(document))) < 60:  # one long list is as good as another
            texts |= {json.dumps(mutation) for mutation in mutations(document)}
    paths = {tmp_path / f"{i}.json": text.encode() for i, text in enumerate(sorted(texts))}
    for path, data in paths.items():
        path.write_bytes(data)
    verdicts = ask_c(kind, list(paths))
    accepted = 0
    for path, data in paths.items():
        found, message = ask_schema(kind, data), verdicts[str(path)]
        assert (found is None) == (message is None), f"{data}: C: {message}, schema: {found}"
        assert message is None or names_place(message, found), f"{data}: {message} not in {found}"
        accepted += found is None
    assert accepted and accepted < len(paths)
