"""A receipt says what was erased and what is left, and shows when it was changed or is another's."""

from __future__ import annotations

import json

import pytest

from glue.errors import DataError, UsageError
from glue.person.places import Found
from glue.person.receipt import public_key, receipt, sign, verify
from glue.privacy.keyring import Keyring
from glue.rights.person import person
from glue.rights.requests import Request
from tests.stores import target

RING, OTHER = Keyring("k1", {"k1": b"1" * 32}), Keyring("k1", {"k1": b"2" * 32})


def test_a_receipt_names_what_is_left_and_why_and_nobody() -> None:
    orders = target("orders")
    request = Request("r1", "forget", "customers/redact", 1_700_000_000_000, 0, {"from": 1_700_000_100_000})
    after = [
        Found("raw", "raw topic", count=2, left=2, until=1_700_600_000_000, why="retention of the topic"),
        Found(orders.place, "store"),
        Found("Redis", "cache"),
    ]
    who = person(["01712345678"], orders=["7"])
    made = receipt(RING, request, who, {"raw": 2, orders.place: 4}, after, [orders], "")
    raw, table = made["places"]
    assert (raw["found"], raw["erased"], raw["left"], raw["in_use"], raw["until"]) == (
        2,
        0,
        2,
        0,
        "2023-11-21T20:53:20Z",
    )
    assert (table["erased"], table["left"]) == (4, 0) and "Time Travel" in table["why"] and table["until"] != "-"
    assert "1712345678" not in json.dumps(made).replace(made["pseudonyms"][0], "")
    assert verify(json.loads(json.dumps(made)), RING).endswith("signed by key k1 of this key file")


def test_a_changed_receipt_or_one_of_another_key_is_refused() -> None:
    made = sign(RING, {"places": [{"left": 1}]})
    with pytest.raises(DataError, match="changed"):
        verify({**made, "places": []}, RING)
    with pytest.raises(DataError, match="none of the keys"):
        verify(made, OTHER)
    with pytest.raises(DataError, match="another key"):
        verify(made, None, public_key(OTHER, "k1"))
    assert "given public key" in verify(made, None, public_key(RING, "k1"))
    for nothing in ({}, [], {"signature": {"public_key": "x", "value": "y"}}):
        with pytest.raises(UsageError):
            verify(nothing, RING)  # type: ignore[arg-type]
