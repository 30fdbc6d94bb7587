"""The token bucket, on a clock of its own."""

from __future__ import annotations

from connectors.limits import TokenBucket


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_burst_then_rate() -> None:
    clock = Clock()
    bucket = TokenBucket(2.0, 3, clock)
    assert [bucket.take() for _ in range(3)] == [0, 0, 0]
    assert bucket.take() == 0.5
    assert bucket.take() == 1.0
    clock.now += 1.0
    assert bucket.take() == 0.5


def test_the_vendors_count_lowers_ours_and_never_raises_it() -> None:
    clock = Clock()
    bucket = TokenBucket(2.0, 40, clock)
    bucket.used(39, 40)
    assert bucket.take() == 0
    assert bucket.take() == 0.5
    bucket.used(0, 40)
    assert bucket.take() == 1.0


def test_a_pause_holds_every_call() -> None:
    clock = Clock()
    bucket = TokenBucket(100.0, 100, clock)
    bucket.pause(30)
    bucket.pause(5)
    assert bucket.take() == 30
    clock.now += 31
    assert bucket.take() == 0
