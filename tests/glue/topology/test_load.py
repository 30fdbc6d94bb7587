"""Reading files: strict, with every mistake by file and field; profiles and the environment on top."""

from __future__ import annotations

import io

import pytest

from glue.errors import ConfigError, UsageError
from glue.overlay import merge_patch
from glue.topology.load import load

from .project import PROBE, RECORD, Project


def test_everything_is_read(project: Project) -> None:
    project.things()
    declared = load(project.settings)
    assert declared.problems == []
    assert declared.topics["p.things"].partitions == 2
    assert declared.subjects["p.things-value"].schema == RECORD
    assert declared.connectors["p-sink"].plugin == PROBE
    assert declared.connectors["p-sink"].topics == ["p.things"]


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patch_as_in_the_rfc(target: object, patch: object, result: object) -> None:
    assert merge_patch(target, patch) == result


def test_profile_overlays_topics_and_connectors(project: Project) -> None:
    project.things()
    project.profile(
        {
            "topics": {
                "defaults": {"config": {"min.insync.replicas": "2"}},
                "topics": {"p.things": {"partitions": 12}},
            },
            "connectors": {"p-sink": {"config": {"tasks.max": "8", "value.converter": None}}},
        },
        "prod",
    )
    declared = load(project.settings, profile="prod")
    assert declared.topics["p.things"].partitions == 12
    assert declared.topics["p.things"].config == {"min.insync.replicas": "2", "retention.ms": "86400000"}
    assert declared.connectors["p-sink"].config["tasks.max"] == "8"
    assert "value.converter" not in declared.connectors["p-sink"].config
    assert load(project.settings).topics["p.things"].partitions == 2


def test_unknown_profile_names_the_known_ones(project: Project) -> None:
    with pytest.raises(UsageError) as caught:
        load(project.settings, profile="stage")
    assert "local" in caught.value.fix


def problems(project: Project) -> list[str]:
    return [f"{one}" for one in load(project.settings).problems]


def test_mistakes_are_told_by_file_and_field(project: Project) -> None:
    project.things()
    project.topics({"things": {"partitions": 0}, "other": {"partitons": 3}})
    assert problems(project) == [
        "topics.json: topics.p.things.partitions: Input should be greater than or equal to 1",
        "topics.json: topics.p.other.partitions: Field required",
        "topics.json: topics.p.other.partitons: is not a known key",
    ]


def test_a_number_in_a_connector_is_told_and_read_as_text(project: Project) -> None:
    project.things()
    project.connector("sink", tasks_max=3)  # type: ignore[arg-type]
    declared = load(project.settings)
    assert [str(one) for one in declared.problems] == ["sink.json: config.tasks.max: is a int, not a string"]
    assert declared.problems[0].fix == 'write it in quotes: "3"'
    assert declared.connectors["p-sink"].config["tasks.max"] == "3"


def test_duplicates_are_reported(project: Project) -> None:
    project.things()
    project.write("connect-config/connectors/twin.json", {"name": "p-sink", "config": {"connector.class": PROBE}})
    file = project.config / "topics.json"
    file.write_text(file.read_text().replace('"topics": {', '"topics": {"p.things": {"partitions": 1},'))
    assert problems(project) == [
        "topics.json: p.things: is given twice in one object",
        "twin.json: name: p-sink is already declared in sink.json",
    ]


def test_environment_by_name(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.things()
    project.connector("sink", probe_word="${env:WORD:-}", probe_list="${env:LIST:-x,y}", probe_url="${env:URL}")
    monkeypatch.setenv("WORD", "hello")
    config = load(project.settings).connectors["p-sink"].config
    assert (config["probe.word"], config["probe.list"]) == ("hello", "x,y")
    assert config["probe.url"] == "${env:URL}", "the worker resolves what has no default"
    monkeypatch.delenv("WORD")
    assert load(project.settings).connectors["p-sink"].config["probe.word"] == ""


def test_a_secret_never_comes_from_our_environment(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PW", "hunter2")
    project.things()
    project.connector("sink", probe_password="${env:PW:-none}")
    declared = load(project.settings)
    assert "must not come from" in str(declared.problems[0]) and "${env:NAME}" in declared.problems[0].fix
    assert "hunter2" not in str(declared)


def test_profile_that_patches_nothing_is_reported(project: Project) -> None:
    project.things()
    project.profile({"connectors": {"p-snk": {"config": {"tasks.max": "1"}}}})
    assert problems(project) == ["local.json: connectors.p-snk: patches no connector"]


def test_a_profile_leaves_a_connector_out_and_brings_another(project: Project) -> None:
    project.things()
    other = {"config": {"connector.class": PROBE, "topics": "p.things", "tasks.max": "1"}}
    project.profile({"connectors": {"p-sink": None, "p-other": other}})
    declared = load(project.settings)
    assert declared.problems == []
    assert declared.connectors.keys() == {"p-other"}
    assert declared.connectors["p-other"].plugin == PROBE
    assert load(project.settings, connector_files=[str(project.config / "connectors")]).connectors == {}


def test_not_json_names_line_and_column(project: Project) -> None:
    (project.config / "topics.json").write_text('{"topics": {\n  oops')
    with pytest.raises(ConfigError) as caught:
        load(project.settings)
    assert "line 2 column 3" in caught.value.why


def test_missing_schema_file_is_reported(project: Project) -> None:
    project.things()
    project.remove("schemas/things.avsc")
    assert "No such file" in problems(project)[0]


def test_connectors_from_elsewhere(
    project: Project, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.things()
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "one.json").write_text('{"name": "one", "config": {"connector.class": "X"}}')
    assert set(load(project.settings, connector_files=[str(folder)]).connectors) == {"one"}
    monkeypatch.setattr("sys.stdin", io.StringIO('{"name": "two", "config": {}}'))
    assert set(load(project.settings, connector_files=["-"]).connectors) == {"two"}
    with pytest.raises(UsageError):
        load(project.settings, connector_files=["nowhere.json"])
