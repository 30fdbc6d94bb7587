"""What the doctor says of logins and rights, on a broker with passwords, certificates and an authorizer."""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from glue.errors import Finding
from glue.kafka.config import KafkaConfig
from glue.local.certificates import Authority
from glue.local.oidc import Oidc
from glue.local.part import Site
from glue.local.ports import choose
from glue.local.security import AUDIENCE, GUEST, Security
from glue.settings import Settings
from glue.topology.doctor import _kafka, _rights
from glue.topology.services import Services
from sandbox.oidc import Provider

pytestmark = pytest.mark.stack
WRONG = "hush-4711"


def security(site: Site) -> Security:
    assert site.security is not None
    return site.security


def login(site: Site, **changes: str) -> dict[str, str]:
    """What a guest logs in with by password, and what of it is wrong."""
    given = {
        "security.protocol": "SASL_SSL",
        "sasl.mechanisms": "SCRAM-SHA-512",
        "sasl.username": GUEST,
        "sasl.password": security(site).passwords[GUEST],
        "ssl.ca.location": str(security(site).authority),
    }
    return given | {key.replace("_", "."): value for key, value in changes.items()}


def found_at(site: Site, address: str, properties: dict[str, str]) -> Finding:
    services = Services(Settings())
    services.kafka = KafkaConfig(address, properties)
    found = next(_kafka(services))
    for secret in (WRONG, *security(site).passwords.values()):
        assert secret not in str(found)
    assert found.state == "ok" or found.fix
    return found


def refused(site: Site, properties: dict[str, str], port: str = "broker") -> str:
    found = found_at(site, site.address("kafka", port), properties)
    assert found.state == "fail"
    return found.detail


def test_a_right_password_is_let_in(secure_kafka: Site) -> None:
    assert found_at(secure_kafka, secure_kafka.address("kafka", "broker"), login(secure_kafka)).state == "ok"


def test_passwords_and_mechanisms(secure_kafka: Site) -> None:
    site = secure_kafka
    assert refused(site, login(site, sasl_password=WRONG)) == "wrong password of user guest"
    assert refused(site, login(site, sasl_username="nobody")) == "there is no user nobody with SCRAM-SHA-512"
    plain = login(site, sasl_mechanisms="PLAIN", sasl_password=WRONG)
    assert refused(site, plain) == "wrong user guest, or wrong password: PLAIN does not say which"
    said = refused(site, login(site), "oauth")
    assert said.startswith("the broker does not offer the mechanism SCRAM-SHA-512")


def test_a_client_whose_secret_the_provider_refuses(secure_kafka: Site) -> None:
    given = {
        "security.protocol": "SASL_SSL",
        "sasl.mechanisms": "OAUTHBEARER",
        "sasl.oauthbearer.method": "oidc",
        "sasl.oauthbearer.client.id": GUEST,
        "sasl.oauthbearer.client.secret": WRONG,
        "sasl.oauthbearer.token.endpoint.url": f"{Oidc().issuer(secure_kafka)}/token",
        "https.ca.location": str(security(secure_kafka).authority),
        "ssl.ca.location": str(security(secure_kafka).authority),
    }
    assert refused(secure_kafka, given, "oauth") == "the OpenID provider gives no token"


def test_a_token_that_has_ended(secure_kafka: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is signed by the right provider; the client is told that it still lasts, as by a clock that is wrong."""
    folder = security(secure_kafka).folder
    provider = Provider(Oidc().issuer(secure_kafka), folder / "oidc.key", folder / "passwords.json", AUDIENCE)
    token = provider.token(GUEST, -3600)

    def generate(region: str) -> tuple[str, int]:
        return token, int((time.time() + 500) * 1000)

    signer = SimpleNamespace(MSKAuthTokenProvider=SimpleNamespace(generate_auth_token=generate))
    monkeypatch.setitem(sys.modules, "aws_msk_iam_sasl_signer", signer)
    monkeypatch.setenv("AWS_REGION", "ap-south-1")
    given = {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "OAUTHBEARER",
        "sasl.oauthbearer.method": "aws_msk_iam",
        "ssl.ca.location": str(security(secure_kafka).authority),
    }
    found = found_at(secure_kafka, secure_kafka.address("kafka", "oauth"), given)
    assert found.detail == "the broker refuses the token" and "clock" in found.fix
    assert token not in str(found)


def test_addresses_and_tls(secure_kafka: Site, tmp_path: Path) -> None:
    site = secure_kafka
    (unused,) = choose(1)
    assert found_at(site, f"127.0.0.1:{unused}", login(site)).detail.startswith("nobody listens at")
    assert refused(site, {}).endswith("speaks TLS only")
    (other := tmp_path / "other").mkdir()
    stranger = login(site, ssl_ca_location=str(Authority(other).certificate))
    assert "which is not trusted here" in refused(site, stranger)
    by_another_name = f"127.1:{site.port('kafka', 'broker')}"  # the same address, written as no certificate has it
    assert "not for 127.1" in found_at(site, by_another_name, login(site)).detail


def test_client_certificates(secure_kafka: Site) -> None:
    trust = {"security.protocol": "SSL", "ssl.ca.location": str(security(secure_kafka).authority)}
    assert refused(secure_kafka, trust, "mtls").endswith("asks for a client certificate")
    authority = Authority(security(secure_kafka).folder)
    ended = str(authority.issue("ended", begins=timedelta(days=-2), ends=timedelta(hours=-1)))
    given = {**trust, "ssl.certificate.location": ended, "ssl.key.location": ended}
    assert "refuses the client certificate" in refused(secure_kafka, given, "mtls")


def test_a_login_without_rights_hears_which(secure_kafka: Site) -> None:
    services = Services(Settings())
    services.kafka = KafkaConfig(secure_kafka.address("kafka", "broker"), login(secure_kafka))
    (found,) = _rights(services)
    assert found.state == "warn" and "mxctl acls" in found.fix
    assert found.detail.startswith("this login lacks ") and " on " in found.detail
