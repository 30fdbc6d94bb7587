"""What the pods of deploy/kubernetes are given and allowed: settings, files, secrets, rights."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from connectors.config import load_source, source_names
from glue.secrets import has_reference, is_secret_key
from glue.settings import Settings
from glue.topology.load import load
from glue.topology.validate import problems
from glue.transforms.declared import chain_names, load_chain, read_chain
from tests.kustomize import FOLDER, ROOT, Manifest, built, documents, of, only_container, pods, settings

PAGE = ROOT / "docs" / "deploy-kubernetes.md"
SETTINGS = settings()
BUILDS = ("base", "overlays/small", "overlays/production", "overlays/secured", "strimzi")


# Settings ------------------------------------------------------------------------------------------------------------


def test_every_setting_is_one() -> None:
    given = set(SETTINGS)
    for template in pods().values():
        given |= {one["name"] for one in only_container(template).get("env", []) if one["name"].startswith("MXCTL_")}
        assert only_container(template)["envFrom"] == [{"configMapRef": {"name": "settings"}}]
    known = {f"MXCTL_{name.upper()}" for name in Settings.model_fields}
    assert given <= known, given - known
    # The image holds the graph of the model; to make it anew does not fit into a worker's memory.
    assert "MXCTL_CACHE_DIR" not in given


def test_addresses_are_absolute_and_without_passwords() -> None:
    for name in ("MXCTL_CONNECT", "MXCTL_REGISTRY", "MXCTL_REDIS", "MXCTL_WEAVIATE"):
        parts = urlsplit(SETTINGS[name])
        assert parts.hostname and parts.hostname.endswith(".svc") and parts.password is None, name
    assert SETTINGS["MXCTL_BIND"] == "0.0.0.0" and SETTINGS["MXCTL_PROFILE"] == "prod"


# Files ---------------------------------------------------------------------------------------------------------------


def test_config_maps_hold_every_declared_file() -> None:
    maps = of("ConfigMap")
    for name in ("connectors", "profiles", "sources", "transforms", "weaviate"):
        assert maps[name]["data"].keys() == {file.name for file in (ROOT / "connect-config" / name).glob("*.json")}
    assert maps["schemas"]["data"].keys() == {file.name for file in (ROOT / "schemas").glob("*.avsc")}


def laid_out(template: Manifest, root: Path) -> Settings:
    """The files that a pod finds, below ``root``, and the settings that lead there."""
    volumes = {one["name"]: one for one in template["spec"]["volumes"]}
    for mount in only_container(template)["volumeMounts"]:
        if "configMap" in volumes[mount["name"]] and not volumes[mount["name"]]["configMap"].get("optional"):
            data = of("ConfigMap")[volumes[mount["name"]]["configMap"]["name"]]["data"]
            at = root / mount["mountPath"].lstrip("/")
            files = {at: data[mount["subPath"]]} if "subPath" in mount else {at / k: v for k, v in data.items()}
            for file, text in files.items():
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
    place = {name: root / SETTINGS[f"MXCTL_{name.upper()}"].lstrip("/") for name in ("config_dir", "schemas_dir")}
    return Settings(profile="prod", **place)


def test_who_applies_finds_the_whole_topology(tmp_path: Path) -> None:
    here = load(Settings(profile="prod"))
    for name in ("apply", "person"):
        declared = load(laid_out(pods()[name], tmp_path / name))
        assert [one for one in problems(declared) if not one.warning] == []
        assert (declared.topics, declared.connectors, declared.chains) == (here.topics, here.connectors, here.chains)
        assert declared.subjects.keys() == here.subjects.keys() and declared.sources == here.sources


def test_chains_and_sources_find_their_files(tmp_path: Path) -> None:
    for name in chain_names():
        settings = laid_out(pods()[f"glue-{name}"], tmp_path / name)
        assert read_chain(settings.config_dir / "transforms" / f"{name}.json") == load_chain(name)
        assert any(settings.schemas_dir.glob("*.avsc"))
    for name in source_names(Settings()):
        settings = laid_out(pods()[f"source-{name}"], tmp_path / name)
        assert load_source(name, settings, resolve=False).name == name
    assert load_source("shopify", laid_out(pods()["webhook"], tmp_path / "webhook"), resolve=False)


# Secrets -------------------------------------------------------------------------------------------------------------


def secret_keys(template: Manifest) -> set[tuple[str, str]]:
    """(Secret, key) that pods name; a Secret mounted whole with the file that a setting names."""
    found = set()
    for one in only_container(template).get("env", []):
        reference = one["valueFrom"]["secretKeyRef"]
        found.add((reference["name"], reference["key"]))
    files = {Path(value).parent: Path(value).name for name, value in SETTINGS.items() if name.endswith("_FILE")}
    mounts = {one["name"]: Path(one["mountPath"]) for one in only_container(template)["volumeMounts"]}
    for volume in template["spec"]["volumes"]:
        if "secret" in volume and not volume["secret"].get("optional"):
            found.add((volume["secret"]["secretName"], files[mounts[volume["name"]]]))
    return found


def test_sources_get_the_secrets_that_they_name_and_no_others() -> None:
    for name in source_names(Settings()):
        text = json.dumps(load_source(name, Settings(profile="prod"), resolve=False).options)
        named = {found.partition(":-")[0] for found in re.findall(r"\$\{env:([^}]+)\}", text)}
        given = {key for _, key in secret_keys(pods()[f"source-{name}"])} - {"hash-keys.json"}
        looked_up = load_source(name, Settings(profile="prod"), resolve=False).source_class().looked_up
        assert given == named | ({"redis-url"} if looked_up else set()), name
    shopify, webhook = secret_keys(pods()["source-shopify"]), secret_keys(pods()["webhook"])
    assert webhook == shopify and len(webhook) == 5


def test_pseudonyms_have_their_keys() -> None:
    for name, template in pods().items():
        mounts = {one["mountPath"]: one for one in only_container(template)["volumeMounts"]}
        if name not in ("apply", "source-metrics"):  # these see no record
            assert mounts[str(Path(SETTINGS["MXCTL_HASH_KEYS_FILE"]).parent)]["name"] == "hash-keys", name


def test_every_secret_is_documented() -> None:
    page = PAGE.read_text(encoding="utf-8")
    named = set().union(*map(secret_keys, pods().values()))
    named |= {("webhook-tls", "tls.crt"), ("millionx-connect-secrets", "snowflake.properties")}
    for secret, key in named:
        row = next((line for line in page.splitlines() if line.startswith(f"| `{secret}`")), "")
        assert f"`{key}`" in row, (secret, key)
    assert of("Ingress")["webhook"]["spec"]["tls"][0]["secretName"] == "webhook-tls"
    (connect,) = of("KafkaConnect", "strimzi").values()
    assert [one["secret"]["secretName"] for one in connect["spec"]["template"]["pod"]["volumes"]] == [
        "millionx-connect-secrets"
    ]


@pytest.mark.parametrize("folder", BUILDS)
def test_no_secret_is_written_out(folder: str) -> None:
    def pairs(value: Any) -> Any:
        if isinstance(value, dict):
            yield from value.items()
            for one in value.values():
                yield from pairs(one)
        elif isinstance(value, list):
            for one in value:
                if isinstance(one, dict) and {"name", "value"} <= one.keys():
                    yield one["name"], one["value"]
                yield from pairs(one)

    assert of("Secret", folder) == {}
    for manifest in built(folder):
        for key, value in pairs(manifest):
            if isinstance(value, str) and is_secret_key(key) and key not in ("secretName", "key"):
                assert has_reference(value) or key.endswith("_FILE"), (manifest["metadata"]["name"], key)


def test_connect_finds_every_setting_that_its_connectors_name() -> None:
    (connect,) = of("KafkaConnect", "strimzi").values()
    data = of("ConfigMap", "strimzi")["millionx-connect-settings"]["data"]
    named = {one["name"] for one in connect["spec"]["template"]["connectContainer"]["env"]}
    assert named == data.keys()
    assert data["SCHEMA_REGISTRY_URL"] == SETTINGS["MXCTL_REGISTRY"]
    assert data["SNOWFLAKE_URL"] == SETTINGS["MXCTL_WAREHOUSE"]
    assert (data["WEAVIATE_URL"], data["WEAVIATE_GRPC_URL"]) == (
        SETTINGS["MXCTL_WEAVIATE"],
        SETTINGS["MXCTL_WEAVIATE_GRPC"],
    )


# Rights --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", BUILDS[:4])
def test_pods_have_no_rights_that_they_do_not_need(folder: str) -> None:
    accounts = of("ServiceAccount", folder)
    assert all(one["automountServiceAccountToken"] is False for one in accounts.values())
    (namespace,) = of("Namespace", folder).values()
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for name, template in pods(folder).items():
        spec, only = template["spec"], only_container(template)
        assert spec["serviceAccountName"] in accounts and spec["automountServiceAccountToken"] is False, name
        assert spec["securityContext"]["runAsNonRoot"] is True and spec["securityContext"]["runAsUser"] > 0
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert only["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name
        assert {"cpu", "memory"} == only["resources"]["requests"].keys() == only["resources"]["limits"].keys()
        volumes = {one["name"]: one for one in spec["volumes"]}
        assert {one["name"] for one in only["volumeMounts"]} == volumes.keys(), name
        for mount in only["volumeMounts"]:
            kept = name == "person" and volumes[mount["name"]].get("persistentVolumeClaim")  # receipts
            assert kept or mount.get("readOnly") or volumes[mount["name"]]["emptyDir"]["sizeLimit"], (name, mount)


def test_the_image_of_strimzi_takes_what_ours_holds() -> None:
    """The ConfigMap names places that the Dockerfile copies."""
    data = documents(FOLDER / "strimzi" / "connect-settings.yaml")[0]["data"]
    copied = (FOLDER / "strimzi" / "Dockerfile").read_text()
    for name in ("MILLIONX_PYTHON", "MILLIONX_SCHEMAS"):
        assert os.path.commonpath([data[name], "/opt/millionx"]) == "/opt/millionx", name
    assert "COPY --from=ours /opt/millionx /opt/millionx" in copied
