"""What transforms and predicates there are, and what each says about itself."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from dataclasses import dataclass
from typing import Any

import glue.transforms
from glue.errors import UsageError
from glue.imports import load_class
from glue.transforms.contract import Configurable, Predicate, Transform


@dataclass(frozen=True)
class Part:
    """A transform or predicate that a chain can name."""

    type: type[Configurable[Any]]

    @property
    def path(self) -> str:
        """What a chain writes as ``type``."""
        return f"{self.type.__module__}:{self.type.__qualname__}"

    @property
    def kind(self) -> str:
        """``transform`` or ``predicate``."""
        return "predicate" if issubclass(self.type, Predicate) else "transform"

    @property
    def doc(self) -> str:
        """Its help."""
        return inspect.getdoc(self.type) or ""

    @property
    def headline(self) -> str:
        """The first line of its help."""
        return self.doc.partition("\n")[0]

    def settings(self) -> list[dict[str, Any]]:
        """Its settings: name as written in a chain, type, whether required, default, meaning."""
        return [
            {
                "name": info.alias or name,
                "type": getattr(info.annotation, "__name__", None) or str(info.annotation),
                "required": info.is_required(),
                "default": None if info.is_required() else info.get_default(call_default_factory=True),
                "doc": info.description or "",
            }
            for name, info in self.type.config_class.model_fields.items()
        ]

    def summary(self) -> dict[str, str]:
        """For lists."""
        return {"type": self.path, "kind": self.kind, "doc": self.headline}

    def details(self) -> dict[str, Any]:
        """Everything, for programs."""
        return {"type": self.path, "kind": self.kind, "doc": self.doc, "settings": self.settings()}


def catalogue() -> list[Part]:
    """All that this package ships, transforms first, by name."""
    found: dict[str, Part] = {}
    for module in pkgutil.iter_modules(glue.transforms.__path__):
        loaded = importlib.import_module(f"{glue.transforms.__name__}.{module.name}")
        for _, member in inspect.getmembers(loaded, inspect.isclass):
            if not issubclass(member, (Transform, Predicate)) or inspect.isabstract(member):
                continue
            if member.__module__ == loaded.__name__:
                part = Part(member)
                found[part.path] = part
    return sorted(found.values(), key=lambda part: (part.kind != "transform", part.type.__name__))


def find(name: str) -> Part:
    """The part of that class name or ``package.module:Class``.

    Raises:
        UsageError: there is none.
        ConfigError: the path cannot be imported.
    """
    if ":" in name:
        return Part(load_class(name, Configurable, f"transform {name}"))
    parts = catalogue()
    for part in parts:
        if part.type.__name__.lower() == name.lower():
            return part
    raise UsageError(f"transform {name!r}", "it does not exist", f"one of {', '.join(p.type.__name__ for p in parts)}")
