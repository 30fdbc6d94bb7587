"""Personal data at rest: what the producers write to raw topics is unreadable without the keys.

Envelope encryption. A data key of 32 random bytes encrypts fields by AES-256-GCM (NIST SP 800-38D); it is wrapped (RFC
3394) by a key that HKDF-SHA256 derives from one of the keyring: the merchant's own, else the active one. An encrypted
text stays a text, so that the Avro schema is the same:

    enc:v1:<key id>:<wrapped data key>:<12 bytes nonce, ciphertext, 16 bytes tag>

in base64 (RFC 4648). What is encrypted begins with a byte that is 1 where the rest is compressed by zlib,
else 0. Authenticated with it are topic, record key and the field's dotted name, so a value that was moved to another
record, field or topic does not open.

Encrypted is every text of a field in which the schema tags anything as other than PUBLIC or SCRUBBED: PII_ID,
PII_DROP, PII_TEXT, and what has no tag; and beside such fields every PUBLIC text that has not the closed form (enum,
pattern, closed) that its field names, or whose field names none: anybody may have typed a phone there.
"""

from __future__ import annotations

import binascii
import os
import re
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from glue.avro_types import BySchema, branches, expanded, type_name
from glue.errors import ConfigError, DataError
from glue.privacy.keyring import Keyring, load_keyring
from glue.privacy.tags import SAFE, Tag, closed_pattern, holds_text, personal_fields, tag_of
from glue.settings import Settings

PREFIX = "enc:v1:"
MERCHANT = "merchant_id"  # the field that says whose a record is, in schemas of orders
_FORM = re.compile(PREFIX + r"[\w.-]{1,64}:[\w+/=]{56}:[\w+/=]{40,}\Z", re.ASCII)
_PURPOSE = "millionx at rest"
_PLAIN, _COMPRESSED = b"\x00", b"\x01"
_LARGE = 4096
_NONCE = 12
_KEY_SECONDS, _KEY_USES = 3600.0, 2**24  # a data key is renewed after either; GCM's random nonces allow 2^32
Change = Callable[[str, str], str]


def is_encrypted(value: Any) -> bool:
    """Whether a field's value has the form of an encrypted one."""
    return isinstance(value, str) and value.startswith(PREFIX) and _FORM.match(value) is not None


