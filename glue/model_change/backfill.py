"""Vectors of a model for the posts that have none of it, from the texts that the collection itself holds.

The collection is walked by its cursor, again until nothing lacks the model: what a record that was on its way wrote
behind the cursor is found by the next walk. Weaviate writes nothing on a condition, so a post that the sink writes
meanwhile is seen by reading again: if its text is another than was embedded, it is embedded anew, by every model, for a
PATCH writes the other vectors back as they were before. The cursor and the posts under way are noted in a file first:
who was killed in between looks at those again, and goes on from there. A post that is deleted meanwhile is not brought
back, for a PATCH creates nothing.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from glue.errors import DataError, MillionXError
from glue.files import write_whole
from glue.model_change.declared import Embedding
from glue.stores.weaviate.vectors import Embedded, VectorsOf
from glue.transforms.contract import Record
from glue.transforms.embed import Embed

PAGE = 64
Progress = Callable[[str], None]


@dataclass
class Done:
    """What a backfill did: posts that got a vector, that were embedded again because they changed meanwhile, that are
    gone, and the ids of those that cannot be embedded."""

    posts: int = 0
    again: int = 0
    gone: int = 0
    refused: set[str] = field(default_factory=set)


class Embedders:
    """The chain's own transform, a model at a time, so that a vector is the one that the chain would have made."""

    def __init__(self, one: Embedding) -> None:
        self._one, self._open = one, dict[str, Embed]()

    def __enter__(self) -> Embedders:
        return self

    def __exit__(self, *raised: object) -> None:
        for one in self._open.values():
            one.close()

    def embed(self, name: str, texts: list[str]) -> list[Record | Exception]:
        """A record a text, with the fields that the chain adds, or why it refuses the text."""
        if name not in self._open:
            self._open[name] = Embed()
            self._open[name].configure(self._one.writer.options | {"models": name, "cache.size": "0"})
        records = [Record("", None, {self._one.text: text}) for text in texts]
        return [one for one in self._open[name].apply_batch(records) if one is not None]


class Backfill:
    """One run.

    Args:
        name: the model.
        state: folder for the file of the posts under way.
        rate: posts a second at most; 0 for no limit.
    """

    def __init__(
        self, one: Embedding, name: str, store: VectorsOf, embedders: Embedders, state: Path, rate: float = 0
    ) -> None:
        self._one, self._name, self._store, self._embedders = one, name, store, embedders
        self._identity = one.writes(name).identity
        self._fields = one.writer.options.get("vectors.field", "vectors")
        self._file, self._rate = state / f"backfill-{one.target.place}-{name}.json", rate
        self._began, self.done = time.monotonic(), Done()

    def run(self, progress: Progress) -> Done:
        """Until no post lacks the model.

        Raises:
            ServiceUnavailableError, ServiceError: Weaviate does not answer, or refuses; run it again, nothing is lost.
        """
        after = ""
        if self._file.is_file():  # a run was killed here
            after, under_way = json.loads(self._file.read_text())
            self._bring_up_to_date(self._store.read(under_way).values(), self._one.writer.models)
        while self._walk(after, progress) or after:
            after = ""
        self._file.unlink(missing_ok=True)
        return self.done

    def _walk(self, after: str, progress: Progress) -> int:
        """From the post after that one to the last; how many lacked the model."""
        found = 0
        for page in self._store.walk(page=PAGE, after=after):
            lacking = [one for one in page if self._identity not in one.models and one.id not in self.done.refused]
            if lacking:
                write_whole(self._file, json.dumps([after, [one.id for one in lacking]]).encode())
                self._bring_up_to_date(lacking, [self._name])
                progress(f"{self.done.posts} posts have a vector of {self._identity}")
            if self._rate:
                time.sleep(max(0.0, self._began + self.done.posts / self._rate - time.monotonic()))
            after, found = page[-1].id, found + len(lacking)
        return found

    def _bring_up_to_date(self, page: Iterable[Embedded], models: list[str]) -> None:
        """Embed and write, until what was embedded is what is stored."""
        left = {one.id: one for one in page}
        while left:
            written = self._write(list(left.values()), models)
            now = self._store.read(written)
            self.done.gone += len(written) - len(now)
            left = {one.id: one for one in now.values() if one.text != left[one.id].text}
            self.done.again += len(left)
            models = self._one.writer.models

    def _write(self, page: list[Embedded], models: list[str]) -> list[str]:
        made = {name: self._embedders.embed(name, [one.text for one in page]) for name in models}
        written = []
        for at, one in enumerate(page):
            vectors: dict[str, list[float]] = {}
            identities, variants = list(one.models), one.variant.split("+") if one.variant else []
            for name, records in made.items():
                record = records[at]
                if isinstance(record, Exception):
                    self._refuse(one, record)
                    break
                assert record.value is not None  # noqa: S101
                vectors |= record.value[self._fields]
                kept = [model for model in identities if model.partition("@")[0] != name]
                identities = [*kept, *record.value["embedding_models"]]
                variants = list(dict.fromkeys([*variants, record.value["embedding_variant"]]))
            else:
                one = one._replace(models=identities, variant="+".join(variants))
                if self._store.patch(one, vectors):
                    written.append(one.id)
                    self.done.posts += 1
                else:
                    self.done.gone += 1
        return written

    def _refuse(self, one: Embedded, error: Exception) -> None:
        if isinstance(error, MillionXError) and not isinstance(error, DataError):
            raise error
        self.done.refused.add(one.id)
