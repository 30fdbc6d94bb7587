"""What the doctor says of stores and of files of keys, without any service."""

from __future__ import annotations

from pathlib import Path

import pytest

from glue.settings import Settings
from glue.topology.doctor import _keys, _stores
from glue.topology.services import Services

NOWHERE = "127.0.0.1:9"


@pytest.mark.parametrize(("profile", "store"), [("local", "warehouse"), ("postgres", "PostgreSQL")])
def test_the_stores_of_the_profile_are_looked_at_each_by_itself(profile: str, store: str) -> None:
    settings = Settings(
        profile=profile,
        weaviate=f"http://{NOWHERE}",
        warehouse=f"http://{NOWHERE}",
        postgres=f"jdbc:postgresql://{NOWHERE}/millionx",
        warehouse_private_key_file=None,
    )
    found = list(_stores(Services(settings)))
    assert {(one.check, one.state) for one in found} == {("stores", "fail")} and all(one.fix for one in found)
    assert len(found) == 2 and any("Weaviate" in one.detail for one in found)
    assert any(store in one.detail for one in found)


def test_a_file_of_keys_that_others_may_read_is_named(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_text("{}")
    file.chmod(0o644)
    settings = Settings(hash_keys_file=file, warehouse_private_key_file=None, kafka_properties_file=None)
    (found,) = _keys(Services(settings))
    assert (found.state, found.fix) == ("warn", f"chmod 600 {file}")
    file.chmod(0o600)
    (found,) = _keys(Services(settings))
    assert found.state == "ok"
    (absent,) = _keys(Services(settings.model_copy(update={"hash_keys_file": None})))
    assert "no file" in absent.detail
