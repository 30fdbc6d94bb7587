"""The stores behind the sinks: the warehouse's tables and Weaviate's collections. Their own clients know how."""

from __future__ import annotations

import hashlib
import importlib.util
import re
from abc import ABC, abstractmethod

from glue.errors import ServiceError
from glue.settings import Settings
from glue.topology.change import Undo
from glue.topology.diff import Change
from glue.topology.live import Live
from glue.topology.model import Declared
from glue.topology.services import Services


class Store(ABC):
    """One store: what is declared for it, what of that is missing, and how to bring it there (idempotent)."""

    name: str
    module: str

    def known(self, settings: Settings) -> bool:
        """Whether this installation declares it and can reach it with what is configured."""
        return importlib.util.find_spec(self.module) is not None

    def digest(self, settings: Settings) -> str:
        """Changes with the declaration, where the store itself can not be compared with it; else empty."""
        return ""

    @abstractmethod
    def pending(self, settings: Settings, applied: str | None) -> list[str]:
        """What applying would do, in words; nothing where the store is as declared.

        Args:
            applied: the digest of the declaration that was applied last, None if none was.
        """

    @abstractmethod
    def apply(self, settings: Settings) -> None:
        """Bring the store to its declaration."""


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Warehouse(Store):
    """Database, tables, views and roles, from ``connect-config/warehouse/*.sql``.

    Left out where no administrator's key is configured: in production a person runs the reviewed script. The local
    endpoint takes the connector's key for it.
    """

    name = "warehouse"
    module = "glue.stores.snowflake.ddl"
    _OBJECT = re.compile(
        r"\bCREATE\s+(?:OR\s+REPLACE\s+)?(?:TABLE|VIEW)\s+(?:IF\s+NOT\s+EXISTS\s+)?(\w+\.\w+\.\w+)", re.I
    )

    def known(self, settings: Settings) -> bool:
        key = settings.warehouse_admin_private_key_file
        if key is None and settings.warehouse.startswith("http://"):
            key = settings.warehouse_private_key_file
        return super().known(settings) and key is not None and key.is_file()

    def digest(self, settings: Settings) -> str:
        from glue.stores.snowflake.ddl import scripts

        return _sha("\n".join(scripts(settings)))

    def pending(self, settings: Settings, applied: str | None) -> list[str]:
        changes = [f"create {name}" for name in self._missing(settings)]
        if applied != self.digest(settings):
            changes.append("run its script" if applied is None else "run its script, which has changed")
        return changes

    def _missing(self, settings: Settings) -> list[str]:
        from glue.stores.snowflake.client import Warehouse as Client
        from glue.stores.snowflake.ddl import scripts

        declared = sorted({name.upper() for script in scripts(settings) for name in self._OBJECT.findall(script)})
        found: set[str] = set()
        admin = {
            "warehouse_user": settings.warehouse_admin_user,
            "warehouse_role": "",
            "warehouse_private_key_file": settings.warehouse_admin_private_key_file
            or settings.warehouse_private_key_file,
        }
        with Client(settings.model_copy(update=admin)) as client:
            for database in sorted({name.partition(".")[0] for name in declared}):
                for view in ("tables", "views"):
                    sql = f"SELECT table_schema, table_name FROM {database}.information_schema.{view}"  # noqa: S608 - ours
                    try:
                        rows = client.query(sql).rows
                    except ServiceError:  # no such database yet
                        break
                    found |= {f"{database}.{row[0]}.{row[1]}".upper() for row in rows}
        return [name for name in declared if name not in found]

    def apply(self, settings: Settings) -> None:
        from glue.stores.snowflake import client as warehouse
        from glue.stores.snowflake.ddl import scripts

        warehouse.apply_ddl(scripts(settings), settings)


class Weaviate(Store):
    """Collections, from ``connect-config/weaviate/*.json``."""

    name = "weaviate"
    module = "glue.stores.weaviate.client"

    def known(self, settings: Settings) -> bool:
        return super().known(settings) and any((settings.config_dir / "weaviate").glob("*.json"))

    def pending(self, settings: Settings, applied: str | None) -> list[str]:
        from glue.stores.weaviate.client import apply_collections

        return apply_collections(settings, dry_run=True)

    def apply(self, settings: Settings) -> None:
        from glue.stores.weaviate.client import apply_collections

        apply_collections(settings)


STORES: dict[str, Store] = {store.name: store for store in (Warehouse(), Weaviate())}


def apply(services: Services, declared: Declared, live: Live, change: Change) -> Undo:
    """Bring a store to its declaration and note which one; what it creates stays, for it may hold data."""
    store = STORES[change.name]
    store.apply(services.settings)
    if digest := store.digest(services.settings):
        services.memory.store(change.name, digest)
    return Undo(f"leave store {change.name} as it is now: what was added does no harm", lambda: None)
