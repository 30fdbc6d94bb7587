"""Why a server cannot be used: what the errors of clients blur is told apart by asking the listener itself.

Every step is bounded, writes nothing, and names no secret.
"""

from __future__ import annotations

import logging
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from confluent_kafka import KafkaException
from cryptography import x509

from glue.errors import MillionXError
from glue.kafka.config import QUIET, KafkaConfig

BOUND_S = 5.0  # of one step
LOGIN_S = 12.0  # of a login, with what librdkafka tries again
# ApiVersions v0 without a client id, which Kafka answers before any login; a request of HTTP and of Redis
KAFKA_HELLO = bytes.fromhex("0000000a 0012 0000 00000001 ffff")
HTTP_HELLO, REDIS_HELLO = b"HEAD / HTTP/1.0\r\n\r\n", b"PING\r\n"
_ALERT = b"\x15\x03"  # the beginning of a TLS alert
# Source: OpenSSL, X509_verify_cert_error_string
_NOT_YET, _ENDED, _OTHER_NAME = (9,), (10,), (62, 64)


@dataclass(frozen=True)
class Reason:
    """Why it does not work, and the fix."""

    why: str
    fix: str


@dataclass(frozen=True)
class Way:
    """How a client reaches a server.

    Attributes:
        hello: bytes that the server answers before a login.
        tls: whether the client speaks TLS.
        ca_file: PEM of the authorities that it trusts; empty for those of the system.
        certificate_file, key_file, key_password: its own certificate.
        check_name: whether the certificate must be for ``host``.
        no_tls, use_tls, trust, name: what to do for a client that should not speak TLS, that should, whose authorities
            are others, that knows the server by another name.
    """

    host: str
    port: int
    hello: bytes
    tls: bool = False
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""
    key_password: str = ""
    check_name: bool = True
    no_tls: str = "use an address without TLS, or turn TLS on there"
    use_tls: str = "use https"
    trust: str = "trust the authority that signed it"
    name: str = "use a name that the certificate holds"

    def problem(self) -> Reason | None:
        """What is in the way, before any login; None where the server answers."""
        try:
            with self._connected():
                pass
        except socket.gaierror:
            return Reason(f"no address is known for the name {self.host}", "correct the name, or its entry in the DNS")
        except TimeoutError:
            why = f"nobody answers at {self._where} within {BOUND_S:.0f} s"
            return Reason(why, "is it the right address, and does a firewall let it through?")
        except OSError as error:
            why = f"nobody listens at {self._where} ({error.strerror or type(error).__name__})"
            return Reason(why, "start it, or correct the address; mxctl local status shows the local stack")
        return self._tls_problem() if self.tls else self._plain_problem()

    @property
    def _where(self) -> str:
        return f"{self.host}:{self.port}"

    def _connected(self) -> socket.socket:
        return socket.create_connection((self.host, self.port), BOUND_S)

    def _plain(self) -> bytes:
        try:
            with self._connected() as link:
                link.sendall(self.hello)
                return link.recv(8)
        except OSError:
            return b""

    def _plain_problem(self) -> Reason | None:
        answer = self._plain()
        if answer and not answer.startswith(_ALERT):
            return None
        if answer or self._certificate() is not None:
            return Reason(f"{self._where} speaks TLS only", self.use_tls)
        return Reason(f"{self._where} closes the connection without a word", "is it the right port?")

    def _tls_problem(self, newest: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED) -> Reason | None:
        try:
            context = ssl.create_default_context(cafile=self.ca_file or None)
            if self.certificate_file:
                context.load_cert_chain(self.certificate_file, self.key_file or None, self.key_password or None)
        except (OSError, ssl.SSLError) as error:
            why = getattr(error, "strerror", None) or "it is no certificate, or the key is not its own"
            return Reason(f"the files of TLS cannot be read: {why}", "correct their paths, and who may read them")
        context.check_hostname, context.maximum_version = self.check_name, newest
        agreed = False
        try:
            with self._connected() as link, context.wrap_socket(link, server_hostname=self.host) as tls:
                agreed = tls.version() == "TLSv1.3"
                tls.sendall(self.hello)
                tls.recv(8)  # in TLS 1.3 a refused client hears of it here, or is just cut off
        except ssl.SSLCertVerificationError as error:
            return self._refused(error)
        except OSError as error:
            if agreed and not getattr(error, "reason", None):
                return self._tls_problem(ssl.TLSVersion.TLSv1_2)  # which says why before the handshake ends
            return self._broken(error)
        return None

    def _broken(self, error: OSError) -> Reason:
        reason = (getattr(error, "reason", None) or "").upper()
        own = "give it one that the server's authority signed"
        wanted = ("CERTIFICATE_REQUIRED", "HANDSHAKE_FAILURE", "BAD_CERTIFICATE")
        if not self.certificate_file and any(one in reason for one in wanted):
            return Reason(f"{self._where} asks for a client certificate", own)
        if ("ALERT" in reason and "CERTIFICATE" in reason) or "UNKNOWN_CA" in reason:
            what = "it has ended" if "EXPIRED" in reason else "it does not trust who signed it"
            return Reason(f"{self._where} refuses the client certificate: {what}", own)
        answer = self._plain()
        if answer and not answer.startswith(_ALERT):
            return Reason(f"{self._where} speaks no TLS", self.no_tls)
        said = reason.replace("_", " ").lower() or error.strerror or type(error).__name__
        return Reason(f"TLS with {self._where} fails: {said}", "do both sides allow the same versions and ciphers?")

    def _certificate(self) -> x509.Certificate | None:
        """The server's certificate, whatever it is worth; None where it shows none."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            with self._connected() as link, context.wrap_socket(link, server_hostname=self.host) as tls:
                return x509.load_der_x509_certificate(tls.getpeercert(binary_form=True) or b"")
        except (OSError, ValueError):
            return None

    def _refused(self, error: ssl.SSLCertVerificationError) -> Reason:
        found, now = self._certificate(), datetime.now(UTC)
        if found is None:
            return Reason(f"the certificate of {self._where} is refused: {error.verify_message}", self.trust)
        clock = f"the clock here says {now:%Y-%m-%d %H:%M} UTC"
        if error.verify_code in _ENDED:
            why = f"the certificate of {self._where} ended on {found.not_valid_after_utc:%Y-%m-%d %H:%M} UTC; {clock}"
            return Reason(why, "renew it on the server; or, if the clock is wrong, set it")
        if error.verify_code in _NOT_YET:
            begins = found.not_valid_before_utc
            why = f"the certificate of {self._where} is valid only from {begins:%Y-%m-%d %H:%M} UTC on; {clock}"
            return Reason(why, "set the clock of this machine, if it is wrong; else wait, or make a new certificate")
        if error.verify_code in _OTHER_NAME:
            return Reason(f"the certificate is for {_names(found)}, not for {self.host}", self.name)
        signer = found.issuer.rfc4514_string()
        return Reason(f"the certificate of {self._where} is signed by {signer}, which is not trusted here", self.trust)


def _names(certificate: x509.Certificate) -> str:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return certificate.subject.rfc4514_string()
    return ", ".join(str(one.value) for one in names) or "nobody"


def way_to(url: str, ca_file: str = "") -> Way:
    """How the service at an address of HTTP or Redis is reached."""
    parts = urlsplit(url)
    redis, tls = parts.scheme.startswith("redis"), parts.scheme in ("https", "rediss")
    port = parts.port or (6379 if redis else 443 if tls else 80)
    trusted = ca_file or parse_qs(parts.query).get("ssl_ca_certs", [""])[0]
    plain, secured = ("redis", "rediss") if redis else ("http", "https")
    use_tls, no_tls = f"let its address begin with {secured}://", f"let its address begin with {plain}://"
    hello = REDIS_HELLO if redis else HTTP_HELLO
    return Way(parts.hostname or "", port, hello, tls, trusted, use_tls=use_tls, no_tls=no_tls)


def kafka_ways(kafka: KafkaConfig) -> Iterator[Way]:
    """How the brokers are reached, one address each.

    Raises:
        ConfigError: an address is not host:port.
    """
    given = {key: str(value) for key, value in kafka.properties.items()}
    protocol = given.get("security.protocol", "plaintext").upper()
    for host, port in kafka.addresses():
        yield Way(
            host,
            port,
            KAFKA_HELLO,
            protocol.endswith("SSL"),
            given.get("ssl.ca.location", ""),
            given.get("ssl.certificate.location", ""),
            given.get("ssl.key.location", ""),
            given.get("ssl.key.password", ""),
            given.get("ssl.endpoint.identification.algorithm", "https") != "none",
            "MXCTL_KAFKA_SECURITY_PROTOCOL=SASL_PLAINTEXT or PLAINTEXT, or the port that speaks TLS",
            "MXCTL_KAFKA_SECURITY_PROTOCOL=SASL_SSL, or SSL where nobody logs in",
            "let MXCTL_KAFKA_SSL_CA_LOCATION name the PEM file of that authority",
            "let MXCTL_KAFKA name the brokers as the certificate does",
        )


class _Lines(logging.Handler):
    """What librdkafka says while it logs in; kept here, and never shown."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(record.getMessage())


