"""A small declared topology in a folder, for tests: files are written as a person would write them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from glue.settings import Settings

RECORD = {
    "type": "record",
    "name": "Thing",
    "namespace": "test",
    "fields": [
        {"name": "id", "type": "string", "confluent:tags": ["PUBLIC"]},
        {"name": "count", "type": "int", "default": 0},
    ],
}
PROBE = "probe.ProbeSinkConnector"
BYTES = "org.apache.kafka.connect.converters.ByteArrayConverter"
STRINGS = "org.apache.kafka.connect.storage.StringConverter"


class Project:
    """``connect-config/`` and ``schemas/`` below ``root``; names carry ``prefix`` so that tests do not meet."""

    def __init__(self, root: Path, prefix: str, **settings: Any) -> None:
        self.root, self.prefix = root, prefix
        self.config, self.schemas = root / "connect-config", root / "schemas"
        for folder in (self.config / "connectors", self.config / "profiles", self.config / "transforms", self.schemas):
            folder.mkdir(parents=True)
        self.settings = Settings(
            **{"owner": prefix, "config_dir": self.config, "schemas_dir": self.schemas, "profile": "local", **settings}
        )
        self.profile({})
        self.topics({})
        self.subjects({})

    def write(self, path: str, body: Any) -> Path:
        file = self.root / path
        file.write_text(json.dumps(body, indent=1), encoding="utf-8")
        return file

    def profile(self, body: dict[str, Any], name: str = "local") -> None:
        self.write(f"connect-config/profiles/{name}.json", body)

    def topics(self, topics: dict[str, Any], **defaults: Any) -> None:
        named = {f"{self.prefix}.{name}": body for name, body in topics.items()}
        self.write("connect-config/topics.json", {"defaults": defaults, "topics": named})

    def subjects(self, schemas: dict[str, Any], level: str | None = "BACKWARD", **own_levels: str) -> None:
        entries = {}
        for name, schema in schemas.items():
            self.write(f"schemas/{name}.avsc", schema)
            entries[f"{self.prefix}.{name}-value"] = {"schema": f"{name}.avsc"}
            if name in own_levels:
                entries[f"{self.prefix}.{name}-value"]["compatibility"] = own_levels[name]
        self.write("connect-config/subjects.json", {"defaults": {"compatibility": level}, "subjects": entries})

    def connector(self, name: str, topic: str = "things", /, **config: str) -> dict[str, Any]:
        """Write a probe sink; keys are given with ``_`` for ``.``."""
        body = {
            "name": f"{self.prefix}-{name}",
            "config": {
                "connector.class": PROBE,
                "tasks.max": "2",
                "topics": f"{self.prefix}.{topic}",
                "key.converter": STRINGS,
                "value.converter": BYTES,
                "mxctl.store": "none",
                **{key.replace("_", "."): value for key, value in config.items()},
            },
        }
        self.write(f"connect-config/connectors/{name}.json", body)
        return body

    def remove(self, path: str) -> None:
        (self.root / path).unlink()

    def things(self) -> None:
        """One topic with a subject, and one connector that reads it."""
        self.topics({"things": {"partitions": 2, "replication_factor": 1, "config": {"retention.ms": "86400000"}}})
        self.subjects({"things": RECORD})
        self.connector("sink")
