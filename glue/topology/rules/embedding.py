"""Models of vectors: the chain's are declared, the sink checks their lengths, and the collection has their vectors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from glue.embedding.declared import Model, load_model, writers
from glue.errors import ConfigError
from glue.times import split_list
from glue.topology.model import Declared, Problem


def models(declared: Declared) -> Iterator[Problem]:
    """What a chain embeds by, from its files to the collection that its sink fills."""
    for name, chain in declared.chains.items():
        file, topic = declared.file("chain", name), str(chain.get("config", {}).get("output.topic", ""))
        for writer in writers({name: chain}, topic) if file else ():
            assert file is not None  # noqa: S101
            found: dict[str, Model] = {}
            for model in writer.models:
                try:
                    found[model] = load_model(model, file.parent.parent)
                except ConfigError as error:
                    yield Problem(file, f"config.{writer.prefix}models", str(error), error.fix or "")
            yield from _sinks(declared, topic, found)


def _sinks(declared: Declared, topic: str, found: dict[str, Model]) -> Iterator[Problem]:
    wanted = {name: str(model.dimensions) for name, model in found.items()}
    for connector in declared.connectors.values():
        file = declared.file("connector", connector.name)
        if topic not in connector.topics or "vector.dimensions" not in connector.config or file is None:
            continue
        text = connector.config["vector.dimensions"]
        if ":" not in text:
            continue  # one vector without a name
        have = {name.strip(): length for name, _, length in (one.partition(":") for one in split_list(text))}
        if {name: length.removesuffix("?") for name, length in have.items()} != wanted:
            fix = ",".join(f"{name}:{length}" for name, length in wanted.items())
            message = f"is not what the chain writes to {topic}"
            yield Problem(file, "config.vector.dimensions", message, f'write "{fix}"')
        place = connector.config.get("collection.mapping", "")
        yield from _collection(file.parent.parent / "weaviate" / f"{place}.json", wanted)


def _collection(file: Path, wanted: dict[str, str]) -> Iterator[Problem]:
    if not file.is_file():
        return
    try:
        body = json.loads(file.read_text(encoding="utf-8"))
        vectors, asked = set(body.get("vectorConfig", {})), body.get("$search", {}).get("vector")
    except (ValueError, AttributeError):
        return  # reported where collections are read
    if missing := sorted(wanted.keys() - vectors):
        yield Problem(file, "vectorConfig", f"has no {', '.join(missing)}, which the chain writes", "declare it")
    if asked is not None and asked not in wanted:
        fix = f"ask one of {', '.join(sorted(wanted))}"
        yield Problem(file, "$search.vector", f"asks {asked}, which no chain writes", fix)
