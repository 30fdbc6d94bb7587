"""ShopifyAPI's connection with an end: the library waits for each packet, and a body that drips in would hold it."""

from __future__ import annotations

import http.client
import time
import urllib.error
from typing import Any

from pyactiveresource import formats
from shopify.base import ShopifyConnection

_CHUNK = 65_536


class BoundedConnection(ShopifyConnection):  # type: ignore[misc]
    """A connection to one shop, of this thread or any other: nothing of it is global.

    Args:
        site: ``https://SHOP/admin/api/VERSION``.
        read_timeout: seconds to wait for a packet.
        total_timeout: seconds to wait for a whole answer.
    """

    def __init__(self, site: str, read_timeout: float, total_timeout: float) -> None:
        super().__init__(site, timeout=read_timeout, format=formats.JSONFormat)
        self._total = total_timeout

    def _urlopen(self, request: Any) -> Any:
        deadline = time.monotonic() + self._total
        try:
            response = super()._urlopen(request)
        except urllib.error.HTTPError as error:
            body = _read(error, deadline)
            error.read = lambda *_: body  # type: ignore[method-assign]
            raise
        body = _read(response, deadline)
        response.read = lambda *_: body
        return response


def _read(response: Any, deadline: float) -> bytes:
    """The whole body.

    Raises:
        TimeoutError: it is not there at ``deadline`` (monotonic seconds).
        http.client.IncompleteRead: the connection ended before it.
    """
    body = bytearray()
    while chunk := response.read1(_CHUNK):
        body += chunk
        if time.monotonic() > deadline:
            raise TimeoutError
    length = response.headers.get("Content-Length")
    if length and length.isdigit() and len(body) < int(length):
        raise http.client.IncompleteRead(bytes(body), int(length) - len(body))
    return bytes(body)
