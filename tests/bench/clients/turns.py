"""A client's side of measure.Client: a line in, one piece of work, and a line: how many microseconds it took."""

import sys
import time


def serve(turn):
    for line in sys.stdin:
        began = time.perf_counter()
        try:
            turn(line.rstrip("\n"))
        except Exception as error:  # whatever a client's library raises: the one who measures hears of it
            print("failed:", *f"{type(error).__name__}: {error}".split())
        else:
            print(round((time.perf_counter() - began) * 1e6))
        sys.stdout.flush()
