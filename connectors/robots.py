"""robots.txt of the sites that are read without their owners' API."""

from __future__ import annotations

import urllib.parse
import urllib.robotparser

from connectors.http import Http
from glue.errors import ServiceError, ServiceUnavailableError


class Robots:
    """What each site's robots.txt allows to ``user_agent``; asked for once a run. ``obey`` false: everything."""

    def __init__(self, user_agent: str | None, obey: bool, fix: str) -> None:
        self._agent = user_agent or "*"
        self._obey = obey
        self._fix = fix
        self._sites: dict[str, urllib.robotparser.RobotFileParser] = {}

    def check(self, url: str, http: Http) -> None:
        """Obey the site's robots.txt.

        Raises:
            ServiceError: it does not allow the page.
            ServiceUnavailableError: it cannot be read now; a site without one (4xx) allows everything.
        """
        if not self._obey:
            return
        parts = urllib.parse.urlsplit(url)
        site = f"{parts.scheme}://{parts.netloc}"
        if site not in self._sites:
            self._sites[site] = http.attempt("robots.txt", lambda: _read(http, site, self._agent))
        if not self._sites[site].can_fetch(self._agent, url):
            raise ServiceError(f"page below {site}", "its robots.txt does not allow it", self._fix)

    def delay(self, url: str) -> float:
        """Seconds between two calls that the site asks for (``Crawl-delay``); 0 where it does not, or was not read."""
        parts = urllib.parse.urlsplit(url)
        parser = self._sites.get(f"{parts.scheme}://{parts.netloc}")
        return float(parser.crawl_delay(self._agent) or 0) if parser else 0.0


def _read(http: Http, site: str, agent: str) -> urllib.robotparser.RobotFileParser:
    headers = {} if agent == "*" else {"User-Agent": agent}
    answer = http.send("robots.txt", f"{site}/robots.txt", headers=headers)
    if answer.status >= 500:
        raise ServiceUnavailableError("robots.txt", f"it answered {answer.status}")
    parser = urllib.robotparser.RobotFileParser()
    parser.parse(answer.body.decode(errors="replace").splitlines() if answer.status == 200 else [])
    return parser
