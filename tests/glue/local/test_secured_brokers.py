"""Three brokers with TLS, passwords and rights: under load one is killed, and their certificate is renewed.

The brokers share one certificate, with which they are servers and, to one another, clients. Load and check by key are
those of ``test_brokers``.
"""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509

from glue.local.certificates import HERE, Authority
from glue.local.kafka import brokers
from glue.local.lifecycle import bring_down, bring_up
from glue.local.report import Reporter
from glue.local.security import BROKER, security_of
from glue.local.stack import Stack
from tests.glue.local.test_brokers import Flow, kill, survive, three_brokers, until_in_sync, up

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]
LISTENERS = ("broker", "oauth", "mtls", "controller")  # names of their ports


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with three_brokers(tmp_path_factory, secure=True) as folder:
        yield folder


def doctor_fails_at() -> list[str]:
    """The words of what ``mxctl doctor`` finds to fail."""
    command = [sys.executable, "-m", "glue", "doctor", "-o", "json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=400, check=False)
    return [one["detail"] for one in json.loads(done.stdout) if one["state"] == "fail"]


def shown(root: Path) -> set[int]:
    """The numbers of the certificates that the brokers show now, on all their listeners."""
    site = Stack(root, Reporter(quiet=True)).site()
    addresses = [("127.0.0.1", site.port(one.name, port)) for one in brokers(site.size) for port in LISTENERS]
    pems = (ssl.get_server_certificate(address, timeout=30).encode() for address in addresses)
    return {x509.load_pem_x509_certificate(pem).serial_number for pem in pems}


def kill_a_broker(root: Path, flow: Flow) -> None:
    kill(root, "kafka-2")
    time.sleep(15)
    up(root)


def renew_in_turn(root: Path, flow: Flow) -> None:
    """One broker after another starts with a new certificate; the old one is still good for those that wait."""
    security, site = security_of(root), Stack(root, Reporter(quiet=True)).site()
    assert security is not None
    pem = Authority(security.folder).issue(BROKER, HERE).read_bytes()
    for broker in brokers(site.size):
        bring_down(broker, site)
        bring_up(broker, site)
        until_in_sync(flow)
    assert shown(root) == {x509.load_pem_x509_certificate(pem).serial_number}


FAULTS: dict[str, Callable[[Path, Flow], None]] = {
    "with TLS and rights: a broker is killed, away for 15 s": kill_a_broker,
    "the brokers' certificate is renewed, one restarts after another": renew_in_turn,
}


def test_a_secured_cluster_loses_doubles_and_mixes_nothing(secured: Path) -> None:
    assert doctor_fails_at() == []
    survive(secured, FAULTS)
    assert doctor_fails_at() == []