class AtRest:
    """Encrypts and decrypts records under one keyring. Not thread-safe; one a thread."""

    def __init__(self, ring: Keyring) -> None:
        self._ring = ring
        self._plan = BySchema(_Plan)
        self._wrapping = lru_cache(1000)(lambda key_id: ring.derived(key_id, _PURPOSE))
        self._opened = lru_cache(10_000)(self._open)
        self._current: dict[str, _DataKey] = {}

    def encrypt(self, topic: str, key: str, value: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
        """A copy of ``value``, its personal texts encrypted for the record ``key`` of ``topic``.

        Raises:
            ConfigError: the schema tags something as personal that cannot be encrypted in its place.
            KeyGoneError: the merchant's key was destroyed.
            DataError: a text is not valid Unicode.
        """
        plan = self._plan(schema)
        if not plan.texts:
            return value
        data_key = self._data_key(self._ring.merchant_key(value.get(MERCHANT)) or self._ring.active)
        bound = f"{topic}\0{key}\0"

        def change(path: str, text: str) -> str:
            if not text or plan.is_closed(path, text):
                return text
            try:
                plain = text.encode()
            except UnicodeEncodeError:
                raise DataError("encrypt", f"{path} is not valid Unicode") from None
            nonce = os.urandom(_NONCE)
            packed = _COMPRESSED + zlib.compress(plain, 1) if len(plain) > _LARGE else _PLAIN + plain
            return data_key.prefix + _text(nonce + data_key.cipher.encrypt(nonce, packed, (bound + path).encode()))

        return _changed(value, plan.texts, change)

    def decrypt(self, topic: str, key: str | None, value: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
        """A copy of ``value`` as it was before :meth:`encrypt`; what is not encrypted stays as it is.

        Raises:
            DataError: a value was damaged or moved, or its key is not in the ring; the reason names the field.
        """
        plan = self._plan(schema)
        bound = f"{topic}\0{key}\0"

        def change(path: str, text: str) -> str:
            if not text.startswith(PREFIX):
                return text
            key_id, _, rest = text.removeprefix(PREFIX).partition(":")
            wrapped, _, sealed = rest.partition(":")
            if key_id not in self._ring.keys:
                raise DataError("decrypt", f"{path} is encrypted under a key that the key file does not hold")
            try:
                data = _data(sealed)
                cipher, nonce, ciphertext = self._opened(key_id, wrapped), data[:_NONCE], data[_NONCE:]
                try:
                    packed = cipher.decrypt(nonce, ciphertext, (bound + path).encode())
                except InvalidTag:
                    packed = _as_before(cipher, nonce, ciphertext, [bound + name for name in plan.former.get(path, ())])
                return (zlib.decompress(packed[1:]) if packed[:1] == _COMPRESSED else packed[1:]).decode()
            except (InvalidTag, InvalidUnwrap, ValueError, binascii.Error, zlib.error):
                raise DataError("decrypt", f"{path} is damaged, or was encrypted for another record") from None

        return _changed(value, plan.texts, change) if plan.texts else value

    def _data_key(self, key_id: str) -> _DataKey:
        known = self._current.get(key_id)
        if known is None or known.is_spent():
            known = self._current[key_id] = _DataKey(key_id, self._wrapping(key_id))
        return known

    def _open(self, key_id: str, wrapped: str) -> AESGCM:
        return AESGCM(aes_key_unwrap(self._wrapping(key_id), _data(wrapped)))


def at_rest_of(settings: Settings) -> AtRest | None:
    """What encrypts records before they are sent to a raw topic; None where ``MXCTL_AT_REST`` is ``clear``.

    Raises:
        ConfigError: there is no key file, or it cannot be used.
    """
    return None if settings.at_rest == "clear" else AtRest(load_keyring(settings.hash_keys_file))


class _DataKey:
    """A data key in use, and what stands before each text that it encrypts."""

    def __init__(self, key_id: str, wrapping: bytes) -> None:
        secret = AESGCM.generate_key(256)
        self.cipher = AESGCM(secret)
        self.prefix = f"{PREFIX}{key_id}:{_text(aes_key_wrap(wrapping, secret))}:"
        self._until, self._left = time.monotonic() + _KEY_SECONDS, _KEY_USES

    def is_spent(self) -> bool:
        """Whether it is time for another; each call counts as a use."""
        self._left -= 1
        return self._left < 0 or time.monotonic() > self._until


def _as_before(cipher: AESGCM, nonce: bytes, ciphertext: bytes, bounds: list[str]) -> bytes:
    """What was encrypted when the field had another name.

    Raises:
        InvalidTag: it was not.
    """
    for bound in bounds:
        with suppress(InvalidTag):
            return cipher.decrypt(nonce, ciphertext, bound.encode())
    raise InvalidTag


def _text(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).decode()


def _data(text: str) -> bytes:
    return binascii.a2b_base64(text, strict_mode=True)


class _Plan:
    """What is encrypted in records of one schema.

    Raises:
        ConfigError: see :meth:`AtRest.encrypt`.
    """

    def __init__(self, schema: dict[str, Any]) -> None:
        whole = expanded(schema)
        personal = {name.partition(".")[0] for name in personal_fields(schema)}
        self.texts: list[tuple[str, Any]] = []
        self.former = {str(field["name"]): field["aliases"] for field in whole["fields"] if "aliases" in field}
        self._closed: dict[str, Callable[[str], bool]] = {}
        for field in whole["fields"] if personal else ():  # else sinks may read the topic, which decrypt nothing
            name = str(field["name"])
            _check(str(whole.get("name")), name, field["type"], tag_of(field))
            if name in personal or (tag_of(field) == "PUBLIC" and holds_text(field["type"])):
                self.texts.append((name, field["type"]))
            if name not in personal and (closed := _closed_form(field)):
                self._closed[name] = closed

    def is_closed(self, path: str, text: str) -> bool:
        """Whether the field is PUBLIC and ``text`` has the closed form that it names."""
        closed = self._closed.get(path)
        return closed is not None and closed(text)


def _closed_form(field: dict[str, Any]) -> Callable[[str], bool] | None:
    constraints = field.get("constraints") or {}
    if "enum" in constraints:
        return frozenset(constraints["enum"]).__contains__
    pattern = closed_pattern(field)
    if pattern is None:
        return None
    matches = re.compile(pattern).fullmatch
    return lru_cache(10_000)(lambda text: matches(text) is not None)


def _check(schema: str, path: str, avro_type: Any, tag: Tag) -> None:
    for branch in branches(avro_type):
        name = type_name(branch)
        if name == "record":
            for field in branch["fields"]:
                _check(schema, f"{path}.{field['name']}", field["type"], tag_of(field, tag))
        elif name == "array":
            _check(schema, path, branch["items"], tag)
        elif not _is_text(branch) and (tag in ("PII_ID", "PII_DROP") or (tag not in SAFE and holds_text(branch))):
            why = f"{path} is tagged {tag} and of type {name}, which cannot be encrypted in its place"
            raise ConfigError(f"schema {schema}", why, "declare it as a string, or set MXCTL_AT_REST=clear")


def _is_text(branch: Any) -> bool:
    """Whether values are texts in Python: those of the logical type uuid are not."""
    return type_name(branch) == "string" and not (isinstance(branch, dict) and "logicalType" in branch)


def _changed(value: dict[str, Any], texts: list[tuple[str, Any]], change: Change) -> dict[str, Any]:
    made = dict(value)
    for name, avro_type in texts:
        found = made.get(name)
        if isinstance(found, str):
            made[name] = change(name, found)
        elif found is not None:
            made[name] = _inner(found, avro_type, name, change)
    return made


def _inner(value: Any, avro_type: Any, path: str, change: Change) -> Any:
    for branch in branches(avro_type):
        name = type_name(branch)
        if name == "string" and isinstance(value, str):
            return change(path, value)
        if name == "array" and isinstance(value, list):
            return [_inner(item, branch["items"], path, change) for item in value]
        if name == "record" and isinstance(value, dict):
            types = {field["name"]: field["type"] for field in branch["fields"]}
            return {
                field: _inner(one, types[field], f"{path}.{field}", change) if field in types else one
                for field, one in value.items()
            }
    return value
