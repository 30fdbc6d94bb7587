"""Kafka Connect's REST interface: timeouts, bounded retries, and errors that never carry a secret.

Unknown states and fields pass through, but an answer of another shape than Connect's is an error: read as "nothing is
there", it would make a plan create everything again. What ``/config/validate`` answers holds resolved secrets, so only
:meth:`ConnectClient.validate` reads it and hands on names and cleaned messages.
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

from glue.errors import ServiceError, ServiceUnavailableError, UsageError
from glue.http_access import HttpAccess, NobodyAnswersError, addresses, ask_any
from glue.secrets import clean_message, url_without_credentials
from glue.settings import Settings

log = logging.getLogger(__name__)

CONFLICT = 409
NOT_FOUND = 404
_LOGIN = "log in with MXCTL_CONNECT_USER and MXCTL_CONNECT_PASSWORD_FILE, or a token"
_FIXES = {401: _LOGIN, 403: _LOGIN}
_UNFIT = "/\\%"  # Jetty refuses a path with one of these, even escaped, as ambiguous (Kafka 4.1: 400)


class ConnectNotFoundError(ServiceError):
    """The worker knows no such connector, task or plugin."""


class UnexpectedAnswerError(ServiceError):
    """What answers is not Kafka Connect, or not all of its answer came."""


class RebalancingError(ServiceUnavailableError):
    """The workers are rebalancing and did not finish within the bound."""


class ConnectClient:
    """One Connect cluster behind the REST addresses of its workers.

    Args:
        url: base address of a worker, or of several, with commas between: the next one is asked when one is not
            reached. One that answered is asked first from then on.
        access: credentials and trust; without it those of nobody.
        timeout: seconds for one call; a plugin that validates a config may open connections, or start Python, and gets
            ``validate_timeout``.
        patience: seconds for which a 409 of a rebalance is waited out, per call.
        retries: further tries of a call that got no answer, or one of a gateway, with growing, jittered pauses; of
            several workers each is asked once.
    """

    def __init__(
        self, url: str, access: HttpAccess | None = None, *, timeout: float = 20, validate_timeout: float = 90,
        patience: float = 60, retries: int = 4,
    ) -> None:  # fmt: skip
        self.urls = addresses(url, "Kafka Connect", "correct --url or MXCTL_CONNECT")
        self.timeout, self.validate_timeout, self.patience = timeout, validate_timeout, patience
        self.calls = 0
        self._session = (access or HttpAccess("connect")).session(retries if len(self.urls) == 1 else 0)

    @classmethod
    def of(cls, settings: Settings, url: str = "", **bounds: Any) -> ConnectClient:
        """The cluster that the settings name, or its worker at ``url``."""
        return cls(url or settings.connect, HttpAccess.of(settings, "connect"), **bounds)

    @property
    def shown_url(self) -> str:
        """The worker that answered last, or the first one, without credentials."""
        return url_without_credentials(self.urls[0])

    def root(self) -> dict[str, Any]:
        """``version``, ``commit`` and ``kafka_cluster_id`` of the worker."""
        return self._mapping(self._call("GET", "/", what="Kafka Connect"), "Kafka Connect", version=str)

    def connectors(self) -> dict[str, dict[str, Any]]:
        """Every connector by name with its ``info`` (with ``config``) and ``status``, in one call."""
        found = self._call("GET", "/connectors?expand=status&expand=info", what="connectors")
        answer = self._mapping(found, "connectors")
        for name, body in answer.items():
            what = f"connector {name}"
            self._mapping(self._mapping(body, what, info=dict, status=dict)["info"], what, config=dict)
            self._mapping(body["status"], what, connector=dict, tasks=list)
        return answer

    def status(self, name: str) -> dict[str, Any]:
        """State of the connector and of each of its tasks."""
        return self._mapping(self._connector("GET", name, "/status"), f"connector {name}", connector=dict, tasks=list)

    def config(self, name: str) -> dict[str, Any]:
        """The config as it was put; references unresolved."""
        return self._mapping(self._connector("GET", name, "/config"), f"connector {name}")

    def tasks(self, name: str) -> list[dict[str, Any]]:
        """``id`` and ``config`` of each task, references unresolved."""
        return self._list(self._connector("GET", name, "/tasks"), f"tasks of connector {name}")

    def topics(self, name: str) -> list[str]:
        """Topics the connector has used; refused (403) where the worker does not track them (KIP-558)."""
        what = f"topics of connector {name}"
        body = self._mapping(self._connector("GET", name, "/topics"), what, **{name: dict})[name]
        return list(self._mapping(body, what, topics=list)["topics"])

    def offsets(self, name: str) -> list[dict[str, Any]]:
        """``partition`` and ``offset`` objects of the connector."""
        what = f"offsets of connector {name}"
        answer = self._mapping(self._connector("GET", name, "/offsets"), what, offsets=list)
        return self._list(answer["offsets"], what, "partition")

    def plugins(self) -> list[dict[str, Any]]:
        """Every plugin of the worker: ``class``, ``type``, ``version``."""
        what = "connector plugins"
        return self._list(self._call("GET", "/connector-plugins?connectorsOnly=false", what=what), what, "class")

    def plugin_config(self, plugin: str) -> list[dict[str, Any]]:
        """The ConfigDef of one plugin: ``name``, ``type``, ``default_value``, ``importance``, ``documentation`` …"""
        what = f"plugin {plugin}"
        path = f"/connector-plugins/{quote(plugin, safe='')}/config"
        return self._list(self._call("GET", path, what=what), what, "name")

    def validate(self, plugin: str, config: Mapping[str, str]) -> dict[str, list[str]]:
        """What the plugin refuses: key → messages, cleaned of every value that came back. Empty when it is content.

        Config references are resolved by the worker for this; nothing of what they resolve to is returned or logged.
        """
        path = f"/connector-plugins/{quote(plugin, safe='')}/config/validate"
        what = f"validation by {plugin}"
        sent = self._call("PUT", path, what=what, body=dict(config), timeout=self.validate_timeout, quiet=True)
        answer = self._mapping(sent, what, configs=list, error_count=int)
        values = [self._mapping(entry, what, value=dict)["value"] for entry in answer["configs"]]
        resolved = {str(v.get("name")): v.get("value") for v in values}
        found = {
            str(value.get("name")): [clean_message(str(e), str(value.get("name")), config, resolved) for e in errors]
            for value in values
            if (errors := value.get("errors") or [])
        }
        if answer["error_count"] and not found:
            raise UnexpectedAnswerError(what, f"the plugin counts {answer['error_count']} errors and names none")
        return found

    def put_config(self, name: str, config: Mapping[str, str]) -> None:
        """Create the connector or change its config. The caller makes sure that something changes."""
        self._connector("PUT", name, "/config", dict(config), self.validate_timeout)

    def create(self, name: str, config: Mapping[str, str], initial_state: str | None = None) -> None:
        """Create the connector, optionally STOPPED or PAUSED (KIP-980)."""
        _must_fit(name)
        body: dict[str, Any] = {"name": name, "config": dict(config)}
        if initial_state:
            body["initial_state"] = initial_state
        self._call("POST", "/connectors", what=f"connector {name}", body=body, timeout=self.validate_timeout)

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
        return self._message_of(name, self._connector("PATCH", name, "/offsets", body={"offsets": offsets}))

    def reset_offsets(self, name: str) -> str:
        """Forget all offsets of a STOPPED connector. Returns Connect's message."""
        return self._message_of(name, self._connector("DELETE", name, "/offsets"))

    def loggers(self) -> dict[str, Any]:
        """Loggers with a level of their own on the answering worker."""
        return self._mapping(self._call("GET", "/admin/loggers", what="loggers"), "loggers")

    def set_logger(self, logger: str, level: str) -> None:
        """Set a logger's level on every worker of the cluster."""
        path = f"/admin/loggers/{quote(logger, safe='')}?scope=cluster"
        self._call("PUT", path, what=f"logger {logger}", body={"level": level})

    def _mapping(self, answer: Any, what: str, **parts: type) -> dict[str, Any]:
        """An object with at least these parts."""
        if not isinstance(answer, dict) or any(not isinstance(answer.get(key), kind) for key, kind in parts.items()):
            raise self._unexpected(what)
        return answer

    def _message_of(self, name: str, answer: Any) -> str:
        return str(self._mapping(answer, f"offsets of connector {name}", message=str)["message"])

    def _list(self, answer: Any, what: str, *parts: str) -> list[dict[str, Any]]:
        """A list of objects, each with these parts."""
        if not isinstance(answer, list) or not all(isinstance(one, dict) and one.keys() >= {*parts} for one in answer):
            raise self._unexpected(what)
        return answer

    def _unexpected(self, what: str) -> UnexpectedAnswerError:
        fix = "does a proxy or a login page stand before it? correct --url or MXCTL_CONNECT; mxctl doctor"
        return UnexpectedAnswerError(
            what, f"what answers at {self.shown_url} does not answer as Kafka Connect does", fix
        )

    def _connector(self, method: str, name: str, rest: str, body: Any = None, timeout: float | None = None) -> Any:
        _must_fit(name)
        path = f"/connectors/{quote(name, safe='')}{rest}"
        return self._call(method, path, what=f"connector {name}", body=body, timeout=timeout)

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
                why = f"Kafka Connect is still rebalancing after {self.patience:.0f} s"
                raise RebalancingError(what, why, "wait for the rebalance to end, then try again: mxctl doctor")
            log.debug("%s: workers are rebalancing, asking again in %.1f s", what, pause)
            time.sleep(pause * random.uniform(0.75, 1.25))  # noqa: S311 - jitter
            pause = min(pause * 1.6, 5)
        if response.ok:
            try:
                return response.json() if response.content else None
            except ValueError:
                raise self._unexpected(what) from None
        shown = "its reason may hold secrets and is not shown; see the worker's log" if quiet else message
        if response.status_code == NOT_FOUND:
            fix = "mxctl connectors get; mxctl plugins get"
            raise ConnectNotFoundError(what, f"not found on {self.shown_url}", fix)
        if response.status_code >= 500 and "timed out" in message.lower():
            raise ServiceUnavailableError(what, f"the worker timed out: {shown}", "try again; mxctl doctor")
        why = f"Kafka Connect answered {response.status_code}: {shown}"
        raise ServiceError(what, why, _FIXES.get(response.status_code, ""))

    def _send(self, method: str, path: str, what: str, body: Any, timeout: float) -> requests.Response:
        self.calls += 1
        try:
            response, self.urls = ask_any(self._session, self.urls, method, path, body, timeout)
        except NobodyAnswersError as error:
            failed = "; ".join(f"Kafka Connect at {one}" for one in error.args)
            fix = "is the worker up? mxctl local status; or name another with --url or MXCTL_CONNECT"
            raise ServiceUnavailableError(what, failed, fix) from None
        return response


def unfit_name(name: str) -> str:
    """Why a connector of this name could be created and then not be reached by REST; empty where it can be."""
    if name != name.strip() or name in ("", ".", ".."):
        return "Connect's REST would take it for another path"
    found = sorted({one for one in name if one in _UNFIT or not one.isprintable()})
    return f"Connect's REST cannot carry {', '.join(map(repr, found))} in a path" if found else ""


def _must_fit(name: str) -> None:
    if why := unfit_name(name):
        raise UsageError(f"connector {name!r}", why, "name it with letters, digits, '.', '_' and '-'")


def _message(response: requests.Response) -> str:
    if response.ok:
        return ""
    try:
        body = response.json()
    except ValueError:
        return (response.reason or "").strip()
    return str(body.get("message", "")) if isinstance(body, dict) else ""


def _is_rebalance(response: requests.Response, message: str) -> bool:
    """409 means "rebalancing, ask again", except where it says that the name is taken.

    A worker that learns of the rebalance only while it handles the request answers 500 with the same meaning.
    """
    if response.status_code == CONFLICT:
        return "already exists" not in message
    return response.status_code == 500 and "rebalance is expected" in message
