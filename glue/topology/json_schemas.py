"""JSON Schemas of the declared files, made from the models: completion and checks in editors.

``python -m glue.topology.json_schemas`` writes them into ``connect-config/json-schema/``; a test holds them equal.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from glue.embedding.declared import Model
from glue.settings import get_settings
from glue.topology.files import json_schema
from glue.topology.kinds import KINDS
from glue.topology.load import Profile


def json_schemas() -> dict[str, dict[str, Any]]:
    """File name without ``.json`` → JSON Schema."""
    made = {name: schema for kind in KINDS.values() for name, schema in kind.json_schemas().items()}
    return {**made, "profile": json_schema(Profile), "embedding": json_schema(Model)}


def write(folder: Path) -> None:
    """Write them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, schema in json_schemas().items():
        text = json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        (folder / f"{name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(get_settings().config_dir / "json-schema")
