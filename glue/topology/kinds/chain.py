"""Transform chains: ``connect-config/transforms/<name>.json``. The service reads the files itself; what was applied is
noted in the cluster, and that is what a plan compares with.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from glue.topology.change import Action, Change, Undo
from glue.topology.configdef import config_changes
from glue.topology.files import Files, json_schema
from glue.topology.kinds.contract import Kind, Live
from glue.topology.memory import Memory
from glue.topology.model import Declared
from glue.topology.rules.chains import own_names, topics_declared
from glue.topology.services import Services


class Chains(Kind):
    name, section, patches = "chain", "transforms", "Chain name → patch of its file."
    rules = (topics_declared, own_names)
    remembers = True

    def load(self, files: Files) -> Iterator[tuple[str, dict[str, Any], Path]]:
        for file in sorted((files.folder / "transforms").glob("*.json")):
            yield file.stem, files.read(file, files.patch.get(file.stem)), file

    def dump(self, want: Mapping[str, Any]) -> Any:
        return {"config": want.get("config", {})}

    def json_schemas(self) -> dict[str, dict[str, Any]]:
        from glue.transforms.declared import DeclaredChain

        return {"transforms": json_schema(DeclaredChain)}

    def read(self, services: Services, wanted: Mapping[str, Any], memory: Memory) -> Live:
        found = memory.of(self.name)
        return Live(found, set(found))

    def diff(self, services: Services, name: str, want: Mapping[str, Any], live: Live) -> Change | None:
        applied = live.found.get(name)
        config = {key: str(value) for key, value in want.get("config", {}).items()}
        fields = tuple(config_changes(applied or {}, config, {}, frozenset()))
        if applied is None:
            return Change(self.name, name, Action.CREATE, fields)
        cost = ("its service takes it over at its next start; what it has processed already stays as it is",)
        return Change(self.name, name, Action.UPDATE, fields, cost) if fields else None

    def apply(self, services: Services, declared: Declared, live: Live, change: Change) -> Undo:
        name, before = change.name, live.found.get(change.name)
        after = None if change.action == Action.DELETE else declared.chains[name].get("config", {})
        services.memory.note(self.name, name, after)
        return Undo(f"note chain {name} as it was", lambda: services.memory.note(self.name, name, before))
