"""``mxctl doctor``."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime

import click

from glue.cli.options import services_for, url_option
from glue.cli.output import emit, output_option, paint

_SIGN = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "fail": ("✗", "red")}


@click.command()
@url_option
@output_option()
def doctor(url: str | None, output: str) -> None:
    """Say what is wrong with this installation and how to fix it. Exits with 1 if something fails."""
    from connectors.api_versions import verdicts
    from glue.topology.doctor import examine

    today, findings = datetime.now(UTC).date(), []
    for finding in examine(services_for(url), [("versions", lambda services: verdicts(services.settings, today))]):
        findings.append(finding)
        if output == "table":
            sign, color = _SIGN[finding.state]
            click.echo(f"{paint(sign, color)} {finding.check:<10} {finding.detail}")
            if finding.fix:
                click.echo(f"  {'':<10} fix: {finding.fix}")
    if output != "table":
        emit([asdict(finding) for finding in findings], output)
    if any(finding.state == "fail" for finding in findings):
        click.get_current_context().exit(1)
