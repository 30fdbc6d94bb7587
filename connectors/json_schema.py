"""JSON Schema of ``connect-config/sources/*.json``, made from the models: completion and checks in editors.

``python -m connectors.json_schema`` writes it into ``connect-config/json-schema/``; a test holds it equal.
"""

from __future__ import annotations

import json
from typing import Any

from connectors.config import SourceConfig, load_source, source_names
from glue.settings import get_settings
from glue.times import DURATION_PATTERN

_DURATION = {"type": "string", "pattern": DURATION_PATTERN, "examples": ["15m", "1h30m"]}


def source_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12); ``options`` are those of the class that a file names.

    The classes known are those of the declared sources; another may have any options.
    """
    settings = get_settings()
    declared = {load_source(name, settings, resolve=False).source_class() for name in source_names(settings)}
    made = SourceConfig.model_json_schema(by_alias=True)
    properties, definitions = made["properties"], made.setdefault("$defs", {})
    del properties["name"]  # the file's own name
    made["required"] = [name for name in made["required"] if name != "name"]
    for name in ("every", "overlap"):
        kept = {key: value for key, value in properties[name].items() if key not in ("type", "format", "default")}
        properties[name] = kept | _DURATION
    properties["$schema"] = {"type": "string"}
    made["allOf"] = []
    for source in sorted(declared, key=lambda one: one.__name__):
        options = source.options_class.model_json_schema(by_alias=True, ref_template="#/$defs/{model}")
        definitions |= options.pop("$defs", {})
        definitions[options["title"]] = options
        path = f"{source.__module__}:{source.__name__}"
        made["allOf"].append(
            {
                "if": {"properties": {"class": {"const": path}}},
                "then": {"properties": {"options": {"$ref": f"#/$defs/{options['title']}"}}},
            }
        )
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}


if __name__ == "__main__":
    target = get_settings().config_dir / "json-schema" / "source.json"
    target.write_text(json.dumps(source_schema(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
