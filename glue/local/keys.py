"""Secrets of a local stack, made on the spot and never shared: a key pair for the warehouse, keys for pseudonyms."""

from __future__ import annotations

import base64
import json
import secrets
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from glue.files import write_private

HASH_KEY_BYTES = 32


def warehouse_key(folder: Path) -> tuple[Path, Path]:
    """An RSA pair in ``folder``: PKCS#8 PEM and public PEM; made once.

    Beside them ``snowflake.properties`` holds the private key as the Snowflake connector wants it, the base64 of its
    DER in one line, for ``${file:secrets/snowflake.properties:private.key}``.
    """
    private, public = folder / "warehouse-key.pem", folder / "warehouse-key.pub"
    if not public.exists():
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pkcs8, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        der = key.private_bytes(serialization.Encoding.DER, pkcs8, plain)
        write_private(private, key.private_bytes(serialization.Encoding.PEM, pkcs8, plain))
        write_private(folder / "snowflake.properties", b"private.key=" + base64.b64encode(der) + b"\n")
        # Last: that it is there says that the others are.
        spki = serialization.PublicFormat.SubjectPublicKeyInfo
        write_private(public, key.public_key().public_bytes(serialization.Encoding.PEM, spki))
    return private, public


def postgres_password(folder: Path, password: str) -> None:
    """``postgres.properties`` in ``folder``, for ``${file:secrets/postgres.properties:password}``."""
    escaped = password.replace("\\", "\\\\")  # as java.util.Properties reads it
    write_private(folder / "postgres.properties", f"password={escaped}\n".encode())


def hash_keys(file: Path) -> Path:
    """Keys for pseudonyms, ``{"active": id, "keys": {id: base64 of 32 bytes}}``; made once."""
    if not file.exists():
        key = base64.b64encode(secrets.token_bytes(HASH_KEY_BYTES)).decode()
        write_private(file, json.dumps({"active": "k1", "keys": {"k1": key}}, indent=1).encode() + b"\n")
    return file
