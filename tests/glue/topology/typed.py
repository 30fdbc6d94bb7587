"""mxctl as a process of its own, typed in a project of the tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from .project import Project

Done = subprocess.CompletedProcess[str]


def started(project: Project, *arguments: str, **env: str) -> subprocess.Popen[str]:
    """mxctl in the project, as a process."""
    settings = project.settings
    environment = {
        "PATH": os.environ["PATH"],
        "MXCTL_STATE_DIR": str(project.root / "no-state"),
        "MXCTL_OWNER": settings.owner,
        "MXCTL_CONFIG_DIR": str(settings.config_dir),
        "MXCTL_SCHEMAS_DIR": str(settings.schemas_dir),
        "MXCTL_KAFKA": settings.kafka,
        "MXCTL_CONNECT": settings.connect,
        "MXCTL_REGISTRY": settings.registry,
        **env,
    }
    return subprocess.Popen(
        [sys.executable, "-c", "from glue.cli.main import main; main()", *arguments],
        env=environment,
        cwd=Path(__file__).parents[3],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def mxctl(project: Project, *arguments: str, stdin: str | None = None, **env: str) -> Done:
    """mxctl in the project, to its end."""
    with started(project, *arguments, **env) as process:
        out, err = process.communicate(stdin)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)
