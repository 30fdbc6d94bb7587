"""Secrets are references that the worker resolves, and references are well formed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from glue.secrets import has_reference, is_secret_key
from glue.topology.model import Declared, Kind, Problem

_OPEN = re.compile(r"\$\{")
# A name alone is the plugin's own: ``${topic}`` stands for the record's topic in names of tables and collections.
_WELL_FORMED = re.compile(r"\$\{[A-Za-z][\w.-]*:[^{}]+\}|\$\{topic\}")


def literal(declared: Declared) -> Iterator[Problem]:
    """A password or key written out in a connector's file. The value is not repeated."""
    for name, connector in declared.connectors.items():
        for key, value in connector.config.items():
            if value and is_secret_key(key) and not has_reference(value):
                yield Problem(
                    declared.files.get((Kind.CONNECTOR, name)),
                    f"config.{key}",
                    "holds a secret in plain text",
                    f"let the worker resolve it: ${{file:secrets/{name}.properties:{key}}} or ${{env:NAME}}",
                )


def references(declared: Declared) -> Iterator[Problem]:
    """``${provider:…}`` with a provider and a key; Connect takes anything else as plain text without a word."""
    for name, connector in declared.connectors.items():
        for key, value in connector.config.items():
            if len(_OPEN.findall(value)) != len(_WELL_FORMED.findall(value)):
                yield Problem(
                    declared.files.get((Kind.CONNECTOR, name)),
                    f"config.{key}",
                    "has a reference that the worker will not resolve",
                    "write ${env:NAME} or ${file:PATH:KEY}",
                )
