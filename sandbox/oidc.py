"""An OpenID provider of its own: ``python -m sandbox.oidc --port P --certificate FILE.pem --clients FILE.json …``.

Client credentials only: ``/token`` gives who knows a client's secret a signed token that ends, ``/jwks`` has the key to
check it with, ``/.well-known/openid-configuration`` says so. Source: RFC 6749 section 4.4, RFC 7517, RFC 7519.
"""

from __future__ import annotations

import argparse
import base64
import hmac
import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import jwt
import uvicorn
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

KEY_ID = "sandbox"


class Provider:
    """The issuer at ``address``: signs with the key in ``key_file``, which it makes when it is not there.

    Args:
        clients: file with secrets by client id; read anew for every request.
        audience: whom its tokens are for.
        lifetime: seconds that a token is valid.
    """

    def __init__(self, address: str, key_file: Path, clients: Path, audience: str, lifetime: int = 600) -> None:
        self.address, self.clients, self.audience, self.lifetime = address, clients, audience, lifetime
        if not key_file.exists():
            made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            pkcs8, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            key_file.touch(mode=0o600)
            key_file.write_bytes(made.private_bytes(serialization.Encoding.PEM, pkcs8, plain))
        loaded = serialization.load_pem_private_key(key_file.read_bytes(), None)
        if not isinstance(loaded, rsa.RSAPrivateKey):
            raise TypeError(f"{key_file} holds no RSA key")
        self.key = loaded

    def token(self, client: str, lifetime: int | None = None) -> str:
        """A signed token of ``client``; with a negative lifetime one that has ended."""
        now, lasts = int(time.time()), self.lifetime if lifetime is None else lifetime
        claims = {"iss": self.address, "aud": self.audience, "sub": client, "azp": client, "scope": "kafka"}
        times = {"iat": now + min(lasts, 0) - 1, "exp": now + lasts}
        return jwt.encode({**claims, **times}, self.key, algorithm="RS256", headers={"kid": KEY_ID})

    def keys(self) -> dict[str, Any]:
        """The key set that tokens are checked with."""
        key = jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {"keys": [{**key, "kid": KEY_ID, "use": "sig", "alg": "RS256"}]}

    def app(self) -> Starlette:
        """Its web application."""
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._configuration),
                Route("/jwks", lambda _: JSONResponse(self.keys())),
                Route("/token", self._token, methods=["POST"]),
            ]
        )

    def _configuration(self, _: Request) -> JSONResponse:
        return JSONResponse(
            {
                "issuer": self.address,
                "jwks_uri": f"{self.address}/jwks",
                "token_endpoint": f"{self.address}/token",
                "grant_types_supported": ["client_credentials"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            }
        )

    async def _token(self, request: Request) -> JSONResponse:
        form = dict(parse_qsl((await request.body()).decode()))
        client, secret = form.get("client_id", ""), form.get("client_secret", "")
        scheme, _, basic = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            client, _, secret = map(unquote, base64.b64decode(basic).decode().partition(":"))
        if form.get("grant_type") != "client_credentials":
            return JSONResponse({"error": "unsupported_grant_type"}, 400)
        known = json.loads(self.clients.read_text()).get(client)
        if known is None or not hmac.compare_digest(known.encode(), secret.encode()):
            return JSONResponse({"error": "invalid_client"}, 401)
        return JSONResponse(
            {"access_token": self.token(client), "token_type": "Bearer", "expires_in": self.lifetime, "scope": "kafka"}
        )


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.oidc", description="A local OpenID provider.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--certificate", type=Path, required=True, help="PEM with the server's key and certificate")
    parser.add_argument("--key", type=Path, required=True, help="PEM of the key that signs; made when missing")
    parser.add_argument("--clients", type=Path, required=True, help="JSON with secrets by client id")
    parser.add_argument("--audience", required=True)
    parser.add_argument("--lifetime", type=int, default=600, help="seconds that a token is valid")
    given = parser.parse_args()
    address = f"https://127.0.0.1:{given.port}"
    app = Provider(address, given.key, given.clients, given.audience, given.lifetime).app()
    uvicorn.run(
        app, host="127.0.0.1", port=given.port, ssl_certfile=given.certificate, log_level="warning", access_log=False,
        timeout_graceful_shutdown=3,
    )  # fmt: skip


if __name__ == "__main__":
    main()
