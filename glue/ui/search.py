"""The search box of the page: the search of ``mxctl search``, its posts masked as the schema of their topic asks."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime
from typing import Any, get_args

from glue.errors import ConfigError, UsageError
from glue.language.words import Language
from glue.privacy.shown import clean, visible_value
from glue.privacy.tags import tag_of
from glue.search.posts import PostSearch, wanted_of
from glue.settings import Settings
from glue.times import parse_time
from glue.topology.model import Declared

LONGEST = 500  # characters of a question
_MOST = 20
_EXTRA = ("language",)  # shown beside the columns that the collection's file names


class SearchBox:
    """Searches of all pages, one at a time. The model is loaded by the first, and kept."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._search: PostSearch | None = None

    def __call__(self, asked: Mapping[str, str], declared: Declared) -> dict[str, Any]:
        """The posts nearest to ``asked["text"]`` and how it was understood.

        Args:
            asked: as the form has it: text, lang, language, platform, since, until, engagement, product.
            declared: whose subjects say what must be masked.

        Raises:
            UsageError: what is asked for cannot be meant.
            ConfigError: the model's weights, or a schema, are not there.
            ServiceUnavailableError, ServiceError: Weaviate does not answer, or refuses.
        """
        text = asked.get("text", "").strip()
        if not text or len(text) > LONGEST:
            fix = "write what the posts speak of"
            raise UsageError("search", f"a text of 1 to {LONGEST} characters is needed", fix)
        wanted = wanted_of(
            platform=asked.get("platform") or None,
            since=_time(asked, "since"),
            until=_time(asked, "until"),
            min_engagement=_number(asked, "engagement"),
            language=_language(asked, "language"),
            products=[name] if (name := asked.get("product", "").strip()) else (),
        )
        lang = _language(asked, "lang")
        with self._lock:
            if self._search is None:
                self._search = PostSearch(self._settings)
            found = self._search.ask(text, wanted, limit=_MOST, language=lang, explain=True)
            target = self._search.target
        subject = declared.subjects.get(f"{target.topic}-value")
        if subject is None:  # what cannot be masked is not shown
            fix = "declare its subject"
            raise ConfigError(f"search in {target.place}", f"{target.topic} has no declared schema", fix)
        names = {*found.columns, *_EXTRA} & {field["name"] for field in subject.schema["fields"]}
        posts = [
            {
                "score": post["score"],
                "meaning": post["meaning"],
                "shared": post["shared"],
                "post": _shown({name: post.get(name) for name in sorted(names)}, subject.schema),
            }
            for post in found.posts
        ]
        return {"posts": posts, "explanation": found.explanation}

    def close(self) -> None:
        """Let the model go."""
        if self._search is not None:
            self._search.close()


def _shown(post: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Masked as a record of the topic is; what was scrubbed on its way there is scrubbed by today's rules once more."""
    plain = {name: one.isoformat() if isinstance(one, datetime) else one for name, one in post.items()}
    shown = visible_value(plain, schema)
    for field in schema["fields"]:
        if tag_of(field) == "SCRUBBED" and (value := shown.get(field["name"])):
            shown[field["name"]] = [clean(str(one)) for one in value] if isinstance(value, list) else clean(str(value))
    return shown


def _time(asked: Mapping[str, str], name: str) -> datetime | None:
    try:
        return parse_time(text) if (text := asked.get(name, "").strip()) else None
    except ValueError as error:
        raise UsageError(f"search, {name}", str(error)) from None


def _number(asked: Mapping[str, str], name: str) -> int | None:
    text = asked.get(name, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise UsageError(f"search, {name}", "it is not a whole number from 0 on")
    return int(text)


def _language(asked: Mapping[str, str], name: str) -> Language | None:
    text = asked.get(name, "")
    found = next((one for one in get_args(Language) if one == text), None)
    if text and found is None:
        raise UsageError(f"search, {name}", f"it is one of {', '.join(get_args(Language))}")
    return found
