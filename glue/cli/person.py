"""``mxctl person``: what is held of a person, shown and erased."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glue.cli.options import DURATION, serve_metrics, settings_for, several, stopped_by_signal, yes_option
from glue.cli.output import confirm, emit, emit_rows, table_or_json
from glue.errors import DataError, MillionXError, UsageError

if TYPE_CHECKING:
    from glue.rights.person import Person


_person_options = several(
    click.option("--phone", "phones", multiple=True, help="A phone number, however written; repeatable."),
    click.option("--mail", "mails", multiple=True, help="A mail address; repeatable."),
    click.option("--handle", "handles", multiple=True, help="A handle or name of an author; repeatable."),
    click.option("--order", "orders", multiple=True, help="Native id of an order; repeatable."),
    click.option("--shop", default="", help="Only what is of this shop (merchant_id)."),
    click.option(
        "--payload",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Body of a compliance webhook of Shopify, instead of the options above.",
    ),
)


def _person(
    phones: tuple[str, ...], mails: tuple[str, ...], handles: tuple[str, ...], orders: tuple[str, ...], shop: str,
    payload: Path | None,
) -> Person:  # fmt: skip
    from glue.rights.person import from_payload, person

    if payload is not None:
        if phones or mails or handles or orders:
            raise UsageError("--payload", "it does not go with other options", "give one or the other")
        who = from_payload(_json(payload), shop)
    else:
        who = person(phones, mails, handles, orders, shop)
    if not who.names_somebody:
        raise UsageError("mxctl person", "nobody is named", "give --phone, --mail, --handle, --order or --payload")
    return who


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        raise UsageError(f"file {file}", "it is not JSON", "give the file as it was") from None


@click.group()
def person() -> None:
    """What is held of a person: find it, disclose it, erase it."""


@person.command()
@_person_options
@table_or_json
def find(output: str, **given: Any) -> None:
    """Say where a person's data are, and how many: topics, dead letters, stores, caches, under every key.

    Only counts are shown. IN USE is what any part still works with; the rest only waits for the end of its retention.
    """
    from glue.local.report import Reporter
    from glue.person.places import Places
    from glue.times import iso

    reporter = Reporter()
    places = Places(settings_for(), _person(**given), lambda text: reporter.progress("find", text))
    rows: list[dict[str, Any]] = [
        {
            "place": one.place,
            "kind": one.kind,
            "in_use": one.held,
            "left": one.left,
            "until": iso(one.until),
            "unreadable": one.unreadable,
            "why": one.why,
        }
        for one in places.all()
        if one.count or one.unreadable
    ]
    if output == "json":
        pseudonyms = places.who.pseudonyms(places.ring)
        emit({"pseudonyms": pseudonyms, "in_use": sum(row["in_use"] for row in rows), "places": rows}, output)
        return
    emit_rows(rows, output)


@person.command()
@_person_options
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="File to write, readable by its owner only."
)
def disclose(out: Path, **given: Any) -> None:
    """Write what is held of a person to a file, readable (JSON): of others' records only the part about the person."""
    from glue.person.work import disclosure, write

    found = disclosure(settings_for(), _person(**given), lambda text: click.echo(f"  {text}", err=True))
    write(out, found)
    click.echo(f"{sum(one['count'] for one in found['held'])} records in {len(found['held'])} places: {out}", err=True)


