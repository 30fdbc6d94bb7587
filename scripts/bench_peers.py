"""Where other ways to run the transforms are installed: each in an environment of its own, below this one.

What they pin changes nothing here; they see this environment's packages after their own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

PEERS = {  # and what they need
    "quixstreams": "quixstreams==3.28.1",
    "faust": "faust-streaming==0.15.3 aiokafka[lz4]==0.14.0",
    "PyFlink": "apache-flink==2.2.1",
}
_KAFKA_OF_FLINK = (
    "org.apache.flink:flink-sql-connector-kafka:5.0.0-2.2",
    "5605c691d11a501382c383fecba37a7a552467da5ab7ba904ef5d6f3d62c5616",
    10_666_527,
)


def python_of(peer: str) -> str:
    """An interpreter with ``peer``, installed when it is first asked for; empty where it cannot be."""
    folder = Path(sys.prefix) / "bench" / peer
    python, done = folder / "bin" / "python", folder / f".{PEERS[peer]}"
    if not done.exists():
        print(f"Installing {PEERS[peer]} into an environment of its own (once) …", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", *PEERS[peer].split()]
        if subprocess.run(pip, check=False).returncode:
            print(f"{peer} cannot be installed: it is left out", file=sys.stderr)
            return ""
        where = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
        theirs = subprocess.run(where, check=True, capture_output=True, text=True).stdout.strip()
        (Path(theirs) / "millionx.pth").write_text(sysconfig.get_path("purelib") + "\n")
        done.touch()
    if peer == "PyFlink":
        os.environ["BENCH_FLINK_JAR"] = _connector().as_uri()
    return str(python)


def _connector() -> Path:
    from glue.local.downloads import Fetcher
    from glue.local.jars import Artifact, fetch
    from glue.local.report import Reporter

    return fetch((Artifact(*_KAFKA_OF_FLINK),), Fetcher(Reporter(quiet=True)))[0]
