"""Key-pair authentication: the JSON web tokens that drivers and the ingest SDK sign with the user's private key.

Format (Snowflake documentation, "Using key-pair authentication"): RS256, ``sub = ACCOUNT.USER``,
``iss = ACCOUNT.USER.SHA256:<base64 of the SHA-256 of the public key's DER>``, ``iat``, ``exp`` at most an hour later.
The account part is not compared: on loopback it is whatever the client makes of the address.
"""

from __future__ import annotations

import base64
import hashlib
import time
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from sandbox.snowflake.wire import RefusedError

MAX_LIFETIME_SECONDS = 3600
CLOCK_LEEWAY_SECONDS = 60


class KeyPairVerifier:
    """Verifies tokens against one public key; it stands for the key that ``ALTER USER`` would set."""

    def __init__(self, public_key_file: Path) -> None:
        """Read a PEM public key.

        Raises:
            ValueError: the file holds no RSA public key.
        """
        key = load_pem_public_key(public_key_file.read_bytes())
        if not isinstance(key, RSAPublicKey):
            raise ValueError(f"{public_key_file.name} holds no RSA public key")
        self._key = key
        der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.fingerprint = "SHA256:" + base64.b64encode(hashlib.sha256(der).digest()).decode()
        self._seen: dict[bytes, tuple[float, float]] = {}  # digest of a token -> when issued, when it ends
        self._expired: frozenset[bytes] = frozenset()

    def expire_seen(self) -> None:
        """Every token seen until now counts as expired: a fault for tests.

        Those of this second do not: a client that signs again within it gets the same token, byte for byte.
        """
        now = int(time.time())
        self._expired = frozenset(digest for digest, (issued, _) in self._seen.items() if issued < now)

    def verify(self, token: str, login_name: str | None = None) -> str:
        """Check signature, issuer fingerprint, subject and expiry.

        Args:
            token: the compact JWT.
            login_name: the user who says he is logging in; compared with the token's subject.

        Returns:
            the user, upper case.

        Raises:
            RefusedError: 390144 with the reason; HTTP 401 is for the caller to set.
        """
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=["RS256"],
                options={"verify_aud": False, "require": ["exp", "iat", "iss", "sub"]},
                leeway=CLOCK_LEEWAY_SECONDS,
            )
        except jwt.ExpiredSignatureError as error:
            raise _invalid("it has expired") from error
        except jwt.InvalidTokenError as error:
            raise _invalid(str(error)) from error
        subject, issuer = str(claims["sub"]), str(claims["iss"])
        if issuer != f"{subject}.{self.fingerprint}":
            raise _invalid("its issuer is not subject and fingerprint of the user's public key")
        if claims["exp"] - claims["iat"] > MAX_LIFETIME_SECONDS + CLOCK_LEEWAY_SECONDS:
            raise _invalid("it lives for more than an hour")
        digest = hashlib.sha256(token.encode()).digest()
        if digest in self._expired:
            raise _invalid("it has expired")
        self._remember(digest, float(claims["iat"]), float(claims["exp"]))
        user = subject.rpartition(".")[2]
        if login_name is not None and login_name.upper() != user:
            raise _invalid("its subject is another user")
        return user

    def _remember(self, digest: bytes, issued: float, ends: float) -> None:
        if digest not in self._seen:
            past = time.time() - CLOCK_LEEWAY_SECONDS
            self._seen = {known: times for known, times in self._seen.items() if times[1] > past}
        self._seen[digest] = issued, ends


def _invalid(reason: str) -> RefusedError:
    return RefusedError("390144", f"JWT token is invalid: {reason}.")
