"""Secrets are references that the worker resolves, and references are well formed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from glue.overlay import map_texts
from glue.secrets import holds_secret, is_secret_key
from glue.topology.model import Declared, Problem

_SANDBOX, _MADE_UP = "${setting:sandbox}", "sandbox-"  # who talks to the sandbox has its made-up tokens
_INDEX = re.compile(r"\[\d{1,9}\]")
_OPEN = re.compile(r"\$\{")
_PLACEHOLDER = re.compile(r"\$\{(?!(?:env|file|dir|directory|setting)\})[^${}:]+\}")
# The provider `file` needs a path and a key: without the key the worker takes the text as it is.
_WELL_FORMED = re.compile(
    rf"\$\{{(?:file:[^{{}}:]+:[^{{}}]+|(?!file:)[A-Za-z][\w.-]*:[^{{}}]+)\}}|{_PLACEHOLDER.pattern}"
)


def literal(declared: Declared) -> Iterator[Problem]:
    """A password, key or token written out in a file of a connector, chain or source. The value is not repeated."""
    for name, connector in declared.connectors.items():
        fix = f"let the worker resolve it: ${{file:secrets/{name}.properties:KEY}} or ${{env:NAME}}"
        for key, value in connector.config.items():
            yield from _literal(declared, "connector", name, f"config.{key}", key, value, fix)
    fix = "refer to it: ${env:NAME}, or ${file:PATH:KEY}"
    for name, chain in declared.chains.items():
        for where, value in _texts({key: part for key, part in chain.items() if key != "tests"}):
            yield from _literal(declared, "chain", name, where, where.removeprefix("config."), value, fix)
    for name, source in declared.sources.items():
        texts = _texts(source)
        of_sandbox = any(_SANDBOX in value for _, value in texts)
        for where, value in texts:
            if not (of_sandbox and value.startswith(_MADE_UP)):
                key = _INDEX.sub("", where).rpartition(".")[2]
                yield from _literal(declared, "source", name, where, key, value, fix)


def _literal(declared: Declared, kind: str, name: str, where: str, key: str, value: str, fix: str) -> Iterator[Problem]:
    if holds_secret(key, value) and not _PLACEHOLDER.fullmatch(value):
        yield Problem(declared.files.get((kind, name)), where, "holds a secret in plain text", fix)


def _texts(body: Any) -> list[tuple[str, str]]:
    """Each text with its place, such as ``options.tokens[0]``."""
    found: list[tuple[str, str]] = []

    def note(text: str, where: str) -> str:
        found.append((where, text))
        return text

    map_texts(body, note)
    return found


def references(declared: Declared) -> Iterator[Problem]:
    """``${provider:…}`` with a provider and a key; Connect takes anything else as plain text without a word.

    A name alone, ``${topic}``, is the plugin's own placeholder and no reference; it can stand for no secret.
    """
    for name, connector in declared.connectors.items():
        for key, value in connector.config.items():
            lost = is_secret_key(key) and _PLACEHOLDER.search(value)
            if lost or len(_OPEN.findall(value)) != len(_WELL_FORMED.findall(value)):
                message, fix = (
                    "has a reference that the worker will not resolve",
                    "write ${env:NAME} or ${file:PATH:KEY}",
                )
                yield Problem(declared.file("connector", name), f"config.{key}", message, fix)
