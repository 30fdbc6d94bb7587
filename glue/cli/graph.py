"""``mxctl graph``."""

from __future__ import annotations

from pathlib import Path

import click

from glue.cli.options import services_for, url_option
from glue.cli.output import form_option


@click.command()
@form_option("text", "mermaid", "html", text="Format of the graph.")
@click.option("--live", is_flag=True, help="Add the state of the running cluster: records, lag, failed tasks.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file instead of stdout.")
@url_option
def graph(output: str, live: bool, out: Path | None, url: str | None) -> None:
    """Draw the topology from sources to stores: as text, as Mermaid, or as a self-contained HTML page."""
    from glue.topology.graph.live import add_live_state
    from glue.topology.graph.model import build
    from glue.topology.graph.page import as_html
    from glue.topology.graph.text import as_mermaid, as_text
    from glue.topology.load import load

    services = services_for(url)
    declared = load(services.settings)
    made = build(declared)
    if live:
        add_live_state(made, services)
    if output == "html":
        text = as_html(made, f"Topology, profile {declared.profile}", live)
    else:
        text = as_mermaid(made) if output == "mermaid" else as_text(made)
    if out:
        out.write_text(text.rstrip("\n") + "\n", encoding="utf-8")
        click.echo(f"written to {out}", err=True)
    else:
        click.echo(text.rstrip("\n"))
