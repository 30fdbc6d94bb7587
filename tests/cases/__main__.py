"""``python -m tests.cases [FOLDER…]``: runs the cases of the folders, or all of this one; exit code: how many fail."""

from __future__ import annotations

import logging
import sys
import tempfile
import warnings
from pathlib import Path

from tests.cases.check import Case, check, in_folder
from tests.cases.world import made_keys


def main(folders: list[Path]) -> int:
    """Print each case and what is wrong with it; the number of those that fail."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    cases: list[Case] = [case for folder in folders for case in in_folder(folder)]
    failing = 0
    with tempfile.TemporaryDirectory() as state, made_keys(Path(state)):
        for case in cases:
            problems = check(case)
            failing += bool(problems)
            print("FAIL" if problems else "pass", case.id, *(f"\n       {problem[:300]}" for problem in problems))
    print(f"{len(cases)} cases, {failing} fail")
    return failing


if __name__ == "__main__":
    named = [Path(argument) for argument in sys.argv[1:]]
    sys.exit(min(main(named or [Path(__file__).parent / "data"]), 250))
