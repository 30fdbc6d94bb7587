"""Receipts of erasures: what was erased where, what is left until when and why, signed.

The signature is Ed25519 (RFC 8032) over the receipt as canonical JSON without its ``signature``. The private key is
derived by HKDF-SHA256 from the active key of the key file, so whoever has the file can sign and verify. Anyone else
verifies with the public key, if the signer gave it to them: the one inside a receipt proves only that nothing was
changed since.
"""

from __future__ import annotations

import base64
import binascii
import json
import time
from collections.abc import Iterable, Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from glue.errors import DataError, UsageError
from glue.person.places import Found
from glue.privacy.keyring import Keyring
from glue.rights.person import ORDER, SHOP, Person
from glue.rights.requests import DAY_MS, Request
from glue.stores.contract import Target
from glue.stores.registry import STORES
from glue.times import iso

_PURPOSE, _KIND = "millionx receipts", "MillionX erasure, version 1"
_BACKUPS = (
    "copies of volumes and backups of stores that were made before are not reached: let them expire, and run "
    "mxctl person sweep after restoring one"
)


def receipt(
    ring: Keyring, request: Request, who: Person, before: Mapping[str, Any], after: Iterable[Found],
    targets: Iterable[Target], key: str,
) -> dict[str, Any]:  # fmt: skip
    """The signed receipt of an erasure.

    Args:
        before: how much was found in each place at first. after: what the last look found.
        key: what became of the shop's own key; empty if that was not asked for.
    """
    now = int(time.time() * 1000)
    stores = {target.place: STORES[target.store].keeps for target in targets}
    places = []
    for one in after:
        found = max(int(before.get(one.place, 0)), one.count)
        if not found and not one.unreadable:
            continue
        days, kept_in = stores.get(one.place, (0, ""))
        why = [one.why, f"{found - one.count} deleted ones live on in {kept_in}" if found > one.count and days else ""]
        places.append(
            {
                "place": one.place,
                "kind": one.kind,
                "found": found,
                "erased": found - one.count,
                "left": one.count,
                "in_use": one.held,
                "until": iso(one.until if one.left else now + days * DAY_MS if found > one.count and days else 0),
                "why": "; ".join(filter(None, why)),
                **({"could_not_be_read": one.unreadable} if one.unreadable else {}),
            }
        )
    body = {
        "receipt": _KIND,
        "request": request.id,
        "asked_by": request.origin,
        "asked": iso(request.at),
        "erased_up_to": iso(request.state["from"]),
        "done": iso(now),
        "pseudonyms": who.pseudonyms(ring),
        "orders": len(who.of(ORDER)),
        "shops": who.of(SHOP),
        "only_of_shop": who.shop,
        **({"key_of_shop": key} if key else {}),
        "places": places,
        "backups": _BACKUPS,
    }
    return sign(ring, body)


def sign(ring: Keyring, body: Mapping[str, Any]) -> dict[str, Any]:
    """``body`` with its signature by the ring's active key."""
    private = _private(ring, ring.active)
    signature = {"algorithm": "Ed25519", "key": ring.active, "public_key": public_key(ring, ring.active)}
    return {**body, "signature": {**signature, "value": base64.b64encode(private.sign(_canonical(body))).decode()}}


def verify(document: Mapping[str, Any], ring: Keyring | None = None, public: str = "") -> str:
    """Who signed a receipt, in words.

    Args:
        ring: the keys that may have signed it. public: the public key that must have, instead.

    Raises:
        UsageError: it is no receipt.
        DataError: it was changed, or another key signed it.
    """
    try:
        signature = document["signature"]
        given, value = str(signature["public_key"]), base64.b64decode(signature["value"], validate=True)
        body = {name: one for name, one in document.items() if name != "signature"}
        Ed25519PublicKey.from_public_bytes(base64.b64decode(given, validate=True)).verify(value, _canonical(body))
    except (KeyError, TypeError, AttributeError, ValueError, binascii.Error):
        fix = "give the file as it was written"
        raise UsageError("receipt", "it is no receipt of mxctl person forget", fix) from None
    except InvalidSignature:
        raise DataError("receipt", "its signature does not fit: it was changed") from None
    key = str(signature.get("key"))
    if public:
        if public != given:
            raise DataError("receipt", "another key signed it than the one that was given")
        return "unchanged, signed by the given public key"
    if ring is None or key not in ring.keys or public_key(ring, key) != given:
        raise DataError("receipt", "none of the keys here signed it; name its signer's with --public-key")
    return f"unchanged, signed by key {key} of this key file"


def public_key(ring: Keyring, key_id: str) -> str:
    """The public key of the receipts of a key, in base64."""
    raw = _private(ring, key_id).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return base64.b64encode(raw).decode()


def _private(ring: Keyring, key_id: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(ring.derived(key_id, _PURPOSE))


def _canonical(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
