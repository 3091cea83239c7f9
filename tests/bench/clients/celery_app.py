"""Celery as one sets it up who wants nothing lost: acknowledged late, publishes confirmed, results kept.

Its queue is durable and classic: Celery 5.2 asks for a prefetch of the whole channel, which quorum queues refuse.
"""

import os

import work
from celery import Celery

app = Celery("bench", broker=os.environ["BENCH_BROKER"], backend=os.environ["BENCH_STORE"])
app.conf.update(
    task_acks_late=True,
    broker_transport_options={"confirm_publish": True},
    worker_prefetch_multiplier=32,  # of 4 processes: 128, as DCM has in hand for 4 runners
    task_serializer="json", result_serializer="json", accept_content=["json"],
)
noop = app.task(name="noop")(work.noop)
create = app.task(name="create")(work.create)
