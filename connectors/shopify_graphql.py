"""Calls to Shopify's GraphQL Admin API: throttled by cost, whole or not at all.

ShopifyAPI's own GraphQL client has no timeout and prints the body of errors, which hold personal data: the library
brings versions, paths and headers, the call is made here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import shopify
from shopify.api_version import Release

from connectors.api_versions import check_answered
from connectors.errors import CredentialError, ThrottledError
from connectors.http import Http, check_status
from glue.errors import ServiceError, ServiceUnavailableError

log = logging.getLogger(__name__)
Node = dict[str, Any]
T = TypeVar("T")
_FAILED_INSIDE = {"INTERNAL_SERVER_ERROR", "TIMEOUT"}
_SCOPES = (
    "give the app the scopes read_orders and read_products, and the approval for protected customer data; without that "
    "approval set options.customer_fields to false"
)


class TooCostlyError(ServiceError):
    """A query costs more than one may; ``ratio`` is how much of it is allowed. Asking for less helps: no refusal."""

    outcome = "throttled"

    def __init__(self, what: str, ratio: float) -> None:
        super().__init__(what, "one query costs more than Shopify allows", "set a smaller options.page_size")
        self.ratio = ratio


class GraphQl:
    """One shop's endpoint."""

    def __init__(self, http: Http, base_url: str, version: str, token: str) -> None:
        self.http = http
        self._version = version
        self._address = Release(version).api_path(base_url.rstrip("/")) + "/graphql.json"
        self._headers = {**shopify.ShopifyResource.headers, "X-Shopify-Access-Token": token}

    def ask(self, what: str, query: str, variables: Mapping[str, Any]) -> Node:
        """``data`` of the answer, complete: an answer with ``data`` and ``errors`` is a failure.

        Raises:
            TooCostlyError: ask for less.
            CredentialError: the token or a scope is refused.
            ServiceError, ServiceUnavailableError, ThrottledError: as :meth:`connectors.http.Http.attempt`.
        """
        return self.http.attempt(what, lambda: self.once(what, query, variables))

    def ask_sized(self, what: str, size: int, call: Callable[[int], T]) -> tuple[T, int]:
        """``call(size)``, with a smaller size while the query costs too much; also the size that passed.

        Raises:
            TooCostlyError: even the smallest costs too much.
        """
        while True:
            try:
                return call(size), size
            except TooCostlyError as error:
                if size <= 1:
                    raise
                size = max(1, min(size - 1, int(size * error.ratio)))
                log.info("%s: the query costs too much, now %d at once", what, size)

    def once(self, what: str, query: str, variables: Mapping[str, Any]) -> Node:
        """As :meth:`ask`, without limits and further tries."""
        body = {"query": query, "variables": variables}
        answer = self.http.send(what, self._address, headers=self._headers, method="POST", body=body)
        check_status(what, answer)
        check_answered(what, self._version, answer.headers.get("x-shopify-api-version", ""), self.http.stats)
        document = answer.json(what)
        if not isinstance(document, dict):
            raise ServiceUnavailableError(what, "the answer is not a GraphQL answer")
        wait = _seconds_to_wait(document)
        errors = document.get("errors")
        if errors:
            raise _failure(what, errors if isinstance(errors, list) else [], wait)
        data = document.get("data")
        if not isinstance(data, dict):
            raise ServiceUnavailableError(what, "the answer holds no data")
        self.http.bucket.pause(wait)
        return data


def _seconds_to_wait(document: Node) -> float:
    """Until a query of this cost fits again, by ``extensions.cost``."""
    try:
        cost = document["extensions"]["cost"]
        status = cost["throttleStatus"]
        missing = float(cost["requestedQueryCost"]) - float(status["currentlyAvailable"])
        return max(0.0, missing / float(status["restoreRate"]))
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return 0.0


def _failure(what: str, errors: list[Any], wait: float) -> Exception:
    """One exception for the errors of an answer; their messages may quote data and are left out."""
    found: dict[str, tuple[Any, Node]] = {}
    for error in errors:
        extensions = error.get("extensions") if isinstance(error, dict) else None
        extensions = extensions if isinstance(extensions, dict) else {}
        found.setdefault(str(extensions.get("code", "without a code")), (error, extensions))
    if "THROTTLED" in found:
        return ThrottledError(what, "throttled by cost", retry_after=wait or None)
    if "MAX_COST_EXCEEDED" in found:
        extensions = found["MAX_COST_EXCEEDED"][1]
        try:
            return TooCostlyError(what, float(extensions["maxCost"]) / float(extensions["cost"]))
        except (KeyError, TypeError, ValueError, ZeroDivisionError):
            return TooCostlyError(what, 0.5)
    if "ACCESS_DENIED" in found:
        return CredentialError(what, f"it refuses {_path(found['ACCESS_DENIED'][0]) or 'a field'}", _SCOPES)
    why = ", ".join(f"{code} at {_path(error) or 'the query'}" for code, (error, _) in sorted(found.items()))
    if _FAILED_INSIDE & set(found):
        return ServiceUnavailableError(what, f"the answer is not complete: {why}")
    return ServiceError(what, f"the answer has errors: {why or 'without a list'}")


def _path(error: Any) -> str:
    """Names of fields on the way to an error."""
    path = error.get("path") if isinstance(error, dict) else None
    return ".".join(one for one in path if isinstance(one, str)) if isinstance(path, list) else ""
