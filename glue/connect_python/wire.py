"""The protocol between the JVM plugin and its Python host.

A frame is four bytes of length, big-endian, and one MessagePack list. Its first element is an :class:`Op`: in requests
what is asked, in replies how it went. A request is answered by one reply; ``SCHEMA`` frames, in either direction,
define a schema that later frames name by number, and have no reply.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import IntEnum
from typing import Any

import msgpack

_LENGTH = struct.Struct(">I")
_PREFIX = _LENGTH.size
_BUFFER = 1 << 16
EXT_DECIMAL, EXT_TIMESTAMP = 1, 2
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


class Op(IntEnum):
    """First element of every message; ``Op.java`` has the same numbers."""

    OK = 0
    DATA = 1
    RETRY = 2
    CONFIG = 3
    FATAL = 4
    SCHEMA = 9
    START = 10
    DESCRIBE = 11
    STOP = 12
    ECHO = 13
    PUT = 20
    FLUSH = 21
    OPEN = 22
    CLOSE = 23
    APPLY = 30
    TEST = 31
    PASSES = 32


def millis(moment: datetime) -> int:
    """Milliseconds since the epoch. A time without a zone is refused: it means something else on every machine."""
    if moment.tzinfo is None:
        raise ValueError("a datetime without a time zone")
    return (moment - EPOCH) // MILLISECOND


def _extension(code: int, body: bytes) -> Any:
    if code == EXT_DECIMAL:
        return Decimal(body.decode())
    if code == EXT_TIMESTAMP:
        number = int(body)
        try:
            return EPOCH + timedelta(milliseconds=number)
        except OverflowError:
            return number
    raise ValueError(f"extension {code}")


def _other(value: Any) -> Any:
    """What MessagePack has no type for: decimals and times as extensions, numpy's scalars and arrays as Python's."""
    if isinstance(value, Decimal):
        return msgpack.ExtType(EXT_DECIMAL, str(value).encode())
    if isinstance(value, datetime):
        return msgpack.ExtType(EXT_TIMESTAMP, str(millis(value)).encode())
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is not plain data")


def unpack(payload: bytes | bytearray | memoryview) -> Any:
    """The message in a frame."""
    return msgpack.unpackb(payload, ext_hook=_extension, strict_map_key=False)


class Connection:
    """Whole frames over a connected stream socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._packer = msgpack.Packer(default=_other)
        self._buffer = bytearray(_BUFFER)
        self._view = memoryview(self._buffer)
        self._start = self._end = 0  # what was received and not yet returned lies between

    def receive(self) -> memoryview | bytearray | None:
        """The payload of the next frame, valid until the next call; None at the end of the stream."""
        if self._start == self._end:  # as a rule one read brings one frame, whole
            self._start, self._end = 0, self._sock.recv_into(self._buffer)
        while self._end - self._start < _PREFIX:
            if not self._more():
                return None
        start = self._start + _PREFIX
        end = start + _LENGTH.unpack_from(self._buffer, self._start)[0]
        if end <= self._end:
            self._start = end
            return self._view[start:end]
        return self._long(end - start)

    def _more(self) -> bool:
        """Receive behind what is there, which moves to the front."""
        have = self._end - self._start
        self._buffer[:have] = self._buffer[self._start : self._end]
        got = self._sock.recv_into(self._view[have:])
        self._start, self._end = 0, have + got
        return got > 0

    def _long(self, length: int) -> bytearray | None:
        """The payload of a frame of which only the beginning is here."""
        payload = bytearray(length)
        have = self._end - self._start - _PREFIX
        payload[:have] = self._view[self._start + _PREFIX : self._end]
        self._start = self._end = 0
        with memoryview(payload) as view:
            while have < length:
                got = self._sock.recv_into(view[have:])
                if not got:
                    return None
                have += got
        return payload

    def pack(self, message: Sequence[Any]) -> bytes:
        """The frame of a message.

        Raises:
            TypeError, ValueError, OverflowError: the message holds what has no form on the wire.
        """
        try:
            body: bytes = self._packer.pack(message)
        except Exception:
            self._packer.reset()
            raise
        return _LENGTH.pack(len(body)) + body

    def send(self, frame: bytes) -> None:
        """Send what :meth:`pack` returned."""
        self._sock.sendall(frame)

    def echo(self, count: int) -> None:
        """Send the next ``count`` frames back as they are."""
        for _ in range(count):
            payload = self.receive()
            if payload is not None:
                self._sock.sendall(_LENGTH.pack(len(payload)) + payload)
