"""A live cluster written into files that declare it. Applying them to the same cluster changes nothing."""

from __future__ import annotations

from pathlib import Path

from glue.errors import UsageError
from glue.topology.kinds import KINDS
from glue.topology.kinds.contract import Exported
from glue.topology.services import Services


def export(services: Services, folder: Path, *, overwrite: bool = False) -> Exported:
    """Write what is live under ``folder``, as in this project's root.

    Kafka's, Connect's, the registry's and mxctl's own topics are left out. A secret that stands in plain text in a live
    config is replaced by a reference, and a note says so.

    Raises:
        UsageError: there are files already.
    """
    out = Exported(folder / "connect-config", folder / "schemas")
    if not overwrite and (out.config.exists() or out.schemas.exists()):
        fix = "choose another, or pass --force"
        raise UsageError(f"folder {folder}", "holds connect-config or schemas already", fix)
    for one in (out.config / "connectors", out.config / "profiles", out.schemas):
        one.mkdir(parents=True, exist_ok=True)
    for kind in reversed(KINDS.values()):  # connectors first: they tell which topics are for dead letters
        kind.export(services, out)
    (out.config / "profiles" / "local.json").write_text('{\n  "description": "As exported."\n}\n', encoding="utf-8")
    return out
