"""What tests of the deployment share."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.deploy.compose_file import ROOT


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The secrets that the script makes."""
    folder = tmp_path_factory.mktemp("secrets") / "secrets"
    subprocess.run([ROOT / "deploy/compose/make-secrets", folder], check=True, capture_output=True)
    return folder
