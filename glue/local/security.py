"""What makes a local stack a secured one: an authority of its own, a certificate and a password for each user.

``mxctl local up --secure`` makes ``secrets/tls`` in the folder of the stack; a stack that has it is secured until its
data is purged. A user is the same by password, by token and by certificate (``CN=NAME``).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from glue.errors import ConfigError
from glue.files import made_once, write_private
from glue.http_access import HttpAccess
from glue.local.certificates import HERE, TRUST_PASSWORD, Authority

BROKER, ADMIN, GUEST = "broker", "admin", "guest"  # the first two may do everything, the last one nothing
AUDIENCE = "millionx"
_REST_LOGIN = "org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule"


@dataclass(frozen=True)
class Security:
    """The secrets of a secured stack, in ``folder``."""

    folder: Path

    @property
    def authority(self) -> Path:
        """PEM of the certificate that everything is signed by."""
        return self.folder / "ca.pem"

    def certificate(self, name: str) -> Path:
        """PEM with the private key and the certificate of a user, or of the servers (:data:`BROKER`)."""
        return self.folder / f"{name}.pem"

    @property
    def passwords(self) -> dict[str, str]:
        """Users and their passwords; for the OIDC server they are clients and secrets."""
        found: dict[str, str] = json.loads((self.folder / "passwords.json").read_text())
        return found

    def kafka(self, user: str = ADMIN) -> Path:
        """Properties file with which a client of librdkafka logs in by password."""
        return self.folder / f"kafka-{user}.properties"

    def password_file(self, user: str = ADMIN) -> Path:
        """His password, and nothing else; for Weaviate it is his API key."""
        return self.folder / f"{user}.password"

    @property
    def store_password(self) -> str:
        """What opens the servers' key in a ``.p12``."""
        return (self.folder / "store-password").read_text()

    @property
    def jvm(self) -> dict[str, str]:
        """System properties with which a JVM trusts the authority, and no other one."""
        store = {"trustStore": str(self.folder / "ca.p12"), "trustStorePassword": TRUST_PASSWORD}
        return {f"javax.net.ssl.{key}": value for key, value in {**store, "trustStoreType": "PKCS12"}.items()}

    def http(self, service: str, user: str = ADMIN) -> dict[str, str]:
        """Settings with which our programs log in to a service by HTTP."""
        found = {"password_file": self.password_file(user), "ca_file": self.authority}
        return {f"{service}_user": user, **{f"{service}_{name}": str(file) for name, file in found.items()}}

    def access(self, service: str) -> HttpAccess:
        """The same as one value."""
        return HttpAccess(service, ADMIN, self.password_file(), ca_file=self.authority)

    def java(self, user: str = ADMIN) -> dict[str, str]:
        """The same for a client of Kafka's own library, which knows neither these keys nor PEM by default."""
        module = "org.apache.kafka.common.security.scram.ScramLoginModule"
        return {
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.jaas.config": f'{module} required username="{user}" password="{self.passwords[user]}";',
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.authority),
        }


def security_of(root: Path) -> Security | None:
    """The secrets of the stack in ``root``, where it is a secured one."""
    folder = root / "secrets" / "tls"
    return Security(folder) if folder.exists() else None


def make_secure(root: Path) -> Security:
    """Make the stack in ``root`` a secured one, before its first start.

    Raises:
        ConfigError: it has data already, which its services keep in the open.
    """
    found = security_of(root)
    if found is None and (root / "kafka" / "data").exists():
        fix = "delete its data first: mxctl local down --purge; or name another folder: MXCTL_STATE_DIR"
        raise ConfigError(f"local stack in {root}", "it was started without --secure and keeps data", fix)
    folder = root / "secrets" / "tls"
    with made_once(folder) as draft:
        if draft is not None:
            _fill(draft, folder)
    return Security(folder)


def _fill(draft: Path, folder: Path) -> None:
    authority = Authority(draft)
    authority.issue(BROKER, HERE)
    store_password = secrets.token_urlsafe(24)
    authority.for_java(BROKER, store_password)
    write_private(draft / "store-password", store_password.encode())
    passwords = {user: secrets.token_urlsafe(24) for user in (ADMIN, GUEST)}
    write_private(draft / "passwords.json", json.dumps(passwords, indent=1).encode() + b"\n")
    write_private(draft / "rest-users.properties", properties({ADMIN: passwords[ADMIN]}).encode())
    jaas = f'KafkaConnect {{ {_REST_LOGIN} required file="{folder / "rest-users.properties"}"; }};\n'
    write_private(draft / "rest-jaas.conf", jaas.encode())
    for user, password in passwords.items():
        authority.issue(user)
        write_private(draft / f"{user}.password", password.encode())
        client = {
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": user,
            "sasl.password": password,
            "ssl.ca.location": str(folder / "ca.pem"),
        }
        write_private(draft / f"kafka-{user}.properties", properties(client).encode())


def properties(entries: Mapping[str, str]) -> str:
    """``key=value`` lines."""
    return "".join(f"{key}={value}\n" for key, value in entries.items())
