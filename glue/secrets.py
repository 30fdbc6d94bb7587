"""Keeping secrets out of what people read: config values, messages, addresses.

A secret is known by the name of its key and by its own form: a login in an address, a parameter of a query, a header, a
token. Both ways are needed: ``connection.url`` sounds harmless, and ``tokens.max`` does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

MASK = "******"
_CAMEL = re.compile(r"(?<=[a-z\d])(?=[A-Z])")
_REFERENCE = re.compile(r"\$\{[^${}:]+:[^${}]+\}")  # a name alone is a plugin's own placeholder
_WORDS = (
    r"passw(?:or)?d|passphrase|secret|token|(?:api|private|secret|access|account|signing|encryption|shared|license|hmac|ssh|master|subscription)"
    r"[._-]?key"
)
_SECRET_KEY = re.compile(
    rf"(?:{_WORDS}|credential|sasl\.jaas\.config|basic\.auth\.user\.info|keystore\.key|connection[._-]?string"
    r"|(?:^|[._-])(?:pwd|pass|passcode|salt|pepper|authorization|apikey|bearer|jwt|cookie)(?:$|[._-]))",
    re.IGNORECASE,
)
# What says something about a secret and is none: `token.endpoint.url`, `api.key.header`, `tokens.max`, `access.key.id`.
_NOT_SECRET = re.compile(
    r"(?:[._-](?:class|type|enabled?|required|m?s|seconds|minutes|hours|days|interval|timeout|ttl|expiry|expires?"
    r"|ur[il]|endpoint|host|port|provider|location|file|path|dir|name|alias|source|region|arn|size|length|count|limit|max"
    r"|min|header|prefix|suffix|fields?|columns?|topics?|algorithm|format|version|policy|mode|strategy|encoding|scopes?"
    r"|audience|issuer|mechanism|manager|cache|retries|separator|delimiter|backend|engine|env|store|capacity|rate"
    r"|lifetime|validity|claim|var|variable|property|param(?:eter)?|converter|serializer|validator|callback|handler|factory|attributes?"
    r"|label)$)"
    r"|keystore\.type|access[._-]?key[._-]?id$|tokeniz|(?:^|[._-])tokens(?:$|[._-])|passwordless|token[._-]?bucket"
    r"|secretar",
    re.IGNORECASE,
)
_AROUND = re.compile(r"[\w.@+-]{0,128}:|(?i:bearer|basic|token|apikey)|[\w.$]{1,200}LoginModule\s[^$]*", re.ASCII)
_NO = r"(?!\$\{)"  # a reference is not a secret
_SCHEME = r"(?:bearer|basic|digest|negotiate|sharedaccesssignature|token|apikey)"
_VALUE = r"(?:[^\s,;&}\"')]|[,;](?!\s|$|[\w.-]{1,64}\s*=))+"  # a separator ends it where another key follows
# In each, the secret is the group `s`. Texts are foreign: no form looks twice at the same run of characters without a
# bound, so that the work is linear (tests/glue/test_linear_patterns.py).
_FORMS = (
    rf"(?i:(?:{_WORDS}|pwd)\"?\s*=\s*\"){_NO}(?P<s>[^\"]+)\"",
    rf"(?i:(?:{_WORDS}|pwd?|\bpass|\bappid|\buser\.info)\s*=\s*'?){_NO}(?P<s>{_VALUE})",
    rf"(?i:[?&;](?:[\w-]{{0,64}}sig|[\w-]{{0,64}}signature|pass)=){_NO}(?P<s>[^\s,;&]+)",
    rf"(?i:[?&;](?:key|code|auth)=){_NO}(?P<s>[^\s,;&]{{16,}})",
    rf"(?i:[\"'][\w.-]{{0,64}}(?:{_WORDS}|pwd)\\?[\"']\s*:\s*\\?[\"']){_NO}(?P<s>(?:\\[^\"']|[^\"'\\])+)",
    rf"://(?:\$\{{[^{{}}]{{0,256}}\}}|[^/\s:@?#$])*:{_NO}(?P<s>[^/\s?#]+)@",
    # a password with a slash, which is no port before a path
    rf"://[^/\s:@?#$]*:(?!\d{{1,5}}(?:[/?#\s]|$)){_NO}(?P<s>[^\s\"'<>?#,@]{{1,128}})@",
    r"://(?P<s>(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{20,})@",  # a token in place of a login
    r"(?i:\bhooks\.slack\.com/services|\bdiscord(?:app)?\.com/api/webhooks/\d{1,32})/(?P<s>[\w/-]{16,})",
    r"(?i:\bapi\.telegram\.org/bot)(?P<s>\d{1,32}:[\w-]{16,})",
    rf"(?i:\bjdbc:oracle:\w{{1,32}}:[^/\s@:]{{1,64}}/){_NO}(?P<s>[^@\s]{{1,256}})@",
    rf"^\s*(?i:bearer)\s+{_NO}(?P<s>\S+)\s*$",
    rf"\b(?i:{_SCHEME})\s+{_NO}(?P<s>(?=[\w+/.~-]*[A-Z\d])[\w+/.~-]{{8,}}=*)",
    rf"(?i:(?:\bauthorization|\bcookie|(?<![\w-])x-[\w-]{{0,64}}(?:key|token|secret))[\"']?\s*[:=]\s*[\"']?(?:{_SCHEME}\s+)?)"
    rf"{_NO}(?P<s>(?!(?i:{_SCHEME})\s)[^\s,;|\"']+)",
    r"(?P<s>-----BEGIN [^-]{1,64}-----[\s\S]*?(?:-----END [^-]{1,64}-----|$))",
    r"\b(?P<s>eyJ[\w-]{8,512}\.[\w-]{8,}\.[\w-]*)",
    r"\b(?P<s>gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{20,}|xox[abprs]-[\w-]{10,}|[sr]k_live_\w{16,}"
    r"|AIza[\w-]{35}|hf_\w{30,}|sk-[\w-]{20,}|shp(?:at|ca|pa|ss)_\w{16,}|EAA[A-Za-z\d]{24,}|whsec_\w{16,}"
    r"|AKIA[A-Z\d]{16}|GOCSPX-[\w-]{20,})",
)
_SECRETS = tuple(re.compile(form) for form in _FORMS)
# Where plain prose is read, a colon does as well; in a config it may be a map of names.
_PROSE = re.compile(rf"(?i:(?:{_WORDS}|pwd)\s*:\s*){_NO}(?P<s>[^\s,;&}})]+)")
_MASKED = re.compile(r"^(?:[*•●]{3,}|[\[<(](?:hidden|redacted|masked|sensitive(?: value)?)[\]>)])$", re.IGNORECASE)


_HEADERS = re.compile(r"headers?(?:$|[._-])", re.IGNORECASE)  # keys whose values are `name: value`


def is_secret_key(key: str) -> bool:
    """Whether a config key by its name holds a secret."""
    plain = _CAMEL.sub(".", key)  # passwordFile, tokenSeparator
    return bool(_SECRET_KEY.search(key) or _SECRET_KEY.search(plain)) and not _NOT_SECRET.search(plain)


def has_reference(value: str) -> bool:
    """Whether a config value is, or holds, a ``${provider:…}`` reference that the worker resolves."""
    return bool(_REFERENCE.search(value))


def holds_secret(key: str, value: str) -> bool:
    """Whether a config value holds a secret in plain text: by its key, or by its own form."""
    if is_secret_key(key) and not _is_referenced(value):
        return True
    return _masked(value, _forms_of(key)) != value


def _forms_of(key: str) -> tuple[re.Pattern[str], ...]:
    return (*_SECRETS, _PROSE) if _HEADERS.search(key) else _SECRETS


def _is_referenced(value: str) -> bool:
    """Whether all of a secret is a reference; a name before it (``user:``), a scheme or JAAS's other words may stand
    around it, and its default is text of the file like any other."""
    rest = _REFERENCE.sub(lambda found: found.group()[:-1].partition(":-")[2], value).strip()
    if rest.lower() in ("", "true", "false"):
        return True
    return has_reference(value) and bool(_AROUND.fullmatch(rest))


def is_masked(value: str) -> bool:
    """Whether a server answered with a mask instead of the value (``****``, ``[hidden]``)."""
    return bool(_MASKED.match(value))


def shown(key: str, value: Any, secret_keys: Iterable[str] = ()) -> str:
    """A config value as it may be printed: secrets masked, references as they are (they hold no secret)."""
    text = str(value)
    if (is_secret_key(key) or key in secret_keys) and not _REFERENCE.fullmatch(text):
        return MASK
    return _masked(text, _forms_of(key))


def mask_text(text: str) -> str:
    """Free text (a trace, a message) without what looks like a password, a token, a key or a login in an address."""
    return _masked(text, (*_SECRETS, _PROSE))


def _masked(text: str, patterns: Iterable[re.Pattern[str]]) -> str:
    for pattern in patterns:
        text = pattern.sub(_without_secret, text)
    return text


def _without_secret(found: re.Match[str]) -> str:
    start, end = found.start("s") - found.start(), found.end("s") - found.start()
    return f"{found.group()[:start]}{MASK}{found.group()[end:]}"


def clean_message(message: str, key: str, config: Mapping[str, str], resolved: Mapping[str, Any]) -> str:
    """A plugin's complaint about ``key``, or a note in its place where it may quote a value that the worker resolved.

    Args:
        resolved: what ``/config/validate`` says each key came to. Passwords are hidden there, and a value that could
            not be parsed is missing, although the complaint quotes it.

    A value that came from a reference or belongs to a secret must not show, not even in part: a text that shares
    ``_QUOTE`` characters in a row with one is withheld. Where such a value is not known to us, so are texts about its
    key, and in all others what is neither a word nor part of the declared config is masked.
    """
    hidden = {name for name, value in config.items() if has_reference(value) or holds_secret(name, value)}
    hidden |= {name for name, value in resolved.items() if value is not None and is_masked(str(value))}
    hidden = {name for name in hidden if str(resolved.get(name)) != _GUARDED}
    values = {name: str(resolved[name]) for name in hidden if resolved.get(name)}
    unknown = {name for name in hidden if name not in values or is_masked(values[name])}
    message = message[:_LONGEST]
    text = message.replace(key, "")
    if key in unknown or any(_quotes(text, value) for name, value in values.items() if name not in unknown):
        return "refused by the plugin (its text may quote a resolved secret and is not shown; see the worker's log)"
    if unknown:
        message = _mask_strange(message, " ".join((*config, *config.values())))
    return mask_text(message)


_QUOTE = 5
_GUARDED = "[resolved]"  # our workers' own filter took this value out, and whatever quotes it
_LONGEST = 4000  # characters of a plugin's complaint that are read
_TOKEN = re.compile(r"[^\s,;:()\"'\[\]{}]{4,}")


def _mask_strange(message: str, known: str) -> str:
    """``message`` with what is neither a plain word nor found in ``known`` masked: it may be an unknown secret."""

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
