"""How this process reaches a service by HTTP: who it is there, and by which certificate it knows the service.

Settings ``MXCTL_<SERVICE>_*`` say so, for the registry and for Kafka Connect alike. Secrets are files; each is read
when a request needs it, so that a changed one is taken without a restart.
Source: RFC 7617 (Basic), RFC 6750 (Bearer), RFC 6749 section 4.4 (client credentials).
"""

from __future__ import annotations

import base64
import ssl
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import NewConnectionError
from urllib3.util import Retry

from glue.errors import ConfigError, ServiceError, ServiceUnavailableError, UsageError
from glue.secrets import url_without_credentials
from glue.settings import Settings, read_secret, read_token
from glue.times import split_list

_GATEWAY = (429, 502, 503, 504)
_REPEATABLE = ("GET", "PUT", "DELETE")  # what may be asked of another server though the first one may have obeyed
_EARLY_S = 30  # before its end a token is fetched anew
_TIMEOUT_S = 10


@dataclass
class HttpAccess:
    """Credentials and trust for one service.

    Attributes:
        service: ``registry`` or ``connect``, as settings name it.
        user, password_file: for Basic; with ``token_url`` a client of that OpenID provider and its secret.
        token_file: a bearer token.
        token_url, scope: where a client's credentials are exchanged for a bearer token.
        ca_file: PEM of the authorities to trust in place of the public ones.
        certificate_file, key_file: PEM of a client certificate (mutual TLS); the key may be in the first.
    """

    service: str
    user: str = ""
    password_file: Path | None = None
    token_file: Path | None = None
    token_url: str = ""
    scope: str = ""
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    _token: tuple[str, float] = field(default=("", 0.0), init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    @classmethod
    def of(cls, settings: Settings, service: str) -> HttpAccess:
        """As the settings say.

        Raises:
            ConfigError: they contradict each other, or name a file that is not there.
        """
        names = [one for one in cls.__dataclass_fields__ if one != "service" and not one.startswith("_")]
        found: dict[str, Any] = {name: getattr(settings, f"{service}_{name}", "") for name in names}
        access = cls(service, **found)
        prefix = f"MXCTL_{service.upper()}"
        if bool(access.user) != bool(access.password_file):
            raise ConfigError(prefix, "a user without a password, or the other way round",
                              f"set {prefix}_USER and {prefix}_PASSWORD_FILE")  # fmt: skip
        if access.user and access.token_file:
            raise ConfigError(prefix, "a user and a token", f"unset {prefix}_USER or {prefix}_TOKEN_FILE")
        for name in ("password_file", "token_file", "ca_file", "certificate_file", "key_file"):
            file = found[name]
            if file is not None and not file.is_file():
                raise ConfigError(f"{prefix}_{name.upper()}", f"{file}: there is no such file", "correct the path")
        return access

    def session(self, retries: int = 0) -> requests.Session:
        """A session that signs every request; no answer, or one of a gateway, is followed by ``retries`` tries.

        Pauses between tries grow and jitter; a POST is not tried again.
        """
        made = _Session()
        retry = Retry(
            total=retries,
            backoff_factor=0.25,
            backoff_jitter=0.25,
            status_forcelist=_GATEWAY,
            allowed_methods=_REPEATABLE,
            raise_on_status=False,
        )
        for scheme in ("http://", "https://"):
            made.mount(scheme, HTTPAdapter(max_retries=retry, pool_maxsize=8))
        made.ca = str(self.ca_file) if self.ca_file else None
        if self.certificate_file:
            made.cert = (str(self.certificate_file), str(self.key_file or self.certificate_file))
        if self.user or self.token_file:
            made.auth = self._sign
        return made

    def registry_config(self) -> dict[str, Any]:
        """The same for Confluent's client of the registry; it keeps a user's password until it is made anew."""
        found: dict[str, Any] = {}
        if self.ca_file:
            found["ssl.ca.location"] = str(self.ca_file)
        if self.certificate_file:
            found["ssl.certificate.location"] = str(self.certificate_file)
            found["ssl.key.location"] = str(self.key_file or self.certificate_file)
        if self.token_file or self.token_url:
            found["bearer.auth.credentials.source"] = "CUSTOM"
            found["bearer.auth.custom.provider.function"] = lambda _: self._bearer_fields()
            found["bearer.auth.custom.provider.config"] = {}
        elif self.user:
            found["basic.auth.user.info"] = f"{self.user}:{self._secret()}"
        return found

    def _bearer_fields(self) -> dict[str, str]:
        return {"bearer.auth.token": self.token(), "bearer.auth.logical.cluster": ""}

    def _sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self.token_file or self.token_url:
            request.headers["Authorization"] = f"Bearer {self.token()}"
        else:
            login = f"{self.user}:{self._secret()}".encode()
            request.headers["Authorization"] = f"Basic {base64.b64encode(login).decode()}"
        return request

    def token(self) -> str:
        """A bearer token: that of the file, or one of the provider, which is kept until shortly before its end.

        Raises:
            ServiceError: the provider refuses the client.
            ServiceUnavailableError: it does not answer.
        """
        if self.token_file:
            return read_token(self.token_file)
        with self._lock:
            token, ends = self._token
            if time.time() > ends - _EARLY_S:
                token, ends = self._fetched()
                self._token = token, ends
            return token

    def _fetched(self) -> tuple[str, float]:
        what, body = f"OpenID provider {self.token_url}", {"grant_type": "client_credentials"}
        with _Session() as session:
            session.ca = str(self.ca_file) if self.ca_file else None
            session.auth = (self.user, self._secret())
            try:
                answer = session.post(self.token_url, {**body, **({"scope": self.scope} if self.scope else {})},
                                      timeout=_TIMEOUT_S)  # fmt: skip
                found = answer.json()
            except requests.JSONDecodeError:
                found = {}
            except requests.RequestException as error:
                raise ServiceUnavailableError(what, f"it does not answer ({why(error)})", "is it reachable?") from None
        if not answer.ok or not isinstance(found, dict) or not found.get("access_token"):
            reason = str(found.get("error", "")) if isinstance(found, dict) else ""
            fix = f"check MXCTL_{self.service.upper()}_USER and _PASSWORD_FILE"
            raise ServiceError(what, f"it answered {answer.status_code} {reason}".strip(), fix)
        return str(found["access_token"]), time.time() + float(found.get("expires_in") or 0)

    def _secret(self) -> str:
        return read_secret(self.password_file) if self.password_file else ""


class _Session(requests.Session):
    """One whose own authorities are not replaced by REQUESTS_CA_BUNDLE, as requests does."""

    ca: str | None = None

    def merge_environment_settings(self, *args: Any, **kwargs: Any) -> Any:
        merged = super().merge_environment_settings(*args, **kwargs)
        return {**merged, "verify": self.ca} if self.ca else merged


class NobodyAnswersError(Exception):
    """A text for each server that was asked in vain: its address, and why."""


def addresses(text: str, what: str, fix: str) -> list[str]:
    """The addresses in ``text``, with commas between them. Raises :class:`UsageError` for what is none."""
    found = [one.rstrip("/") for one in split_list(text)]
    for one in found or [""]:
        if not one.startswith(("http://", "https://")):
            shown = url_without_credentials(one) or "no address"
            raise UsageError(f"{what} at {shown}", "it is not an http:// or https:// address", fix)
    return list(dict.fromkeys(found))


def ask_any(
    session: requests.Session, urls: Sequence[str], method: str, path: str, body: Any, timeout: float
) -> tuple[requests.Response, list[str]]:
    """The answer of the first of ``urls`` that is reached, and the addresses with that one first.

    A request that may have been obeyed, and must not be twice, is not made to a second one.

    Raises:
        NobodyAnswersError: none answers, each within 5 s for the connection and ``timeout`` for its answer.
    """
    failed = []
    for url in urls:
        shown = url_without_credentials(url)
        try:
            response = session.request(method, url + path, json=body, timeout=(5, timeout))
        except requests.RequestException as error:
            failed.append(f"{shown} does not answer ({why(error)})")
            if method not in _REPEATABLE and not _unsent(error):
                break
            continue
        if response.status_code not in _GATEWAY or method not in _REPEATABLE or url == urls[-1]:
            return response, [url, *(one for one in urls if one != url)]
        failed.append(f"{shown} answers {response.status_code}")
    raise NobodyAnswersError(*failed)


def _unsent(error: requests.RequestException) -> bool:
    """Whether a request cannot have reached its server, since there was no connection."""
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    refused = isinstance(reason, NewConnectionError)
    return refused or isinstance(error, (requests.ConnectTimeout, requests.exceptions.SSLError))


def why(error: BaseException) -> str:
    """What of a failed call may be shown: the reason that TLS gives, as in "certificate has expired", else its kind."""
    seen: set[int] = set()
    left: list[BaseException] = [error]
    while left:
        one = left.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, ssl.SSLCertVerificationError):
            return f"its certificate is refused: {one.verify_message}"
        if isinstance(one, ssl.SSLError):
            return f"TLS fails: {(one.reason or 'no reason given').replace('_', ' ').lower()}"
        nested = (*one.args, getattr(one, "reason", None), one.__cause__, one.__context__)
        left += [found for found in nested if isinstance(found, BaseException)]
    return type(error).__name__
