"""Weaviate's REST interface, GraphQL included, over one connection that is kept.

The standard library is enough for it: Weaviate's own client costs two seconds of CPU to import, and answers no faster.
Source: Weaviate 1.35, REST /v1/schema, /v1/graphql and /v1/batch/objects.
"""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from glue.errors import ServiceError, ServiceUnavailableError
from glue.secrets import url_without_credentials
from glue.settings import Settings, as_token, read_token

_SECONDS = 30
_ABSENT = ("Cannot query field", "could not find class", "no graphql provider present")


class Rest:
    """One connection; it opens on first use, and again after it broke."""

    def __init__(self, settings: Settings) -> None:
        self._base = settings.weaviate.rstrip("/")
        self._settings = settings
        self._connection: http.client.HTTPConnection | None = None
        self._names: dict[str, str] = {}

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def get(self, path: str) -> dict[str, Any] | None:
        """The object at ``path``; None if there is none."""
        return self.send_to("GET", path)

    def send_to(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
        """As :meth:`send`, to an object that may be there; None if it is not."""
        status, answer = self._call(method, path, body)
        return None if status == http.client.NOT_FOUND else self._checked(status, answer, path)

    def send(self, method: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Write ``body``; the answer."""
        return self._checked(*self._call(method, path, body), path)

    def ask(self, collection: str, kind: str, arguments: str, fields: str) -> list[dict[str, Any]]:
        """The answer of one GraphQL question, ``Get`` or ``Aggregate``, to a collection by its name or alias.

        Raises:
            ServiceError: the collection does not exist, or Weaviate refuses the question.
        """
        name = self._names.get(collection) or self._name_of(collection)
        try:
            return self._ask(name, kind, arguments, fields)
        except (ServiceError, ServiceUnavailableError):
            if self._name_of(collection) == name:
                raise
            return self._ask(self._names[collection], kind, arguments, fields)  # another has taken its place meanwhile

    def _name_of(self, collection: str) -> str:
        """The name behind an alias: filters of GraphQL take no alias (Weaviate 1.35)."""
        self._names[collection] = str((self.get(f"schema/{collection}") or {}).get("class", collection))
        return self._names[collection]

    def _ask(self, collection: str, kind: str, arguments: str, fields: str) -> list[dict[str, Any]]:
        query = f"{{{kind}{{{collection}{f'({arguments})' if arguments else ''}{{{fields}}}}}}}"
        status, answer = self._call("POST", "graphql", {"query": query})
        try:
            errors = [one["message"] for one in json.loads(answer).get("errors") or ()]
        except (ValueError, KeyError, TypeError, AttributeError):
            errors = []
        text = answer.decode("utf-8", "replace") if status == http.client.UNPROCESSABLE_ENTITY else "; ".join(errors)
        if any(word in text for word in _ABSENT) and (collection in text or _ABSENT[2] in text):
            raise ServiceError(f"collection {collection}", "it does not exist", "mxctl apply creates what is declared")
        if errors:
            raise ServiceError(f"Weaviate, collection {collection}", "; ".join(errors)[:500])
        found: list[dict[str, Any]] = self._checked(status, answer, "graphql")["data"][kind][collection] or []
        return found

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None) -> tuple[int, bytes]:
        data = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        for again in (True, False):
            kept = self._connection is not None
            try:
                connection, target = self._connected(f"/v1/{path}")
                connection.request(method, target, data, self._headers())
                answer = connection.getresponse()
                return answer.status, answer.read()
            except (OSError, http.client.HTTPException) as error:
                self.close()
                if kept and again and not isinstance(error, TimeoutError):
                    continue  # the server had closed the connection meanwhile
                raise ServiceUnavailableError(
                    f"Weaviate at {url_without_credentials(self._base)}",
                    f"{type(error).__name__}: {error}",
                    "start it (mxctl local up), or set MXCTL_WEAVIATE",
                ) from error
        raise AssertionError("the second attempt returns or raises")

    def _headers(self) -> dict[str, str]:
        """With the key as its file says now."""
        key, file = self._settings.weaviate_api_key, self._settings.weaviate_api_key_file
        given = key.get_secret_value() if key else ""
        token = read_token(file) if file else as_token(given, "MXCTL_WEAVIATE_API_KEY")
        return {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}

    def _connected(self, path: str) -> tuple[http.client.HTTPConnection, str]:
        """The connection, and what to ask it for: all of the address if it is a proxy for plain HTTP."""
        url = urlsplit(self._base)
        host, secure = url.hostname or "", url.scheme == "https"
        port = url.port or (443 if secure else 80)
        proxy = "" if proxy_bypass(host) else getproxies().get(url.scheme, "")
        if self._connection is None:
            there = urlsplit(proxy) if proxy else None
            name, number = (there.hostname or "", there.port or 3128) if there else (host, port)
            if secure:
                trusted = ssl.create_default_context(cafile=self._settings.weaviate_ca_file)
                self._connection = http.client.HTTPSConnection(name, number, timeout=_SECONDS, context=trusted)
            else:
                self._connection = http.client.HTTPConnection(name, number, timeout=_SECONDS)
            if there and secure:
                self._connection.set_tunnel(host, port)
        return self._connection, f"{self._base}{path}" if proxy and not secure else f"{url.path}{path}"

    def _checked(self, status: int, answer: bytes, path: str) -> dict[str, Any]:
        if status < http.client.BAD_REQUEST:
            found: dict[str, Any] = json.loads(answer) if answer else {}
            return found
        try:
            why = "; ".join(one["message"] for one in json.loads(answer)["error"])
        except (ValueError, KeyError, TypeError):
            why = http.client.responses.get(status, "")
        kind = ServiceUnavailableError if status >= http.client.INTERNAL_SERVER_ERROR else ServiceError
        raise kind(f"Weaviate, {path}", f"{status}: {why}")


def graphql(value: Any) -> str:
    """A value as GraphQL writes it: like JSON, but names of fields and of operators (``Operator``) stand bare."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{name}:{graphql(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(graphql, value)) + "]"
    return str(value) if isinstance(value, Operator) else json.dumps(value, ensure_ascii=False)


class Operator(str):
    """A word of GraphQL that stands bare; in JSON it is a string."""

    __slots__ = ()


def where(field: str, operator: str, kind: str, value: Any) -> dict[str, Any]:
    """One condition of a filter: ``where("likes", "Equal", "Int", 3)``."""
    return {"path": [field], "operator": Operator(operator), f"value{kind}": value}


def every(conditions: list[dict[str, Any]]) -> dict[str, Any]:
    """A filter that all conditions must pass."""
    return conditions[0] if len(conditions) == 1 else {"operator": Operator("And"), "operands": conditions}
