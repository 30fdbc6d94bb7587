"""The secret keys of pseudonyms, of sealed dead letters and of personal data at rest: read once, never shown.

One JSON file: ``{"active": id, "keys": {id: base64}, "pseudonyms": [id, ...], "merchants": {merchant: id}}``, the last
two optional. ``active`` seals and encrypts what is newly written. ``pseudonyms`` are the keys of pseudonyms in the
order in which they came into use; without it that is the active one alone. A merchant that ``merchants`` names has a
key of its own, for its data at rest and for its customers' pseudonyms; an id there that is not among the keys is one
that was destroyed.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from glue.errors import ConfigError, DataError

_FIX = 'write JSON {"active": id, "keys": {id: base64 of at least 32 random bytes}} and set MXCTL_HASH_KEYS_FILE'
_SHORTEST = 32
_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)


class KeyGoneError(DataError):
    """A merchant's key was destroyed: nothing personal of this merchant may be read or written any more."""


@dataclass(frozen=True)
class Keyring:
    """Keys by id, one of them active for what is newly written; the others stay readable."""

    active: str
    keys: dict[str, bytes] = field(repr=False)
    pseudonyms: tuple[str, ...] = ()
    merchants: Mapping[str, str] = field(default_factory=dict)

    def sign(self, message: bytes, key_id: str | None = None) -> str:
        """``<key id>:<hex>``: HMAC-SHA256 (RFC 2104) of ``message``.

        Raises:
            ConfigError: there is no key of that id.
        """
        name = key_id or self.active
        mac = self._macs.get(name)
        if mac is None:
            mac = self._macs[name] = hmac.new(self.secret(name), digestmod="sha256")
        mac = mac.copy()  # the key is in it already: a third less than from the beginning
        mac.update(message)
        return f"{name}:{mac.hexdigest()}"

    @cached_property
    def _macs(self) -> dict[str, hmac.HMAC]:
        return {}

    @property
    def chain(self) -> tuple[str, ...]:
        """The keys of pseudonyms, the one in use last."""
        return self.pseudonyms or (self.active,)

    def pseudonym(self, message: bytes, key_id: str | None = None, merchant: str | None = None) -> str:
        """``<key id>:<hex>``: ``message`` signed with the first key of the chain, that with the second, and so on.

        So what an older key made is turned into what the present one makes without ``message``; see :meth:`present`.

        Args:
            key_id: end at this key of the chain, to look up what was written while it was in use; a key that is not
                of the chain signs alone.
            merchant: signed with its key alone, where it has one.

        Raises:
            ConfigError: there is no key of that id.
            KeyGoneError: the merchant's key was destroyed.
        """
        own = None if merchant is None or key_id is not None else self.merchant_key(merchant)
        last = own or key_id or self.chain[-1]
        if last not in self.chain:
            return self.sign(message, last)
        made = self.sign(message, self.chain[0])
        return self._onward(made, self.chain[1 : self.chain.index(last) + 1])

    def present(self, pseudonym: str) -> str:
        """What ``pseudonym`` is under the key in use: itself where its key is that one, or is no key of the chain."""
        key_id = pseudonym.partition(":")[0]
        if key_id not in self.chain:
            return pseudonym
        return self._onward(pseudonym, self.chain[self.chain.index(key_id) + 1 :])

    def _onward(self, pseudonym: str, keys: tuple[str, ...]) -> str:
        for key_id in keys:
            pseudonym = self.sign(pseudonym.encode(), key_id)
        return pseudonym

    def merchant_key(self, merchant: str | None) -> str | None:
        """The id of a merchant's own key; None where it has none.

        Raises:
            KeyGoneError: it had one, which was destroyed.
        """
        key_id = self.merchants.get(merchant or "")
        if key_id is not None and key_id not in self.keys:
            raise KeyGoneError(f"key {key_id!r}", "the key of this merchant was destroyed")
        return key_id

    def derived(self, key_id: str, purpose: str) -> bytes:
        """32 bytes for one purpose, by HKDF-SHA256 (RFC 5869)."""
        return HKDF(SHA256(), 32, salt=None, info=purpose.encode()).derive(self.secret(key_id))

    @cached_property
    def fingerprint_key(self) -> bytes:
        """What hashes of contents are keyed with, so that a phone number cannot be found by trying all of them; the
        same as long as the first key of pseudonyms is."""
        return self.derived(self.chain[0], "millionx fingerprints")

    def secret(self, key_id: str) -> bytes:
        """The bytes of a key."""
        try:
            return self.keys[key_id]
        except KeyError:
            raise ConfigError(f"hash key {key_id!r}", f"the key file holds {sorted(self.keys)}", _FIX) from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of ``pairs``; a key's id that is given twice would silently be its last."""
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a name is given twice")
    return dict(pairs)


def load_keyring(path: str | Path | None) -> Keyring:
    """The keys in a file ``{"active": id, "keys": {id: base64}}``.

    Raises:
        ConfigError: no path, no such file, one that anybody may write, or a key that is missing, given twice,
            malformed, all zeros or shorter than 32 bytes.
    """
    if not path:
        raise ConfigError("hash keys", "no key file is set, and without a key persons cannot be protected", _FIX)
    try:
        mode = Path(path).stat().st_mode
        data = json.loads(Path(path).read_text(encoding="utf-8"), object_pairs_hook=_once)
        keys = {str(name): base64.b64decode(text, validate=True) for name, text in data["keys"].items()}
        active = str(data["active"])
        pseudonyms = tuple(map(str, data.get("pseudonyms", ())))
        merchants = {str(merchant): str(name) for merchant, name in data.get("merchants", {}).items()}
    except OSError as error:
        raise ConfigError("hash keys", f"the key file cannot be read: {error.strerror}", _FIX) from None
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        raise ConfigError("hash keys", "the key file is malformed", _FIX) from None
    if mode & 0o002:
        raise ConfigError("hash keys", "anybody may write to the key file", "chmod 600 it, and make new keys")
    if active not in keys:
        raise ConfigError("hash keys", f"the active key {active!r} is not among the keys", _FIX)
    if missing := sorted(set(pseudonyms) - set(keys)):
        raise ConfigError("hash keys", f"the keys of pseudonyms {missing} are not among the keys", _FIX)
    if active in merchants.values() or set(pseudonyms) & set(merchants.values()):
        raise ConfigError("hash keys", "a merchant's key has another use too, so that it cannot be destroyed", _FIX)
    for name, secret in keys.items():
        if len(secret) < _SHORTEST:
            raise ConfigError(f"hash key {name!r}", f"{len(secret)} bytes are too few to resist guessing", _FIX)
        if not any(secret):
            raise ConfigError(f"hash key {name!r}", "it is nothing but zeros", _FIX)
        if not _ID.fullmatch(name):
            raise ConfigError(f"hash key {name!r}", "an id is of letters, digits, . _ and -", _FIX)
    return Keyring(active, keys, pseudonyms, merchants)
