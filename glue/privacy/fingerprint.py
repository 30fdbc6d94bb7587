"""Hashes of contents, keyed: of a phone number, a plain hash is as good as the number, since all can be tried."""

from __future__ import annotations

import hashlib
import hmac
import re
from functools import lru_cache
from pathlib import Path

from glue.privacy.keyring import Keyring, load_keyring
from glue.privacy.recognisers.fold import fold
from glue.settings import get_settings

# A mail, or a mobile of Bangladesh: fixed, since what it decides is a record's key and must not change with the search.
_SOMEBODY = re.compile(r"@|(?<!\d)(?:(?:00)?88)?01[3-9]\d{8}(?!\d)|\A1[3-9]\d{8}\Z")
_SHORTEST = 10  # characters of a mobile
_BETWEEN = re.compile(r"[\s().+\-]")


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


def for_key(native: str) -> str:
    """A vendor's id as it goes into the key of a record, which is an open hash: itself, and where it is somebody's
    phone or mail, its :func:`fingerprint`.

    Raises:
        ConfigError: the key file cannot be used.
    """
    short = len(native) < _SHORTEST and "@" not in native
    if short or _SOMEBODY.search(_BETWEEN.sub("", fold(native).text)) is None:
        return native
    return fingerprint(native.encode("utf-8", "surrogatepass")).hex()
