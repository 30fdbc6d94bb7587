"""The warehouse's scripts: ``connect-config/warehouse/*.sql`` in order, with the public key filled in."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from glue.avro import load_schema
from glue.errors import ConfigError
from glue.settings import Settings, get_settings

PLACEHOLDER = "&public_key"
TABLES = {"ORDERS": "order_row.avsc", "PRICE_HISTORY": "price_observation.avsc", "WEATHER_LOGS": "weather.avsc"}
_AFTER_TABLES = "03"


def scripts(settings: Settings | None = None) -> list[str]:
    """The scripts, ready to run; the placeholder stays where no private key is configured.

    Before the views comes a generated one that gives the tables a column for every field of their schemas.

    Raises:
        ConfigError: there are no scripts, or the private key file holds no unencrypted PEM key.
    """
    chosen = settings or get_settings()
    folder = chosen.config_dir / "warehouse"
    files = sorted(folder.glob("*.sql"))
    if not files:
        raise ConfigError("no SQL scripts for the warehouse", f"{folder.name}/*.sql is empty", "set MXCTL_CONFIG_DIR")
    key = chosen.warehouse_private_key_file
    public = public_key(key) if key and key.is_file() else PLACEHOLDER
    texts = {file.name: file.read_text(encoding="utf-8").replace(PLACEHOLDER, public) for file in files}
    texts[f"{_AFTER_TABLES}_"] = columns_script(chosen)
    return [texts[name] for name in sorted(texts)]


def columns_script(settings: Settings) -> str:
    """Adds the columns that a schema has and its table lacks.

    The connector could add them itself, but 2.5.0 may lose the row that makes it do so (its pull request 1092 tells
    of the race). So a new field gets its column first, then the connector is restarted, then the new schema is used.
    """
    lines = ["-- From the Avro schemas: columns for new fields, before the first row that has them.\n"]
    for table, schema in TABLES.items():
        fields = load_schema(settings.schemas_dir / schema)["fields"]
        columns = [f"IF NOT EXISTS {field['name'].upper()} {column_type(field['type'])}" for field in fields]
        lines.append(f"ALTER TABLE MILLIONX.RAW_DATA.{table} ADD COLUMN\n    " + ",\n    ".join(columns) + ";\n")
    return "".join(lines)


def column_type(avro: Any) -> str:
    """The column type that holds an Avro type without loss.

    Raises:
        ConfigError: it is none that rows of the warehouse may have.
    """
    if isinstance(avro, list):
        branches = [branch for branch in avro if branch != "null"]
        avro = branches[0] if len(branches) == 1 else None
    if isinstance(avro, dict) and avro.get("logicalType") == "decimal":
        return f"NUMBER({avro['precision']},{avro['scale']})"
    kind = avro.get("logicalType") if isinstance(avro, dict) else avro
    if kind not in _TYPES:
        raise ConfigError(f"no column type for Avro type {avro}", "rows are flat", f"use one of {', '.join(_TYPES)}")
    return _TYPES[kind]


_TYPES = {
    "string": "VARCHAR",
    "long": "NUMBER(19,0)",
    "int": "NUMBER(10,0)",
    "double": "FLOAT",
    "float": "FLOAT",
    "boolean": "BOOLEAN",
    "bytes": "BINARY",
    "timestamp-millis": "TIMESTAMP_TZ",
    "date": "DATE",
}


def public_key(private_key_file: Path) -> str:
    """The public half of a private key as ``RSA_PUBLIC_KEY`` takes it: base64 of its DER, on one line.

    Raises:
        ConfigError: the file holds no unencrypted PEM key.
    """
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    try:
        key = load_pem_private_key(private_key_file.read_bytes(), password=None)
    except (ValueError, TypeError) as error:
        raise ConfigError(
            f"{private_key_file.name} is no private key", "no unencrypted PEM", "make one with `openssl genrsa 2048`"
        ) from error
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()
