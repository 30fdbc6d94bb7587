"""What the proof of the manifests promises where it cannot run, and that its page names stages that there are."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from deploy.proof import kube_proof
from tests.deploy.compose_file import ROOT


def test_where_no_server_can_be_had_it_says_why_and_counts_as_skipped(tmp_path: Path) -> None:
    environment = {**os.environ, "PATH": "/nowhere", "MXCTL_CACHE_DIR": str(tmp_path), "PIP_NO_INDEX": "1"}
    done = subprocess.run([sys.executable, "-m", "deploy.proof.kube_proof"], cwd=ROOT, env=environment,
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("skipped: no Kubernetes API server: ")


def test_every_overlay_is_proven() -> None:
    found = {
        file.parent.relative_to(kube_proof.FOLDER).as_posix() for file in kube_proof.FOLDER.rglob("kustomization.yaml")
    }
    assert found - {"base", "autoscaling", "monitoring", "secured"} == set(kube_proof.OVERLAYS)


def test_the_page_shows_every_stage() -> None:
    page = (ROOT / "docs" / "deploy-kubernetes.md").read_text(encoding="utf-8").partition("## Proven")[2]
    rows = {line.split("|")[1].strip().replace(" ", "_") for line in page.splitlines() if line.startswith("| ")}
    assert rows - {"stage"} == set(kube_proof.STAGES)