@person.command()
@_person_options
@click.option("--out", type=click.Path(path_type=Path), help="File for the receipt [default: it is printed].")
@click.option(
    "--cut", is_flag=True, help="Also delete raw records and dead letters up to the person's last, with others' before."
)
@click.option(
    "--patience", type=DURATION, default="2m", show_default=True, help="How long to wait for chains and sinks."
)
@yes_option
def forget(out: Path | None, cut: bool, patience: timedelta, yes: bool, **given: Any) -> None:
    """Erase a person's data everywhere, and print the signed receipt. Stopped at any point, run it again.

    Whatever is older than now and arrives later (a repeated copy, a replay, a later state of an old order) is dropped
    by the chains; a new order or post is new data.
    """
    from glue.kafka.config import KafkaConfig
    from glue.person.forget import lock
    from glue.person.work import do
    from glue.privacy.keyring import load_keyring
    from glue.rights.requests import Requests

    who, settings = _person(**given), settings_for()
    confirm("Erase all of this person's data?", yes)
    kafka, ring = KafkaConfig.of(settings), load_keyring(settings.hash_keys_file)
    requests = Requests(kafka, ring)
    # The same person, the same request: what was stopped goes on.
    name = hashlib.sha256(ring.sign(b"request:" + who.dump()).encode()).hexdigest()[:16]
    known = requests.all().get(name)
    if known is not None and known.done:
        requests.begin_again(known)
    if known is None or known.done or known.person is None:
        known = requests.put(name, "forget", "mxctl", who)
    with lock(kafka, settings):
        tell = lambda text: click.echo(f"forget {name}: {text}", err=True)  # noqa: E731
        made = do(settings, requests, known, out, cut=cut, patience=patience.total_seconds(), tell=tell)
    if out is None:
        emit(made, "json")
    else:
        click.echo(f"receipt: {out}", err=True)


@person.command()
@click.option("--every", type=DURATION, help="Look at this interval until stopped, e.g. 5m.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder for disclosures and receipts [default: in the state folder]."
)
@click.option("--metrics-port", type=int, help="Serve Prometheus metrics on this port (of MXCTL_BIND); 0: any.")
def work(every: timedelta | None, out: Path | None, metrics_port: int | None) -> None:
    """Do the open requests, such as those that came by webhook. Exit code 1: one could not be done."""
    from glue.person.work import work as work_once
    from glue.person.work import work_every
    from glue.settings import state_dir

    settings, stop = settings_for(), stopped_by_signal()
    if metrics_port is not None:
        serve_metrics(metrics_port, settings)
    folder = out or state_dir() / "person"
    tell = lambda text: click.echo(text, err=True)  # noqa: E731
    if every:
        work_every(settings, folder, every, stop, tell)
        return
    results = work_once(settings, folder, tell)
    click.echo(f"{sum(error is None for _, error in results)} of {len(results)} requests done, in {folder}", err=True)
    if any(error is not None for _, error in results):
        raise SystemExit(1)


@person.command()
@table_or_json
def requests(output: str) -> None:
    """List the requests and how far they have come; nobody is named."""
    from glue.kafka.config import KafkaConfig
    from glue.privacy.keyring import load_keyring
    from glue.rights.requests import Requests
    from glue.times import iso

    settings = settings_for()
    found = Requests(KafkaConfig.of(settings), load_keyring(settings.hash_keys_file)).all()
    rows = [one.summary() for one in found.values()]
    emit_rows([{**row, "at": iso(row["at"]), "due": iso(row["due"])} for row in rows], output)


@person.command()
@table_or_json
def sweep(output: str) -> None:
    """Erase again what is forgotten and has come back to a store: by a restored backup, or offsets that were reset."""
    from glue.person.work import sweep as sweep_stores

    removed = sweep_stores(settings_for(), lambda text: click.echo(f"  {text}", err=True))
    emit_rows([{"place": place, "erased": count} for place, count in removed.items()], output)


@person.group()
def receipt() -> None:
    """Receipts of erasures."""


@receipt.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--public-key", default="", help="The signer's public key (base64), where the key file is not here.")
def verify(file: Path, public_key: str) -> None:
    """Check that a receipt was not changed, and who signed it. Exit code 1: it was, or somebody else did."""
    from glue.person.receipt import verify as check
    from glue.privacy.keyring import load_keyring

    ring = None if public_key else load_keyring(settings_for().hash_keys_file)
    try:
        click.echo(check(_json(file), ring, public_key))
    except DataError as error:
        raise MillionXError(str(file), error.why) from None


@receipt.command("key")
def show_key() -> None:
    """Print the public key that receipts are verified with."""
    from glue.person.receipt import public_key
    from glue.privacy.keyring import load_keyring

    ring = load_keyring(settings_for().hash_keys_file)
    click.echo(public_key(ring, ring.active))
