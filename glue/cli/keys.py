"""``mxctl keys``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from glue.cli.options import settings_for, yes_option
from glue.cli.output import confirm, emit_rows, output_option

_file = click.option(
    "--file", type=click.Path(path_type=Path), help="The key file [default: the setting MXCTL_HASH_KEYS_FILE]."
)


@click.group()
def keys() -> None:
    """Look at the keys of personal data, rotate them, give merchants their own. Key material is never shown."""


@keys.command("list")
@_file
@output_option("name")
def list_command(file: Path | None, output: str) -> None:
    """List the keys: what each is for, and of which merchant it is."""
    from glue.privacy.keyring import load_keyring

    ring = load_keyring(_path(file))
    rows: list[dict[str, Any]] = []
    owners = {key_id: merchant for merchant, key_id in ring.merchants.items()}
    for name in [*ring.keys, *(one for one in owners if one not in ring.keys)]:
        uses = ["encrypts, seals"] if name == ring.active else []
        uses += ["makes pseudonyms"] if name == ring.chain[-1] else ["made pseudonyms"] if name in ring.chain else []
        uses += [] if name not in owners else ["its merchant's"] if name in ring.keys else ["destroyed"]
        rows.append({"name": name, "use": ", ".join(uses) or "reads", "merchant": owners.get(name, "")})
    emit_rows(rows, output)


@keys.command()
@_file
def add(file: Path | None) -> None:
    """Add a key that nothing uses yet; give the file to every reader before you `use` it."""
    from glue.privacy.keyfile import add_key

    click.echo(add_key(_path(file)))


@keys.command()
@click.argument("key")
@click.option("--pseudonyms", is_flag=True, help="Also make pseudonyms with it, each out of the one before.")
@_file
def use(key: str, pseudonyms: bool, file: Path | None) -> None:
    """Encrypt and seal with KEY from now on, after a restart; older keys stay to read."""
    from glue.privacy.keyfile import activate

    activate(_path(file), key, pseudonyms=pseudonyms)


@keys.command()
@_file
def present(file: Path | None) -> None:
    """For each pseudonym on stdin, one a line: it, a tab, and what it is under the key in use."""
    from glue.privacy.keyring import load_keyring

    ring = load_keyring(_path(file))
    for line in sys.stdin:
        if pseudonym := line.strip():
            click.echo(f"{pseudonym}\t{ring.present(pseudonym)}")


@keys.group()
def merchant() -> None:
    """Give a merchant a key of its own, or destroy it."""


@merchant.command("add")
@click.argument("merchant_id")
@_file
def add_merchant_command(merchant_id: str, file: Path | None) -> None:
    """Give the merchant MERCHANT_ID (as in its orders) a key of its own, from the next restart on."""
    from glue.privacy.keyfile import add_merchant

    click.echo(add_merchant(_path(file), merchant_id))


@merchant.command("destroy")
@click.argument("merchant_id")
@yes_option
@_file
def destroy_merchant_command(merchant_id: str, yes: bool, file: Path | None) -> None:
    """Destroy the key of MERCHANT_ID for good: its data at rest becomes unreadable, its records are refused."""
    from glue.privacy.keyfile import destroy_merchant

    confirm(f"Destroy the key of {merchant_id}, so that nobody can read its data?", yes)
    click.echo(destroy_merchant(_path(file), merchant_id) or "it never had a key of its own")


def _path(given: Path | None) -> Path:
    from glue.errors import ConfigError

    file = given or settings_for().hash_keys_file
    if file is None:
        raise ConfigError("hash keys", "no key file is set", "set MXCTL_HASH_KEYS_FILE, or give --file")
    return file
