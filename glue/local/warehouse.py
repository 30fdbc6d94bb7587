"""The warehouse: the local Snowflake endpoint of ``sandbox.snowflake``."""

from __future__ import annotations

from glue.local.keys import warehouse_key
from glue.local.part import Part, Site, http_ok
from glue.local.process import Launch, python
from glue.settings import project_root


class Warehouse(Part):
    """``python -m sandbox.snowflake``; healthy when ``/health`` answers 200."""

    name = "warehouse"
    ports = ("http",)

    def prepare(self, site: Site) -> None:
        warehouse_key(site.folder("connect") / "secrets")

    def launch(self, site: Site) -> Launch:
        _, public = warehouse_key(site.folder("connect") / "secrets")
        arguments = ["--port", str(site.port(self.name, "http")), "--data-dir", str(site.folder(self.name))]
        arguments += ["--public-key", str(public)]
        return Launch([python(), "-m", "sandbox.snowflake", *arguments], project_root(), files=(public,))

    def healthy(self, site: Site) -> bool:
        return http_ok(f"http://{site.address(self.name, 'http')}/health")

    def settings(self, site: Site) -> dict[str, str]:
        return {"warehouse": f"http://{site.address(self.name, 'http')}"}
