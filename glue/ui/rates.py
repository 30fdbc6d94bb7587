"""Records a second, from how far offsets moved over the last seconds."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping

from glue.kafka.reads import TopicPartition
from glue.topology.graph.traffic import Traffic

WINDOW = 10.0  # seconds
_GAP = 20.0  # seconds without a look, after which what was seen before tells nothing about now


class Rates:
    """Samples of the last ``WINDOW`` seconds. Markers count, so rates of small transactions are a little high."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, Traffic]] = deque()

    def add(self, at: float, traffic: Traffic) -> None:
        """Keep what was seen at ``at`` (seconds of a clock that only goes forward)."""
        if self._samples and at - self._samples[-1][0] > _GAP:
            self._samples.clear()
        self._samples.append((at, traffic))
        while len(self._samples) > 2 and self._samples[1][0] <= at - WINDOW:
            self._samples.popleft()

    def written(self, topic: str) -> float | None:
        """Into a topic; None while there is only one sample."""
        return self._rate(lambda one: sum(high for (name, _), (_, high) in one.ends.items() if name == topic))

    def read(self, group: str, topic: str) -> float | None:
        """What a group took from a topic, by its commits."""
        return self._rate(lambda one: _sum(one.positions.get(group, {}), topic, one))

    def _rate(self, total: Callable[[Traffic], float]) -> float | None:
        samples = list(self._samples)  # another thread may add to it
        if len(samples) < 2:
            return None
        (begin, first), (end, last) = samples[0], samples[-1]
        return max(0.0, (total(last) - total(first)) / max(end - begin, 0.001))


def _sum(positions: Mapping[TopicPartition, int], topic: str, traffic: Traffic) -> float:
    """Committed offsets of all partitions; one without a commit yet stands at its first offset."""
    return sum(positions.get(partition, low) for partition, (low, _) in traffic.ends.items() if partition[0] == topic)
