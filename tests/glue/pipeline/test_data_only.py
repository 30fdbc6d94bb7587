"""The declared files are the only map: a source and a chain are added and topics renamed in data alone, and every part
that speaks of topics, stores or sources follows."""

from __future__ import annotations

import ast
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from glue.audit.run import open_audit
from glue.canary.paths import paths_of
from glue.errors import UsageError
from glue.pipeline.routes import Pipeline
from glue.settings import Settings
from glue.topology.graph.model import build
from glue.topology.graph.text import as_text
from glue.topology.kinds import KINDS
from glue.topology.kinds.contract import Live
from glue.topology.load import load
from glue.topology.memory import Memory, MemoryTopic
from glue.topology.plan import make_plan
from glue.topology.services import Services
from glue.topology.strimzi import resources
from glue.topology.validate import problems
from glue.ui.collector import Snapshot
from glue.ui.rates import Rates
from glue.ui.view import graph_view

OWN = Settings()
RENAMED = {"source.social.tiktok": "posts.tiktok", "sink.snowflake.orders": "sink.snowflake.order_lines"}
RAW, ROWS = "source.market.bazaar", "sink.snowflake.bazaar_rows"


def change(file: Path, edit: Callable[[Any], None]) -> None:
    body = json.loads(file.read_text(encoding="utf-8"))
    edit(body)
    file.write_text(json.dumps(body), encoding="utf-8")


@pytest.fixture(params=["local", "postgres"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """The declared files with other names of two topics; a source more, with a chain and a table of its own."""
    config = tmp_path / "connect-config"
    shutil.copytree(OWN.config_dir, config)
    shutil.copytree(OWN.schemas_dir, tmp_path / "schemas")
    for file in config.rglob("*.json"):
        text = file.read_text(encoding="utf-8")
        for old, new in RENAMED.items():
            text = text.replace(old, new)
        file.write_text(text, encoding="utf-8")
    shutil.copy(config / "sources" / "daraz.json", config / "sources" / "bazaar.json")
    change(config / "sources" / "bazaar.json", lambda body: body.update(topic=RAW))
    shutil.copy(config / "transforms" / "orders.json", config / "transforms" / "bazaar.json")
    change(
        config / "transforms" / "bazaar.json",
        lambda body: (
            body.update(name="bazaar"),
            body["config"].update({"topics": RAW, "output.topic": ROWS, "transforms.shape.rekey": "bazaar"}),
        ),
    )
    change(
        config / "topics.json", lambda body: body["topics"].update({name: {"partitions": 2} for name in (RAW, ROWS)})
    )
    subjects = {f"{RAW}-value": {"schema": "market_order.avsc"}, f"{ROWS}-value": {"schema": "order_row.avsc"}}
    change(config / "subjects.json", lambda body: body["subjects"].update(subjects))

    def read_rows(sink: Any) -> None:
        sink["config"]["topics"] += f",{ROWS}"
        if "snowflake.topic2table.map" in sink["config"]:
            sink["config"]["snowflake.topic2table.map"] += f",{ROWS}:BAZAAR_ROWS"

    change(config / "connectors" / "snowflake-sink.json", read_rows)
    change(config / "profiles" / "postgres.json", lambda body: read_rows(body["connectors"]["postgres-sink"]))
    return Settings(config_dir=config, schemas_dir=tmp_path / "schemas", profile=request.param)


def follows(shown: str, *also: str) -> None:
    """What is shown has the new names, and none of the old ones."""
    for name in also:
        assert name in shown, name
    for old in RENAMED:
        assert old not in shown.replace(f"{old}_", ""), old


def test_validate_graph_exports_and_page(settings: Settings) -> None:
    declared = load(settings)
    assert [str(problem) for problem in problems(declared)] == []
    store = {"local": "Snowflake BAZAAR_ROWS", "postgres": "PostgreSQL bazaar_rows"}[settings.profile]
    names = (*RENAMED.values(), RAW, ROWS)
    follows(as_text(build(declared)), "source bazaar", "chain bazaar", store, *names)
    view = graph_view(Snapshot(declared=declared, rates=Rates()))
    nodes = {node["id"] for node in view["nodes"]}
    expected = {"source/bazaar", "chain/bazaar", f"store/{store}", *(f"topic/{name}" for name in names)}
    assert expected <= nodes and not nodes & {f"topic/{old}" for old in RENAMED}
    follows(json.dumps(resources(declared)), *names)


def test_the_plan_for_an_empty_cluster(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = ("topic", "subject", "chain", "connector")
    monkeypatch.setattr(MemoryTopic, "read", lambda _: Memory())
    for kind in kinds:
        monkeypatch.setattr(KINDS[kind], "read", lambda *_: Live())
    changes = make_plan(Services(settings), load(settings), kinds).changes
    made = {(change.kind, change.name) for change in changes}
    assert {("topic", RAW), ("subject", f"{ROWS}-value"), ("chain", "bazaar")} <= made
    follows(repr(changes), *RENAMED.values(), RAW, ROWS)


def test_where_canaries_go(settings: Settings) -> None:
    paths = paths_of(load(settings))
    raw, rows, store = paths["bazaar"].stages
    assert (raw.place, rows.place, rows.by, store.before) == (RAW, ROWS, "bazaar", rows)
    assert store.key("k") != "k" and store.target is not None and store.target.name == "bazaar_rows"
    assert paths["tiktok"].topic == "posts.tiktok"
    follows(repr(paths))


def test_what_an_audit_and_a_demo_look_at(settings: Settings) -> None:
    pipeline = Pipeline.of(load(settings))
    assert {RAW, "posts.tiktok"} <= set(pipeline.raw_topics)
    ((target, key),) = pipeline.expected(RAW, "k")
    assert (target.topic, target.name) == (ROWS, "bazaar_rows") and key != "k"
    ((denied, same),) = pipeline.kept_from("bazaar", RAW, "k")
    assert (denied, same) == (target, key)
    follows(repr(pipeline.routes))
    with pytest.raises(UsageError) as refused, open_audit(settings, ("nothing",), lambda *_: None):
        pass
    assert "bazaar_rows" in refused.value.why


def test_no_name_of_a_topic_a_table_a_connector_or_a_source_stands_in_the_product() -> None:
    names: set[str] = set()
    for profile in (OWN.config_dir / "profiles").glob("*.json"):
        pipeline = Pipeline.of(load(OWN, profile=profile.stem))
        names |= {*pipeline.topics, *pipeline.connectors, *pipeline.sources}
        names |= {target.place for target in pipeline.targets} | {target.name for target in pipeline.targets}
    names -= {
        OWN.checkpoints_topic,
        OWN.forgotten_topic,
        OWN.requests_topic,
        "orders",
    }  # settings; a word of vendors' answers too
    root = OWN.config_dir.parent
    # A vendor's own module, the record types that name their vendors, and the packages that extras bring.
    vendors = ("models", *Pipeline.of(load(OWN)).sources)
    own = {file for file in (root / "connectors").glob("*.py") if file.stem.startswith(vendors)}
    own.add(root / "glue" / "imports.py")
    found = [
        f"{file.relative_to(root)}:{node.lineno}: {node.value}"
        for top in ("connectors", "glue")
        for file in sorted((root / top).rglob("*.py"))
        if file not in own
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in names
    ]
    assert found == []
