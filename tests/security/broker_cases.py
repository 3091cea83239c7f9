"""Over raw AMQP, with the account of a batch system that may ask for alice."""

import json
import re
import time

import pika
import pika.exceptions
import pytest

from case import Case, done
from messages import new_id
from world import CONNECTIONS, PUBLISHER

PERMISSIONS = "broker: permissions of the role publisher"
VOUCHES = "broker: validates user-id"
SPEAKS = "policy: whom a publisher speaks for"
SHAPE = "worker: decodes messages by their schema"
DIRECT = "broker: one direct exchange, one binding"
GREETING = done("ping")


def closed(attempt, *codes):
    """The broker refuses it, and closes the channel."""
    def hostile(world):
        channel = world.channel()
        with pytest.raises(pika.exceptions.ChannelClosedByBroker) as refusal:
            attempt(channel)
            channel.close()
        assert refusal.value.reply_code in codes, refusal.value
    return hostile


def publish(exchange, key, **properties):
    return lambda channel: channel.basic_publish(exchange, key, b"{}", pika.BasicProperties(**properties))


def not_spoken_for(user, **how):
    def hostile(world):
        with world.nothing_changes():
            line = world.send(world.message("container.create", user, image="debian-ssh"), **how)
        assert line["state"] == "refused" and line["error"]["rule"].startswith("publishers"), line
        message = world.message("ping", user)
        assert world.send(message, **how)["state"] == "refused"
        assert not world.stack.redis().exists(f"dcm:user:{user}:request:{message['id']}")
    return hostile


def garbage(body, text):
    def hostile(world):
        before = world.children(world.stack.worker)
        world.publish(body)
        line = world.next_message()
        assert line["publisher"] == PUBLISHER and re.search(text, line["error"]["message"]), line
        assert world.children(world.stack.worker) == before
    return hostile


def only_once(**properties):
    """Whatever the properties say: done once, its answer in the store alone, and no other queue has seen it."""
    def hostile(world):
        queues = ("dcm.parked", "dcm.unsorted")
        before = [world.stack.queue_length(queue) for queue in queues]
        children = world.children(world.stack.worker)
        message = world.message()
        assert world.send(message, **properties)["state"] == "done"
        world.works()
        assert [world.stack.queue_length(queue) for queue in queues] == before
        assert world.children(world.stack.worker) == children
        assert len([line for line in world.audit() if line.get("request") == message["id"]]) == 1
    return hostile


def nested(depth):
    table = {"end": "x"}
    for _ in range(depth):
        table = {"t": table}
    return table


def flood_of_connections(world):
    held = []
    with pytest.raises(pika.exceptions.AMQPConnectionError):
        for _ in range(CONNECTIONS + 1):
            held.append(world.connect())
    world.works()
    for connection in held:
        connection.close()


def flood_of_messages(world):
    channel = world.channel()
    for _ in range(150):
        channel.basic_publish("dcm.requests", "interactive", b"[" * 20000, pika.BasicProperties(user_id=PUBLISHER))
    world.works()
    channel.close()
    world.stack.alice.submit("ping")
    count = len([line for line in world.audit() if line["event"] == "message"])
    world.messages_seen = count
    while True:
        time.sleep(0.5)
        now = len([line for line in world.audit() if line["event"] == "message"])
        if now == world.messages_seen:
            break
        world.messages_seen = now


def same_id_for_something_else(world):
    message = world.message("container.stop", container="nothing")
    first = world.send(message)
    assert first["state"] == "failed"
    again = {**message, "op": "container.remove", "args": {"container": "full", "force": True}}
    with world.nothing_changes():
        world.publish(again)
        world.ask("ping")
        time.sleep(0.2)
    assert world.record(message)["op"] == "container.stop"


def asks_again_and_again(world):
    """What comes of it is kept, but not the output of all of it."""
    messages = [world.message() for _ in range(80)]
    for message in messages:
        world.publish(message)
    assert {world.line(message["id"])["state"] for message in messages} == {"done"}
    with world.stack.redis() as store:
        assert len(store.keys("dcm:user:alice:events:*")) <= 64
    assert {world.record(message)["state"] for message in messages} == {"done"}


def of_another_time(milliseconds, state):
    def hostile(world):
        made = new_id()
        text = f"{int(time.time() * 1000) + milliseconds:012x}"
        line = world.send({**world.message(), "id": f"{text[:8]}-{text[8:]}{made[13:]}"})
        assert line["state"] == state, line
    return hostile


def body(**changes):
    message = {"v": 1, "id": "0193a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b", "op": "ping", "user": "alice",
               "submitted": "2026-11-23T21:00:00.123Z", "args": {}}
    return json.dumps({**message, **changes})


FORWARD = {"v": 1, "publisher": "dcm-gate", "user": "bob", "hop": 1, "request": json.loads(body(user="bob"))}

