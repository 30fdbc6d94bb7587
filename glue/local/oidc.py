"""The OpenID provider of a secured stack: ``sandbox.oidc``, whose clients are the stack's users."""

from __future__ import annotations

from glue.local.part import Part, Site
from glue.local.ports import answers
from glue.local.process import Launch, python
from glue.local.security import AUDIENCE, BROKER, Security
from glue.settings import project_root


class Oidc(Part):
    """``python -m sandbox.oidc``; healthy when it listens."""

    name = "oidc"
    ports = ("https",)
    early = True  # the broker and the registry fetch its keys when they start
    wave = 0

    def issuer(self, site: Site) -> str:
        """Its address, which is in every token."""
        return f"https://{site.address(self.name, 'https')}"

    def launch(self, site: Site) -> Launch:
        secured = _secured(site)
        options = {
            "port": str(site.port(self.name, "https")),
            "certificate": str(secured.certificate(BROKER)),
            "key": str(secured.folder / "oidc.key"),
            "clients": str(secured.folder / "passwords.json"),
            "audience": AUDIENCE,
        }
        arguments = [text for key, value in options.items() for text in (f"--{key}", value)]
        return Launch([python(), "-m", "sandbox.oidc", *arguments], project_root())

    def healthy(self, site: Site) -> bool:
        return answers(site.port(self.name, "https"))


def _secured(site: Site) -> Security:
    if site.security is None:
        raise AssertionError("only a secured stack has this part")
    return site.security
