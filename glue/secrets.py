"""Keeping secrets out of what people read: config values, messages, addresses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

MASK = "******"
_REFERENCE = re.compile(r"\$\{[^${}]+\}")
_SECRET_KEY = re.compile(
    r"(password|passphrase|secret|credential|token(?!izer)|api[._-]?key|private[._-]?key|access[._-]?key"
    r"|sasl\.jaas\.config|basic\.auth\.user\.info|keystore\.key|connection\.string)",
    re.IGNORECASE,
)
_NOT_SECRET = re.compile(
    r"(\.(class|type|enabled?|ms|url|endpoint|provider|location|file|name|source)$)|keystore\.type", re.IGNORECASE
)
_IN_TEXT = (
    re.compile(
        r"(?i)\b((?:[\w.-]*(?:password|passphrase|secret|token|api[._-]?key|private[._-]?key))\s*[=:]\s*)([^\s,;&})]+)"
    ),
    re.compile(r"(://)[^/\s:@]+:[^/\s@]+(@)"),
    re.compile(r"-----BEGIN [^-]+-----.*?(?:-----END [^-]+-----|$)", re.DOTALL),
    re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"),
)
_MASKED = re.compile(r"^(\*{3,}|\[hidden\]|<hidden>|\(hidden\)|\[redacted\])$", re.IGNORECASE)


def is_secret_key(key: str) -> bool:
    """Whether a config key by its name holds a secret."""
    return bool(_SECRET_KEY.search(key)) and not _NOT_SECRET.search(key)


def has_reference(value: str) -> bool:
    """Whether a config value is, or holds, a ``${provider:…}`` reference that the worker resolves."""
    return bool(_REFERENCE.search(value))


def is_masked(value: str) -> bool:
    """Whether a server answered with a mask instead of the value (``****``, ``[hidden]``)."""
    return bool(_MASKED.match(value))


def shown(key: str, value: Any, secret_keys: Iterable[str] = ()) -> str:
    """A config value as it may be printed: secrets masked, references as they are (they hold no secret)."""
    text = str(value)
    if (is_secret_key(key) or key in secret_keys) and not _REFERENCE.fullmatch(text):
        return MASK
    return mask_text(text)


def mask_text(text: str) -> str:
    """Free text (a trace, a message) without what looks like a password, a token, a key or a login in an address."""
    text = _IN_TEXT[0].sub(rf"\1{MASK}", text)
    text = _IN_TEXT[1].sub(rf"\1{MASK}\2", text)
    for pattern in _IN_TEXT[2:]:
        text = pattern.sub(MASK, text)
    return text


def clean_message(message: str, key: str, config: Mapping[str, str], resolved: Mapping[str, Any]) -> str:
    """A plugin's complaint about ``key``, or a note in its place where it may quote a value that the worker resolved.

    Args:
        resolved: what ``/config/validate`` says each key came to. Passwords are hidden there, and a value that could
            not be parsed is missing, although the complaint quotes it.

    A value that came from a reference or belongs to a secret must not show, not even in part: a text that shares
    ``_QUOTE`` characters in a row with one is withheld. Where such a value is not known to us, so are texts about its
    key, and in all others what is neither a word nor part of the declared config is masked.
    """
    hidden = {name for name, value in config.items() if is_secret_key(name) or has_reference(value)}
    hidden |= {name for name, value in resolved.items() if value is not None and is_masked(str(value))}
    values = {name: str(resolved[name]) for name in hidden if resolved.get(name)}
    unknown = {name for name in hidden if name not in values or is_masked(values[name])}
    text = message.replace(key, "")
    if key in unknown or any(_quotes(text, value) for name, value in values.items() if name not in unknown):
        return "refused by the plugin (its text may quote a resolved secret and is not shown; see the worker's log)"
    if unknown:
        message = _mask_strange(message, " ".join((*config, *config.values())))
    return mask_text(message)


_QUOTE = 5
_TOKEN = re.compile(r"[^\s,;:()\"'\[\]{}]{4,}")


def _mask_strange(message: str, known: str) -> str:
    """``message`` with what is neither a plain word nor found in ``known`` masked: it may be a value nobody told us."""

    def replace(match: re.Match[str]) -> str:
        token = match.group()
        plain = token.rstrip(".").replace("-", "").isalpha() and (token[1:].islower() or token.isupper())
        return token if plain or token.rstrip(".") in known else MASK

    return _TOKEN.sub(replace, message)


def _quotes(text: str, secret: str) -> bool:
    """Whether ``text`` shares ``_QUOTE`` characters in a row with ``secret`` (or all of a shorter one)."""
    text, secret = text.lower(), secret.lower()
    if len(secret) <= _QUOTE:
        return secret in text
    return any(secret[i : i + _QUOTE] in text for i in range(len(secret) - _QUOTE + 1))


def url_without_credentials(url: str) -> str:
    """The address without user and password."""
    parts = urlsplit(url)
    if "@" not in parts.netloc:
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
