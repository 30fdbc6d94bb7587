"""Weaviate's collections as declared files, one a collection: the body that ``POST /v1/schema`` takes.

A collection that is missing is created, a property or a named vector that is missing is added, and settings that
Weaviate can change are changed. What it cannot (a type of a property, the distance of vectors, an index of a property)
is an error that says so. How a vector's index is built is decided with the collection: one that was built otherwise
serves as well and is only told, and :mod:`glue.model_change.rebuild` makes one as declared. What the server adds by
itself is not a difference. Nothing is ever deleted.

A collection is made under a number, ``SocialPost_1``, and its name is an alias of that, which everybody asks: so
another can take its place in one step (:mod:`glue.model_change.rebuild`). One made under the name itself stays so.
Source: Weaviate 1.35, REST /v1/schema and /v1/aliases.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from glue.errors import ConfigError
from glue.settings import Settings
from glue.stores.weaviate.rest import Rest

log = logging.getLogger(__name__)
_Step = tuple[str, str, str, dict[str, Any]]  # the change in words, and the call: method, path, body
# settings of a collection that Weaviate changes in place; the rest of a collection is as it was created
_MUTABLE = frozenset(
    {"description", "invertedIndexConfig", "replicationConfig"}
    | {f"vectorIndexConfig.{name}" for name in ("ef", "dynamicEfMin", "dynamicEfMax", "dynamicEfFactor")}
    | {f"vectorIndexConfig.{name}" for name in ("flatSearchCutoff", "filterStrategy", "vectorCacheMaxObjects")}
    | {f"vectorIndexConfig.{name}" for name in ("pq", "sq", "bq", "rq")}
)
# settings that the index of a vector is built by, once
_BUILT = frozenset({"vectorIndexType", "vectorIndexConfig.efConstruction", "vectorIndexConfig.maxConnections"})


def declared(folder: Path) -> list[dict[str, Any]]:
    """The declared collections, by file name.

    Raises:
        ConfigError: a file is no JSON object with a ``class``.
    """
    found = []
    for file in sorted(folder.glob("*.json")):
        try:
            collection = json.loads(file.read_text(encoding="utf-8"))
            if collection["class"] != file.stem:
                raise ValueError(f"its class is {collection['class']}")
        except (OSError, ValueError, KeyError, TypeError) as error:
            why = f"{type(error).__name__}: {error}"
            raise ConfigError(f"collection {file}", why, "write the body of Weaviate's POST /v1/schema") from error
        found.append({key: value for key, value in collection.items() if not key.startswith("$")})
    return found


class Planted(NamedTuple):
    """A post that canaries plant, of something that no real one speaks of, and questions in other scripts.

    Attributes:
        first: among so many of what each question finds the post must be.
    """

    post: str
    questions: tuple[str, ...]
    first: int

    @classmethod
    def of(cls, declared: Mapping[str, Any]) -> Planted:
        """As ``$search.canary`` says; a ValueError where that is nothing to ask."""
        found = cls(str(declared["post"]), tuple(map(str, declared["questions"])), int(declared["first"]))
        if not found.post.strip() or not found.questions or not all(map(str.strip, found.questions)):
            raise ValueError("$search.canary needs a post and questions")
        if not 1 <= found.first <= 100:
            raise ValueError(f"$search.canary.first is {found.first}, not from 1 to 100")
        return found


class Searched(NamedTuple):
    """How a collection is searched: ``$search`` of its file. What begins with ``$`` is for this project alone.

    Attributes:
        columns: properties that a table of results shows; all where none are named.
        vector: the model, and the vectors of that name, that a search asks.
        share: of meaning against words, 0 to 1; None for meaning alone.
        words: properties whose words count, each with its weight after ``^``.
        canary: what is planted to see that questions find it; None for nothing.
    """

    columns: tuple[str, ...]
    vector: str
    share: float | None = None
    words: tuple[str, ...] = ()
    canary: Planted | None = None


def searched(folder: Path, name: str) -> Searched:
    """How a declared collection is searched.

    Raises:
        ConfigError: the collection is not declared, or its ``$search`` names no vector that it has.
    """
    file = folder / f"{name}.json"
    try:
        collection = json.loads(file.read_text(encoding="utf-8"))
        how = collection.get("$search", {})
        columns = how.get("columns") or [one["name"] for one in collection.get("properties", [])]
        planted = Planted.of(how["canary"]) if "canary" in how else None
        found = Searched(tuple(columns), str(how["vector"]), how.get("share"), tuple(how.get("words", ())), planted)
        if found.vector not in (vectors := collection.get("vectorConfig", {})):
            raise ValueError(f"$search asks the vector {found.vector}; declared: {', '.join(vectors) or 'none'}")
        if found.share is not None and not 0 <= found.share <= 1:
            raise ValueError(f"$search.share is {found.share}, not from 0 to 1")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        why = f"{type(error).__name__}: {error}"
        raise ConfigError(f"collection {name}", why, f"declare it in {folder.name}/{file.name}") from error
    return found


def apply(settings: Settings, *, dry_run: bool = False) -> list[str]:
    """Bring the collections there; the changes in words.

    Raises:
        ConfigError: a declaration asks for what cannot be changed in place.
        ServiceUnavailableError, ServiceError: Weaviate is away, or refuses.
    """
    rest = Rest(settings)
    changes = []
    for wanted in declared(settings.config_dir / "weaviate"):
        name = wanted["class"]
        live = rest.get(f"schema/{name}")
        steps = [*_steps(wanted, live)]
        if live is None:
            made = [] if rest.get(f"schema/{name}_1") else steps  # an apply may have been interrupted here
            steps = [*made, _named(name, again=rest.get(f"aliases/{name}") is not None)]
        for change, method, path, body in steps:
            if not dry_run:
                rest.send(method, path, body)
            changes.append(change)
    return changes


def _named(name: str, *, again: bool) -> _Step:
    """The alias; that of a collection that was deleted is still there."""
    body = {"alias": name, "class": f"{name}_1"}
    change = f"name it: {name} is {name}_1"
    return (change, "PUT", f"aliases/{name}", body) if again else (change, "POST", "aliases", body)


def _steps(wanted: dict[str, Any], live: dict[str, Any] | None) -> Iterator[_Step]:
    name = wanted["class"]
    if live is None:
        yield f"create collection {name}", "POST", "schema", wanted | {"class": f"{name}_1"}
        return
    wanted = wanted | {"class": live.get("class", name)}
    if kept := built_otherwise(wanted, live):
        fix = "mxctl weaviate rebuild copies its objects to one as declared"
        log.warning("collection %s keeps the index that it was built with: %s; %s", name, ", ".join(kept), fix)
    stuck: list[str] = []
    steps = [*_settings_steps(wanted, live, stuck), *_property_steps(wanted, live)]
    if stuck:
        raise ConfigError(
            f"collection {name}",
            f"Weaviate cannot change {', '.join(stuck)} of a collection that exists",
            "declare a new collection and load it from the topic, or take the change back",
        )
    yield from steps


def built_otherwise(wanted: Mapping[str, Any], live: Mapping[str, Any]) -> list[str]:
    """What the indexes of a collection's vectors were built with, where something else is declared."""
    found = []
    for path, value in _setting_differences(wanted, live):
        if _of_index(path) in _BUILT:
            have: Any = live
            for part in path.split("."):
                have = have.get(part) if isinstance(have, Mapping) else None
            found.append(f"{path} {have}, declared {value}")
    return found


