"""The way to a vendor: every call is limited, retried by its kind of failure, bounded in time and size, and counted.

No URL, header or body is ever logged: they carry tokens and personal data.
"""

from __future__ import annotations

import json
import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import IO, Any, TypeVar

import requests
import urllib3
from requests.utils import get_environ_proxies

from connectors.errors import CredentialError, StoppedError, ThrottledError
from connectors.limits import TokenBucket
from connectors.policies import RetryPolicy, Timeouts
from connectors.stats import Stats
from glue.errors import MillionXError, ServiceError, ServiceUnavailableError

log = logging.getLogger(__name__)
T = TypeVar("T")
MAX_BODY = 64 * 1024 * 1024


@dataclass
class Answer:
    """An HTTP answer, wholly read. Header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self, what: str) -> Any:
        """The body as JSON.

        Raises:
            ServiceUnavailableError: it is empty, cut off or not JSON (a proxy's page): worth another try.
        """
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise ServiceUnavailableError(what, f"the answer of {len(self.body)} bytes is not JSON") from error


class Http:
    """Calls to one vendor in one run. Not thread-safe."""

    def __init__(self, bucket: TokenBucket, retry: RetryPolicy, timeouts: Timeouts, stats: Stats,
                 stop: threading.Event) -> None:  # fmt: skip
        self.bucket = bucket
        self.timeouts = timeouts
        self.stats = stats
        self._retry = retry
        self._stop = stop
        # It logs addresses with their queries, and with them tokens, at DEBUG.
        logging.getLogger("urllib3").setLevel(logging.WARNING)
        self._session = requests.Session()
        # No .netrc: what a call carries is in the source's file and nowhere else.
        self._session.trust_env = False

    def wait(self, seconds: float) -> None:
        """Wait, unless the run is asked to stop.

        Raises:
            StoppedError: it was.
        """
        if self._stop.wait(max(0.0, seconds)):
            raise StoppedError("run", "asked to stop")

    def attempt(self, what: str, call: Callable[[], T]) -> T:
        """``call()`` under the rate limit, again while it fails transiently or is throttled, within the policy.

        Raises:
            StoppedError: the run was asked to stop.
            MillionXError: the last failure.
        """
        failures = throttles = 0
        while True:
            self.wait(self.bucket.take())
            try:
                result = call()
            except ThrottledError as error:
                self.stats.attempt("throttled")
                throttles += 1
                wait = error.retry_after if error.retry_after is not None else self.backoff(throttles)
                if throttles >= self._retry.throttled_attempts or wait > self._retry.throttled_cap_seconds:
                    raise
                log.info("%s: throttled, next try in %.1f s", what, wait)
                self.bucket.pause(wait)
            except ServiceUnavailableError as error:
                self.stats.attempt("transient")
                failures += 1
                if failures >= self._retry.attempts:
                    raise
                wait = self.backoff(failures)
                log.info("%s: %s; next try in %.1f s", what, error.why, wait)
                self.wait(wait)
            except MillionXError as error:
                self.stats.attempt(getattr(error, "outcome", "refused"))
                raise
            else:
                self.stats.attempt("ok")
                return result

    def backoff(self, failures: int) -> float:
        """Exponential, capped, with full jitter but never nothing (seconds)."""
        ceiling = min(self._retry.cap_seconds, self._retry.base_seconds * 2.0 ** (failures - 1))
        return ceiling * random.uniform(0.1, 1.0)  # noqa: S311 - spreads load, guards nothing

    def send(self, what: str, url: str, params: Mapping[str, Any] | None = None,
             headers: Mapping[str, str] | None = None, method: str = "GET", body: Any = None) -> Answer:  # fmt: skip
        """One call without retry: any status is returned. ``body`` is sent as JSON.

        Raises:
            ServiceUnavailableError: no answer, a cut one, or one that took longer than the total timeout.
        """
        deadline = time.monotonic() + self.timeouts.total
        try:
            with self._session.request(
                method, url, params=dict(params or {}), headers=dict(headers or {}), json=body, stream=True,
                allow_redirects=False, timeout=(self.timeouts.connect, self.timeouts.read),
                proxies=get_environ_proxies(url),
            ) as response:  # fmt: skip
                received = bytearray()
                # read1 returns what is there: a body that drips in is noticed at the deadline, not at its end.
                while chunk := response.raw.read1(65_536, decode_content=True):
                    received += chunk
                    if time.monotonic() > deadline:
                        raise ServiceUnavailableError(what, f"no whole answer in {self.timeouts.total:.0f} s")
                    if len(received) > MAX_BODY:
                        raise ServiceError(what, f"the answer is larger than {MAX_BODY} bytes")
                lower = {name.lower(): value for name, value in response.headers.items()}
                return Answer(response.status_code, lower, bytes(received))
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            # The text of these holds the URL, and with it tokens: name the kind only.
            raise ServiceUnavailableError(what, f"connection failed ({type(error).__name__})") from None

    def download(self, what: str, url: str, into: IO[bytes]) -> None:
        """One GET of a file of any size, without headers of ours: ``into`` from its beginning.

        Raises:
            ServiceUnavailableError: no answer, or a cut one; also one slower than the total timeout for each MAX_BODY.
            ServiceError: another answer than 200.
        """
        into.seek(0)
        into.truncate()
        timeout, proxies = (self.timeouts.connect, self.timeouts.read), get_environ_proxies(url)
        try:
            with self._session.get(
                url, stream=True, allow_redirects=False, timeout=timeout, proxies=proxies
            ) as response:
                check_status(what, Answer(response.status_code, {}, b""))
                deadline = time.monotonic() + self.timeouts.total
                for chunk in response.iter_content(65_536):
                    into.write(chunk)
                    if time.monotonic() > deadline + self.timeouts.total * (into.tell() // MAX_BODY):
                        raise ServiceUnavailableError(what, "the file comes too slowly")
                    if self._stop.is_set():
                        raise StoppedError("run", "asked to stop")
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise ServiceUnavailableError(what, f"connection failed ({type(error).__name__})") from None

    def get_json(self, what: str, url: str, params: Mapping[str, Any] | None = None,
                 headers: Mapping[str, str] | None = None) -> tuple[Any, dict[str, str]]:  # fmt: skip
        """GET with limits and retries: the JSON body of a 2xx, and its headers.

        Raises:
            ThrottledError, CredentialError, ServiceError, ServiceUnavailableError: as :func:`check_status`.
        """

        def call() -> tuple[Any, dict[str, str]]:
            answer = self.send(what, url, params, headers)
            check_status(what, answer)
            return answer.json(what), answer.headers

        return self.attempt(what, call)

    def close(self) -> None:
        """Close kept connections."""
        self._session.close()


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of a ``Retry-After`` (number or HTTP date), None where it is missing or senseless."""
    value = headers.get("retry-after", "")
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return None
    return max(0.0, seconds) if seconds == seconds and seconds != float("inf") else None


def check_status(what: str, answer: Answer) -> None:
    """Raise for anything but 2xx, by kind.

    Raises:
        ThrottledError: 429.
        ServiceUnavailableError: 408, 425 and 5xx.
        CredentialError: 401 and 403.
        ServiceError: every other 4xx and redirects: an answer, not worth another try.
    """
    status = answer.status
    if 200 <= status < 300:
        return
    if status == 429:
        raise ThrottledError(what, "throttled (429)", retry_after=retry_after(answer.headers))
    if status >= 500 or status in (408, 425):
        raise ServiceUnavailableError(what, f"it answered {status}")
    if status in (401, 403):
        raise CredentialError(what, f"it refused the credentials ({status})", "renew the token or key of this source")
    raise ServiceError(what, f"it answered {status}")
