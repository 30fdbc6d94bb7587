"""JSON Schemas of the declared files, made from the models: completion and checks in editors.

``python -m glue.topology.json_schemas`` writes them into ``connect-config/json-schema/``; a test holds them equal.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from glue.settings import get_settings
from glue.topology.model import Connector, Profile, SubjectsFile, Topic, TopicsFile
from glue.transforms.declared import DeclaredChain

_MODELS: dict[str, type[BaseModel]] = {
    "topics": TopicsFile,
    "subjects": SubjectsFile,
    "connector": Connector,
    "profile": Profile,
    "transforms": DeclaredChain,
}


def json_schemas() -> dict[str, dict[str, Any]]:
    """File name without ``.json`` → JSON Schema (draft 2020-12)."""
    made = {}
    for name, model in _MODELS.items():
        schema = model.model_json_schema(by_alias=True)
        made[name] = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    topic = Topic.model_json_schema()
    topic.pop("$defs", None)
    # A topic may leave to `defaults` what it does not say itself, so nothing is required here.
    made["topics"]["properties"]["topics"]["additionalProperties"] = {**topic, "required": []}
    return made


def write(folder: Path) -> None:
    """Write them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, schema in json_schemas().items():
        text = json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        (folder / f"{name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(get_settings().config_dir / "json-schema")
