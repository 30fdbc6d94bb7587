"""Three brokers with TLS, passwords and rights: under load one is killed, and their certificate is renewed, or ends.

The brokers share one certificate, with which they are servers and, to one another, clients. Load and check by key are
those of ``flow``.
"""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource
from cryptography import x509

from glue.kafka.config import KafkaConfig
from glue.local.certificates import HERE, Authority
from glue.local.kafka import brokers
from glue.local.lifecycle import bring_down, bring_up
from glue.local.report import Reporter
from glue.local.security import BROKER, make_secure
from glue.local.stack import Stack
from glue.settings import get_settings
from tests.glue.local.flow import Flow
from tests.glue.local.test_brokers import kill, survive, three_brokers, until_in_sync, up
from tests.waiting import wait_for

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]
LISTENERS = {"broker": "sasl_ssl", "oauth": "oauth", "mtls": "mtls", "controller": "controller"}  # by name of its port
SHORT = timedelta(seconds=120)  # longer than running brokers take to read it on a busy machine


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with three_brokers(tmp_path_factory, secure=True) as folder:
        yield folder


def doctor_fails_at() -> list[str]:
    """The words of what ``mxctl doctor`` finds to fail."""
    command = [sys.executable, "-m", "glue", "doctor", "-o", "json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=400, check=False)
    return [f"{one['detail']}; {one['fix']}" for one in json.loads(done.stdout) if one["state"] == "fail"]


def issue(root: Path, ends: timedelta = timedelta(days=825)) -> x509.Certificate:
    """A new certificate of the same authority in the file of the brokers, who have not read it yet."""
    file = Authority(make_secure(root).folder).issue(BROKER, HERE, ends=ends)
    return x509.load_pem_x509_certificate(file.read_bytes())


def shown(root: Path) -> set[int]:
    """The numbers of the certificates that the brokers show now, on all their listeners."""
    site = Stack(root, Reporter(quiet=True)).site()
    addresses = [("127.0.0.1", site.port(one.name, port)) for one in brokers(site.size) for port in LISTENERS]
    # Each network thread of a listener has its own: asked more often than there are threads (num.network.threads).
    pems = (ssl.get_server_certificate(address, timeout=30).encode() for address in addresses for _ in range(6))
    return {x509.load_pem_x509_certificate(pem).serial_number for pem in pems}


def read_anew(root: Path, new: x509.Certificate) -> None:
    """Have the running brokers read their file: the location of each listener's is set again, to the same."""
    site, admin = Stack(root, Reporter(quiet=True)).site(), KafkaConfig.of(get_settings()).admin({"log_level": 0})
    file = str(make_secure(root).certificate(BROKER))
    for one in brokers(site.size):
        entries = [
            ConfigEntry(
                f"listener.name.{name}.ssl.keystore.location", file, incremental_operation=AlterConfigOpType.SET
            )
            for name in LISTENERS.values()
        ]
        broker = ConfigResource(ConfigResource.Type.BROKER, str(one.number), incremental_configs=entries)
        admin.incremental_alter_configs([broker])[broker].result(60)
    wait_for(lambda: shown(root), lambda numbers: numbers == {new.serial_number}, what="the new one on each listener")


def kill_a_broker(root: Path, flow: Flow) -> None:
    kill(root, "kafka-2")
    time.sleep(15)
    up(root)


def renew_in_turn(root: Path, flow: Flow) -> None:
    """One broker after another starts with a new certificate; the old one is still good for those that wait."""
    new, site = issue(root), Stack(root, Reporter(quiet=True)).site()
    for broker in brokers(site.size):
        bring_down(broker, site)
        bring_up(broker, site)
        until_in_sync(flow)
    assert shown(root) == {new.serial_number}


def renew_running(root: Path, flow: Flow) -> None:
    """No broker restarts; then one is killed, so that it and the others connect anew."""
    read_anew(root, issue(root))
    kill_a_broker(root, flow)


def end(root: Path, flow: Flow) -> None:
    """It ends: connections that stand carry on, nobody makes a new one. ``mxctl local up`` restarts all with a new one.

    Running brokers would not take it: they try a new one of the listener between brokers on the old one.
    """
    short = issue(root, SHORT)
    read_anew(root, short)
    ends = short.not_valid_after_utc
    wait_for(lambda: datetime.now(UTC), lambda now: now > ends, what="the end of a certificate")
    told = doctor_fails_at()
    assert [words for words in told if f"ended on {ends:%Y-%m-%d %H:%M} UTC" in words and "renew it" in words], told
    assert not [words for words in told if "the check itself failed" in words]
    new = issue(root)
    Stack(root, Reporter()).up()  # also restarts tasks of Connect that met the ended one
    assert shown(root) == {new.serial_number}


FAULTS: dict[str, Callable[[Path, Flow], None]] = {
    "with TLS and rights: a broker is killed, away for 15 s": kill_a_broker,
    "the brokers' certificate is renewed, one restarts after another": renew_in_turn,
    "it is renewed while they run, then a broker is killed, away for 15 s": renew_running,
    f"one of {SHORT.seconds} s ends, and all brokers restart with a new one": end,
}


def test_a_secured_cluster_loses_doubles_and_mixes_nothing(secured: Path) -> None:
    assert doctor_fails_at() == []
    survive(secured, FAULTS)
    assert doctor_fails_at() == []
