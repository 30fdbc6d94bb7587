"""The page that shows the topology; the stack is up without it, too."""

from __future__ import annotations

from glue.local.part import Part, Site, http_ok
from glue.local.process import Launch
from glue.local.service import mxctl


class Ui(Part):
    """``mxctl ui``; healthy when it serves."""

    name = "ui"
    ports = ("http",)
    timeout_s = 60
    grace_s = 5
    wave = 3
    optional = True

    def launch(self, site: Site) -> Launch:
        # One arena: the threads that ask the services would each keep some memory of their own.
        return mxctl(site, ["ui", "--port", str(site.port(self.name, "http"))], env={"MALLOC_ARENA_MAX": "1"})

    def healthy(self, site: Site) -> bool:
        return http_ok(f"http://{site.address(self.name, 'http')}/health")

    def note(self, site: Site) -> str:
        return f"open http://{site.address(self.name, 'http')}/"
