"""``mxctl dlq``: inspect dead letters, replay them, or discard them."""

from __future__ import annotations

import json
from typing import Any

import click

from glue.cli.options import millis, settings_for, several, since_option, yes_option
from glue.cli.output import confirm, emit, emit_rows, output_option
from glue.tables import printable

_filters = several(
    click.argument("ids", nargs=-1),
    click.option("--topic", "topics", multiple=True, help="Dead-letter topic [default: all]."),
    click.option("--by", default="", help="Chain or connector that refused the record."),
    click.option("--error", default="", help="Part of the exception's class name."),
    click.option("--message", default="", help="Part of the exception's text."),
    click.option("--origin", default="", help="Topic that the record came from."),
    since_option("letters"),
    click.option("--limit", type=click.IntRange(1), help="Maximum number of letters, oldest first."),
)


def _chosen(given: dict[str, Any], state: str) -> Any:
    from glue.deadletters.read import dead_letter_topics, read_letters
    from glue.deadletters.triage import Filter, check_ids, check_known
    from glue.kafka.config import KafkaConfig

    texts = {name: given[name] for name in ("by", "error", "message", "origin")}
    wanted = Filter(frozenset(given["ids"]), since=millis(given["since"]), state=state, **texts)
    kafka = KafkaConfig.of(settings_for())
    check_ids(given["ids"])
    topics = given["topics"] or sorted({i.rsplit("/", 2)[0] for i in given["ids"]}) or dead_letter_topics(kafka)
    there = read_letters(kafka, topics)
    check_known(given["ids"], there)
    letters = sorted(filter(wanted, there), key=lambda letter: letter.timestamp)
    return letters[: given["limit"]] if given["limit"] else letters


@click.group()
def dlq() -> None:
    """Dead letters: records that a chain or a connector refused, with their cause."""


@dlq.command("list")
@_filters
@click.option(
    "--state",
    type=click.Choice(["open", "replayed", "discarded", "erased", "all"]),
    default="open",
    show_default=True,
    help="Letters in this state.",
)
@output_option()
def list_(state: str, output: str, **given: Any) -> None:
    """List letters (IDS are topic/partition/offset)."""
    rows = [letter.summary() for letter in _chosen(given, state)]
    emit_rows(rows, output, ("id", "state", "by", "message"))
    if output == "table":
        click.echo(f"{len(rows)} letters", err=True)


@dlq.command()
@_filters
@output_option()
def stats(output: str, **given: Any) -> None:
    """Group letters by cause, the most frequent first."""
    from glue.deadletters.triage import by_cause

    groups = by_cause(_chosen(given, "all"))
    if output != "table":
        emit(groups, output)
        return
    click.echo(f"{'letters':>8} {'open':>6}  by / origin / cause")
    for group in groups:
        what = f"{group['by']} / {group['origin']} / {group['message']}"
        click.echo(f"{group['letters']:>8} {group['open']:>6}  {printable(what)}")
        click.echo(f"{'':>16}  {group['class']} {group['error']}, for instance {group['example']}")


@dlq.command()
@_filters
@click.option("--contents", is_flag=True, help="Open the letter and show its value, with personal data masked.")
@output_option()
def show(contents: bool, output: str, **given: Any) -> None:
    """Show letters in full: all headers, the stack trace and, with --contents, the masked value."""
    from glue.avro import Decoder
    from glue.deadletters.show import contents as contents_of
    from glue.privacy.keyring import load_keyring
    from glue.registry import registry_client

    settings = settings_for()
    shown = []
    ring = load_keyring(settings.hash_keys_file) if contents else None
    decode = Decoder(registry_client(settings))
    for letter in _chosen(given, "all"):
        entry = letter.summary() | {"trace": letter.header("exception.stacktrace")}
        if ring is not None:
            entry["contents"] = contents_of(letter, ring, decode)
        shown.append(entry)
    if output != "table":
        emit(shown, output)
        return
    for entry in shown:
        for name, value in entry.items():
            text = json.dumps(value, ensure_ascii=False, indent=2) if isinstance(value, dict) else str(value)
            click.echo(f"{name + ':':<11} {printable(text)}")
        click.echo()


@dlq.command()
@_filters
@click.option(
    "--max-attempts", default=3, show_default=True, help="Skip letters that were replayed this many times already."
)
@click.option("--dry-run", is_flag=True, help="Show what would be sent; send nothing.")
@yes_option
@output_option()
def replay(max_attempts: int, dry_run: bool, yes: bool, output: str, **given: Any) -> None:
    """Send open letters back to the topics they came from, each once; safe to stop and to run again."""
    from glue.deadletters.replay import replay as send_back
    from glue.kafka.config import KafkaConfig
    from glue.privacy.keyring import load_keyring

    settings = settings_for()
    letters = _chosen(given, "open")
    confirm(f"Send {len(letters)} letters back?", yes or dry_run or not letters)
    ring = load_keyring(settings.hash_keys_file)
    result = send_back(letters, KafkaConfig.of(settings), ring, most=max_attempts, dry_run=dry_run)
    if output != "table":
        emit({"replayed": result.replayed, "kept": result.kept, "dry_run": dry_run}, output)
        return
    click.echo(f"{'would replay' if dry_run else 'replayed'} {len(result.replayed)}, kept {len(result.kept)}")
    for name, why in result.kept.items():
        click.echo(f"  {name}: {why}")


@dlq.command()
@_filters
@click.option(
    "--delete",
    is_flag=True,
    help="Also delete these letters, and every closed one before them, as far as no open one lies before.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be discarded; change nothing.")
@yes_option
@output_option()
def discard(delete: bool, dry_run: bool, yes: bool, output: str, **given: Any) -> None:
    """Mark open letters as discarded; they stay in their topic until its retention ends, or --delete takes them out."""
    from glue.deadletters.delete import delete as delete_letters
    from glue.deadletters.replay import discard as discard_letters
    from glue.kafka.config import KafkaConfig

    letters, kafka = _chosen(given, "all" if delete else "open"), KafkaConfig.of(settings_for())
    ids = [letter.id for letter in letters]
    confirm(f"{'Delete' if delete else 'Discard'} {len(letters)} letters?", yes or dry_run or not letters)
    closed = [one.id for one in letters if not one.done] if dry_run else discard_letters(letters, kafka)
    gone, kept = delete_letters(kafka, ids, dry_run=dry_run) if delete else ([], [])
    if output != "table":
        emit({"discarded": closed, "deleted": gone, "kept": kept, "dry_run": dry_run}, output)
        return
    click.echo(f"{'would discard' if dry_run else 'discarded'} {len(closed)}")
    if delete:
        click.echo(f"{'would delete' if dry_run else 'deleted'} {len(gone)}, {len(kept)} stay behind an open letter")
