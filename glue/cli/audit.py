"""``mxctl audit``: is everything that was put on the sink topics in the stores, once, and as it was?"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from glue.cli.options import millis, settings_for, since_option, until_option
from glue.cli.output import table_or_json


@click.command(
    epilog="Exit code: 0 when all agree, 1 when something differs. docs/audit.md says what is compared, and how."
)
@since_option("records")
@until_option("records")
@click.option(
    "--store", "stores", multiple=True, help="Only this table or collection, such as orders or socialpost; repeatable."
)
@click.option("--deep", is_flag=True, help="Compare every field of every record too; slow.")
@click.option("--repair", is_flag=True, help="Publish what is missing to its topic again, so that the sink stores it.")
@click.option("-y", "--yes", is_flag=True, help="With --repair: do not ask for confirmation.")
@click.option(
    "--limit", type=click.IntRange(0), default=20, show_default=True, help="Maximum number of differences listed."
)
@table_or_json
def audit(
    since: datetime | None,
    until: datetime | None,
    stores: tuple[str, ...],
    deep: bool,
    repair: bool,
    yes: bool,
    limit: int,
    output: str,
) -> None:
    """Compare the sink topics to the tables and collections that the sinks fill, key by key.

    Records in dead letters are accounted for; those that the sinks have not read yet are pending.
    """
    from glue.audit.compare import Wanted
    from glue.audit.report import DIFFERENT, MISSING
    from glue.audit.run import open_audit
    from glue.cli.output import confirm, emit
    from glue.local.report import Reporter

    wanted = Wanted(millis(since), millis(until), deep)
    reporter = Reporter()
    with open_audit(settings_for(), stores, reporter.progress) as session:
        reports = session.look(wanted)
        for report in reports:
            summary = report.summary()
            reporter.event(report.store, f"{summary['on_topic']} keys, {summary['stored']} stored, {report.seconds} s")
        if repair:
            open_ = sum(report.counts()[kind] for report in reports for kind in (MISSING, DIFFERENT))
            if open_:
                confirm(f"Put what is missing of {open_} keys on their topics again?", yes)
            for report in reports:
                if sent := session.repair(report):
                    reporter.event(report.store, f"{sent} records sent again")
    if output == "json":
        emit({"agrees": all(r.agrees for r in reports), "stores": [r.as_dict() for r in reports]}, output)
    else:
        _show(reports, limit)
    if not all(report.agrees for report in reports):
        raise SystemExit(1)


def _show(reports: list[Any], limit: int) -> None:
    from glue.audit.report import FIXES, MODEL_FIXES
    from glue.cli.output import emit_rows
    from glue.times import iso

    emit_rows([report.summary() for report in reports], "table")
    for report in reports:
        for what, models in (("unembedded", report.unembedded), ("foreign", report.foreign)):
            for model, count in models.items():
                without = "without" if what == "unembedded" else "with"
                click.echo(f"{what}: {report.store} has {count} objects {without} a vector of {model}")
            if models:
                click.echo(f"fix for {what}: {MODEL_FIXES[what]}")
    found = [(report, one) for report in reports for one in report.differences]
    if not found:
        return
    windows = [{"store": report.store, **window} for report in reports for window in report.windows()]
    if windows:
        click.echo("\nby partition and hour of the record:")
        emit_rows(windows[:limit], "table")
        _more(len(windows) - limit)
    click.echo()
    rows = [
        {
            "store": report.store,
            "what": "repaired" if one.repaired else one.kind,
            "key": one.key,
            "at": f"{one.partition}/{one.offset}" if one.partition >= 0 else "-",
            "time": iso(one.time),
            "why": one.why,
        }
        for report, one in found
    ]
    emit_rows(rows[:limit], "table", ["store", "what", "key", "at", "time", "why"])
    _more(len(rows) - limit)
    for kind in sorted({one.kind for _, one in found if not one.repaired}):
        click.echo(f"fix for {kind}: {FIXES[kind]}")


def _more(count: int) -> None:
    if count > 0:
        click.echo(f"… and {count} more; -o json lists all")
