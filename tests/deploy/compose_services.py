"""The services of docker-compose.yml, as its tests are asked of each."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.config import source_names
from glue.settings import Settings
from tests.deploy.compose_file import OURS, ROOT, compose

COMPOSE = compose()
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ONE_SHOT = {"volumes", "acls", "apply", "mxctl"}
MXCTL = {name: service for name, service in SERVICES.items() if OURS.match(service["image"])}
DECLARED = Settings(profile="compose", config_dir=ROOT / "connect-config", schemas_dir=ROOT / "schemas")
SOURCES = source_names(DECLARED)
each_service = pytest.mark.parametrize("name", SERVICES)
each_mxctl = pytest.mark.parametrize("name", MXCTL)