@contextmanager
def _listening() -> Iterator[tuple[logging.Logger, list[str]]]:
    logger, handler = logging.Logger("login", logging.DEBUG), _Lines()
    logger.addHandler(handler)
    yield logger, handler.seen


def kafka_login(kafka: KafkaConfig) -> Reason | None:
    """Why Kafka does not let this program in; None where it does.

    With SCRAM the place where the exchange ends tells a wrong user from a wrong password; PLAIN keeps it to itself.
    """
    errors: list[str] = []
    with _listening() as (logger, lines):
        own: dict[str, Any] = {**QUIET, "log_level": 7, "debug": "security", "logger": logger}
        try:
            admin = kafka.admin({**own, "error_cb": lambda error: errors.append(error.str())})
        except MillionXError as error:
            return Reason(error.why, error.fix)
        until = time.monotonic() + LOGIN_S
        while time.monotonic() < until:
            admin.poll(0.1)
            try:
                admin.list_topics("__none", timeout=1)
                return None
            except KafkaException as error:
                errors.append(error.args[0].str())
            if reason := _login_reason(kafka, errors, lines):
                return reason
    return Reason(errors[0] if errors else "no answer", "look at the broker's log")


def _login_reason(kafka: KafkaConfig, errors: list[str], lines: list[str]) -> Reason | None:
    given = {key: str(value) for key, value in kafka.properties.items()}
    said, mechanism = " ".join(errors), given.get("sasl.mechanism") or given.get("sasl.mechanisms", "GSSAPI")
    user = given.get("sasl.username") or given.get("sasl.oauthbearer.client.id", "")
    if "nsupported SASL mechanism" in said or "mechanism handshake failed" in said:
        offered = said.partition("supported mechanisms: ")[2].split(" (")[0].split(": ")[0]
        why = f"the broker does not offer the mechanism {mechanism}{f', but {offered}' if offered else ''}"
        return Reason(why, "set MXCTL_KAFKA_SASL_MECHANISMS to one that it offers, or use another port")
    if "unexpired token" in said or "token has expired" in said.lower():
        return Reason("the token has ended", "is the clock right? If so, the provider gives tokens that end too soon")
    # a refused token is answered by a challenge, which librdkafka takes for success; then the broker hangs up
    told = [*lines, *errors]
    hung_up = any("OAUTHBEARER authentication successful" in one for one in told) and any(
        "in state UP" in one and "Disconnected" in one for one in told
    )
    if "invalid_token" in said or hung_up:
        fix = "do its issuer, audience and end fit what the broker expects? Is the clock right?"
        return Reason(f"the broker refuses the token{f' of {user}' if user else ''}", fix)
    if "Failed to acquire SASL OAUTHBEARER token" in said:
        fix = "check MXCTL_KAFKA_SASL_OAUTHBEARER_CLIENT_ID, _CLIENT_SECRET and _TOKEN_ENDPOINT_URL"
        return Reason("the OpenID provider gives no token", fix)
    if "uthentication fail" not in said and "invalid credentials" not in said:
        return None
    fix = "correct MXCTL_KAFKA_SASL_USERNAME"
    if not mechanism.upper().startswith("SCRAM"):
        why = f"wrong user {user}, or wrong password: {mechanism} does not say which"
        return Reason(why, f"{fix} or MXCTL_KAFKA_SASL_PASSWORD")
    if any("in state server-first-message" in line for line in lines):
        return Reason(f"wrong password of user {user}", "correct sasl.password in the file of client properties")
    return Reason(f"there is no user {user} with {mechanism}", f"{fix}, or create the user for this mechanism")
