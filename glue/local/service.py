"""How the local stack starts this project's own programs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from glue.local.part import Site
from glue.local.process import Launch, python
from glue.settings import project_root


def mxctl(site: Site, arguments: list[str], *files: Path, env: Mapping[str, str] | None = None) -> Launch:
    """A launch of ``mxctl ARGUMENTS`` for this stack.

    Its settings go as environment, which comes before a .env file: a program of this stack works on this stack.

    Args:
        files: what it reads when it starts; a change of them restarts it.
        env: further variables.
    """
    own = {f"MXCTL_{name.upper()}": str(value) for name, value in site.state.settings.items()}
    own["MXCTL_STATE_DIR"] = str(site.root)
    for name in ("config_dir", "schemas_dir", "profile", "log_level", "traces"):
        own[f"MXCTL_{name.upper()}"] = str(getattr(site.settings, name))
    return Launch([python(), "-m", "glue", *arguments], project_root(), {**own, **(env or {})}, files=files)
