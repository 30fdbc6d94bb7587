"""No chain is named as an instance of another could be, and nothing is applied or started where one is."""

from __future__ import annotations

from pathlib import Path

import pytest

from glue.errors import ConfigError
from glue.local.services import Chain
from glue.topology.load import load
from glue.topology.validate import problems, refuse_problems

from .project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path, "p")
    project.things()
    project.topics({name: {"partitions": 1} for name in ("things", "done")})
    return project


def chains(project: Project, **groups: str) -> list[str]:
    for name, group in groups.items():
        config = {"topics": "p.things", "output.topic": "p.done", "transforms": ""}
        body = {"name": name, "config": config | ({"group.id": group} if group else {})}
        project.write(f"connect-config/transforms/{name}.json", body)
    return [one.where for one in problems(load(project.settings)) if "could be an instance" in one.message]


def test_a_chain_named_as_the_second_instance_of_another_is_refused(project: Project) -> None:
    assert Chain("posts", 2).name == Chain("posts-2").name, "which is why"
    assert chains(project, **{"posts": "", "posts-2": ""}) == ["transforms/posts-2.json: name"]
    for kind in ("topic", "chain"):  # a stack starts its chains when the topics are there
        with pytest.raises(ConfigError, match="posts-2 could be an instance of chain posts") as caught:
            refuse_problems(load(project.settings), [kind])
        assert "begin with posts-" in caught.value.fix


def test_so_is_a_group_whose_transactions_are_anothers(project: Project) -> None:
    wrong = ["transforms/b.json: config.group.id"]
    assert chains(project, a="", b="millionx-a-eu") == wrong
    assert chains(project, a="same", b="same") == ["transforms/a.json: config.group.id", *wrong]


def test_others_may_be_alike(project: Project) -> None:
    assert chains(project, **{"posts": "", "posts2": "", "eu-posts": "", "post": ""}) == []
