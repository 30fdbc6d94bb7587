"""A project whose posts are embedded by a small model, ``old``, and that declares another, ``new``."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from glue.settings import get_settings, project_root
from tests.small_model import WIDTH, folder


def change(file: Path, *path: str, value: Any) -> None:
    """Put a value into a JSON file."""
    body = json.loads(file.read_text())
    *parents, last = path
    inner = body
    for name in parents:
        inner = inner[name]
    inner[last] = value
    file.write_text(json.dumps(body, indent=2, ensure_ascii=False))


@pytest.fixture
def declared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Its declared configuration."""
    config = tmp_path / "connect-config"
    shutil.copytree(project_root() / "connect-config", config)
    for seed, name in enumerate(("old", "new"), 1):
        model = folder(tmp_path / f"model-{name}", name, seed)
        (config / "embedding" / f"{name}.json").write_text(model.model_dump_json(exclude={"schema_"}))
    change(config / "transforms" / "vectors.json", "config", "transforms.embed.models", value="old")
    change(config / "connectors" / "weaviate-sink.json", "config", "vector.dimensions", value=f"old:{WIDTH}")
    collection = config / "weaviate" / "SocialPost.json"
    vectors = json.loads(collection.read_text())["vectorConfig"]
    change(collection, "vectorConfig", value={"old": vectors["e5"]})
    change(collection, "$search", "vector", value="old")
    monkeypatch.setenv("MXCTL_CONFIG_DIR", str(config))
    monkeypatch.setenv("MXCTL_CACHE_DIR", str(tmp_path / "cache"))
    get_settings.cache_clear()
    yield config
    get_settings.cache_clear()
