"""Dependencies point one way; a module that looks back makes this fail."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
BASE = {"glue.avro", "glue.errors", "glue.settings", "glue.logs", "glue.identity", "glue.overlay", "glue.tracing"}
# room -> what it may import beside itself and BASE; a name stands for everything below it
ROOMS: dict[str, set[str]] = {
    "connectors": {"glue.kafka", "glue.clients.registry", "glue.deadletters", "glue.privacy"},
    "sandbox": set(),
    "glue.kafka": set(),
    "glue.clients": {"glue.embedding"},
    "glue.embedding": set(),
    "glue.privacy": {"glue.transforms.contract"},
    "glue.stores": {"glue.embedding"},
    "glue.transforms": {"glue.clients", "glue.embedding", "glue.privacy"},
    "glue.deadletters": {"glue.clients", "glue.kafka", "glue.privacy", "glue.transforms"},
    "glue.service": {"glue.clients", "glue.kafka", "glue.privacy", "glue.transforms", "glue.deadletters"},
    "glue.connect_python": {"glue.transforms", "glue.clients", "glue.stores"},
    "glue.topology": {"glue.clients", "glue.kafka", "glue.privacy", "glue.stores", "glue.transforms"},
    "glue.audit": {"glue.clients", "glue.deadletters", "glue.kafka", "glue.stores"},
    "glue.canary": {"glue.clients", "glue.audit", "glue.kafka", "glue.stores", "connectors.models"},
    "glue.ui": {"glue.clients", "glue.deadletters", "glue.kafka", "glue.privacy", "glue.transforms", "glue.topology"},
    "glue.local": {"glue.clients", "glue.stores", "glue.transforms", "glue.topology"},
}


def imported(file: Path) -> set[str]:
    """Modules of this project that ``file`` imports, as names with dots."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.split(".")[0] in ("connectors", "glue", "sandbox")}


def below(name: str, rooms: set[str]) -> bool:
    return any(name == room or name.startswith(f"{room}.") for room in rooms)


def test_every_room_imports_only_what_lies_below_it():
    wrong = []
    for room, allowed in ROOMS.items():
        for file in (ROOT / room.replace(".", "/")).rglob("*.py"):
            wrong += [
                f"{file.relative_to(ROOT)} imports {name}"
                for name in sorted(imported(file))
                if not below(name, allowed | BASE | {room})
            ]
    assert not wrong, "\n".join(wrong)


def test_the_base_imports_nothing_above_it():
    for name in BASE:
        above = {one for one in imported(ROOT / f"{name.replace('.', '/')}.py") if not below(one, BASE)}
        assert above <= {one for one in above if below(one, {"glue.clients.registry"})}, (name, above)
