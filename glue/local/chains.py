"""The services that run the declared transform chains, one a chain; they need the topology to be there."""

from __future__ import annotations

from glue.local.part import Part, Site, http_ok
from glue.local.process import Launch
from glue.local.service import mxctl


class Chain(Part):
    """``mxctl transforms run CHAIN``; healthy when records flow through it."""

    ports = ("http",)
    timeout_s = 180  # embedding loads its model first
    grace_s = 20  # it finishes the batch at hand
    wave = 3

    def __init__(self, chain: str) -> None:
        self.chain, self.name = chain, f"chain-{chain}"

    def launch(self, site: Site) -> Launch:
        port = str(site.port(self.name, "http"))
        folder, profile = site.settings.config_dir, site.settings.profile
        files = folder / "transforms" / f"{self.chain}.json", folder / "profiles" / f"{profile}.json"
        return mxctl(site, ["transforms", "run", self.chain, "--port", port, "--instance", "local"], *files)

    def healthy(self, site: Site) -> bool:
        return http_ok(f"http://{site.address(self.name, 'http')}/ready")


def chains() -> tuple[Chain, ...]:
    """A part for every declared chain."""
    from glue.transforms.declared import chain_names

    return tuple(map(Chain, chain_names()))
