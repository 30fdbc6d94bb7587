"""``mxctl schemas``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

import click

from glue.cli.completion import subject_names
from glue.cli.options import LazyChoice, apply_options, services_for
from glue.cli.output import emit, emit_rows, output_option

_subject = click.argument("subject", shell_complete=subject_names)


def _levels() -> Sequence[str]:
    from glue.topology.kinds.subject import Compatibility

    return get_args(Compatibility)


@click.group()
def schemas() -> None:
    """Look at subjects of the Schema Registry, check and register declared schemas."""


@schemas.command("apply")
@apply_options
def apply_command(**options: Any) -> None:
    """Register what subjects.json declares; every schema is checked for compatibility before anything is written."""
    from glue.cli.applying import run_apply

    run_apply(("subject",), **options)


@schemas.command()
@click.argument("subject", required=False, shell_complete=subject_names)
@click.option("--version", default="latest", show_default=True, help="Version of SUBJECT.")
@output_option("name")
def get(subject: str | None, version: str, output: str) -> None:
    """List subjects and whether they are as declared, or show the schema of SUBJECT."""
    from glue.topology.kinds.subject import subject_rows
    from glue.topology.load import load
    from glue.topology.schemas import subject_schema

    services = services_for()
    if subject:
        emit(subject_schema(services, subject, version), "json" if output == "table" else output)
        return
    emit_rows(subject_rows(services, load(services.settings)), output)


def _names(services: Any, subject: str | None) -> tuple[Any, list[str]]:
    from glue.topology.load import load

    declared = load(services.settings)
    return declared, [subject] if subject else sorted(declared.subjects)


@schemas.command()
@click.argument("subject", required=False, shell_complete=subject_names)
def check(subject: str | None) -> None:
    """Ask the registry whether it would accept the declared schema of SUBJECT, or of all. Exits with 1 if not."""
    from glue.topology.schemas import schema_check

    services = services_for()
    declared, names = _names(services, subject)
    refused = False
    for name in names:
        reasons = schema_check(services, declared, name)
        refused = refused or reasons is not None
        click.echo(f"{name}: {'compatible' if reasons is None else 'not compatible'}")
        for reason in reasons or ():
            click.echo(f"  {reason}")
    if refused:
        click.get_current_context().exit(1)


@schemas.command()
@click.argument("subject", required=False, shell_complete=subject_names)
@output_option()
def diff(subject: str | None, output: str) -> None:
    """Show where declared schemas differ from what is registered, field by field; in meaning, not as text."""
    from glue.topology.schemas import schema_diff

    services = services_for()
    declared, names = _names(services, subject)
    rows = [
        {"name": name, "field": one.path, "registered": one.before, "declared": one.after}
        for name in names
        for one in schema_diff(services, declared, name)
    ]
    if rows or output != "table":
        emit_rows(rows, output)
    else:
        click.echo("no difference")


@schemas.command()
@_subject
def register(subject: str) -> None:
    """Register the declared schema of one SUBJECT, if it is compatible and not yet there."""
    from glue.cli.options import tell
    from glue.errors import UsageError
    from glue.topology.apply import apply_all
    from glue.topology.load import load

    services = services_for()
    declared = load(services.settings)
    if subject not in declared.subjects:
        raise UsageError(f"subject {subject}", "is not declared in subjects.json", "declare it there first")
    declared.resources["subject"] = {subject: declared.subjects[subject]}
    outcome = apply_all(services.settings, kinds=("subject",), progress=tell, declared=declared, rules=False)
    click.echo(f"subject {subject}: {'registered' if outcome.changes else 'already as declared'}")


@schemas.command()
@_subject
@click.argument("level", required=False, type=LazyChoice(_levels, case_sensitive=False))
def compatibility(subject: str, level: str | None) -> None:
    """Show or set the compatibility level of SUBJECT (a level that is not declared shows up as drift in the plan)."""
    from glue.topology.schemas import compatibility as ask

    click.echo(ask(services_for(), subject, level.upper() if level else None))
