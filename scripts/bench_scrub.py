"""What finding personal data costs: CPU time a text, and beside another revision of this project in the same run.

    python scripts/bench_scrub.py [FILE…] [--against REV] [--rounds 15]

A FILE has a text a line, such as public comments. Each revision runs in a process of its own; they take turns, slice by
slice, in an order that turns around each round. Only CPU time of the process that works counts. A ratio is the median
of the ratios of the rounds, so it holds on a busy machine; microseconds describe the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_TEXTS, _LONG_TEXTS, _HOSTILE = 1000, 20, 100_000  # texts, texts, characters
_SHOWN = 8  # hostile texts
_ROOT = Path(__file__).parents[1]


class Finder:
    """The search of one revision, in its own process."""

    def __init__(self, root: Path, sets: dict[str, list[str]]) -> None:
        # -S: without it, an editable install would lend modules of this checkout to the other
        self._process = subprocess.Popen(
            [sys.executable, "-S", str(Path(__file__).resolve()), "--worker"],
            env={**os.environ, "PYTHONPATH": os.pathsep.join((str(root), sysconfig.get_path("purelib")))},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._ask(sets)

    def _ask(self, question: Any) -> Any:
        assert self._process.stdin is not None and self._process.stdout is not None  # noqa: S101 - pipes, see above
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def microseconds(self, name: str) -> float:
        """CPU time a text, of one pass over a set."""
        return float(self._ask(name))

    def close(self) -> None:
        self._process.communicate()


def work() -> None:
    """Answer questions on stdin: first the sets, then names of them."""
    try:
        from glue.privacy.recognisers import find
    except ImportError:  # before the recognisers had a room
        from glue.transforms.pii import find  # type: ignore[import-not-found, no-redef]

    sets: dict[str, list[str]] = {}
    for line in sys.stdin:
        question = json.loads(line)
        if not sets:
            sets = question
        texts = sets[question] if isinstance(question, str) else [text for each in sets.values() for text in each]
        started = time.process_time_ns()
        for text in texts:
            find(text)
        print((time.process_time_ns() - started) / len(texts) / 1000, flush=True)


def texts_of(files: list[Path]) -> dict[str, list[str]]:
    """The sets of texts by name."""
    from bench_glue_load import made_posts
    from pii_set import posts

    made = [post["content"] for post in made_posts(_TEXTS)]
    sets = {"made posts": made, "labelled posts, most with a find": [post.text for post in posts(_TEXTS)]}
    ordinary = made
    for file in files:
        ordinary = sets[file.name] = file.read_text(encoding="utf-8").splitlines()
    joined = "\n".join(ordinary * (1 + 400_000 // sum(map(len, ordinary))))
    for size in (2000, 20_000):
        sets[f"{size // 1000} kB of {'made posts' if ordinary is made else files[-1].name}"] = [
            joined[at : at + size] for at in range(0, size * _LONG_TEXTS, size)
        ]
    return sets


def hostile() -> dict[str, list[str]]:
    """Texts made to be slow, each whole and half as long."""
    from pii_set import HOSTILE, repeated

    return {
        repr(piece) + half: [repeated((piece,), _HOSTILE // (2 if half else 1))]
        for piece in HOSTILE
        for half in ("", " half")
    }


@contextmanager
def checkout(revision: str) -> Iterator[Path]:
    """A worktree of a revision, removed afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tree"
        git = ["git", "-C", str(_ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(path), revision], check=True)
        try:
            yield path
        finally:
            subprocess.run([*git, "remove", "--force", str(path)], check=True)


def measure(finders: list[Finder], names: list[str], rounds: int) -> dict[str, list[list[float]]]:
    """Microseconds of each set: by finder, by round."""
    found: dict[str, list[list[float]]] = {name: [[] for _ in finders] for name in names}
    for turn in range(rounds):
        for name in names:
            for place in range(len(finders))[:: -1 if turn % 2 else 1]:
                found[name][place].append(finders[place].microseconds(name))
    return found


def _row(name: str, times: list[list[float]]) -> str:
    row = f"{name:<42}{statistics.median(times[0]):>11,.1f} µs"
    if len(times) > 1:
        ratio = statistics.median(ours / theirs for ours, theirs in zip(*times, strict=True))
        row += f"{statistics.median(times[1]):>11,.1f} µs{ratio:>8.2f}"
    return row


def report(roots: list[Path], options: argparse.Namespace) -> None:
    ordinary, slow = texts_of(options.files), hostile()
    finders = [Finder(root, ordinary | slow) for root in roots]
    try:
        times = measure(finders, list(ordinary), options.rounds)
        slow_times = measure(finders, list(slow), max(3, options.rounds // 4))
    finally:
        for finder in finders:
            finder.close()
    print(
        f"load {os.getloadavg()[0]:.1f}; CPU a text: this tree" + (f", {options.against}, ratio" if roots[1:] else "")
    )
    for name, each in times.items():
        print(_row(name, each))
    whole = {name: each for name, each in slow_times.items() if name + " half" in slow_times}
    worst = sorted(whole, key=lambda name: -statistics.median(whole[name][0]))
    print(
        f"{_HOSTILE // 1000} kB of one piece, the slowest {_SHOWN} of {len(whole)}; and how much more than half of it"
    )
    for name in worst[:_SHOWN]:
        growth = statistics.median(whole[name][0]) / statistics.median(slow_times[name + " half"][0])
        print(f"{_row(name, whole[name])}   {growth:.2f}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--against", metavar="REV", help="revision of this repository to compare with")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work()
    elif options.against:
        with checkout(options.against) as other:
            report([_ROOT, other], options)
    else:
        report([_ROOT], options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
