"""Who holds the lock, from the log alone: everyone who reads it comes to the same verdict."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from glue.topology.record.lock import Holder, holder_of
from glue.topology.record.topic import Entry

TTL = 60_000


def entries(*operations: tuple[int, str, str]) -> list[Entry]:
    return [
        Entry(i, time, "lock", {"op": op, "claim": claim, "holder": claim, "ttl_ms": TTL})
        for i, (time, op, claim) in enumerate(operations)
    ]


def test_first_claim_wins_and_a_release_frees() -> None:
    assert holder_of(entries((0, "claim", "a"), (1, "claim", "b"))) == Holder("a", "a", TTL)
    assert holder_of(entries((0, "claim", "a"), (1, "release", "a"))) is None
    assert holder_of(entries((0, "claim", "a"), (1, "release", "b"))) == Holder("a", "a", TTL)
    assert holder_of(entries((0, "claim", "a"), (1, "release", "a"), (2, "claim", "b"))) == Holder("b", "b", 2 + TTL)


def test_a_dead_holder_loses_it_and_a_renewing_one_does_not() -> None:
    dead = entries((0, "claim", "a"), (TTL + 1, "claim", "b"))
    alive = entries((0, "claim", "a"), (TTL // 2, "renew", "a"), (TTL + 1, "claim", "b"))
    late = entries((0, "claim", "a"), (TTL + 1, "claim", "b"), (TTL + 2, "renew", "a"), (TTL + 3, "release", "a"))
    assert holder_of(dead) == Holder("b", "b", 2 * TTL + 1)
    assert holder_of(alive) == Holder("a", "a", TTL // 2 + TTL)
    assert holder_of(late) == Holder("b", "b", 2 * TTL + 1)


def test_a_renewal_after_the_end_does_not_revive() -> None:
    assert holder_of(entries((0, "claim", "a"), (TTL + 1, "renew", "a"))) == Holder("a", "a", TTL)


def test_garbage_is_passed_over() -> None:
    junk = [Entry(0, 0, "lock", None), Entry(1, 0, "lock", "text"), Entry(2, 0, "lock", {"op": "what"})]
    assert holder_of(junk) is None


_STEPS = st.tuples(st.integers(0, TTL), st.sampled_from(["claim", "renew", "release"]), st.sampled_from("abc"))


@given(st.lists(_STEPS, max_size=40))
def test_nobody_takes_it_from_a_live_holder(steps: list[tuple[int, str, str]]) -> None:
    """At every moment: whoever holds it next either held it, or found it free or run out."""
    time, log = 0, []
    for gap, operation, claim in steps:
        time += gap
        before = holder_of(entries(*log))
        log.append((time, operation, claim))
        after = holder_of(entries(*log))
        if after is not None and before is not None and after.claim != before.claim:
            assert time > before.expires
