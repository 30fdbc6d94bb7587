"""Hashes of contents, keyed: of a phone number, a plain hash is as good as the number, since all can be tried."""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache
from pathlib import Path

from glue.privacy.keyring import Keyring, load_keyring
from glue.settings import get_settings


@lru_cache(16)
def keyring_of(file: Path) -> Keyring:
    """The keys in a file, read once in this process.

    Raises:
        ConfigError: as :func:`load_keyring`.
    """
    return load_keyring(file)


def fingerprint(content: bytes) -> bytes:
    """32 bytes that are the same for the same content: HMAC-SHA256 under a key derived from the key file.

    Without a key file, which only ``MXCTL_AT_REST=clear`` allows where data is written, plain SHA-256.

    Raises:
        ConfigError: the key file cannot be used.
    """
    file = get_settings().hash_keys_file
    if file is None:
        return hashlib.sha256(content).digest()
    return hmac.digest(keyring_of(file).fingerprint_key, content, "sha256")
