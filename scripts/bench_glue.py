"""The loop of the glue service against passthrough, plain Java, other stream processors and another commit.

Each contender works through the same records in a process of its own, in rounds, each in the reverse order of the one
before; the time runs from its first record to its last commit. The median of the rounds counts, ratios are made inside
a round, and the least and the most of them are told.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import bench_java
from bench_glue_load import prepare
from bench_report import Row

from glue.registry import registry_client
from glue.settings import get_settings
from glue.transforms import language

ROOT = Path(__file__).resolve().parent.parent
OURS = ("passthrough", "glue at least once", "glue exactly once")
JAVA = "plain Java exactly once, warm"
THEIRS = {
    "quixstreams": ("quixstreams at least once", "quixstreams exactly once", "quixstreams exactly once, our codecs"),
    "faust": ("faust exactly once, our codecs",),
    "PyFlink": ("PyFlink exactly once, our codecs",),
}
RATIOS = (
    ("glue exactly once", "passthrough", None),
    ("glue exactly once", JAVA, 0.9),
    ("glue at least once", "quixstreams at least once", 3.0),
    ("glue exactly once", "quixstreams exactly once", 4.0),
    ("glue exactly once", "quixstreams exactly once, our codecs", 2.5),
    ("glue exactly once", "faust exactly once, our codecs", None),
    ("glue exactly once", "PyFlink exactly once, our codecs", None),
)
SIZES = {"0.3 kB": (1, 1), "2 kB": (14, 4), "20 kB": (140, 30)}  # how much longer the texts are, how many fewer
_AIM = 10_000  # records a second
_WARM = 1_000_000  # records of the loop in Java before it is timed, and 20 times the backlog at most
Found = dict[str, float]


@dataclass(frozen=True)
class Contender:
    """A program of ``bench_glue_contender.py``, with the interpreter and the code of this project that it takes."""

    name: str
    python: str = sys.executable
    code: Path = ROOT

    def command(self, topics: dict[str, str], records: int) -> list[str]:
        """The program that works through ``records`` of the source topic."""
        program = str(ROOT / "scripts" / "bench_glue_contender.py")
        return [self.python, program, self.name, json.dumps(topics), str(records)]


@dataclass(frozen=True)
class JavaLoop(Contender):
    """The same work in Java, which is timed only after it has worked through a million records: compiled code."""

    program: tuple[str, ...] = ()

    def command(self, topics: dict[str, str], records: int) -> list[str]:
        with registry_client(get_settings()) as registry:
            output = registry.get_latest_version(f"{topics['output']}-value").schema_id
        words = " ".join(f"{word}={score}" for word, score in language._SCORES.items())
        settings, warm = get_settings(), min(_WARM, 20 * records)
        given = (settings.kafka, topics["source"], topics["output"], records, settings.schemas_dir, output, words, warm)
        return [*self.program, "LoopBench", *map(str, given)]


def contend(one: Contender, topics: dict[str, str], records: int) -> Found:
    """What a contender needs, in a process of its own: see ``bench_glue_contender.py``."""
    command = one.command(topics, records)
    environment = os.environ | {"PYTHONPATH": str(one.code), "BENCH_RUN": uuid4().hex[:8]}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900)
    if done.returncode:
        raise SystemExit(f"{one.name} failed:\n{done.stderr[-3000:]}")
    found: Found = json.loads(done.stdout.strip().splitlines()[-1])
    return found


@contextmanager
def commit(revision: str) -> Iterator[Contender]:
    """The service as it is at another commit, with its codec compiled, in a work tree that goes away."""
    with tempfile.TemporaryDirectory(prefix="millionx-bench-") as folder:
        tree = Path(folder) / "tree"
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(tree), revision], check=True)
        try:
            if (tree / "glue" / "avro_native.pyx").exists():
                build = [sys.executable, "-c", "import setuptools; setuptools.setup()", "build_ext", "--inplace"]
                if (tree / "setup.py").exists():
                    build[1:3] = ["setup.py"]
                subprocess.run(build, cwd=tree, check=True, capture_output=True)
            yield Contender(f"glue exactly once, {revision}", code=tree)
        finally:
            subprocess.run([*git, "remove", "--force", str(tree)], check=True)
            shutil.rmtree(tree, ignore_errors=True)


def loop(records: int, rounds: int, peers: dict[str, str], against: list[str], batches: list[int], sizes: list[str],
         stack: ExitStack, *, java: bool, only: list[str]) -> list[Row]:  # fmt: skip
    """Records a second, processor time and memory of each contender, and their ratios, for records of each size.

    Args:
        peers: interpreters of other ways to do the same; see ``bench_peers.py``.
        against: other commits.
        only: parts of the names of contenders; none are all.
        batches: other sizes of a batch than the default; see ``batch.max.records``.
    """
    names = [*OURS, *(f"glue exactly once, batches of {count}" for count in batches)]
    contenders = [Contender(name) for name in names] + [stack.enter_context(commit(one)) for one in against]
    contenders += [Contender(name, python) for peer, python in peers.items() for name in THEIRS[peer]]
    if java:
        sources = ROOT / "scripts" / "java"
        program = stack.enter_context(bench_java.java(sources, sets=("kafka", "snowflake"), collector="Parallel"))
        contenders.append(JavaLoop(JAVA, program=tuple(program)))
    contenders = [one for one in contenders if not only or any(part in one.name for part in only)]
    return [row for size in sizes for row in _of_size(size, records, rounds, contenders)]


def _of_size(size: str, records: int, rounds: int, contenders: list[Contender]) -> Iterator[Row]:
    longer, fewer = SIZES[size]
    records //= fewer
    topics, part = prepare(records, longer), f"loop, {records:,} records of {size}"
    found: dict[str, list[Found]] = {one.name: [] for one in contenders}
    for number in range(rounds):
        for one in contenders if number % 2 == 0 else reversed(contenders):
            found[one.name].append(contend(one, topics, records))
            print(f"  {one.name}: {records / found[one.name][-1]['seconds']:,.0f} records/s", file=sys.stderr)

    def row(what: str, unit: str, values: list[float], aim: float | None = None) -> Row:
        return Row(part, what, statistics.median(values), unit, aim, rounds=(min(values), max(values)))

    measures: list[tuple[str, str, Callable[[Found], float]]] = [
        ("", "records/s", lambda one: records / one["seconds"]),
        (": processor", "us/record", lambda one: one["cpu"] / records * 1e6),
        (": memory", "MB", lambda one: one["rss"]),
    ]
    for suffix, unit, of in measures:
        for name, rounds_of_it in found.items():
            aim = _AIM if name + suffix == "glue exactly once" and longer == 1 else None
            yield row(name + suffix, unit, [of(one) for one in rounds_of_it], aim)
    others = [("glue exactly once", one.name, None) for one in contenders if one.name.startswith("glue exactly once,")]
    for a, b, aim in (*RATIOS, *others):
        if a in found and b in found:  # of each round, because a noisy moment is noisy for both
            ratios = [theirs["seconds"] / ours["seconds"] for ours, theirs in zip(found[a], found[b], strict=True)]
            yield row(f"{a} / {b}", "x", ratios, aim if longer == 1 else None)
