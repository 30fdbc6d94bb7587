"""Tokens: only those that the user's own key signed, for himself, within their time."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from sandbox.snowflake.auth import KeyPairVerifier
from sandbox.snowflake.sessions import Sessions
from sandbox.snowflake.store import Store
from sandbox.snowflake.wire import RefusedError
from tests.sandbox.snowflake.endpoint import USER, new_key, token


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("keys")
    return new_key(folder, "user"), new_key(folder, "other")


def load(pem: Path) -> Any:
    return load_pem_private_key(pem.read_bytes(), None)


def test_a_good_token_names_its_user(keys: tuple[Path, Path]) -> None:
    verifier = KeyPairVerifier(keys[0].with_suffix(".pub"))
    assert verifier.verify(token(load(keys[0])), "millionx_connect") == USER


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"iss": "LOCAL.MILLIONX_CONNECT.SHA256:bm8="}, "issuer"),
        ({"sub": "LOCAL.ROOT"}, "issuer"),
        ({"iat": 1, "exp": 3000}, "expired"),
        ({"exp": int(time.time()) + 7200}, "more than an hour"),
        ({"exp": None}, "exp"),
    ],
)
def test_a_wrong_claim_is_refused(keys: tuple[Path, Path], changed: dict[str, Any], why: str) -> None:
    verifier = KeyPairVerifier(keys[0].with_suffix(".pub"))
    with pytest.raises(RefusedError, match=why) as refused:
        verifier.verify(token(load(keys[0]), **changed))
    assert refused.value.code == "390144"


def test_another_key_is_refused(keys: tuple[Path, Path]) -> None:
    verifier = KeyPairVerifier(keys[0].with_suffix(".pub"))
    with pytest.raises(RefusedError, match="ignature"):
        verifier.verify(token(load(keys[1])))


def test_another_user_is_refused(keys: tuple[Path, Path]) -> None:
    verifier = KeyPairVerifier(keys[0].with_suffix(".pub"))
    with pytest.raises(RefusedError, match="another user"):
        verifier.verify(token(load(keys[0]), user="ROOT"), "MILLIONX_CONNECT")


def test_the_public_key_as_shared_secret_is_refused(keys: tuple[Path, Path]) -> None:
    """The classic confusion of algorithms: HS256 with the public key as its secret."""
    verifier = KeyPairVerifier(keys[0].with_suffix(".pub"))
    claims = jwt.decode(token(load(keys[0])), options={"verify_signature": False})
    for algorithm, secret in (("HS256", "x" * 32), ("none", None)):
        with pytest.raises(RefusedError):
            verifier.verify(jwt.encode(claims, secret, algorithm=algorithm))


def test_tokens_that_were_seen_expire_on_demand(keys: tuple[Path, Path]) -> None:
    verifier = KeyPairVerifier(keys[0].with_suffix(".pub"))
    old = token(load(keys[0]), iat=int(time.time()) - 9)
    verifier.verify(old)
    verifier.expire_seen()
    with pytest.raises(RefusedError, match="expired"):
        verifier.verify(old)
    verifier.verify(token(load(keys[0])))


def test_sessions_outlive_the_process(tmp_path: Path) -> None:
    store = Store(tmp_path / "db")
    session, master = Sessions(store, tmp_path / "key").login(USER, "R", None, None)
    later = Sessions(store, tmp_path / "key")
    assert later.get(session).user == USER
    renewed, _ = later.renew(master)
    assert later.get(renewed).role == "R"
    with pytest.raises(RefusedError):
        later.get(master)
    with pytest.raises(RefusedError):
        later.get(session[:-1] + ("0" if session[-1] != "0" else "1"))
    assert (tmp_path / "key").stat().st_mode & 0o077 == 0
    store.close()
