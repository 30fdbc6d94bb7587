"""What the doctor says of stores and of files of keys, without any service."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis

from glue.settings import Settings
from glue.topology import installation
from glue.topology.doctor import _redis, _stores
from glue.topology.installation import disk, keys
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
    (found,) = keys(Services(settings))
    assert (found.state, found.fix) == ("warn", f"chmod 600 {file}")
    file.chmod(0o600)
    (found,) = keys(Services(settings))
    assert found.state == "ok"
    (absent,) = keys(Services(settings.model_copy(update={"hash_keys_file": None})))
    assert "no file" in absent.detail


def test_what_is_mounted_read_only_is_as_it_should_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "keys.json"
    file.write_text("{}")
    file.chmod(0o644)
    monkeypatch.setattr(installation, "_read_only", lambda _: True)
    settings = Settings(hash_keys_file=file, warehouse_private_key_file=None, kafka_properties_file=None)
    found = [*disk(Services(settings)), *keys(Services(settings))]
    assert {(one.state, one.fix) for one in found} == {("ok", "")} and len(found) == 3


def test_redis_that_does_not_answer_or_refuses_is_said(redis_server: str) -> None:
    def look(url: str) -> tuple[str, str]:
        (found,) = _redis(Services(Settings(redis=url)))
        return found.state, found.detail

    assert look(redis_server) == ("ok", f"0 keys at {redis_server}")
    assert look(f"redis://{NOWHERE}/0")[0] == "fail"
    with redis.Redis.from_url(redis_server) as client:
        client.acl_setuser("reader", enabled=True, passwords=["+secret"], commands=["+ping"], keys=["*"])
    state, detail = look(redis_server.replace("redis://", "redis://reader:secret@"))
    assert state == "fail" and "secret" not in detail and "permission" in detail.lower()
