"""Chains: their topics are declared, and what they write has a schema."""

from __future__ import annotations

from collections.abc import Iterator

from glue.topology.model import Declared, Problem, split_list


def topics_declared(declared: Declared) -> Iterator[Problem]:
    """Inputs and output of each chain are declared topics with subjects; no chain feeds itself."""
    for name, chain in declared.chains.items():
        file, config = declared.files.get(("chain", name)), chain.get("config", {})
        inputs, output = split_list(str(config.get("topics", ""))), str(config.get("output.topic", ""))
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
            yield Problem(
                file, "config.output.topic", "is also an input: the chain would feed itself", "write elsewhere"
            )
