"""``mxctl apply``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from glue.cli.options import apply_options, file_option, kinds_option, url_option


@click.command()
@click.argument("plan_file", metavar="[PLAN]", required=False, type=click.Path(path_type=Path, dir_okay=False))
@file_option
@kinds_option
@url_option
@apply_options
def apply(
    plan_file: Path | None, files: tuple[str, ...], kinds: tuple[str, ...], url: str | None, **options: Any
) -> None:
    """Bring the cluster to what is declared: topics, ACLs, subjects, stores, chains, connectors, in this order.

    Everything is checked before anything is written; success means that every task has stayed RUNNING. With PLAN, a
    file of `mxctl plan --out`, exactly that is done, or refused if the cluster has moved since.
    """
    from glue.cli.applying import run_apply

    run_apply(kinds, files=files, url=url, plan_file=plan_file, **options)
