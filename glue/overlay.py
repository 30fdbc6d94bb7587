"""What an environment changes in declared files: the merge patches of its profile, and values by name."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from glue.errors import ConfigError

VAR = re.compile(r"\$\{var:([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")  # ${var:NAME}, ${var:NAME:-default}


def merge_patch(target: Any, patch: Any) -> Any:
    """JSON merge patch (RFC 7396): objects are merged, null removes, anything else replaces."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result


def patch_of(config_dir: Path, profile: str, section: str, name: str) -> Any:
    """What ``profiles/<profile>.json`` changes in ``name`` of ``section``; an empty patch where it says nothing.

    Raises:
        ConfigError: the file is no JSON object.
    """
    file = config_dir / "profiles" / f"{profile}.json"
    try:
        return json.loads(file.read_text(encoding="utf-8")).get(section, {}).get(name, {})
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError) as error:
        raise ConfigError(f"profile {file.name}", str(error), "correct the file") from None


def map_texts(value: Any, change: Callable[[str, str], str], where: str = "") -> Any:
    """``value`` with every text as ``change(text, place)`` gives it; places read ``config.topics``, ``tests[0]``."""
    if isinstance(value, Mapping):
        return {key: map_texts(inner, change, f"{where}.{key}".lstrip(".")) for key, inner in value.items()}
    if isinstance(value, list):
        return [map_texts(inner, change, f"{where}[{at}]") for at, inner in enumerate(value)]
    return change(value, where) if isinstance(value, str) else value


def from_environment(value: Any, what: str) -> Any:
    """``value`` with ``${var:NAME}`` and ``${var:NAME:-default}`` replaced in every text of it.

    Raises:
        ConfigError: the environment has no such name, and there is no default; ``what`` is named.
    """

    def resolve(match: re.Match[str]) -> str:
        name, default = match.groups()
        found = os.environ.get(name, default)
        if found is None:
            fix = f"export {name}, or write ${{var:{name}:-default}}"
            raise ConfigError(what, f"the environment has no {name}", fix)
        return found

    return map_texts(value, lambda text, _: VAR.sub(resolve, text))
