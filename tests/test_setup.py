"""``make setup`` after an interruption: what pip left half installed is installed again."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NAMES = ("requirements.lock", "requirements-weights.lock", "pyproject.toml", "setup.py", "glue/avro_native.pyx")


def wheel(folder: Path) -> Path:
    """A package with a console script, as pip installs it."""
    file = folder / "half-1.0-py3-none-any.whl"
    info = "half-1.0.dist-info"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("half.py", "def main() -> None:\n    print('whole')\n")
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: half\nVersion: 1.0\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/entry_points.txt", "[console_scripts]\nhalf = half:main\n")
        archive.writestr(f"{info}/RECORD", f"half.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/entry_points.txt,,\n")
    return file


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_a_package_that_pip_left_half_installed_is_installed_again(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "glue").mkdir()
    for name in NAMES:
        (tmp_path / name).write_text("")
    subprocess.run([sys.executable, "-m", "venv", ".venv"], cwd=tmp_path, check=True)
    pip = [".venv/bin/python", "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", str(wheel(tmp_path))]
    subprocess.run(pip, cwd=tmp_path, check=True)
    # Ended by Ctrl-C, pip has unpacked everything and written neither the script nor INSTALLER, which comes after it.
    script = tmp_path / ".venv" / "bin" / "half"
    script.unlink()
    (info,) = tmp_path.glob(".venv/lib/*/site-packages/half-1.0.dist-info")
    (info / "INSTALLER").unlink()
    subprocess.run(pip, cwd=tmp_path, check=True)
    assert not script.exists(), "pip itself takes it for installed"

    # The locks of the copy name nothing, and there is nothing to build: only the first of the three steps counts.
    digest = hashlib.sha256((tmp_path / "half-1.0-py3-none-any.whl").read_bytes()).hexdigest()
    locked = f"half @ file://{tmp_path}/half-1.0-py3-none-any.whl --hash=sha256:{digest}\n"
    (tmp_path / "requirements.lock").write_text(locked)
    env = {**os.environ, "PIP_NO_INDEX": "1"}
    subprocess.run(["make", "setup"], cwd=tmp_path, env=env, check=False)
    said = subprocess.run([script], capture_output=True, text=True, check=True).stdout
    assert said == "whole\n"
