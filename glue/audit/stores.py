"""Everything that the declared sinks fill, asked by record key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

from glue.settings import Settings
from glue.stores.contract import KeyClient, Target, TimeClient
from glue.stores.registry import STORES


class Held:
    """What one target holds."""

    def __init__(self, target: Target, client: KeyClient | TimeClient) -> None:
        self.name, self.target, self.client = target.name, target, client

    def size(self) -> int:
        """All rows or objects; a cheap question."""
        return self.client.size(self.target)

    def count(self, keys: Iterable[str]) -> Counter[str]:
        """Rows by key; absent keys are left out."""
        return self.client.count(self.target, keys)


@contextmanager
def open_targets(settings: Settings, targets: Iterable[Target]) -> Iterator[list[Held]]:
    """The targets over one connection a kind of store, closed after. Nothing is asked yet."""
    wanted = list(dict.fromkeys(targets))
    with ExitStack() as opened:
        clients: dict[str, KeyClient | TimeClient] = {}
        for name in dict.fromkeys(target.store for target in wanted):
            clients[name] = STORES[name].open(settings, [one for one in wanted if one.store == name])
            opened.callback(clients[name].close)
        yield [Held(target, clients[target.store]) for target in wanted]
