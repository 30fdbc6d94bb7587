"""Secrets are references that the worker resolves, and references are well formed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from glue.secrets import holds_secret, is_secret_key
from glue.topology.model import Declared, Problem

_OPEN = re.compile(r"\$\{")
_PLACEHOLDER = re.compile(r"\$\{(?!(?:env|file|dir|directory|setting)\})[^${}:]+\}")
# The provider `file` needs a path and a key: without the key the worker takes the text as it is.
_WELL_FORMED = re.compile(
    rf"\$\{{(?:file:[^{{}}:]+:[^{{}}]+|(?!file:)[A-Za-z][\w.-]*:[^{{}}]+)\}}|{_PLACEHOLDER.pattern}"
)


def literal(declared: Declared) -> Iterator[Problem]:
    """A password, key or token written out in the file of a connector or chain. The value is not repeated."""
    configs = [("connector", name, one.config) for name, one in declared.connectors.items()]
    configs += [("chain", name, one.get("config", {})) for name, one in declared.chains.items()]
    for kind, name, config in configs:
        for key, value in config.items():
            if holds_secret(key, str(value)) and not _PLACEHOLDER.fullmatch(str(value)):
                yield Problem(
                    declared.files.get((kind, name)),
                    f"config.{key}",
                    "holds a secret in plain text",
                    f"let the worker resolve it: ${{file:secrets/{name}.properties:{key}}} or ${{env:NAME}}",
                )


def references(declared: Declared) -> Iterator[Problem]:
    """``${provider:…}`` with a provider and a key; Connect takes anything else as plain text without a word.

    A name alone, ``${topic}``, is the plugin's own placeholder and no reference; it can stand for no secret.
    """
    for name, connector in declared.connectors.items():
        for key, value in connector.config.items():
            lost = is_secret_key(key) and _PLACEHOLDER.search(value)
            if lost or len(_OPEN.findall(value)) != len(_WELL_FORMED.findall(value)):
                yield Problem(
                    declared.files.get(("connector", name)),
                    f"config.{key}",
                    "has a reference that the worker will not resolve",
                    "write ${env:NAME} or ${file:PATH:KEY}",
                )
