"""The host process: ``python -m glue.connect_python.host SOCKET``, started by the JVM plugin and by nobody else."""

from __future__ import annotations

import contextlib
import fcntl
import gc
import logging
import os
import resource
import select
import socket
import sys
from pathlib import Path
from typing import Any

from glue.connect_python import failures
from glue.connect_python.adapters import Adapter, Handler, PredicateAdapter, SinkAdapter, TransformAdapter
from glue.connect_python.options import describe
from glue.connect_python.schemas import Annotations, SchemaTable
from glue.connect_python.sink import Sink
from glue.connect_python.wire import Connection, Op, unpack
from glue.imports import load_class
from glue.transforms.contract import Predicate, Transform

_LOG = logging.getLogger(__name__)
_KINDS: dict[str, tuple[type, type[Adapter]]] = {
    "sink": (Sink, SinkAdapter),
    "transform": (Transform, TransformAdapter),
    "predicate": (Predicate, PredicateAdapter),
}


def _class(kind: str, name: str) -> type[Any]:
    return load_class(name, _KINDS[kind][0], f"Python class {name}")


class Host:
    """Reads requests and answers them, until the stream ends."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._schemas = SchemaTable()
        self._error_text = True
        self._echoes = 0
        self._unforeseen = Op.CONFIG
        self._handlers: dict[int, Handler] = {
            Op.START: self._start,
            Op.DESCRIBE: self._describe,
            Op.ECHO: self._echo,
        }

    def serve(self) -> None:
        """Answer until the other side hangs up."""
        receive, send, pack = self._connection.receive, self._connection.send, self._connection.pack
        while (payload := receive()) is not None:
            message = unpack(payload)
            op = message[0]
            if op == Op.SCHEMA:
                self._schemas.receive(message)
                continue
            try:
                frame = pack(self._handlers[op](message))
            except MemoryError:
                _LOG.critical("out of the memory it may take; the process ends")
                os._exit(137)
            except Exception as error:
                frame = pack(failures.reply(error, self._unforeseen, self._error_text))
            if self._schemas.unsent:
                for definition in self._schemas.take_unsent():
                    send(pack(definition))
            send(frame)
            if self._echoes:
                self._connection.echo(self._echoes)
                self._echoes = 0

    def _echo(self, message: list[Any]) -> list[Any]:
        """Send so many frames back unread after this one's reply, so that a benchmark has a bare round trip."""
        self._echoes = message[1]
        return [Op.OK]

    def _start(self, message: list[Any]) -> list[Any]:
        _, kind, name, props, memory, self._error_text, schemas = message
        limit_memory(memory)
        self._schemas.annotations = Annotations(Path(schemas) if schemas else None)
        adapter = _KINDS[kind][1](_class(kind, name)(), self._schemas, self._error_text)
        adapter.configure(props)
        self._handlers |= adapter.handlers
        self._unforeseen = adapter.unforeseen
        gc.collect()
        gc.freeze()  # what was imported lives as long as the process; later collections need not look at it
        gc.set_threshold(20_000, 20, 20)  # records die young and hold no cycles
        return [Op.OK, Op.PASSES in adapter.handlers]

    def _describe(self, message: list[Any]) -> list[Any]:
        _, kind, name, props, memory, self._error_text, _ = message
        limit_memory(memory)
        return [Op.OK, describe(_class(kind, name).config_class, props)]


def die_with_parent() -> None:
    """End this process when the worker ends, however it does, even in the midst of a C function that never returns.

    Standard input is a pipe whose other end only the worker holds. The kernel is asked for SIGIO when that end closes,
    and the default action of SIGIO is to terminate, which needs neither the interpreter nor its lock.
    """
    stdin = sys.stdin.fileno()
    fcntl.fcntl(stdin, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(stdin, fcntl.F_SETFL, fcntl.fcntl(stdin, fcntl.F_GETFL) | os.O_ASYNC)
    poll = select.poll()
    poll.register(stdin, select.POLLIN)
    if poll.poll(0):  # it closed before we asked
        os._exit(1)


def limit_memory(mebibytes: int) -> None:
    """Bound the data memory (heap and private mappings); beyond it allocation fails. 0 means no bound."""
    if mebibytes:
        limit = mebibytes << 20
        with contextlib.suppress(ValueError, OSError):  # a lower hard limit is already in force
            resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def main() -> None:
    """Connect, and serve until the worker hangs up or dies."""
    die_with_parent()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.connect(sys.argv[1])
        Host(Connection(sock)).serve()


if __name__ == "__main__":
    main()
