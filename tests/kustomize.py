"""What ``kubectl kustomize`` makes of the folders under ``deploy/kubernetes``, without kubectl.

Only what those folders use: resources, components, ConfigMaps from files (without the hash in their names), patches
that are merged or that add one value, labels and a namespace. Where a kubectl is at hand a test holds both equal.
"""

from __future__ import annotations

import copy
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "deploy" / "kubernetes"
Manifest = dict[str, Any]
_KNOWN = {"apiVersion", "kind", "namespace", "labels", "resources", "components", "configMapGenerator", "patches"}
_KEYS = {"ports": "containerPort", "volumeMounts": "mountPath"}  # what tells two items of a list apart; else: name


def render(folder: Path) -> list[Manifest]:
    """The manifests of a folder with a ``kustomization.yaml``."""
    return _render(folder, [])


def _render(folder: Path, made: list[Manifest]) -> list[Manifest]:
    """Those, beside what is ``made`` already: a component changes that too."""
    plan = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    assert not plan.keys() - _KNOWN, f"{folder}: teach tests/kustomize.py {plan.keys() - _KNOWN}"
    for name in plan.get("resources", ()):
        path = (folder / name).resolve()
        made += render(path) if path.is_dir() else documents(path)
    for name in plan.get("components", ()):
        made = _render((folder / name).resolve(), made)
    for generator in plan.get("configMapGenerator", ()):
        new = _config_map(folder, generator)
        if generator.get("behavior") == "merge":
            (old,) = (one for one in made if (one["kind"], one["metadata"]["name"]) == ("ConfigMap", generator["name"]))
            old["data"] |= new["data"]
        else:
            made.append(new)
    for patch in plan.get("patches", ()):
        if "patch" in patch:
            _add(made, json.loads(patch["patch"]), patch["target"])
            continue
        (change,) = documents(folder / patch["path"])
        found = [one for one in made if _hit(one, change, patch.get("target"))]
        assert found, f"{folder}: {patch['path']} changes nothing"
        for one in found:
            name = one["metadata"]["name"]
            _merge(one, change)
            one["metadata"]["name"] = name
    for one in made:
        for labels in plan.get("labels", ()):
            _label(one, labels["pairs"], labels.get("includeTemplates", False))
        if plan.get("namespace") and one["kind"] != "Namespace":
            one["metadata"]["namespace"] = plan["namespace"]
    return made


@cache
def built(folder: str) -> tuple[Manifest, ...]:
    """The manifests of a folder below ``deploy/kubernetes``."""
    return tuple(render(FOLDER / folder))


def of(kind: str, folder: str = "overlays/production") -> dict[str, Manifest]:
    """Those of one kind, by name."""
    return {one["metadata"]["name"]: one for one in built(folder) if one["kind"] == kind}


def pods(folder: str = "overlays/production") -> dict[str, Manifest]:
    """Name of the workload → template of its pods."""
    return {one["metadata"]["name"]: template for one in built(folder) if (template := pod_template(one))}


def only_container(template: Manifest) -> Manifest:
    """The container of pods that have one."""
    (only,) = template["spec"]["containers"]
    return only


def settings(folder: str = "overlays/production") -> dict[str, str]:
    """What every pod's environment takes from the settings."""
    return dict(of("ConfigMap", folder)["settings"]["data"])


def documents(file: Path) -> list[Manifest]:
    """The YAML documents of a file."""
    return [one for one in yaml.safe_load_all(file.read_text(encoding="utf-8")) if one]


def pod_template(manifest: Manifest) -> Manifest | None:
    """The template of the pods that a workload makes, None for what makes none."""
    match manifest["kind"]:
        case "Deployment" | "Job":
            return manifest["spec"]["template"]
        case "CronJob":
            return manifest["spec"]["jobTemplate"]["spec"]["template"]
    return None


def _config_map(folder: Path, generator: Manifest) -> Manifest:
    data: dict[str, str] = {}
    for name in generator.get("files", ()):
        data[Path(name).name] = (folder / name).read_text(encoding="utf-8")
    for name in generator.get("envs", ()):
        lines = (folder / name).read_text(encoding="utf-8").split()
        data |= dict(line.split("=", 1) for line in lines)
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": generator["name"]}, "data": data}


def _hit(manifest: Manifest, change: Manifest, target: Manifest | None) -> bool:
    if target is None:
        return all(manifest[k] == change[k] for k in ("apiVersion", "kind")) and (
            manifest["metadata"]["name"] == change["metadata"]["name"]
        )
    label, _, value = target.get("labelSelector", "").partition("=")
    labels = manifest["metadata"].get("labels", {})
    return manifest["kind"] == target["kind"] and (not label or labels.get(label) == value)


def _add(made: list[Manifest], operations: list[Manifest], target: Manifest) -> None:
    """JSON Patch (RFC 6902), ``add`` alone, in the manifests of a kind whose whole name fits."""
    named = re.compile(target.get("name", ".*"))
    for one in (one for one in made if one["kind"] == target["kind"] and named.fullmatch(one["metadata"]["name"])):
        for operation in operations:
            assert operation["op"] == "add", f"teach tests/kustomize.py {operation['op']}"
            at: Any = one
            *steps, last = operation["path"].removeprefix("/").split("/")
            for step in steps:
                at = at[int(step)] if isinstance(at, list) else at[step]
            at[last] = operation["value"]


def _merge(into: Any, change: Any) -> None:
    """Strategic merge: objects by key, lists of objects by what names their items, null removes, the rest replaces."""
    for key, value in change.items():
        if value is None:
            into.pop(key, None)
        elif isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        elif isinstance(value, list) and isinstance(into.get(key), list) and isinstance(value[0], dict):
            _merge_list(into[key], value, _KEYS.get(key, "name"))
        else:
            into[key] = copy.deepcopy(value)


def _merge_list(into: list[Any], change: list[Any], name: str) -> None:
    new = []  # these come first
    for item in change:
        same = next((one for one in into if one.get(name) == item[name]), None)
        if same is None:
            new.append(copy.deepcopy(item))
        else:
            _merge(same, item)
    into[:0] = new


def _label(manifest: Manifest, pairs: dict[str, str], templates: bool) -> None:
    places = [manifest]
    if templates:
        places += [manifest["spec"]["jobTemplate"]] if manifest["kind"] == "CronJob" else []
        places += [template] if (template := pod_template(manifest)) else []
    for place in places:
        metadata = place.setdefault("metadata", {})
        metadata["labels"] = {**metadata.get("labels", {}), **pairs}
