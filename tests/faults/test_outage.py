"""Outages that follow one another."""

from stack import eventually


def test_what_the_broker_takes_back_while_the_store_is_away_does_not_end_it_for_good(stack, alice):
    """Nothing is left in hand by then that could show that the store is back."""
    logged = stack.worker.log().count("requests wait until it is back")
    stack.proxies["store"].refuse()
    try:
        asked = alice.submit("--detach", "--json", "ping")
        assert asked.returncode == 0, asked.stderr
        eventually(lambda: stack.worker.log().count("requests wait until it is back") > logged, 10, "an outage")
        stack.proxies["broker"].cut()
    finally:
        stack.proxies["store"].heal()
    alice.do("--timeout", "30s", "ping")
