"""Kafka Connect's REST interface: timeouts, bounded retries, and errors that never carry a secret.

Answers are taken as they come: unknown states and fields pass through. What ``/config/validate`` answers holds resolved
secrets, so only :meth:`ConnectClient.validate` reads it and hands on names and cleaned messages.
Source: Apache Kafka 4.1, Connect REST API; KIP-875 (offsets, stop), KIP-769 (plugins), KIP-976 (cluster-wide loggers).
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from glue.errors import ServiceError, ServiceUnavailableError, UsageError
from glue.secrets import clean_message, url_without_credentials

log = logging.getLogger(__name__)

CONFLICT = 409
NOT_FOUND = 404
_GATEWAY = (429, 502, 503, 504)


class ConnectNotFoundError(ServiceError):
    """The worker knows no such connector, task or plugin."""


class RebalancingError(ServiceUnavailableError):
    """The workers are rebalancing and did not settle within the bound."""


class ConnectClient:
    """One Connect cluster behind one REST address.

    Args:
        url: base address of any worker; credentials in it are used and never shown.
        timeout: seconds for one call; ``/config/validate`` may open connections and gets ``validate_timeout``.
        patience: seconds for which a 409 of a rebalance is waited out, per call.
        retries: further tries of a call that got no answer, or one of a gateway, with growing, jittered pauses.
    """

    def __init__(
        self, url: str, *, timeout: float = 20, validate_timeout: float = 90, patience: float = 60, retries: int = 4
    ) -> None:
        self.url = url.rstrip("/")
        self.shown_url = url_without_credentials(self.url)
        if not self.url.startswith(("http://", "https://")):
            raise UsageError(
                f"Kafka Connect at {self.shown_url}",
                "that is no http:// or https:// address",
                "correct --url or MXCTL_CONNECT",
            )
        self.timeout, self.validate_timeout, self.patience = timeout, validate_timeout, patience
        self.calls = 0
        self._session = requests.Session()
        retry = Retry(
            total=retries,
            backoff_factor=0.25,
            backoff_jitter=0.25,
            status_forcelist=_GATEWAY,
            allowed_methods=("GET", "PUT", "DELETE"),
            raise_on_status=False,
        )
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=retry, pool_maxsize=8))

    # -- reading ------------------------------------------------------------------------------------------------

    def root(self) -> dict[str, Any]:
        """``version``, ``commit`` and ``kafka_cluster_id`` of the worker."""
        return _mapping(self._call("GET", "/", what="Kafka Connect"))

    def connectors(self) -> dict[str, dict[str, Any]]:
        """Every connector by name with its ``info`` and ``status``, in one call."""
        return _mapping(self._call("GET", "/connectors?expand=status&expand=info", what="connectors"))

    def status(self, name: str) -> dict[str, Any]:
        """State of the connector and of each of its tasks."""
        return _mapping(self._connector("GET", name, "/status"))

    def config(self, name: str) -> dict[str, Any]:
        """The config as it was put; references unresolved."""
        return _mapping(self._connector("GET", name, "/config"))

    def tasks(self, name: str) -> list[dict[str, Any]]:
        """``id`` and ``config`` of each task, references unresolved."""
        answer = self._connector("GET", name, "/tasks")
        return answer if isinstance(answer, list) else []

    def topics(self, name: str) -> list[str]:
        """Topics the connector has used since it was created."""
        return list(_mapping(self._connector("GET", name, "/topics")).get(name, {}).get("topics", []))

    def offsets(self, name: str) -> list[dict[str, Any]]:
        """``partition`` and ``offset`` objects of the connector."""
        return list(_mapping(self._connector("GET", name, "/offsets")).get("offsets", []))

    def plugins(self) -> list[dict[str, Any]]:
        """Every plugin of the worker: ``class``, ``type``, ``version``."""
        answer = self._call("GET", "/connector-plugins?connectorsOnly=false", what="connector plugins")
        return answer if isinstance(answer, list) else []

    def plugin_config(self, plugin: str) -> list[dict[str, Any]]:
        """The ConfigDef of one plugin: ``name``, ``type``, ``default_value``, ``importance``, ``documentation`` …"""
        path = f"/connector-plugins/{quote(plugin, safe='')}/config"
        answer = self._call("GET", path, what=f"plugin {plugin}")
        return answer if isinstance(answer, list) else []

    def validate(self, plugin: str, config: Mapping[str, str]) -> dict[str, list[str]]:
        """What the plugin refuses: key → messages, cleaned of every value that came back. Empty when it is content.

        Config references are resolved by the worker for this; nothing of what they resolve to is returned or logged.
        """
        path = f"/connector-plugins/{quote(plugin, safe='')}/config/validate"
        answer = _mapping(
            self._call(
                "PUT",
                path,
                what=f"validation by {plugin}",
                body=dict(config),
                timeout=self.validate_timeout,
                quiet=True,
            )
        )
        values = [entry.get("value") or {} for entry in answer.get("configs", [])]
        resolved = {str(v.get("name")): v.get("value") for v in values}
        return {
            str(value.get("name")): [clean_message(str(e), str(value.get("name")), config, resolved) for e in errors]
            for value in values
            if (errors := value.get("errors") or [])
        }

    # -- writing ------------------------------------------------------------------------------------------------

    def put_config(self, name: str, config: Mapping[str, str]) -> None:
        """Create the connector or change its config. The caller makes sure that something changes."""
        self._connector("PUT", name, "/config", body=dict(config))

    def create(self, name: str, config: Mapping[str, str], initial_state: str | None = None) -> None:
        """Create the connector, optionally STOPPED or PAUSED (KIP-980)."""
        body: dict[str, Any] = {"name": name, "config": dict(config)}
        if initial_state:
            body["initial_state"] = initial_state
        self._call("POST", "/connectors", what=f"connector {name}", body=body)

    def delete(self, name: str) -> None:
        """Delete the connector; its offsets stay."""
        self._connector("DELETE", name, "")

    def pause(self, name: str) -> None:
        """Tasks stay allocated and stop working."""
        self._connector("PUT", name, "/pause")

    def resume(self, name: str) -> None:
        """Back to RUNNING from PAUSED or STOPPED."""
        self._connector("PUT", name, "/resume")

    def stop(self, name: str) -> None:
        """Tasks are shut down; needed before offsets may be altered."""
        self._connector("PUT", name, "/stop")

    def restart(self, name: str, *, only_failed: bool = False) -> None:
        """Restart the connector and its tasks, or only those that have failed."""
        flags = f"includeTasks=true&onlyFailed={str(only_failed).lower()}"
        self._connector("POST", name, f"/restart?{flags}")

    def alter_offsets(self, name: str, offsets: list[dict[str, Any]]) -> str:
        """Set offsets of a STOPPED connector; an ``offset`` of None resets that partition."""
        return str(_mapping(self._connector("PATCH", name, "/offsets", body={"offsets": offsets})).get("message", ""))

    def reset_offsets(self, name: str) -> str:
        """Forget all offsets of a STOPPED connector. Returns Connect's message."""
        return str(_mapping(self._connector("DELETE", name, "/offsets")).get("message", ""))

    def loggers(self) -> dict[str, Any]:
        """Loggers with a level of their own on the answering worker."""
        return _mapping(self._call("GET", "/admin/loggers", what="loggers"))

    def set_logger(self, logger: str, level: str) -> None:
        """Set a logger's level on every worker of the cluster."""
        path = f"/admin/loggers/{quote(logger, safe='')}?scope=cluster"
        self._call("PUT", path, what=f"logger {logger}", body={"level": level})

    # -- the wire -----------------------------------------------------------------------------------------------

    def _connector(self, method: str, name: str, rest: str, body: Any = None) -> Any:
        path = f"/connectors/{quote(name, safe='')}{rest}"
        return self._call(method, path, what=f"connector {name}", body=body)

    def _call(
        self, method: str, path: str, *, what: str, body: Any = None, timeout: float | None = None, quiet: bool = False
    ) -> Any:
        """One call, with 409 waited out. ``quiet``: the refusal's text may hold secrets and is not shown."""
        deadline = time.monotonic() + self.patience
        pause = 0.5
        while True:
            response = self._send(method, path, what, body, timeout or self.timeout)
            message = _message(response)
            if not _is_rebalance(response, message):
                break
            if time.monotonic() + pause > deadline:
                raise RebalancingError(
                    what,
                    f"Kafka Connect is still rebalancing after {self.patience:.0f} s",
                    "wait for the workers to settle, then try again: mxctl doctor",
                )
            log.debug("%s: workers are rebalancing, asking again in %.1f s", what, pause)
            time.sleep(pause * random.uniform(0.75, 1.25))  # noqa: S311 - jitter
            pause = min(pause * 1.6, 5)
        if response.ok:
            return response.json() if response.content else None
        shown = "its reason may hold secrets and is not shown; see the worker's log" if quiet else message
        if response.status_code == NOT_FOUND:
            raise ConnectNotFoundError(
                what, f"not found on {self.shown_url}", "mxctl connectors get; mxctl plugins get"
            )
        if response.status_code >= 500 and "timed out" in message.lower():
            raise ServiceUnavailableError(what, f"the worker timed out: {shown}", "try again; mxctl doctor")
        raise ServiceError(what, f"Kafka Connect answered {response.status_code}: {shown}")

    def _send(self, method: str, path: str, what: str, body: Any, timeout: float) -> requests.Response:
        self.calls += 1
        try:
            return self._session.request(method, self.url + path, json=body, timeout=(5, timeout))
        except requests.RequestException as error:
            raise ServiceUnavailableError(
                what,
                f"Kafka Connect at {self.shown_url} does not answer ({type(error).__name__})",
                "is the worker up? mxctl local status; or name another with --url or MXCTL_CONNECT",
            ) from None


def _mapping(answer: Any) -> dict[str, Any]:
    return answer if isinstance(answer, dict) else {}


def _message(response: requests.Response) -> str:
    if response.ok:
        return ""
    try:
        return str(_mapping(response.json()).get("message", ""))
    except ValueError:
        return (response.reason or "").strip()


def _is_rebalance(response: requests.Response, message: str) -> bool:
    """409 means "rebalancing, ask again", except where it says that the name is taken.

    A worker that learns of the rebalance only while it handles the request answers 500 with the same meaning.
    """
    if response.status_code == CONFLICT:
        return "already exists" not in message
    return response.status_code == 500 and "rebalance is expected" in message
