"""The person whom a request is about: by phone, mail, handle or order, or as Shopify's compliance webhooks say."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from glue.errors import UsageError
from glue.privacy.identity import normalise
from glue.privacy.keyring import Keyring

ORDER, SHOP = "order", "shop"
FIELD = {ORDER: "order_id", SHOP: "merchant_id"}  # the fields of records that hold what is no pseudonym
_KINDS = {"phone": "a phone number", "mail": "a mail address", "name": "a handle"}
_GID = "gid://"


@dataclass(frozen=True)
class Person:
    """Whom a request is about.

    Attributes:
        identities: normalised, with their kinds: ``phone:17…``, ``mail:…``, ``name:…`` (see
            :func:`glue.privacy.identity.normalise`), ``order:ID``, ``shop:DOMAIN``.
        shop: only what this shop holds of them; empty: everything.
    """

    identities: frozenset[str]
    shop: str = ""

    def of(self, kind: str) -> list[str]:
        """The identities of one kind, without it."""
        return sorted(one.removeprefix(f"{kind}:") for one in self.identities if one.startswith(f"{kind}:"))

    @property
    def names_somebody(self) -> bool:
        """Whether there is anything to look for."""
        return bool(self.identities)

    def signed(self, ring: Keyring) -> dict[str, list[str]]:
        """The keyed forms of each identity under every key of the ring, by kind; of persons these are the pseudonyms.

        A key of the chain of pseudonyms makes one out of that of the key before; what it made by itself is looked for
        too.
        """
        found: dict[str, list[str]] = {}
        for identity in sorted(self.identities):
            message = identity.encode()
            forms = dict.fromkeys(ring.sign(message, key) for key in sorted(ring.keys))
            forms |= dict.fromkeys(ring.pseudonym(message, key) for key in ring.chain)
            found.setdefault(identity.partition(":")[0], []).extend(forms)
        return found

    def pseudonyms(self, ring: Keyring) -> list[str]:
        """Every pseudonym that records may have of the person, under the keys in use and those before."""
        return [one for kind, signed in self.signed(ring).items() if kind in _KINDS for one in signed]

    def dump(self) -> bytes:
        """JSON; it names the person."""
        return json.dumps({**asdict(self), "identities": sorted(self.identities)}).encode()

    @classmethod
    def load(cls, data: bytes) -> Person:
        """The opposite of :meth:`dump`."""
        found = json.loads(data)
        return cls(frozenset(found["identities"]), found["shop"])


def person(
    phones: Iterable[str] = (),
    mails: Iterable[str] = (),
    handles: Iterable[str] = (),
    orders: Iterable[str] = (),
    shop: str = "",
) -> Person:
    """The person with all of these.

    Raises:
        UsageError: a value names nobody (a mask, a placeholder), or is of another kind; the value is not in the error.
    """
    found = {
        _identity(kind, text) for kind, texts in zip(_KINDS, (phones, mails, handles), strict=True) for text in texts
    }
    return Person(frozenset(found | {f"{ORDER}:{_order(one)}" for one in orders}), shop)


def _identity(kind: str, text: str) -> str:
    found = normalise(text if kind != "name" else f"@{text.strip().lstrip('@')}")
    if found is None or not found.startswith(f"{kind}:"):
        raise UsageError(f"--{'handle' if kind == 'name' else kind}", f"it is not {_KINDS[kind]}", "give it in full")
    return found


def _order(text: str) -> str:
    text = str(text).strip()
    return text.rpartition("/")[2] if text.startswith(_GID) else text


def from_payload(payload: Any, shop: str = "") -> Person:
    """Whom the body of ``customers/data_request``, ``customers/redact`` or ``shop/redact`` is about.

    Only what the shop holds is meant: another shop's orders of the same person are another controller's. What the
    payload leaves out or masks is not looked for.

    Args:
        shop: the shop's name in the records, where it is not its domain.

    Raises:
        UsageError: it names no shop.
    """
    body = payload if isinstance(payload, Mapping) else {}
    shop = shop or str(body.get("shop_domain") or "")
    if not shop:
        raise UsageError("payload", "it has no shop_domain", "give the body as Shopify sent it")
    customer, orders = body.get("customer"), body.get("orders_to_redact") or body.get("orders_requested") or ()
    if not isinstance(customer, Mapping):
        return Person(frozenset({f"{SHOP}:{shop}"}), shop)
    given = {kind: customer.get(field) for kind, field in (("phone", "phone"), ("mail", "email"))}
    found = {
        one for kind, text in given.items() if text and (one := normalise(str(text))) and one.startswith(f"{kind}:")
    }
    return Person(frozenset(found | {f"{ORDER}:{_order(one)}" for one in orders}), shop)
