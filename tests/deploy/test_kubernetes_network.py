"""Who is selected by what, and who may speak to whom, in deploy/kubernetes."""

from __future__ import annotations

import json
from typing import Any

import yaml

from connectors.config import load_source
from glue.settings import Settings
from glue.transforms.declared import chain_names, load_chain
from tests.kustomize import ROOT, Manifest, of, pods, settings

SETTINGS = settings()
SINGLE = {"webhook", "source-metrics", "canary", "person"}  # one pod each


def selected(selector: Manifest, labels: dict[str, str]) -> bool:
    wanted = selector.get("matchLabels", {}).items()
    rules = selector.get("matchExpressions", [])
    assert all(rule["operator"] == "In" for rule in rules)
    return all(labels.get(k) == v for k, v in wanted) and all(labels.get(r["key"]) in r["values"] for r in rules)


def test_selectors_select_what_is_meant() -> None:
    labels = {name: template["metadata"]["labels"] for name, template in pods().items()}

    def hit(selector: Manifest) -> set[str]:
        return {name for name in labels if selected(selector, labels[name])}

    glue = {f"glue-{name}" for name in chain_names()}
    for name, deployment in of("Deployment").items():
        assert hit(deployment["spec"]["selector"]) == {name}
        for spread in pods()[name]["spec"].get("topologySpreadConstraints", []):
            assert hit(spread["labelSelector"]) == {name}
        assert name in SINGLE or len(pods()[name]["spec"]["topologySpreadConstraints"]) == 2
    budgets = of("PodDisruptionBudget")
    assert budgets.keys() == of("Deployment").keys() - {"source-metrics", "canary"}
    assert all(hit(one["spec"]["selector"]) == {name} for name, one in budgets.items())
    assert hit({"matchLabels": of("Service")["webhook"]["spec"]["selector"]}) == {"webhook"}
    assert hit(of("PodMonitor")["glue"]["spec"]["selector"]) == glue
    for name in ("source-metrics", "canary", "person"):
        assert hit(of("PodMonitor")[name]["spec"]["selector"]) == {name}
    monitor = of("ServiceMonitor")["webhook"]["spec"]["selector"]
    assert selected(monitor, of("Service")["webhook"]["metadata"]["labels"])


def test_prometheus_knows_the_jobs_by_the_names_of_the_rules() -> None:
    jobs = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    found = {}
    for kind, field in (("PodMonitor", "podMetricsEndpoints"), ("ServiceMonitor", "endpoints")):
        for name, monitor in of(kind).items():
            (endpoint,) = monitor["spec"][field]
            (rule,) = endpoint["relabelings"]
            assert rule["targetLabel"] == "job" and endpoint["path"] == "/metrics"
            found[name] = rule["replacement"]
    assert set(found.values()) <= {one["job_name"] for one in jobs}
    known = {"glue": "glue", "canary": "canary"}
    assert found == known | dict.fromkeys(("source-metrics", "person", "webhook"), "sources")


def test_nothing_is_allowed_but_what_is_needed() -> None:
    policies = [one["spec"] for one in of("NetworkPolicy").values()]
    assert {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]} in policies

    def reach(template: Manifest, way: str) -> dict[Any, Any]:
        """port → to where, of all rules for these pods."""
        mine = [one for one in policies if selected(one["podSelector"], template["metadata"]["labels"])]
        peers = {"egress": "to", "ingress": "from"}[way]
        rules = [rule for one in mine for rule in one.get(way, [])]
        assert all(rule.get(peers) and rule.get("ports") for rule in rules), "a rule without peers or ports allows all"
        return {port["port"]: rule[peers] for rule in rules for port in rule["ports"]}

    def port(name: str) -> int:
        return int(SETTINGS[name].rpartition(":")[2].partition("/")[0])

    common = {53, port("MXCTL_KAFKA"), port("MXCTL_REGISTRY")}
    for name, template in pods().items():
        more: set[int] = set()
        if name.startswith("glue-") and "EnrichProducts" in json.dumps(load_chain(name[5:]).config):
            more = {port("MXCTL_REDIS")}
        elif name == "apply":
            more = {port("MXCTL_CONNECT"), port("MXCTL_WEAVIATE"), port("MXCTL_WEAVIATE_GRPC")}
        elif name == "canary":
            more = {port("MXCTL_WEAVIATE"), port("MXCTL_WEAVIATE_GRPC"), 443}
        elif name == "person":
            more = {port("MXCTL_WEAVIATE"), port("MXCTL_WEAVIATE_GRPC"), port("MXCTL_REDIS"), 443}
        elif name in of("CronJob"):
            fills = load_source(name.removeprefix("source-"), Settings(), resolve=False).source_class().looked_up
            more = {443, port("MXCTL_REDIS")} if fills else {443}
        out = reach(template, "egress")
        assert out.keys() == common | more, name
        assert all("ipBlock" not in peer for at, peers in out.items() if at != 443 for peer in peers)
        served = {"http"} if name in of("Deployment") else set()
        assert reach(template, "ingress").keys() == served, name
    for cidr in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"):
        assert cidr in reach(pods()["source-weather"], "egress")[443][0]["ipBlock"]["except"]
