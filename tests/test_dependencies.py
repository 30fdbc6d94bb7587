"""Dependencies point one way: a module that imports what lies above it, or a circle, makes this fail."""

from __future__ import annotations

import ast
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[1]
TOP = ("connectors", "glue", "sandbox")
BASE = {
    f"glue.{name}"
    for name in [
        "avro",
        "avro_codec",
        "avro_native",
        "reasons",
        "avro_types",
        "connect",
        "errors",
        "files",
        "http_access",
        "identity",
        "imports",
        "logs",
        "overlay",
        "redis_client",
        "registry",
        "secrets",
        "settings",
        "tables",
        "times",
        "tracing",
    ]
}
LOAD = "glue.topology.load"  # the declared files, for whoever asks the pipeline that they make
# room -> what it may import beside itself and BASE; a name stands for everything below it
ROOMS: dict[str, set[str]] = {
    "connectors": {"glue.kafka", "glue.deadletters", "glue.privacy", "glue.rights"},
    "sandbox": set(),
    "glue.kafka": set(),
    "glue.language": set(),
    "glue.embedding": {"glue.language"},
    "glue.privacy": set(),
    "glue.rights": {"glue.kafka", "glue.privacy"},
    "glue.stores": {"glue.embedding"},
    "glue.transforms": {"glue.embedding", "glue.language", "glue.privacy"},
    "glue.deadletters": {"glue.kafka", "glue.privacy", "glue.transforms"},
    "glue.service": {"glue.kafka", "glue.privacy", "glue.rights", "glue.transforms", "glue.deadletters"},
    "glue.connect_python": {"glue.transforms", "glue.stores"},
    "glue.pipeline": {"glue.stores"},
    "glue.topology": {
        "glue.embedding.declared",
        "glue.kafka",
        "glue.pipeline",
        "glue.privacy",
        "glue.stores",
        "glue.transforms",
    },
    "glue.audit": {
        "glue.deadletters",
        "glue.embedding.declared",
        "glue.kafka",
        "glue.pipeline",
        "glue.privacy",
        "glue.rights",
        "glue.stores",
        LOAD,
    },
    "glue.person": {
        "glue.deadletters",
        "glue.kafka",
        "glue.pipeline",
        "glue.privacy",
        "glue.rights",
        "glue.stores",
        LOAD,
    },
    "glue.search": {"glue.embedding", "glue.language", "glue.pipeline", "glue.stores", LOAD},
    "glue.canary": {
        "glue.search",
        "glue.privacy",
        "glue.audit",
        "glue.kafka",
        "glue.pipeline",
        "glue.stores",
        "connectors.models",
        "connectors.models_market",
        LOAD,
    },
    "glue.ui": {
        "glue.deadletters",
        "glue.kafka",
        "glue.language",
        "glue.pipeline",
        "glue.privacy",
        "glue.rights",
        "glue.search",
        "glue.topology",
        "glue.transforms",
    },
    "glue.model_change": {
        "glue.embedding",
        "glue.pipeline",
        "glue.stores",
        "glue.transforms",
        "glue.topology",
    },
    "glue.local": {"glue.kafka", "glue.stores", "glue.transforms", "glue.topology"},
}
# A small file that one other imports is a paragraph of that one, unless there is a reason. room or module -> reason
SMALL_FILES = {
    "glue.avro_native": "the types of what is compiled",
    "glue.canary.metrics": "all that Prometheus sees of canaries, and the one module that needs its client",
    "glue.connect_python.gate": "for sinks of one's own too, and only those with a gate load the recognisers",
    "glue.embedding.torch": "imported only where its extra is installed",
    "glue.local": "one part of the stack a file",
    "glue.privacy.recognisers": "one recogniser a file",
    "glue.topology.export": "a command of its own over all kinds",
    "glue.topology.rules": "one family of rules a file",
    "glue.transforms": "one transform a file, as a chain names it",
    "glue.ui.rates": "arithmetic without input or output, tested alone",
}


@cache
def modules() -> dict[str, Path]:
    """Every module of the product by its name; a package stands for its ``__init__``."""
    files = (file for top in TOP for kind in ("*.py", "*.pyi") for file in (ROOT / top).rglob(kind))
    return {".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file for file in files}


@cache
def imported(file: Path) -> frozenset[str]:
    """Names of this project that ``file`` imports, also inside functions; not what only the type checker reads."""
    found: set[str] = set()
    skipped: set[ast.AST] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            skipped |= set(node.body)
        elif node in skipped:
            continue
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(name for name in found if name.split(".")[0] in TOP)


def module_of(name: str) -> str:
    """The module that a name with dots is, or is in."""
    return name if name in modules() else name.rpartition(".")[0]


def below(name: str, rooms: set[str]) -> bool:
    return any(name == room or name.startswith(f"{room}.") for room in rooms)


def test_every_room_imports_only_what_lies_below_it() -> None:
    wrong = []
    for room, allowed in ROOMS.items():
        for file in (ROOT / room.replace(".", "/")).rglob("*.py"):
            wrong += [
                f"{file.relative_to(ROOT)} imports {name}"
                for name in sorted(imported(file))
                if not below(name, allowed | BASE | {room})
            ]
    assert not wrong, "\n".join(wrong)


def test_the_base_imports_nothing_above_it() -> None:
    for name in BASE:
        above = {one for one in imported(modules()[name]) if not below(one, BASE)}
        assert not above, (name, above)


def test_the_rooms_form_no_circle() -> None:
    rooms = {
        room: {next((one for one in ROOMS if below(name, {one})), name) for name in allowed}
        for room, allowed in ROOMS.items()
    }
    list(TopologicalSorter(rooms).static_order())


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = {name: {module_of(one) for one in imported(file)} - {name} for name, file in modules().items()}
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise AssertionError(" -> ".join(error.args[1])) from None


def test_every_module_can_be_read_at_a_sitting() -> None:
    long = {name: lines for name, file in modules().items() if (lines := file.read_text().count("\n")) > 300}
    assert not long, long


def test_a_small_file_with_one_importer_has_a_reason() -> None:
    importers: dict[str, set[str]] = {name: set() for name in modules()}
    for name, file in modules().items():
        for one in imported(file):
            importers.get(module_of(one), set()).add(name)
    small = {
        name: by
        for name, by in importers.items()
        if len(by) == 1 and modules()[name].name != "__init__.py" and modules()[name].read_text().count("\n") < 50
    }
    without = {name: by for name, by in small.items() if not below(name, set(SMALL_FILES))}
    assert not without, without
