"""The Schema Registry: Apicurio with its Confluent API, on an H2 database in the stack's folder."""

from __future__ import annotations

import tarfile
from pathlib import Path

from glue.files import made_once
from glue.local import jars
from glue.local.java import jvm
from glue.local.oidc import Oidc
from glue.local.part import Part, Site, http_ok
from glue.local.process import Launch
from glue.local.security import AUDIENCE, BROKER
from glue.settings import cache_dir

API = "/apis/ccompat/v7"


def unpacked(archive: Path, digest: str, name: str = "apicurio") -> Path:
    """The folder with the archive's content, in the cache; unpacked once, and never seen half done."""
    target = cache_dir() / name / digest[:16]
    with made_once(target) as draft:
        if draft is not None:
            with tarfile.open(archive) as opened:
                # Not as an argument: Python before 3.11.4 (Debian 12 has 3.11.2) knows none.
                opened.extraction_filter = getattr(tarfile, "data_filter", None)
                opened.extractall(draft)  # noqa: S202  what the lock names
    return target


class Registry(Part):
    """Apicurio Registry; healthy when it lists subjects."""

    name = "registry"
    ports = ("http", "management")

    def prepare(self, site: Site) -> None:
        self._home(site)

    def _home(self, site: Site) -> Path:
        (artifact,) = jars.JarLock.load()["registry"]
        (archive,) = jars.fetch((artifact,), site.fetcher)
        return unpacked(archive, artifact.sha256)

    def launch(self, site: Site) -> Launch:
        folder = site.folder(self.name)
        (runner,) = self._home(site).rglob("quarkus-run.jar")
        properties = {
            "quarkus.http.host": "127.0.0.1",
            "quarkus.http.port": str(site.port(self.name, "http")),
            "quarkus.management.host": "127.0.0.1",
            "quarkus.management.port": str(site.port(self.name, "management")),
            "apicurio.storage.kind": "sql",
            "apicurio.storage.sql.kind": "h2",
            "apicurio.datasource.url": f"jdbc:h2:file:{folder / 'registry'};DB_CLOSE_ON_EXIT=FALSE",
            "quarkus.log.console.color": "false",
            "quarkus.log.console.format": "%d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX} %-5p %c{1}: %s%e%n",
            "quarkus.http.access-log.enabled": "false",
        }
        return jvm(folder, 384, ["-jar", str(runner)], {**properties, **self._secured(site)})

    def _secured(self, site: Site) -> dict[str, str]:
        """TLS alone; whoever shows a token of the OpenID provider, or by Basic what it gives one for, may come in."""
        if site.security is None:
            return {}
        issuer, certificate = Oidc().issuer(site), str(site.security.certificate(BROKER))
        return {
            "quarkus.http.insecure-requests": "disabled",
            "quarkus.http.ssl-port": str(site.port(self.name, "http")),
            "quarkus.http.ssl.certificate.files": certificate,
            "quarkus.http.ssl.certificate.key-files": certificate,
            "quarkus.oidc.tenant-enabled": "true",
            "quarkus.oidc.auth-server-url": issuer,
            "quarkus.oidc.token-path": f"{issuer}/token",
            "quarkus.oidc.client-id": AUDIENCE,
            "quarkus.oidc.token.audience": AUDIENCE,
            "apicurio.authn.basic-client-credentials.enabled": "true",
            **site.security.jvm,
        }

    def healthy(self, site: Site) -> bool:
        return http_ok(f"{self.url(site)}/subjects", access=site.access(self.name))

    def settings(self, site: Site) -> dict[str, str]:
        return {"registry": self.url(site), **(site.security.http(self.name) if site.security else {})}

    def url(self, site: Site) -> str:
        """Its Confluent API."""
        return f"{site.scheme}://{site.address(self.name, 'http')}{API}"
