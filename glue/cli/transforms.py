"""``mxctl transforms``: run, list, describe and test chains of transforms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
    """List the declared chains and the transforms that are available."""
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
@click.option("--live", type=click.IntRange(1), metavar="N", help="Also run the last N records of the live topics.")
@click.option(
    "--golden",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File that holds the expected results of these records.",
)
@click.option("--accept", is_flag=True, help="Take a new sample and accept its results as expected.")
def test(chains: tuple[str, ...], output: str, live: int | None, golden: Path | None, accept: bool) -> None:
    """Run the test cases of chain files (all chains when none is named); exit 1 when one fails.

    With --live, records of the topics that one CHAIN reads go through it too, and nothing is written to any topic. The
    first run keeps their results; later runs read the same records again and show each difference.
    """
    from glue.errors import UsageError
    from glue.transforms.cases import run_cases
    from glue.transforms.declared import chain_names

    if ((golden or accept) and not live) or (live and len(chains) != 1):
        raise UsageError("--live", "it needs one chain; --golden and --accept need --live", "see --help")
    results = [result for name in chains or chain_names() for result in run_cases(name)]
    sample = _live(chains[0], live, golden, accept) if live else None
    if output != "table":
        cases = [result.summary() for result in results]
        emit({"cases": cases, "live": sample} if live else cases, output)
    else:
        for result in results:
            click.echo(f"{'ok  ' if result.passed else 'FAIL'} {result.chain}: {result.name}")
            for line in result.problems:
                click.echo(f"       {line}")
        click.echo(f"{sum(r.passed for r in results)} of {len(results)} passed")
        _show(sample)
    if not all(result.passed for result in results) or (sample and sample["changes"]):
        raise SystemExit(1)


def _live(name: str, count: int, golden: Path | None, accept: bool) -> dict[str, Any]:
    from glue.service.golden import Comparison, compare, read_golden, take_sample, write_golden
    from glue.settings import state_dir
    from glue.transforms.declared import load_chain

    declared, path = load_chain(name), golden or state_dir() / "golden" / f"{name}.json"
    if accept or not path.exists():
        outcomes = take_sample(declared, count)
        write_golden(path, name, outcomes)
        return Comparison(len(outcomes)).summary() | {"file": str(path), "written": True}
    return compare(declared, read_golden(path)).summary() | {"file": str(path), "written": False}


def _show(sample: dict[str, Any] | None) -> None:
    if sample is None:
        return
    if sample["written"]:
        click.echo(f"{sample['records']} live records: what came of them is kept in {sample['file']}")
        return
    for place, lines in sample["changes"].items():
        click.echo(f"DIFF {place}")
        for line in lines:
            click.echo(f"       {line}")
    gone = f", {len(sample['gone'])} are gone" if sample["gone"] else ""
    click.echo(f"{sample['records']} live records: {len(sample['changes'])} come out otherwise{gone}")
