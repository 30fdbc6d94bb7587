"""Changes to the key file: a new key, a key of a merchant, and the end of one. Each is on the disk when it returns.

Whoever reads the file has it in memory until it is restarted.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from pathlib import Path
from typing import Any

from glue.errors import ConfigError, UsageError
from glue.privacy.keyring import load_keyring

_BYTES = 32


def add_key(file: Path) -> str:
    """Add a key that nothing uses yet, for all readers to have before it is used; its id.

    Raises:
        ConfigError: the file is missing, malformed or cannot be written.
    """
    document = _document(file)
    key_id = _new(document)
    _write(file, document)
    return key_id


def activate(file: Path, key_id: str, *, pseudonyms: bool = False) -> None:
    """Encrypt and seal with ``key_id`` from now on; pseudonyms stay as they are, unless asked.

    Args:
        pseudonyms: also make pseudonyms with it, each out of that of the keys before (:meth:`Keyring.pseudonym`).

    Raises:
        UsageError: there is no such key, or it is a merchant's.
        ConfigError: as :func:`add_key`.
    """
    document, ring = _document(file), load_keyring(file)
    if key_id not in ring.keys or key_id in ring.merchants.values():
        raise UsageError(f"key {key_id!r}", "is none of the keys that are no merchant's", "mxctl keys list")
    chain = [one for one in ring.chain if one != key_id] if pseudonyms else list(ring.chain)
    if pseudonyms and ring.chain[-1] != key_id and key_id in ring.chain:
        raise UsageError(f"key {key_id!r}", "has made pseudonyms before", "mxctl keys add makes a new one")
    document |= {"active": key_id, "pseudonyms": [*chain, key_id] if pseudonyms else chain}
    _write(file, document)


def add_merchant(file: Path, merchant: str) -> str:
    """Give a merchant (as in the field ``merchant_id``) a key of its own; the id of the key.

    Raises:
        UsageError: it has one already, or had one.
        ConfigError: as :func:`add_key`.
    """
    document = _document(file)
    merchants = document.setdefault("merchants", {})
    if merchant in merchants:
        gone = merchants[merchant] not in document["keys"]
        why = "had a key, which was destroyed: its data was to be erased" if gone else "has a key already"
        raise UsageError(f"merchant {merchant!r}", why)
    merchants[merchant] = key_id = _new(document, "m")
    _write(file, document)
    return key_id


def destroy_merchant(file: Path, merchant: str) -> str | None:
    """Destroy a merchant's key, for good: what ``shop/redact`` asks for. Its id; None where it never had one.

    What is encrypted under it, in raw topics and in every copy and backup of them, cannot be read from then on, and
    its customers' pseudonyms cannot be told by trying phone numbers. The file remembers the id, so that records of this
    merchant that come later are refused. It can be called again. What it cannot reach: copies of the key file, and the
    memory of processes that have read it, which must be restarted.

    Raises:
        ConfigError: as :func:`add_key`; nothing was destroyed.
    """
    document = _document(file)
    key_id = document.get("merchants", {}).get(merchant)
    if key_id is None:
        return None
    if document["keys"].pop(key_id, None) is not None:
        _write(file, document)
    return str(key_id)


def _document(file: Path) -> dict[str, Any]:
    load_keyring(file)  # it says what is wrong with the file
    document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return document


def _new(document: dict[str, Any], kind: str = "k") -> str:
    """Add a key of a new id; an id is never used twice, also not that of a destroyed key."""
    taken = {*document["keys"], *document.get("merchants", {}).values(), *document.get("pseudonyms", ())}
    key_id = next(name for number in range(1, len(taken) + 2) if (name := f"{kind}{number}") not in taken)
    document["keys"][key_id] = base64.b64encode(secrets.token_bytes(_BYTES)).decode()
    return key_id


def _write(file: Path, document: dict[str, Any]) -> None:
    made = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as out:
                out.write(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
                out.flush()
                os.fsync(out.fileno())
            made.replace(file)
        finally:
            made.unlink(missing_ok=True)
        folder = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        why = f"the key file cannot be written: {error.strerror}"
        fix = "change the file where it comes from (a secret that is mounted is read-only), and restart its readers"
        raise ConfigError("hash keys", why, fix) from None
