"""The secret keys of pseudonyms and sealed dead letters: read once, never shown."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from dataclasses import dataclass, field
from pathlib import Path

from glue.errors import ConfigError

_FIX = 'write JSON {"active": id, "keys": {id: base64 of at least 32 random bytes}} and set MXCTL_HASH_KEYS_FILE'
_SHORTEST = 32


@dataclass(frozen=True)
class Keyring:
    """Keys by id, one of them active for what is newly written; the others stay readable."""

    active: str
    keys: dict[str, bytes] = field(repr=False)

    def sign(self, message: bytes, key_id: str | None = None) -> str:
        """``<key id>:<hex>``: HMAC-SHA256 (RFC 2104) of ``message``.

        Raises:
            ConfigError: there is no key of that id.
        """
        name = key_id or self.active
        return f"{name}:{hmac.digest(self.secret(name), message, 'sha256').hex()}"

    def secret(self, key_id: str) -> bytes:
        """The bytes of a key."""
        try:
            return self.keys[key_id]
        except KeyError:
            raise ConfigError(f"hash key {key_id!r}", f"the key file holds {sorted(self.keys)}", _FIX) from None


def load_keyring(path: str | Path | None) -> Keyring:
    """The keys in a file ``{"active": id, "keys": {id: base64}}``.

    Raises:
        ConfigError: no path, no such file, or a key that is missing, malformed or shorter than 32 bytes.
    """
    if not path:
        raise ConfigError("hash keys", "no key file is set, and without a key persons cannot be protected", _FIX)
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
        keys = {str(name): base64.b64decode(text, validate=True) for name, text in data["keys"].items()}
        active = str(data["active"])
    except OSError as error:
        raise ConfigError("hash keys", f"the key file cannot be read: {error.strerror}", _FIX) from None
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        raise ConfigError("hash keys", "the key file is malformed", _FIX) from None
    if active not in keys:
        raise ConfigError("hash keys", f"the active key {active!r} is not among the keys", _FIX)
    for name, secret in keys.items():
        if len(secret) < _SHORTEST:
            raise ConfigError(f"hash key {name!r}", f"{len(secret)} bytes are too few to resist guessing", _FIX)
        if not name or ":" in name:
            raise ConfigError(f"hash key {name!r}", "an id is not empty and holds no colon", _FIX)
    return Keyring(active, keys)
