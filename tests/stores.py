"""The declared stores as tests ask them: Snowflake (or its local endpoint) by SQL, any target by its short name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from glue.pipeline.routes import Pipeline
from glue.settings import Settings, get_settings
from glue.stores.contract import Target
from glue.stores.rows import Rows
from glue.stores.snowflake.client import SnowflakeClient, apply_ddl
from glue.stores.snowflake.store import SnowflakeStore
from glue.topology.kinds.store import schemas_of
from glue.topology.load import load

NAMESPACE = "MILLIONX.RAW_DATA"


def snowflake(settings: Settings | None = None) -> SnowflakeClient:
    """A client that looks names up where the tables are."""
    return SnowflakeClient(settings, NAMESPACE)


def ask(sql: str, parameters: Sequence[Any] = (), settings: Settings | None = None) -> Rows:
    """One statement on a connection of its own."""
    with snowflake(settings) as client:
        return client.query(sql, parameters)


def scripts(settings: Settings | None = None) -> list[str]:
    """Snowflake's scripts of the profile ``local``."""
    chosen, store = settings or get_settings(), SnowflakeStore()
    return store.scripts(chosen, schemas_of(load(chosen, profile="local"), store))


def make_ready(settings: Settings) -> None:
    """Run them."""
    apply_ddl(scripts(settings), settings)


def target(name: str, profile: str = "local") -> Target:
    """What a declared sink fills: ``orders``, ``socialpost`` …"""
    targets = Pipeline.of(load(get_settings(), profile=profile)).targets
    return next(one for one in targets if one.name == name)


def collection(name: str) -> Target:
    """A collection that no declared sink fills."""
    return Target("", "", "", name, "weaviate", f"Weaviate {name}", vector="vector")
