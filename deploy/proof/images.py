"""The images under proof, made and tagged by the script of a release."""

from __future__ import annotations

import json
import os
import shlex
from importlib.metadata import version
from pathlib import Path
from typing import Any

from deploy.proof.engine import PATH, ROOT, WORK, Engine, call

VERSION = version("millionx")
TARGETS = ("glue", "connect", "kafka", "sources")
GIT = ("git", "-c", "user.name=proof", "-c", "user.email=proof@localhost", "-c", "gc.auto=0")


def tag(target: str) -> str:
    """The name under which ``docker-compose.yml`` knows an image."""
    return f"millionx/{target}:{VERSION}"


def release(engine: Engine, folder: Path) -> dict[str, object]:
    """``scripts/release`` in ``folder``, whose files become a commit of their own; size of each image that it tags."""
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "proof")):
        call(*GIT, *words, cwd=folder)
    commit = call("git", "rev-parse", "HEAD", cwd=folder).strip()
    client, temporary = WORK / "bin" / "docker", WORK / "tmp"  # both where the engine sees them
    for one in (client.parent, temporary):
        one.mkdir(exist_ok=True)
    inside = shlex.join(engine.command(cwd=Path("HERE"))).replace(" HERE ", ' "$PWD" ')
    client.write_text(f'#!/bin/sh\nPATH={PATH} exec {inside} "$@"\n')  # not this file again: the engine sees it too
    client.chmod(0o755)
    environment = {**os.environ, **engine.environment, "TMPDIR": str(temporary)}
    environment |= {"PATH": f"{client.parent}:{os.environ['PATH']}", "PYTHON": str(ROOT / ".venv" / "bin" / "python")}
    call("scripts/release", cwd=folder, env=environment)
    found: dict[str, object] = {"files": len(list((folder / "dist").iterdir()))}
    for target in TARGETS:
        image = _image(engine, tag(target))
        said = [image["Config"]["Labels"][f"org.opencontainers.image.{name}"] for name in ("version", "revision")]
        if said != [VERSION, commit]:
            raise SystemExit(f"Error: {tag(target)} says that it is {said}")
        found[target] = f"{image['Size'] / 1e6:.0f} MB"
    if VERSION not in (printed := engine.docker("run", "--rm", tag("glue"), "--version")):
        raise SystemExit(f"Error: {tag('glue')} --version prints {printed}")
    return found


def _image(engine: Engine, name: str) -> dict[str, Any]:
    (found,) = json.loads(engine.docker("image", "inspect", name))
    return dict(found)
