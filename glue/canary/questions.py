"""Whether planted posts are found by questions in other scripts: by meaning alone, and as a search asks by default."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from glue.canary.flight import Flight
from glue.canary.paths import Path
from glue.errors import MillionXError
from glue.search.posts import PostSearch
from glue.settings import Settings

_WAIT, _PATIENCE = 0.5, 5.0  # seconds: a store may index what it has taken a moment later


class Questions:
    """The questions of planted posts. Each collection's model is loaded here, before a canary flies, and kept."""

    def __init__(self, settings: Settings, paths: Iterable[Path]) -> None:
        self._searches: dict[str, PostSearch] = {}
        self._problems: dict[str, str] = {}
        for place in {path.collection for path in paths if path.planted}:
            try:
                self._searches[place] = PostSearch(settings, place)
                self._searches[place].load()
            except MillionXError as error:  # the flights tell it: the other paths go on
                self._problems[place] = str(error)

    def ask(self, flight: Flight) -> None:
        """Note in ``flight`` the place at which its questions find it, or which of them does not."""
        if flight.path.planted is None:
            return
        end = time.monotonic() + _PATIENCE
        while not self._answered(flight) and time.monotonic() < end:
            time.sleep(_WAIT)

    def _answered(self, flight: Flight) -> bool:
        place = flight.path.collection
        try:
            if place in self._problems:
                raise MillionXError(self._problems[place])
            flight.rank, flight.unfound = max(self._ranks(flight, self._searches[place])), ""
        except LookupError as missed:
            flight.unfound = str(missed.args[0])
        except MillionXError as error:
            flight.unfound = f"its questions cannot be asked: {error}"
        return not flight.unfound

    def _ranks(self, flight: Flight, search: PostSearch) -> Iterator[int]:
        planted = flight.path.planted
        assert planted is not None  # noqa: S101
        for question in planted.questions:
            for share, how in ((1.0, "by meaning alone"), (None, "as a search asks")):
                found = search.ask(question, hybrid=share, limit=planted.first, canaries=True).posts
                keys = [flight.path.kind.stored_key(post) for post in found]
                if flight.key not in keys:
                    raise LookupError(f"not among the first {planted.first} of {question!r} {how}")
                yield keys.index(flight.key) + 1
