"""``mxctl plugins``."""

from __future__ import annotations

import click

from glue.cli.completion import plugin_names
from glue.cli.options import services_for, url_option
from glue.cli.output import emit, emit_rows, output_option

_TYPES = ["sink", "source", "transformation", "predicate", "converter", "header_converter"]


@click.group()
def plugins() -> None:
    """See what plugins the worker has, and what their keys mean."""


@plugins.command()
@click.argument("plugin", required=False, shell_complete=plugin_names)
@click.option("--type", "kind", type=click.Choice(_TYPES), help="Only plugins of this type.")
@url_option
@output_option("name")
def get(plugin: str | None, kind: str | None, url: str | None, output: str) -> None:
    """List the worker's plugins, or the keys of PLUGIN (class, simple name or alias)."""
    from glue.topology.plugins import plugin_keys, plugin_rows

    services = services_for(url)
    if plugin:
        rows = [{**row, "name": row["key"]} for row in plugin_keys(services, plugin)]
        emit_rows(rows, output, ["key", "type", "default", "required", "importance"])
    else:
        emit_rows(plugin_rows(services, kind), output)


@plugins.command()
@click.argument("key")
@click.option("--plugin", shell_complete=plugin_names, help="Look only in this plugin.")
@url_option
@output_option()
def explain(key: str, plugin: str | None, url: str | None, output: str) -> None:
    """Explain a configuration KEY: type, default, and the plugin's own words."""
    from glue.topology.plugins import explain as ask

    found = ask(services_for(url), key, plugin)
    if output != "table":
        emit(found, output)
        return
    for one in found:
        default = "none" if one["default"] in (None, "") else one["default"]
        default = "required" if one["required"] else f"default {default}"
        click.echo(f"{one['key']} ({one['type']}, {default}), of {one['of']}")
        if one["documentation"]:
            click.echo(f"  {one['documentation']}")
