"""When a store is asked key by key."""

from __future__ import annotations

import pytest

from glue.audit import watch


def test_a_store_is_asked_when_it_or_the_question_has_changed_and_else_now_and_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr(watch.time, "monotonic", lambda: now[0])
    asked = watch.Asked()
    assert asked.worth((0, 3)), "the first time"
    assert not asked.worth((0, 3))
    assert asked.worth((1, 3)), "something was stored"
    assert not asked.worth((1, 3))
    assert asked.worth((1, 4)), "one more key is waited for"
    now[0] += watch._AGAIN
    assert asked.worth((1, 4)), "what replaces changes no size"
