"""Requests as messages, published past all of our own programs."""

import json
import secrets
import time
import uuid

import pika


def new_id():
    """A request's id, of this moment (RFC 9562, 5.7)."""
    value = int(time.time() * 1000) << 80 | secrets.randbits(80)
    return str(uuid.UUID(int=value & ~(0xf << 76 | 0x3 << 62) | 7 << 76 | 2 << 62))


def request(op="ping", user="alice", **args):
    now = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
    return {"v": 1, "id": new_id(), "op": op, "user": user, "submitted": now, "args": args}


def publish(stack, *messages, who="gate", user_id="dcm-gate", route="interactive"):
    """With that account of the broker's: requests, or whatever else is sent as it is. All are confirmed."""
    with stack.amqp(who) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        for message in messages:
            body = message if isinstance(message, (str, bytes)) else json.dumps(message)
            channel.basic_publish("dcm.requests", route, body,
                                  pika.BasicProperties(delivery_mode=2, user_id=user_id), mandatory=True)


def record(stack, message):
    text = stack.redis().hget(f"dcm:user:{message['user']}:request:{message['id']}", "result")
    result = json.loads(text) if text else {"state": "missing"}
    return result if result["state"] not in ("missing", "queued", "running") else None
