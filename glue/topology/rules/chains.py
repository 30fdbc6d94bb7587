"""Chains: their topics are declared, what they write has a schema, every alias of a transform has a type, and what is
encrypted is decrypted first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import permutations
from pathlib import Path

from glue.privacy.tags import personal_fields
from glue.times import split_list
from glue.topology.model import Declared, Problem

_DECRYPT = "glue.transforms.decrypt:Decrypt"


def topics_declared(declared: Declared) -> Iterator[Problem]:
    """Inputs and output of each chain are declared topics with subjects; no chain feeds itself."""
    for name, chain in declared.chains.items():
        file, config = declared.file("chain", name), declared.chain_config(name)
        inputs, output = split_list(config.get("topics", "")), config.get("output.topic", "")
        if chain.get("name", name) != name:
            yield Problem(file, "name", f"is {chain['name']}, the file is {name}.json", "name both alike")
        for key, topics in (("topics", inputs), ("output.topic", [output] if output else [])):
            if not topics:
                yield Problem(file, f"config.{key}", "is missing", "name declared topics")
            for topic in topics:
                if topic not in declared.topics:
                    yield Problem(file, f"config.{key}", f"{topic} is not declared", "declare it in topics.json")
                elif f"{topic}-value" not in declared.subjects:
                    fix = f"declare {topic}-value in subjects.json"
                    yield Problem(file, f"config.{key}", f"{topic} has no subject {topic}-value", fix)
        if output in inputs:
            message = "is also an input: the chain would feed itself"
            yield Problem(file, "config.output.topic", message, "write elsewhere")


def transform_keys(declared: Declared) -> Iterator[Problem]:
    """The keys of connectors and of chain files."""
    for name, connector in declared.connectors.items():
        yield from _check(declared.file("connector", name), connector.config)
    for name in declared.chains:
        yield from _check(declared.file("chain", name), declared.chain_config(name))


def decrypt_first(declared: Declared) -> Iterator[Problem]:
    """A chain that reads a topic with personal fields, which producers encrypt, and does not begin with Decrypt."""
    for name in declared.chains:
        config = declared.chain_config(name)
        subjects = [declared.subjects.get(f"{topic}-value") for topic in split_list(config.get("topics", ""))]
        if not any(subject is not None and personal_fields(subject.schema) for subject in subjects):
            continue
        first = next(iter(split_list(config.get("transforms", ""))), "")
        if config.get(f"transforms.{first}.type") != _DECRYPT or config.get(f"transforms.{first}.predicate"):
            why = "the chain reads personal texts, which are encrypted, and does not begin with Decrypt"
            fix = f"let transforms begin with decrypt, with transforms.decrypt.type={_DECRYPT} and no predicate"
            yield Problem(declared.file("chain", name), "config.transforms", why, fix)


def own_names(declared: Declared) -> Iterator[Problem]:
    """No chain is named as an instance of another could be.

    The second instance of ``posts`` is ``posts-2`` on a local stack. A chain's transactional ids begin with its group
    and "-", as its right to them does: of two with the same id one ends the other's writes.
    """
    configs = {name: chain.get("config", {}) for name, chain in declared.chains.items()}
    groups = {name: str(config.get("group.id") or f"millionx-{name}") for name, config in configs.items()}
    for name, other in permutations(groups, 2):
        for key, mine, its in (("name", name, other), ("config.group.id", groups[name], groups[other])):
            if f"{mine}-".startswith(f"{its}-"):
                why = f"{mine} could be an instance of chain {other}"
                # Without a file it is everybody's: a stack starts its chains before it applies them.
                yield Problem(None, f"transforms/{name}.json: {key}", why, f"let it not begin with {its}-")
                break


def _check(file: Path | None, config: Mapping[str, str]) -> Iterator[Problem]:
    predicates = split_list(config.get("predicates", ""))
    for group in ("transforms", "predicates"):
        aliases = split_list(config.get(group, ""))
        for alias in sorted({alias for alias in aliases if aliases.count(alias) > 1}):
            yield Problem(file, f"config.{group}", f"{alias} is listed twice", "list it once")
        for alias in aliases:
            if not config.get(f"{group}.{alias}.type"):
                yield Problem(file, f"config.{group}.{alias}.type", "is missing", "name the class")
            used = config.get(f"{group}.{alias}.predicate")
            if group == "transforms" and used and used not in predicates:
                fix = f"add it to predicates, with predicates.{used}.type"
                yield Problem(file, f"config.{group}.{alias}.predicate", f"{used} is not declared", fix)
        prefix = f"{group}."
        strays = {key.split(".")[1] for key in config if key.startswith(prefix)} - set(aliases)
        for stray in sorted(strays):
            yield Problem(
                file, f"config.{prefix}{stray}", f"has no effect: {stray} is not in {group}", f"add it to {group}"
            )
