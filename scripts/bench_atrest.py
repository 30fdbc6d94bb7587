"""What it costs that raw topics are encrypted: time of a producer and of a chain, bytes of a record.

Needs no stack: ``python scripts/bench_atrest.py``.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench_glue_load import made_posts
from bench_glue_parts import median
from bench_report import Row, to_table

from connectors.models import MarketOrder
from glue.avro import Encoder, load_schema
from glue.privacy.atrest import AtRest
from glue.privacy.keyring import Keyring
from glue.settings import get_settings
from glue.transforms.chain import Chain
from glue.transforms.contract import Record
from glue.transforms.declared import load_chain

_COUNT = 2000
_BATCH = 500
_KEYS = '{"active": "k1", "keys": {"k1": "MTExMTExMTExMTExMTExMTExMTExMTExMTExMTExMTE="}}'


def made_orders(count: int) -> list[dict[str, Any]]:
    """Orders with what a shop gives of a customer."""
    when = "2026-11-01T10:00:00Z"
    return [
        MarketOrder.model_validate({
            "platform": "shopify", "order_id": str(number), "line_id": "1", "product_id": "p1", "sku": f"SKU-{number}",
            "product_name": "Premium cotton saree", "quantity": 1, "price": "1250.50", "shipping_city": "Dhaka",
            "customer_name": f"Customer {number}", "customer_phone": f"017{number:08}", "note": "leave with the guard",
            "customer_email": f"customer{number}@example.com", "ordered_at": when, "updated_at": when,
            "collected_at": when, "category": "Clothing",
        }).model_dump()
        for number in range(count)
    ]  # fmt: skip


def at_rest(keys: Path) -> list[Row]:
    """Rows of posts and of orders."""
    keys.write_text(_KEYS)
    ring = Keyring("k1", {"k1": b"1" * 32})
    rows = []
    for kind, schema_file, chain, values in (
        ("post", "social_post", "posts", made_posts(_COUNT)), ("order", "market_order", "orders", made_orders(_COUNT)),
    ):  # fmt: skip
        rows += _rows(kind, load_schema(get_settings().schemas_dir / f"{schema_file}.avsc"), chain, values, ring, keys)
    return rows


def _rows(
    kind: str, schema: dict[str, Any], chain: str, values: list[dict[str, Any]], ring: Keyring, keys: Path
) -> list[Row]:
    config = load_chain(chain).config
    at = config["topics"].split(",")[0]
    config = {**config, "transforms.decrypt.keys.file": str(keys), "transforms.hash.keys.file": str(keys)}
    without = {name: text for name, text in config.items() if not name.startswith("transforms.decrypt.")}
    without["transforms"] = config["transforms"].removeprefix("decrypt,")
    encode, names = Encoder(schema, 1), [f"5b1f64f1-0a6e-5b8e-9f5e-{number:012}" for number in range(len(values))]
    writer = AtRest(ring)
    hidden = [writer.encrypt(at, key, value, schema) for key, value in zip(names, values, strict=True)]

    def run(settings: dict[str, str], given: list[dict[str, Any]]) -> Callable[[], Any]:
        made = Chain.from_config(settings)
        for step in made.steps:
            step.transform.offline({"products": {}})

        def work() -> None:
            records = [Record(at, key, dict(value), schema) for key, value in zip(names, given, strict=True)]
            assert all(isinstance(one, Record) for one in made.run(records))  # noqa: S101

        return work

    clear_write, hidden_write, clear_chain, hidden_chain = median(
        lambda: [encode(value) for value in values],
        lambda: [encode(writer.encrypt(at, key, value, schema)) for key, value in zip(names, values, strict=True)],
        run(without, values),
        run(config, hidden),
    )
    sizes = [b"".join(encode(value) for value in given[:_BATCH]) for given in (values, hidden)]
    packed = [len(zlib.compress(batch, 1)) for batch in sizes]
    micros = 1e6 / len(values)
    return [
        Row("at rest", f"{kind}: encrypting in the producer", (hidden_write - clear_write) * micros, "us"),
        Row("at rest", f"{kind}: chain, clear", clear_chain * micros, "us"),
        Row("at rest", f"{kind}: chain, encrypted", hidden_chain * micros, "us"),
        Row("at rest", f"{kind}: time of the chain, encrypted / clear", hidden_chain / clear_chain),
        Row("at rest", f"{kind}: bytes, encrypted / clear", len(sizes[1]) / len(sizes[0])),
        Row("at rest", f"{kind}: bytes of a compressed batch, encrypted / clear", packed[1] / packed[0]),
    ]


def main() -> None:
    """Print the rows."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        sys.stdout.write(to_table(at_rest(Path(folder) / "keys.json")) + "\n")


if __name__ == "__main__":
    main()
