"""``mxctl transforms``: run, list, describe and test chains of transforms."""

from __future__ import annotations

import click

from glue.cli.completion import chain_names
from glue.cli.output import emit, output_option


@click.group()
def transforms() -> None:
    """Run, list, describe and test chains of Python transforms."""


@transforms.command()
@click.argument("chain", shell_complete=chain_names)
@click.option(
    "--port", default=0, show_default=True, help="Port of /health, /ready and /metrics; 0 chooses a free one."
)
@click.option("--workers", type=click.IntRange(1), help="Worker processes [default: the chain's tasks.max].")
@click.option("--instance", help="Name of this service in its group [default: the host's name].")
def run(chain: str, port: int, workers: int | None, instance: str | None) -> None:
    """Run CHAIN as a service until SIGTERM or Ctrl-C."""
    from glue.service.run import run_service

    run_service(chain, port=port, workers=workers, instance=instance)


@transforms.command("list")
@output_option()
def list_(output: str) -> None:
    """List the declared chains and the transforms that are there to use."""
    from glue.transforms.catalogue import catalogue
    from glue.transforms.declared import chain_names, load_chain

    chains = [load_chain(name) for name in chain_names()]
    rows = [
        {
            "name": c.name,
            "from": c.config.get("topics", ""),
            "to": c.config.get("output.topic", ""),
            "transforms": c.config.get("transforms", ""),
            "tests": len(c.tests),
        }
        for c in chains
    ]
    parts = catalogue()
    if output != "table":
        emit({"chains": rows, "transforms": [part.summary() for part in parts]}, output)
        return
    for row in rows:
        click.echo(f"{row['name']:<10} {row['from']} -> {row['to']}")
        click.echo(f"{'':<10} {row['transforms']}   ({row['tests']} tests)")
    click.echo()
    for part in parts:
        click.echo(f"{part.kind:<10} {part.path:<55} {part.headline}")


@transforms.command()
@click.argument("name")
@output_option()
def describe(name: str, output: str) -> None:
    """Explain a transform or predicate (class name or package.module:Class) and its settings."""
    from glue.transforms.catalogue import find

    part = find(name)
    if output != "table":
        emit(part.details(), output)
        return
    click.echo(f"{part.path} ({part.kind})\n\n{part.doc}\n")
    for setting in part.settings():
        default = "required" if setting["required"] else f"default: {setting['default']}"
        click.echo(f"  {setting['name']:<20} {setting['type']:<28} [{default}]\n      {setting['doc']}")


@transforms.command()
@click.argument("chains", nargs=-1, shell_complete=chain_names)
@output_option()
def test(chains: tuple[str, ...], output: str) -> None:
    """Run the test cases that chain files hold (all chains when none is named); exit 1 when one fails."""
    from glue.transforms.cases import run_cases
    from glue.transforms.declared import chain_names

    results = [result for name in chains or chain_names() for result in run_cases(name)]
    if output != "table":
        emit([result.summary() for result in results], output)
    else:
        for result in results:
            click.echo(f"{'ok  ' if result.passed else 'FAIL'} {result.chain}: {result.name}")
            for line in result.problems:
                click.echo(f"       {line}")
        click.echo(f"{sum(r.passed for r in results)} of {len(results)} passed")
    if not all(result.passed for result in results):
        raise SystemExit(1)
