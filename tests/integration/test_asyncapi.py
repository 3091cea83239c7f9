"""docs/asyncapi.yaml says of broker and store what is there while DCM runs."""

import json
import pathlib
import re

import jsonschema
import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = yaml.safe_load((ROOT / "docs" / "asyncapi.yaml").read_text())
CHANNELS = DOCUMENT["channels"]


def resolved(reference):
    """What a local reference stands for."""
    place = DOCUMENT
    for part in reference["$ref"].removeprefix("#/").split("/"):
        place = place[part]
    return place


def references(value):
    if isinstance(value, dict):
        if "$ref" in value:
            yield value
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def schema_of(channel):
    """Of the one message that it carries."""
    (message,) = CHANNELS[channel]["messages"].values()
    return json.loads((ROOT / "docs" / resolved(message)["payload"]["$ref"]).resolve().read_text())


def pattern(channel):
    """A regular expression for its addresses."""
    address = CHANNELS[channel]["address"]
    parameters = CHANNELS[channel].get("parameters", {})
    assert set(re.findall(r"{(\w+)}", address)) == set(parameters)
    return re.compile("".join("[a-z0-9_-]+" if part.startswith("{") else re.escape(part)
                              for part in re.split(r"({\w+})", address)) + r"\Z")


@pytest.fixture
def asked(stack):
    """A request of each class has been, so that all queues are there."""
    for options in ([], ["--batch"]):
        stack.alice.do("ping", *options)
    return stack


def test_every_reference_leads_somewhere():
    for reference in references(DOCUMENT):
        if reference["$ref"].startswith("#/"):
            assert resolved(reference), reference
        else:
            assert (ROOT / "docs" / reference["$ref"]).resolve().is_file(), reference


def test_the_first_number_of_the_version_is_that_of_the_messages():
    for channel in CHANNELS:
        assert schema_of(channel)["properties"]["v"]["const"] == int(DOCUMENT["info"]["version"].split(".")[0])


def test_the_brokers_queues_and_exchanges_are_its_channels(asked):
    found = asked.definitions()
    bindings = {name: channel["bindings"]["amqp"] for name, channel in CHANNELS.items() if "bindings" in channel}
    for queue in found["queues"]:
        ours = [binding["queue"] for name, binding in bindings.items()
                if binding["is"] == "queue" and pattern(name).match(queue["name"])]
        assert [(one["durable"], one["autoDelete"]) for one in ours] == [(queue["durable"], queue["auto_delete"])], queue
    for name, binding in bindings.items():
        if binding["is"] == "queue":
            assert any(pattern(name).match(queue["name"]) for queue in found["queues"]), name
    exchanges = {one["name"]: one for one in found["exchanges"]}
    (one,) = (binding["exchange"] for binding in bindings.values() if binding["is"] == "routingKey")
    assert (one["type"], one["durable"], one["autoDelete"]) == tuple(
        exchanges[one["name"]][key] for key in ("type", "durable", "auto_delete"))


def test_the_stores_channels_carry_their_messages(asked):
    store = asked.redis()
    keys = list(store.scan_iter("dcm:user:alice:*", 1000))
    (event_key, *_), (record_key, *_) = ([key for key in keys if pattern(name).match(key)] for name in ("events", "records"))
    events = [fields["event"] for _, fields in store.xrange(event_key)]
    assert events
    for text in events:
        jsonschema.validate(json.loads(text), schema_of("events"))
    jsonschema.validate(json.loads(store.hget(record_key, "result")), schema_of("records"))
