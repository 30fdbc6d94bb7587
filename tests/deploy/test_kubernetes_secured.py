"""deploy/kubernetes/secured: each pod logs in as the program that it is, over TLS, with what is mounted into it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from glue.kafka.config import KafkaConfig
from glue.settings import Settings
from glue.topology.load import load
from glue.topology.rights import rights
from tests.kustomize import ROOT, Manifest, of, only_container, pods, settings

SECURED = "overlays/secured"
PAGE = (ROOT / "docs" / "deploy-kubernetes.md").read_text(encoding="utf-8")


def role(workload: str) -> str:
    """The role of ``mxctl acls`` that a workload's program has."""
    others = {"apply": "mxctl", "webhook": "webhook-shopify", "source-metrics": "metrics"}
    return others.get(workload, workload.replace("glue-", "chain-"))


def mounts(template: Manifest) -> dict[str, Any]:
    """Folder in the container → what is mounted there."""
    volumes = {one["name"]: one for one in template["spec"]["volumes"]}
    return {one["mountPath"]: volumes[one["name"]] for one in only_container(template)["volumeMounts"]}


def environment(template: Manifest) -> dict[str, str]:
    own = {one["name"]: one["value"] for one in only_container(template).get("env", []) if "value" in one}
    return settings(SECURED) | own


@pytest.mark.parametrize("folder", ["overlays/small", "overlays/production", SECURED])
def test_every_pod_has_the_login_of_its_own_program(folder: str) -> None:
    known = {right.role for right in rights(load(Settings(profile="prod")), Settings(profile="prod"))}
    for name, template in pods(folder).items():
        secret = mounts(template)["/run/secrets/kafka"]["secret"]
        assert secret == {"secretName": f"kafka-{role(name)}", "optional": True, "defaultMode": 0o440}, name
        assert role(name) in known, name


def test_every_file_that_a_setting_names_is_mounted() -> None:
    added = {key: value for key, value in settings(SECURED).items() - settings().items() if key.endswith("_FILE")}
    assert {key.split("_")[1] for key in added} == {"KAFKA", "REGISTRY", "WEAVIATE"}
    for name, template in pods(SECURED).items():
        lacking = {key for key, value in added.items() if str(Path(value).parent) not in mounts(template)}
        # Who counts totals reads no schema.
        assert lacking == ({"MXCTL_REGISTRY_PASSWORD_FILE"} if name == "source-metrics" else set()), name
    assert "ssl_ca_certs=/etc/millionx/authorities/" in settings(SECURED)["MXCTL_REDIS"]


def test_who_registers_schemas_has_another_login_than_who_reads_them() -> None:
    found = {}
    for name, template in pods(SECURED).items():
        if "/run/secrets/registry" in mounts(template):
            secret = mounts(template)["/run/secrets/registry"]["secret"]["secretName"]
            found[name] = (secret, environment(template)["MXCTL_REGISTRY_USER"])
    assert found.pop("apply") == ("registry-admin", "millionx-mxctl")
    assert set(found.values()) == {("registry", "millionx")}
    assert found.keys() == pods(SECURED).keys() - {"apply", "source-metrics"}  # who counts totals reads no record


def test_keda_asks_every_topic_with_its_own_login() -> None:
    (trigger,) = of("TriggerAuthentication", SECURED).values()
    named = {(one["name"], one["parameter"], one["key"]) for one in trigger["spec"]["secretTargetRef"]}
    assert named == {("kafka-scaler", key, key) for key in ("sasl", "tls", "username", "password", "ca")}
    for scaled in of("ScaledObject", SECURED).values():
        assert all(one["authenticationRef"] == {"name": "kafka"} for one in scaled["spec"]["triggers"])


def test_the_login_that_the_page_makes_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lines that the page writes into the Secret, read as a pod reads them."""
    (lines,) = re.findall(r"printf '(security\.protocol=[^']*)'", PAGE)
    file = tmp_path / "kafka.properties"
    file.write_text(lines.replace(r"\n", "\n") % ("chain-posts", "secret of posts"))
    for key, value in settings(SECURED).items():
        if key.startswith("MXCTL_KAFKA"):
            monkeypatch.setenv(key, str(file) if key.endswith("_FILE") else value)
    kafka = KafkaConfig.of(Settings(_env_file=None))
    client = kafka.properties
    assert kafka.bootstrap == "millionx-kafka-bootstrap.kafka.svc:9093"
    assert (client["security.protocol"], client["sasl.mechanisms"]) == ("SASL_SSL", "SCRAM-SHA-512")
    assert (client["sasl.username"], client["sasl.password"]) == ("millionx-chain-posts", "secret of posts")
    assert str(Path(client["ssl.ca.location"]).parent) in mounts(pods(SECURED)["glue-posts"])
