"""Every case under ``data/`` holds, but for those in ``failing.txt``, which must fail: so the list can only shrink."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cases.check import Case, check, in_folder
from tests.cases.world import made_keys

_HERE = Path(__file__).parent
_CASES = list(in_folder(_HERE / "data"))
_FAILING = (_HERE / "failing.txt").read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cases")


@pytest.fixture(autouse=True)
def keys(state: Path, settings_of_its_own: None) -> Iterator[None]:
    with made_keys(state):
        yield


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case.id)
def test_a_case_holds(case: Case) -> None:
    problems = check(case)
    if case.id in _FAILING:
        assert problems, "this case holds: take it off tests/cases/failing.txt"
    else:
        assert not problems


def test_the_list_of_failing_cases_names_cases() -> None:
    assert set(_FAILING) <= {case.id for case in _CASES}


def test_ids_are_unique() -> None:
    assert len({case.id for case in _CASES}) == len(_CASES)