CASES = [Case("broker", *row) for row in [
    ("no user-id", SPEAKS, not_spoken_for("alice", user_id=None), GREETING),
    ("a forged user-id, the gate's", VOUCHES, closed(publish("dcm.requests", "interactive", user_id="dcm-gate"), 406), GREETING),
    ("a forged user-id, the workers'", VOUCHES, closed(publish("dcm.requests", "interactive", user_id="dcm-worker"), 406), GREETING),
    ("speaks for a user outside its list", SPEAKS, not_spoken_for("bob"), GREETING),
    ("speaks for root", SPEAKS, not_spoken_for("root"), GREETING),
    ("speaks for a user who is a pattern", SHAPE, garbage(body(user="*"), "user"), GREETING),
    ("speaks for a user who is a path", SHAPE, garbage(body(user="../bob"), "user"), GREETING),
    ("a forged forward of another publisher's", SHAPE, garbage(json.dumps(FORWARD), "."), GREETING),
    ("a forged forward around a request", SHAPE, garbage(body(publisher="dcm-gate", hop=1), "publisher|hop"), GREETING),
    ("app-id of the gate's, for a user outside its list", SPEAKS, not_spoken_for("bob", app_id="dcm-gate"), GREETING),
    ("the same into that user's batch queue", SPEAKS, not_spoken_for("bob", app_id="dcm-gate", key="batch.bob"), GREETING),
    *[(f"routing key {key!r}", "worker: goes by the body, whatever the way", only_once(key=key), GREETING)
      for key in ("dcm.interactive", "interactive\n", "", "#", "*", "dcm.server.lab1.interactive", "dcm.parked", "batch.bob")],
    ("to the servers' exchange", PERMISSIONS, closed(publish("dcm.servers", "lab1"), 403, 404), GREETING),
    ("to a queue by its name", PERMISSIONS, closed(publish("", "dcm.interactive"), 403), GREETING),
    ("to amq.fanout", PERMISSIONS, closed(publish("amq.fanout", "x"), 403), GREETING),
    ("to an exchange with a newline", PERMISSIONS, closed(publish("dcm.requests\n", "interactive"), 403, 404), GREETING),
    ("reads the queue", PERMISSIONS, closed(lambda channel: channel.basic_get("dcm.interactive"), 403), GREETING),
    ("consumes the queue", PERMISSIONS, closed(lambda channel: channel.basic_consume("dcm.interactive", print), 403), GREETING),
    ("empties the queue", PERMISSIONS, closed(lambda channel: channel.queue_purge("dcm.interactive"), 403), GREETING),
    ("removes the queue", PERMISSIONS, closed(lambda channel: channel.queue_delete("dcm.interactive"), 403), GREETING),
    ("binds the queue", PERMISSIONS,
     closed(lambda channel: channel.queue_bind("dcm.interactive", "dcm.requests", "mine"), 403), GREETING),
    ("makes a queue", PERMISSIONS, closed(lambda channel: channel.queue_declare("dcm.mine"), 403), GREETING),
    ("makes a queue of the broker's naming", PERMISSIONS,
     closed(lambda channel: channel.queue_declare("", exclusive=True), 403), GREETING),
    ("makes an exchange", PERMISSIONS, closed(lambda channel: channel.exchange_declare("dcm.requests2"), 403), GREETING),
    ("makes an exchange with another behind it", PERMISSIONS, closed(lambda channel: channel.exchange_declare(
        "dcm.requests\n", arguments={"alternate-exchange": "amq.fanout"}), 403), GREETING),
    ("headers nested 60 deep", "worker: reads no headers", only_once(headers=nested(60)), GREETING),
    ("a thousand headers", "worker: reads no headers", only_once(headers={str(i): "x" * 50 for i in range(1000)}), GREETING),
    ("CC and BCC to other queues", DIRECT, only_once(headers={"CC": ["dcm.parked", "dcm.server.lab1.admin"],
                                                              "BCC": ["dcm.parked"]}), GREETING),
    ("reply-to a queue of others", "worker: answers into the store alone", only_once(reply_to="dcm.parked"), GREETING),
    ("a forged x-death", "broker: no dead-lettering", only_once(headers={"x-death": [
        {"queue": "dcm.interactive", "reason": "rejected", "count": 99, "exchange": "", "routing-keys": ["dcm.parked"]}],
        "x-first-death-queue": "dcm.parked"}), GREETING),
    ("expiration, priority and type", "broker: no dead-lettering", only_once(expiration="60000", priority=255, type="admin"), GREETING),
    ("a message of 300000 bytes", "broker: size of a message", closed(lambda channel: channel.basic_publish(
        "dcm.requests", "interactive", b"x" * 300000), 406), GREETING),
    ("a flood of connections", "broker: connections of an account", flood_of_connections, GREETING),
    ("a flood of messages that are none", SHAPE, flood_of_messages, GREETING),
    ("bytes that are no JSON", SHAPE, garbage(b"\x00\xff\xfe{", "."), GREETING),
    ("bad UTF-8 in a text", SHAPE, garbage(body(op="X").encode().replace(b"X", b"\xc3\x28"), "."), GREETING),
    ("a NUL in a text", SHAPE, garbage(body(op="ping\0"), "."), GREETING),
    ("a key twice", SHAPE, garbage(body()[:-1] + ',"user":"bob"}', "."), GREETING),
    ("lists nested 20000 deep", SHAPE, garbage("[" * 20000, "."), GREETING),
    ("a field that the schema does not know", SHAPE, garbage(body(admin=True), "admin"), GREETING),
    ("arguments of another op", SHAPE, garbage(body(args={"Privileged": True}), "Privileged"), GREETING),
    ("an op that nobody knows", SHAPE, garbage(body(op="container.exec"), "container.exec"), GREETING),
    ("asks again and again", "store: streams of what has ended", asks_again_and_again, GREETING),
    ("the id of an earlier request", "worker: one id, one request", same_id_for_something_else, GREETING),
    ("an id of next week", "worker: age of ids", of_another_time(7 * 86400000, "failed"), GREETING),
    ("an id of last month", "worker: age of ids", of_another_time(-30 * 86400000, "expired"), GREETING),
]]
