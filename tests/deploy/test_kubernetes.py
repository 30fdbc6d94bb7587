"""The manifests under deploy/kubernetes: they build, fit Kubernetes' schemas, and say what the topology says."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from datetime import timedelta
from importlib import metadata
from typing import Any

import click
import kubernetes_validate
import pytest
import yaml

from connectors.config import load_source, source_names
from deploy.proof.api_server import STORE, VERSION
from glue.cli.main import cli
from glue.service.config import ServiceConfig
from glue.settings import Settings
from glue.transforms.declared import chain_names, load_chain
from tests.kustomize import FOLDER, ROOT, Manifest, built, of, only_container, pod_template

OVERLAYS = ("overlays/small", "overlays/production", "overlays/secured")
BUILDS = (*OVERLAYS, "strimzi")
CUSTOM = ("keda.sh/", "kafka.strimzi.io/", "monitoring.coreos.com/")  # what operators define: no schema is at hand
VERSIONS = ("1.32", "1.37")
KUBECTL = shutil.which("kubectl") or shutil.which(STORE / VERSION / "kubectl")  # or the proof built it
TOPICS = json.loads((ROOT / "connect-config" / "topics.json").read_text())["topics"]


def container(manifest: Manifest) -> Manifest:
    template = pod_template(manifest)
    assert template is not None
    return only_container(template)


def parsed(arguments: list[str]) -> dict[str, Any]:
    """What the real command makes of its arguments; click.UsageError when it takes them not."""
    rest, command = list(arguments), cli
    while isinstance(command, click.Group):
        found = command.get_command(click.Context(command), rest.pop(0))
        assert found is not None, arguments
        command = found
    return command.make_context(command.name, rest).params


@pytest.mark.skipif(KUBECTL is None, reason="no kubectl here to compare with")
@pytest.mark.parametrize("folder", BUILDS)
def test_kustomize_builds_the_same(folder: str) -> None:
    done = subprocess.run([KUBECTL, "kustomize", FOLDER / folder], capture_output=True, text=True, check=True)
    generated = {name for one in built(folder) if one["kind"] == "ConfigMap" for name in [one["metadata"]["name"]]}
    # A generated ConfigMap's name ends in a hash of its content, wherever it is named.
    text = re.sub(rf"\bname: ({'|'.join(generated)})-[a-z0-9]{{10}}$", r"name: \1", done.stdout, flags=re.MULTILINE)

    def by_name(manifests: Any) -> dict[tuple[str, str], Manifest]:
        return {(one["kind"], one["metadata"]["name"]): one for one in manifests}

    assert by_name(yaml.safe_load_all(text)) == by_name(built(folder))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("folder", BUILDS)
def test_manifests_fit_the_schemas_of_kubernetes(folder: str, version: str) -> None:
    plain = [one for one in built(folder) if not one["apiVersion"].startswith(CUSTOM)]
    assert plain
    for one in plain:
        kubernetes_validate.validate(one, version, strict=True)


@pytest.mark.parametrize("folder", OVERLAYS)
def test_every_chain_has_its_deployment(folder: str) -> None:
    found = {name: one for name, one in of("Deployment", folder).items() if name.startswith("glue-")}
    assert found.keys() == {f"glue-{chain}" for chain in chain_names()}
    for chain in chain_names():
        deployment = found[f"glue-{chain}"]
        asked = parsed(container(deployment)["args"])
        assert asked["chain"] == chain and asked["workers"] == 1
        # KEDA says how many where it is there; a number would set it back with every deployment.
        assert deployment["spec"].get("replicas") == (1 if folder == "overlays/small" else None)


def test_three_workers_with_half_a_core_and_the_memory_that_was_measured() -> None:
    for chain in chain_names():
        deployment = of("Deployment", "base")[f"glue-{chain}"]
        assert deployment["spec"]["replicas"] == 3
        memory = "768Mi" if chain == "vectors" else "512Mi"  # two models
        assert container(deployment)["resources"]["limits"] == {"cpu": "500m", "memory": memory}


def test_every_chain_scales_by_the_lag_of_its_own_group() -> None:
    scaled = of("ScaledObject", "overlays/production")
    assert scaled.keys() == {f"glue-{chain}" for chain in chain_names()}
    for chain in chain_names():
        config, spec = ServiceConfig.of(load_chain(chain)), scaled[f"glue-{chain}"]["spec"]
        assert spec["scaleTargetRef"] == {"name": f"glue-{chain}"}
        triggers = [one["metadata"] for one in spec["triggers"]]
        assert {one["type"] for one in spec["triggers"]} == {"kafka"}
        assert sorted(one["topic"] for one in triggers) == sorted(config.topics)
        assert {one["consumerGroup"] for one in triggers} == {config.group_id}
        assert {one["bootstrapServersFromEnv"] for one in triggers} == {"MXCTL_KAFKA"}
        assert all(int(one["lagThreshold"]) > 0 for one in triggers)
        most = min(TOPICS[topic]["partitions"] for topic in config.topics)
        assert 3 == spec["minReplicaCount"] <= spec["maxReplicaCount"] <= most


def test_every_source_has_its_cron_job() -> None:
    jobs, settings = of("CronJob", "base"), Settings(profile="prod")
    assert jobs.keys() == {f"source-{name}" for name in source_names(settings)}
    for name in source_names(settings):
        job, config = jobs[f"source-{name}"]["spec"], load_source(name, settings, resolve=False)
        assert job["concurrencyPolicy"] == "Forbid"
        assert every(job["schedule"]) == config.every
        assert timedelta(seconds=job["jobTemplate"]["spec"]["activeDeadlineSeconds"]) < config.every
        only = container(jobs[f"source-{name}"])
        assert parsed(only["args"])["source"] == name and parsed(only["args"])["once"]
        kind = "sources" if "browser" in config.options else "glue"
        assert only["image"].startswith(f"millionx/{kind}:")


def every(cron: str) -> timedelta:
    minute, *rest = cron.split()
    assert rest == ["*"] * 4
    return timedelta(minutes=int(minute[2:])) if minute.startswith("*/") else timedelta(hours=1)


@pytest.mark.parametrize("folder", OVERLAYS)
def test_every_command_line_is_one(folder: str) -> None:
    workloads = [one for one in built(folder) if pod_template(one)]
    others = {"apply", "webhook", "person"}
    others |= {"source-metrics", "canary"} if folder != "overlays/small" else set()
    names = {f"glue-{name}" for name in chain_names()} | {f"source-{name}" for name in source_names(Settings())}
    assert {one["metadata"]["name"] for one in workloads} == names | others
    for one in workloads:
        assert parsed(container(one)["args"]), one["metadata"]["name"]


def test_a_command_line_that_is_none_is_found() -> None:
    with pytest.raises(click.UsageError):
        parsed(["transforms", "run", "posts", "--wrokers", "1"])


def test_images_are_of_this_version() -> None:
    used = {container(one)["image"] for one in built("base") if pod_template(one)}
    assert used == {f"millionx/{name}:{metadata.version('millionx')}" for name in ("glue", "sources")}


def test_ports_and_probes_fit_the_servers() -> None:
    from connectors.shopify import ShopifyOptions
    from connectors.webhook import make_app

    for name, deployment in of("Deployment", "base").items():
        only = container(deployment)
        (port,) = only["ports"]
        asked = parsed(only["args"])
        assert port["containerPort"] == asked.get("port", asked.get("metrics_port"))
        probes = {probe: only[probe] for probe in ("startupProbe", "livenessProbe", "readinessProbe")}
        assert {next(iter(p[k]["port"] for k in ("httpGet", "tcpSocket") if k in p)) for p in probes.values()} == {
            "http"
        }
        if name.startswith("glue-"):
            paths = [probes[probe]["httpGet"]["path"] for probe in probes]
            assert paths == ["/health", "/health", "/ready"]
    options = ShopifyOptions.model_validate({"base_url": "http://shop.invalid", "token": "t", "webhook_secrets": ["s"]})
    routes = {route.path for route in make_app(None, "shopify", options).routes}  # type: ignore[arg-type,attr-defined]
    webhook = container(of("Deployment", "base")["webhook"])
    assert webhook["livenessProbe"]["httpGet"]["path"] in routes
    (rule,) = of("Ingress", "base")["webhook"]["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    assert path["path"] in routes - {"/health", "/metrics"} and path["pathType"] == "Exact"


def test_commands_of_the_page_are_real() -> None:
    page = (ROOT / "docs" / "deploy-kubernetes.md").read_text(encoding="utf-8")
    lines = [line for block in re.findall(r"```sh\n(.*?)```", page, re.DOTALL) for line in block.splitlines()]
    folders = {found for line in lines for found in re.findall(r"apply --server-side -k (\S+)", line)}
    assert folders == {f"deploy/kubernetes/{name}" for name in ("strimzi", "overlays/production")}
    assert all((ROOT / folder / "kustomization.yaml").is_file() for folder in folders)
    ours = [re.split(r" [>|] ", line)[0].split()[1:] for line in lines if line.startswith("mxctl ")]
    assert ours and all(parsed(one) for one in ours)
    named = {tuple(found) for line in lines for found in re.findall(r"\b(job|cronjob)/([a-z-]+)", line)}
    assert {name for kind, name in named if kind == "cronjob"} <= of("CronJob", "base").keys()
    assert ("job", "apply") in named and "apply" in of("Job", "base")
