"""Every benchmark of the glue service and of the Python bridge; what counts are ratios inside one run.

    make bench                                  all of it, about 25 minutes; the report also goes to build/bench.json
    .venv/bin/python scripts/bench.py --only loop --rounds 5 --against HEAD~1 -o json

    .venv/bin/python scripts/bench.py --only loop --peers quixstreams faust PyFlink --sizes "0.3 kB"

A running local stack is used; without one, the parts that are needed are started and go away afterwards. Each peer
gets an environment of its own below .venv, so that what it pins changes nothing here; one that cannot be installed is
left out, with a line that says so. sentence-transformers takes part where it is installed (extra ``torch``);
--torch-python names an interpreter that has it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from bench_peers import PEERS, python_of
from bench_report import Row, to_json, to_table

ROOT = Path(__file__).resolve().parent.parent
_NEEDS = {
    "at-rest": [],
    "codecs": ["registry"],
    "scrub": [],
    "embedding": [],
    "shares": ["registry"],
    "loop": ["kafka", "registry"],
    "soak": ["kafka", "registry"],
    "bridge": [],
    "sink": ["weaviate"],
}


@contextmanager
def services(names: set[str]) -> Iterator[None]:
    """The parts of a local stack, running; those that were not before are brought down again."""
    from glue.local.ports import is_free
    from glue.local.report import Reporter
    from glue.local.stack import PARTS, Stack
    from glue.settings import get_settings

    settings = get_settings()
    ports = {name: urlsplit(f"//{str(getattr(settings, name)).rpartition('//')[2]}").port or 0 for name in names}
    if not any(map(is_free, ports.values())):
        yield
        return
    with tempfile.TemporaryDirectory(prefix="millionx-bench-") as folder:
        os.environ["MXCTL_STATE_DIR"] = folder
        get_settings.cache_clear()
        stack = Stack(Path(folder), Reporter(quiet=True), [part for part in PARTS if part.name in names])
        try:
            stack.up(services=False)
            get_settings.cache_clear()
            yield
        finally:
            stack.down()


def embedding(torch_python: str) -> list[Row]:
    """In this process, or in that of an interpreter that has sentence-transformers."""
    if not torch_python:
        from bench_embedding import embedding as here

        return here()
    command = [torch_python, __file__, "--only", "embedding", "-o", "json"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    rows = json.loads(done.stdout)["rows"]
    return [Row(**{name: value for name, value in row.items() if name != "reached"}) for row in rows]


def parts(given: argparse.Namespace) -> dict[str, Callable[[], list[Row]]]:
    """The measurements by name; their modules are imported when their turn comes, after the stack is up."""

    def glue_part(name: str) -> Callable[[], list[Row]]:
        def run() -> list[Row]:
            import bench_glue_parts

            rows: list[Row] = getattr(bench_glue_parts, name)()
            return rows

        return run

    def loop() -> list[Row]:
        from bench_glue import loop

        peers = {peer: python for peer in given.peers if (python := python_of(peer))}
        with ExitStack() as stack:
            return loop(
                given.records,
                given.rounds,
                peers,
                given.against,
                given.batch,
                given.sizes,
                stack,
                java=not given.no_java,
                only=given.contenders,
            )

    def soak() -> list[Row]:
        from bench_glue_soak import soak

        return soak(given.soak_minutes * 60)

    def bridge() -> list[Row]:
        from bench_bridge import bridge, gate, rows_gate

        return [*bridge(3000, 10 * given.rounds + 1), *gate(2000, 5 * given.rounds), *rows_gate(2000, 5 * given.rounds)]

    def sink() -> list[Row]:
        from bench_bridge import weaviate_sink

        return weaviate_sink(3000, given.rounds + 1)

    def at_rest() -> list[Row]:
        import bench_atrest

        with tempfile.TemporaryDirectory() as folder:
            return bench_atrest.at_rest(Path(folder) / "keys.json")

    return {
        "at-rest": at_rest,
        "codecs": glue_part("codecs"),
        "scrub": glue_part("scrubbing"),
        "embedding": lambda: embedding(given.torch_python),
        "shares": glue_part("shares"),
        "loop": loop,
        "soak": soak,
        "bridge": bridge,
        "sink": sink,
    }


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--only", nargs="+", choices=list(_NEEDS), default=list(_NEEDS), metavar="PART", help="%(choices)s"
    )
    parser.add_argument("--records", type=int, default=60_000, help="of the loop")
    parser.add_argument(
        "--rounds", type=int, default=3, help="of the loop; each in the reverse order of the one before"
    )
    parser.add_argument("--sizes", nargs="+", choices=["0.3 kB", "2 kB", "20 kB"], default=["0.3 kB", "2 kB", "20 kB"])
    parser.add_argument("--against", action="append", default=[], metavar="REV", help="another commit, in the loop too")
    parser.add_argument("--batch", action="append", default=[], type=int, metavar="COUNT", help="another size of batch")
    parser.add_argument("--soak-minutes", type=float, default=5.0)
    parser.add_argument(
        "--peers", nargs="*", choices=PEERS, default=["quixstreams"], metavar="PEER", help="in the loop: %(choices)s"
    )
    parser.add_argument("--contenders", nargs="*", default=[], metavar="PART", help="of the loop: parts of their names")
    parser.add_argument("--no-java", action="store_true", help="leave the loop in plain Java out")
    parser.add_argument("--torch-python", default="", help="an interpreter with sentence-transformers")
    parser.add_argument("--json", type=Path, help="also write the report here")
    parser.add_argument("-o", "--output", choices=["table", "json"], default="table")
    given = parser.parse_args()
    rows: list[Row] = []
    with services({service for part in given.only for service in _NEEDS[part]}):
        for name, measure in parts(given).items():
            if name in given.only:
                print(f"measuring: {name}", file=sys.stderr)
                found = measure()
                rows += found
                if given.output == "table":
                    print(to_table(found), flush=True)
    report = to_json(rows)
    if given.output == "json":
        print(report)
    if given.json:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(report + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
