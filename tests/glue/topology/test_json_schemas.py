"""The published JSON Schemas are those of the models, and the project's own files pass them."""

from __future__ import annotations

import json

import pytest

from glue.settings import Settings
from glue.topology.json_schemas import json_schemas

FOLDER = Settings().config_dir


@pytest.mark.parametrize("name", json_schemas())
def test_published_as_the_models_are(name: str) -> None:
    published = json.loads((FOLDER / "json-schema" / f"{name}.json").read_text(encoding="utf-8"))
    assert published == json_schemas()[name], "run: python -m glue.topology.json_schemas"


def test_every_file_that_names_its_schema_names_one_that_is_there() -> None:
    for file in FOLDER.rglob("*.json"):
        body = json.loads(file.read_text(encoding="utf-8"))
        if file.parent.name != "json-schema" and isinstance(body, dict) and "$schema" in body:
            assert (file.parent / body["$schema"]).is_file(), file.name