def _setting_differences(wanted: Mapping[str, Any], live: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Of all but the properties. An index of another type has no settings of the declared one, only their distance."""
    found = [*_differences({key: one for key, one in wanted.items() if key != "properties"}, live)]
    of_type = "vectorIndexType"
    other = tuple(f"{path.removesuffix(of_type)}vectorIndexConfig." for path, _ in found if path.endswith(of_type))
    return [(path, value) for path, value in found if not path.startswith(other) or path.endswith(".distance")]


def _of_index(path: str) -> str:
    """The setting of a vector's index, which is below the vector's name where it has one."""
    parts = path.split(".")
    return ".".join(parts[2:] if parts[0] == "vectorConfig" else parts)


def _settings_steps(wanted: dict[str, Any], live: dict[str, Any], stuck: list[str]) -> Iterator[_Step]:
    """The change of what is there, in one call; before properties are added, because it states those that are."""
    merged = json.loads(json.dumps(live))
    changed = []
    for path, value in _setting_differences(wanted, live):
        parts, index = path.split("."), _of_index(path)
        if index in _BUILT:
            continue
        if parts[0] in _MUTABLE or ".".join(index.split(".")[:2]) in _MUTABLE:
            changed.append(path)
            _set(merged, path, value)
        elif parts[0] == "vectorConfig" and len(parts) == 2 and live.get("vectorConfig"):
            changed.append(f"vectors by {parts[1]}")
            _set(merged, path, value)
        else:
            stuck.append(path)
    declared_properties = {one["name"]: one for one in wanted.get("properties", [])}
    for one in merged.get("properties") or []:
        for path, value in _differences(declared_properties.get(one["name"], {}), one):
            if path == "description":
                one[path] = value
                changed.append(f"description of {one['name']}")
            else:
                stuck.append(f"{one['name']}.{path}")
    if changed:
        name = wanted["class"]  # as Weaviate has it, which does not take an alias here
        yield f"change {', '.join(changed)} of collection {name}", "PUT", f"schema/{name}", merged


def _property_steps(wanted: dict[str, Any], live: dict[str, Any]) -> Iterator[_Step]:
    name = wanted["class"]
    there = {one["name"] for one in live.get("properties") or []}
    for one in wanted.get("properties", []):
        if one["name"] not in there:
            yield f"add property {name}.{one['name']}", "POST", f"schema/{name}/properties", one


def _differences(wanted: Mapping[str, Any], live: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Path and wanted value of each declared setting that is not so."""
    for key, value in wanted.items():
        have = live.get(key)
        if isinstance(value, Mapping) and isinstance(have, Mapping):
            yield from _differences(value, have, f"{prefix}{key}.")
        elif value != have:
            yield f"{prefix}{key}", value


def _set(target: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for parent in parents:
        target = target.setdefault(parent, {})
    target[last] = value
