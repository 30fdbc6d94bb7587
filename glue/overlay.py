"""What an environment changes in declared files: the patches of its profile, and references by name.

A text of any declared file may hold references: ``${env:NAME}`` for the environment, ``${file:PATH:KEY}`` for a key of
a ``.properties`` file (secrets), ``${setting:NAME}`` for one of :class:`glue.settings.Settings`; each may end in
``:-default``, which also holds where the value is empty. A Connect worker knows the first two as well, without a
default, and resolves them in the config of a connector: there only the others are resolved here.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from glue.errors import ConfigError
from glue.settings import Settings

_REFERENCE = re.compile(r"\$\{(env|file|setting):([^${}]+)\}")


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


def profile_body(
    config_dir: Path, name: str, read: Callable[[Path], dict[str, Any]], above: tuple[str, ...] = ()
) -> dict[str, Any]:
    """``profiles/<name>.json`` on top of the profiles that it ``extends``, the later over the earlier.

    Raises:
        ConfigError: profiles extend each other in a circle. What ``read`` raises passes.
    """
    if name in above:
        raise ConfigError(f"profile {above[0]}", f"it extends itself: {' → '.join([*above, name])}", "correct it")
    own = read(config_dir / "profiles" / f"{name}.json")
    extends = own.get("extends") or []
    body: Any = {}
    for other in [extends] if isinstance(extends, str) else extends:
        body = _both(body, profile_body(config_dir, str(other), read, (*above, name)))
    return dict(_both(body, own))


def _both(first: Any, second: Any) -> Any:
    """One patch that does what ``first`` and then ``second`` do."""
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        return {**first, **{key: _both(first.get(key), value) for key, value in second.items()}}
    return second


def patch_of(config_dir: Path, profile: str, section: str, name: str) -> Any:
    """What a profile changes in ``name`` of ``section``; an empty patch where it says nothing.

    Raises:
        ConfigError: the profile's file is no JSON object.
    """

    def read(file: Path) -> dict[str, Any]:
        try:
            return dict(json.loads(file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError) as error:
            raise ConfigError(f"profile {file.name}", str(error), "correct the file") from None

    found = profile_body(config_dir, profile, read).get(section, {})
    return found.get(name, {}) if isinstance(found, Mapping) else {}


def declared_merchants(settings: Settings) -> frozenset[str]:
    """The merchants that sources name (``options.merchant_id``) under the current profile.

    One whose reference has no value here is left out: not every process is given what a source is.

    Raises:
        ConfigError: a declared file is no JSON.
    """
    found = set()
    for path in sorted((settings.config_dir / "sources").glob("*.json")):
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ConfigError(f"file {path.name}", f"it cannot be read: {error}", "correct it") from None
        body = merge_patch(document, patch_of(settings.config_dir, settings.profile, "sources", path.stem))
        options = body.get("options") if isinstance(body, Mapping) else None
        merchant = options.get("merchant_id") if isinstance(options, Mapping) else None
        try:
            found.add(str(resolve(merchant or "", settings, f"source {path.stem}")))
        except ConfigError:
            continue
    return frozenset(found - {""})


def map_texts(value: Any, change: Callable[[str, str], str], where: str = "") -> Any:
    """``value`` with every text as ``change(text, place)`` gives it; places read ``config.topics``, ``tests[0]``."""
    if isinstance(value, Mapping):
        return {key: map_texts(inner, change, f"{where}.{key}".lstrip(".")) for key, inner in value.items()}
    if isinstance(value, list):
        return [map_texts(inner, change, f"{where}[{at}]") for at, inner in enumerate(value)]
    return change(value, where) if isinstance(value, str) else value


def resolve(value: Any, settings: Settings, what: str) -> Any:
    """``value`` with the references in every text of it resolved.

    Raises:
        ConfigError: one has no value and no default; ``what`` names the file, and no value is shown.
    """
    return map_texts(value, lambda text, _: resolve_text(text, settings, what))


def resolve_text(text: str, settings: Settings, what: str, *, for_worker: bool = False) -> str:
    """``text`` with its references resolved; with ``for_worker`` only those that a Connect worker cannot resolve.

    Raises:
        ConfigError: as :func:`resolve`.
    """

    def value_of(match: re.Match[str]) -> str:
        kind, (name, has_default, default) = match[1], match[2].partition(":-")
        if for_worker and kind != "setting" and not has_default:
            return match.group()
        return _VALUE[kind](name, settings, what, default if has_default else None)

    return _REFERENCE.sub(value_of, text)


def _from_environment(name: str, settings: Settings, what: str, default: str | None) -> str:
    found = os.environ.get(name) or default
    if found is None:
        fix = f"export {name}=…, or write ${{env:{name}:-default}}"
        raise ConfigError(what, f"the environment variable {name} is not set", fix)
    return found


def _from_setting(name: str, settings: Settings, what: str, default: str | None) -> str:
    found = getattr(settings, name, None) if name in type(settings).model_fields else None
    text = found.get_secret_value() if isinstance(found, SecretStr) else str(found or "")
    if not text and default is None:
        fix = "mxctl sandbox up" if name == "sandbox" else f"set MXCTL_{name.upper()}"
        raise ConfigError(what, f"the setting {name} is empty", fix)
    return text or str(default)


def _from_file(name: str, settings: Settings, what: str, default: str | None) -> str:
    path, _, key = name.rpartition(":")
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        if default is not None:
            return default
        raise ConfigError(what, f"{path}: {error.strerror}", "create the file of secrets") from error
    pairs = (line.partition("=") for line in lines if not line.lstrip().startswith("#"))
    found = [value.strip() for left, _, value in pairs if left.strip() == key]
    if not found and default is None:
        raise ConfigError(what, f"{path} has no {key}", f"add the line {key}=…")
    return found[-1] if found else str(default)


_VALUE: dict[str, Callable[[str, Settings, str, str | None], str]] = {
    "env": _from_environment,
    "file": _from_file,
    "setting": _from_setting,
}
