"""A certificate authority of one's own: what a secured local stack is signed by, and what tests need to be wrong."""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from glue.files import write_private

HERE = ("localhost", "127.0.0.1")
TRUST_PASSWORD = "not-secret"  # noqa: S105 - the file holds a public certificate
_DAY = timedelta(days=1)


class Authority:
    """A CA in ``folder``: ``ca.pem`` is what clients trust, ``ca.key`` signs; made when it is not there."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.certificate = folder, folder / "ca.pem"
        if not self.certificate.exists():
            key = ec.generate_private_key(ec.SECP256R1())
            name = _name(f"millionx {secrets.token_hex(4)}")
            built = _builder(name, name, key.public_key(), -_DAY, 3650 * _DAY)
            built = built.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            built = built.add_extension(
                x509.KeyUsage(
                    digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
                    key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
                ),
                critical=True,
            )  # fmt: skip
            write_private(folder / "ca.key", _pem(key))
            write_private(self.certificate, built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def issue(
        self, name: str, hosts: Sequence[str] = (), begins: timedelta = -_DAY, ends: timedelta = 825 * _DAY
    ) -> Path:
        """``NAME.pem``: a private key (PKCS#8) and its certificate, whose subject is ``CN=NAME``.

        Args:
            hosts: names and addresses of the server that it is for; a client's needs none.
            begins, ends: from when to when it is valid, from now.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        authority = x509.load_pem_x509_certificate(self.certificate.read_bytes())
        signer = _private((self.folder / "ca.key").read_bytes())
        built = _builder(_name(name), authority.subject, key.public_key(), begins, ends)
        of = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
        built = built.add_extension(of, critical=False)
        usage = [ExtendedKeyUsageOID.CLIENT_AUTH, *([ExtendedKeyUsageOID.SERVER_AUTH] if hosts else [])]
        built = built.add_extension(x509.ExtendedKeyUsage(usage), critical=False)
        if hosts:
            built = built.add_extension(x509.SubjectAlternativeName([_host(one) for one in hosts]), critical=False)
        made = built.sign(signer, hashes.SHA256())
        signed = made.public_bytes(serialization.Encoding.PEM)
        file = self.folder / f"{name}.pem"
        write_private(file, _pem(key) + signed)
        return file

    def for_java(self, name: str, password: str) -> None:
        """``NAME.p12`` with what ``NAME.pem`` holds, and ``ca.p12`` to trust: Jetty and the JVM itself read no PEM.

        ``password`` is of the first. The second holds nothing secret, and the JVM is told its password by an argument,
        which everybody on the machine sees: :data:`TRUST_PASSWORD`.
        """
        pem, kept = (self.folder / f"{name}.pem").read_bytes(), serialization.BestAvailableEncryption(password.encode())
        made = pkcs12.serialize_key_and_certificates(
            b"key", _private(pem), x509.load_pem_x509_certificate(pem), None, kept
        )
        write_private(self.folder / f"{name}.p12", made)
        trusted = x509.load_pem_x509_certificate(self.certificate.read_bytes())
        open_to_all = serialization.BestAvailableEncryption(TRUST_PASSWORD.encode())
        store = pkcs12.serialize_java_truststore([pkcs12.PKCS12Certificate(trusted, b"ca")], open_to_all)
        write_private(self.folder / "ca.p12", store)


def _private(pem: bytes) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pem, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("no key of an elliptic curve")
    return key


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, begins: timedelta, ends: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    built = x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number(), now + begins, now + ends)
    return built.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _host(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    pkcs8, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, pkcs8, plain)
