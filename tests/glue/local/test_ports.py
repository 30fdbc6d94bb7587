"""Choosing ports."""

from __future__ import annotations

import socket

import pytest

from glue.errors import MillionXError
from glue.local import ports


def test_ports_come_in_a_row_and_are_free() -> None:
    row = ports.choose(4)
    assert row == list(range(row[0], row[0] + 4))
    assert all(ports.is_free(port) for port in row)


def test_taken_ports_are_left_alone() -> None:
    taken = [port for port in ports.RANGE if port % 2]
    assert ports.choose(1, taken)[0] % 2 == 0
    with pytest.raises(MillionXError, match="no 2 free ones"):
        ports.choose(2, taken)


def test_a_port_that_someone_listens_on_is_not_free() -> None:
    with socket.create_server((ports.LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
        assert not ports.is_free(port)
        assert ports.answers(port)
    assert ports.is_free(port)
    assert not ports.answers(port)
