"""Write the digest that a registry gives beside the tag of every image of others: ``python scripts/pin_images.py``.

Of ``docker-compose.yml`` and ``deploy/images/Dockerfile``; run again, it renews them. All are written or none. Asked by
the distribution protocol, v2. A name without a host belongs to the registry that ``docker info`` names as the default.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.utils import parse_dict_header
from urllib3.util import Retry

from glue.errors import MillionXError

ROOT = Path(__file__).resolve().parents[1]
FILES = ("docker-compose.yml", "deploy/images/Dockerfile")
# The places where a file names an image. A name may hold a colon (a port), a tag no slash.
REFERENCE = re.compile(
    r"^(?:\s*image: |ARG [A-Z]+=|# syntax=)(?P<image>[\w./:-]+:\w[\w.-]*)(?:@sha256:[0-9a-f]{64})?(?=\s*$)",
    re.MULTILINE,
)
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
# An index of all architectures before the manifest of one, of OCI and of Docker.
INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
KINDS = (*INDEXES, "application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")
LOOPBACK = ("127.0.0.1", "localhost", "::1")
TIMEOUT_S, LONGEST_WAIT_S = 30, 60
LOGIN, LATER = "a login for it in ~/.netrc", "run it again later"
FIXES = {401: LOGIN, 403: LOGIN, 404: "a tag that there is", 429: LATER}


def images(texts: Iterable[str]) -> list[str]:
    """``name:tag`` of every image of others, as the texts name them."""
    found = (one for text in texts for one in REFERENCE.finditer(text) if not one["image"].startswith("millionx/"))
    return sorted({one["image"] for one in found})


def pinned(text: str, digests: dict[str, str]) -> str:
    """The text with these digests in place of those that it had."""
    return REFERENCE.sub(lambda one: f"{one[0].partition('@')[0]}@{digests[one['image']]}"
                         if one["image"] in digests else one[0], text)  # fmt: skip


def place(image: str, default: str) -> tuple[str, str, str]:
    """Address of the registry, name there, and tag. The first part of a name is a host if it looks like one."""
    name, _, tag = image.rpartition(":")
    host, _, rest = name.partition("/")
    if rest and ("." in host or ":" in host or host == "localhost"):
        scheme = "http" if urlsplit(f"//{host}").hostname in LOOPBACK else "https"
        return f"{scheme}://{host}", rest, tag
    if not default:
        fix = "--default-registry URL, as `docker info --format '{{.IndexServerAddress}}'` says where an engine runs"
        raise MillionXError(image, "it names no host, and no engine says which registry is its default", fix)
    parts = urlsplit(default)
    return f"{parts.scheme}://{parts.netloc}", name if "/" in name else f"library/{name}", tag


class Registries:
    """Asks registries; as nobody, or with the login of ``~/.netrc`` for the host that gives the tokens."""

    def __init__(self, default: str) -> None:
        self._default, self._session = default, requests.Session()
        # Too many requests: as long as the registry asks for, within reason.
        retry = Retry(3, backoff_factor=0.5, status_forcelist=(429, 502, 503), raise_on_status=False,
                      retry_after_max=LONGEST_WAIT_S)  # fmt: skip
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=retry))

    def digest(self, image: str) -> tuple[str, bool]:
        """Digest of an image, and whether it is of all its architectures. Raises :class:`MillionXError`."""
        registry, name, tag = place(image, self._default)
        url = f"{registry}/v2/{name}/manifests/{tag}"
        try:
            answer = self._asked("HEAD", url, image)
            digest = answer.headers.get("Docker-Content-Digest")
            if digest is None:
                content = self._asked("GET", url, image).content
                digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        except requests.RequestException as error:
            raise MillionXError(image, f"{registry} does not answer: {error}", "a network that reaches it") from error
        if not DIGEST.fullmatch(digest):
            raise MillionXError(image, f"{registry} gives the digest {digest!r}", "a registry that knows SHA-256")
        return digest, answer.headers.get("Content-Type", "").partition(";")[0] in INDEXES

    def _asked(self, method: str, url: str, image: str) -> requests.Response:
        headers = {"Accept": ", ".join(KINDS)}
        answer = self._session.request(method, url, headers=headers, timeout=TIMEOUT_S)
        login, _, fields = answer.headers.get("WWW-Authenticate", "").partition(" ")
        if answer.status_code == 401 and login.lower() == "bearer":
            token = self._token(parse_dict_header(fields), image)

            def bearer(request: requests.PreparedRequest) -> requests.PreparedRequest:
                request.headers["Authorization"] = f"Bearer {token}"  # not as a header: ~/.netrc would replace it
                return request

            answer = self._session.request(method, url, headers=headers, timeout=TIMEOUT_S, auth=bearer)
        if answer.status_code != 200:
            raise MillionXError(image, f"{url} answers {answer.status_code}", FIXES.get(answer.status_code, LATER))
        return answer

    def _token(self, asked: dict[str, str], image: str) -> str:
        realm, fields = asked.get("realm", ""), {key: asked[key] for key in ("service", "scope") if key in asked}
        if not (realm.startswith("https://") or urlsplit(realm).hostname in LOOPBACK):
            raise MillionXError(image, f"its registry wants a login at {realm!r}", "a registry that asks by https")
        answer = self._session.get(realm, params=fields, timeout=TIMEOUT_S)
        if answer.status_code != 200:
            raise MillionXError(
                image, f"{realm} gives no token: {answer.status_code}", FIXES.get(answer.status_code, LATER)
            )
        given = answer.json()
        return str(given.get("token") or given.get("access_token"))


def main() -> int:
    """Pin all; 0 when it is done, 1 when an image has no digest."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--default-registry", default="", metavar="URL", help="of names without a host")
    parser.add_argument("--root", type=Path, default=ROOT, help="of the checkout")
    given = parser.parse_args()
    ask = ["docker", "info", "--format", "{{.IndexServerAddress}}"]
    try:
        default = given.default_registry or subprocess.run(ask, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        default = ""
    texts = {name: (given.root / name).read_text(encoding="utf-8") for name in FILES}
    registries, digests = Registries(default.strip()), dict[str, str]()
    try:
        for image in images(texts.values()):
            digests[image], whole = registries.digest(image)
            print(f"{image}@{digests[image]}{'' if whole else '  (one architecture only)'}")
    except MillionXError as error:
        print(f"Error: {error}\n  fix: {error.fix}", file=sys.stderr)
        return 1
    for name, text in texts.items():
        (given.root / name).write_text(pinned(text, digests), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
