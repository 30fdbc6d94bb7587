"""The Daraz Open Platform's wire: signed calls, errors inside HTTP 200, tokens that are renewed.

Signing: all parameters but ``sign`` in ASCII order, name and value concatenated, after the API path (without
``/rest``); HMAC-SHA256 with the app secret; upper hex.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from connectors.errors import CredentialError, ThrottledError
from connectors.http import Answer, Http, check_status
from glue.errors import ServiceError, ServiceUnavailableError
from glue.files import write_whole

log = logging.getLogger(__name__)
_EXPIRED = {"IllegalAccessToken", "AccessTokenExpired"}
_CREDENTIALS = {
    "IncompleteSignature", "InvalidAppKey", "IllegalRefreshToken", "InvalidSignature",
    "MissingPartner", "AppWhiteIpLimit", "InsufficientPermission",
}  # fmt: skip
_THROTTLED = {"ApiCallLimit", "ApiFrequencyLimit", "SellerCallLimit", "AppCallLimit"}


class ClockError(CredentialError):
    """The vendor's clock and ours differ too much; ``offset`` is in seconds, None where it is unknown."""

    def __init__(self, what: str, offset: float | None) -> None:
        super().__init__(what, "IllegalTimestamp", "set this machine's clock")
        self.offset = offset


class TokenExpiredError(CredentialError):
    """The access token is no longer valid; a refresh may renew it."""


def sign(secret: str, path: str, params: Mapping[str, str], body: str = "") -> str:
    """The signature of a call to API ``path`` (such as ``/orders/get``)."""
    text = path + "".join(f"{name}{params[name]}" for name in sorted(params) if name != "sign") + body
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest().upper()


class DarazClient:
    """Calls of one seller.

    Args:
        token_file: where renewed tokens are kept (mode 0600); a refresh replaces both, so the configured ones get old.
        clock: seconds since the epoch; the vendor accepts two hours of error.
    """

    def __init__(self, http: Http, base_url: str, app: tuple[str, str], tokens: tuple[str, str], token_file: Path,
                 clock: Callable[[], float] = time.time) -> None:  # fmt: skip
        self._http = http
        self._base = base_url.rstrip("/")
        self._app = app
        self._configured = tokens
        self._file = token_file
        self._clock = clock
        self._offset = 0.0
        self._access, self._refresh = self._load()

    def _origin(self) -> str:
        """Which configured tokens the kept ones descend from: new ones in the configuration win."""
        return hashlib.sha256("\0".join((self._app[0], *self._configured)).encode()).hexdigest()

    def _load(self) -> tuple[str, str]:
        try:
            kept = json.loads(self._file.read_text())
            if kept["origin"] == self._origin():
                return str(kept["access"]), str(kept["refresh"])
        except (OSError, ValueError, KeyError, TypeError):
            pass
        return self._configured

    def _keep(self) -> None:
        kept = {"origin": self._origin(), "access": self._access, "refresh": self._refresh}
        write_whole(self._file, json.dumps(kept).encode(), mode=0o600)

    def call(self, path: str, params: Mapping[str, str]) -> dict[str, Any]:
        """The body of a successful GET; an expired token is renewed once.

        Raises:
            CredentialError, ServiceError, ServiceUnavailableError: by the vendor's code.
        """
        try:
            return self._attempt(path, params, with_token=True)
        except TokenExpiredError:
            log.info("Daraz: the access token expired, renewing it")
            self._renew()
            return self._attempt(path, params, with_token=True)

    def _renew(self) -> None:
        try:
            body = self._attempt("/auth/token/refresh", {"refresh_token": self._refresh}, with_token=False)
        except CredentialError:
            if self._refresh == self._configured[1]:
                raise
            # Kept tokens may have been replaced by another machine: the configured ones are the last resort.
            self._refresh = self._configured[1]
            body = self._attempt("/auth/token/refresh", {"refresh_token": self._refresh}, with_token=False)
        self._access, self._refresh = str(body["access_token"]), str(body["refresh_token"])
        self._keep()

    def _attempt(self, path: str, params: Mapping[str, str], with_token: bool) -> dict[str, Any]:
        what = f"Daraz {path}"
        try:
            return self._http.attempt(what, lambda: self._once(path, params, with_token))
        except ClockError as error:
            if error.offset is None:
                raise
            log.warning("%s: this machine's clock is off by %.0f s; signing with the vendor's", what, -error.offset)
            self._offset = error.offset
            return self._http.attempt(what, lambda: self._once(path, params, with_token))

    def _once(self, path: str, params: Mapping[str, str], with_token: bool) -> dict[str, Any]:
        what = f"Daraz {path}"
        signed = {
            **params,
            "app_key": self._app[0],
            "timestamp": str(int((self._clock() + self._offset) * 1000)),
            "sign_method": "sha256",
            **({"access_token": self._access} if with_token else {}),
        }
        signed["sign"] = sign(self._app[1], path, signed)
        answer = self._http.send(what, f"{self._base}{path}", signed)
        check_status(what, answer)
        body = answer.json(what)
        if not isinstance(body, dict):
            raise ServiceUnavailableError(what, "the answer is not an object")
        if body.get("code") == "IllegalTimestamp":
            raise ClockError(what, self._offset_of(answer))
        _raise_for_code(what, body)
        return body

    def _offset_of(self, answer: Answer) -> float | None:
        """Seconds between the vendor's clock, as its ``Date`` tells, and ours."""
        try:
            return parsedate_to_datetime(answer.headers["date"]).timestamp() - self._clock()
        except (KeyError, ValueError, TypeError):
            return None


def _raise_for_code(what: str, body: Mapping[str, Any]) -> None:
    """Errors come with HTTP 200: a non-zero ``code`` and a ``type``. The message may quote tokens; it is left out."""
    code, kind = str(body.get("code", "")), str(body.get("type", ""))
    if code == "0":
        return
    if code in _EXPIRED:
        raise TokenExpiredError(what, f"{code}", "renew the authorisation of this seller")
    if code in _CREDENTIALS:
        raise CredentialError(what, code, "check app key, secret, tokens and this machine's clock")
    if code in _THROTTLED:
        raise ThrottledError(what, code, retry_after=1.0)
    if kind in ("SYSTEM", "ISP") or not code:
        raise ServiceUnavailableError(what, code or "an answer without a code")
    raise ServiceError(what, f"{code} ({kind})")
