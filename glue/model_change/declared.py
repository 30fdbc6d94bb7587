"""Which models a collection has, by the declared files, and the changes of those files that a change of model takes.

Four files say it: the chain whose vectors it writes, the sink which a record must have, the collection which there are
and which of them a search asks. Each is written in one step, and only the value that changes, so that a review shows
nothing else.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glue.embedding.declared import Model, Writer, load_model, writers
from glue.errors import ConfigError, UsageError
from glue.files import write_whole
from glue.pipeline.routes import Pipeline
from glue.settings import Settings
from glue.stores.contract import Target
from glue.stores.weaviate.schema import searched
from glue.times import split_list
from glue.topology.load import load

_LENGTHS = "vector.dimensions"


@dataclass(frozen=True)
class Embedding:
    """A collection with vectors.

    Attributes:
        target: what its sink fills. writer: the transform that embeds what goes there.
        asked: the model that a search asks.
        sink, chain, collection: the files.
    """

    target: Target
    writer: Writer
    asked: str
    sink: Path
    chain: Path
    collection: Path

    @property
    def text(self) -> str:
        """The property that is embedded."""
        return self.writer.options.get("text.field", "content")

    def body(self) -> dict[str, Any]:
        """The collection as it is declared."""
        found: dict[str, Any] = json.loads(self.collection.read_text(encoding="utf-8"))
        return {key: value for key, value in found.items() if not key.startswith("$")}

    def vectors(self) -> dict[str, Any]:
        """The declared vectors of the collection."""
        return dict(self.body().get("vectorConfig", {}))

    def lengths(self) -> str:
        """What the sink's file says of them."""
        return str(json.loads(self.sink.read_text(encoding="utf-8"))["config"][_LENGTHS])

    def model(self, name: str) -> Model:
        """A declared model."""
        return load_model(name, self.collection.parents[1])

    def writes(self, name: str) -> Model:
        """A declared model that the chain embeds by.

        Raises:
            UsageError: the chain does not.
        """
        if name not in self.writer.models:
            why = f"the chain {self.writer.chain} writes {', '.join(self.writer.models)} to {self.target.place}"
            raise UsageError(f"model {name}", why, f"mxctl embedding add {name}")
        return self.model(name)


def embedding_of(settings: Settings, collection: str | None = None) -> Embedding:
    """The collection that a declared chain embeds for and a declared sink fills.

    Raises:
        UsageError: there is not exactly one, or not of that name.
        ConfigError: a file cannot be read.
    """
    declared = load(settings)
    found: dict[str, Embedding] = {}
    for target in Pipeline.of(declared).targets:
        for writer in writers(declared.chains, target.topic) if collection in (None, target.place) else ():
            folder = settings.config_dir / target.store
            found[target.place] = Embedding(
                target,
                writer,
                searched(folder, target.place).vector,
                declared.files["connector", target.connector],
                declared.files["chain", writer.chain],
                folder / f"{target.place}.json",
            )
    if len(found) != 1:
        why = f"chains embed for {', '.join(sorted(found))}" if found else "no declared chain embeds for it"
        raise UsageError(f"collection {collection or ''}".strip(), why, "name one with --collection")
    return next(iter(found.values()))


def add(one: Embedding, name: str) -> list[Path]:
    """Declare a model's vector: the collection has it, the sink takes it where it is there, the chain writes it.

    Returns:
        the files that were changed; none where it is declared already.
    """
    model, vectors = one.model(name), one.vectors()
    lengths, models = one.lengths(), one.writer.models
    return [
        *_write(one.collection, ("vectorConfig",), {name: vectors[one.asked]} | vectors),
        *_write(one.sink, ("config", _LENGTHS), _with(lengths, name, f"{name}:{model.dimensions}?")),
        *_write(one.chain, ("config", f"{one.writer.prefix}models"), ",".join(dict.fromkeys([*models, name]))),
    ]


def ask(one: Embedding, name: str) -> list[Path]:
    """Let searches ask a model: one value of one file."""
    return _write(one.collection, ("$search", "vector"), name)


def drop(one: Embedding, name: str) -> list[Path]:
    """Declare a model's vector no more: neither chain nor sink nor collection; the sink needs all that are left."""
    left = [part.removesuffix("?") for part in split_list(one.lengths()) if _name(part) != name]
    models = [model for model in one.writer.models if model != name]
    return [
        *_write(one.chain, ("config", f"{one.writer.prefix}models"), ",".join(models)),
        *_write(one.sink, ("config", _LENGTHS), ",".join(left)),
        *_write(one.collection, ("vectorConfig",), {key: at for key, at in one.vectors().items() if key != name}),
    ]


def _name(part: str) -> str:
    return part.partition(":")[0].strip()


def _with(lengths: str, name: str, wanted: str) -> str:
    parts = split_list(lengths)
    return ",".join(parts if name in map(_name, parts) else [*parts, wanted])


def _write(file: Path, path: tuple[str, ...], value: Any) -> list[Path]:
    """Put ``value`` at ``path`` in a JSON file; the file, or nothing where it is there already."""
    text = file.read_text(encoding="utf-8")
    start = end = 0
    for key in path:
        found = re.compile(rf'"{re.escape(key)}"\s*:\s*').search(text, end)
        if found is None:
            raise ConfigError(str(file), f"it has no {'.'.join(path)}", "declare it")
        start = end = found.end()
    before, end = json.JSONDecoder().raw_decode(text, start)
    if before == value:
        return []
    line = text[text.rfind("\n", 0, start) + 1 : start]
    new = json.dumps(value, indent=2, ensure_ascii=False).replace("\n", "\n" + " " * (len(line) - len(line.lstrip())))
    write_whole(file, (text[:start] + new + text[end:]).encode())
    return [file]
