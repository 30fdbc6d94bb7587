"""Prove the manifests on a real Kubernetes API server: ``make kube-proof``.

    python -m deploy.proof.kube_proof [--json FILE] [--markdown FILE]

What ``docs/deploy-kubernetes.md`` applies is applied. The first stage that fails ends the proof with exit code 1; where
no server can be had it says why and exits with 0: skipped. No pod runs: there is no kubelet and no controller.
"""

from __future__ import annotations

import argparse
import copy
import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from deploy.proof.api_server import STORE, Cluster, cluster, definitions
from deploy.proof.compose_proof import shown
from deploy.proof.engine import ROOT, UnavailableError
from deploy.proof.installation import until
from glue.errors import MillionXError
from tests.kustomize import pod_template

FOLDER = ROOT / "deploy" / "kubernetes"
OVERLAYS = ("strimzi", "overlays/small", "overlays/production")
STAGES = ("server", "custom_resources", *OVERLAYS, "pod_security", "misspelt_fields", "rights", "networks")
APPLY = ("apply", "--server-side", "--validate=strict")


class Proof:
    """The stages, and the table that they fill: stage -> what was measured."""

    def __init__(self, there: Cluster) -> None:
        self.there = there
        self.table: dict[str, dict[str, object]] = {}

    def run(self) -> None:
        """Every stage in order."""
        for name in STAGES:
            began = time.monotonic()
            found = self.overlay(name) if name in OVERLAYS else getattr(self, name)()
            self.table[name] = found | {"s": round(time.monotonic() - began)}
            print(f"{name}: {shown(self.table[name])}", flush=True)

    def built(self, name: str) -> list[dict[str, Any]]:
        """The manifests of an overlay, as kubectl builds them."""
        return [one for one in yaml.safe_load_all(self.there("kustomize", FOLDER / name)) if one]

    def server(self) -> dict[str, object]:
        """Its version, and the namespaces that the page makes."""
        for name in ("kafka", "millionx-services"):
            self.there("create", "namespace", name)
        self.there("label", "namespace", "kafka", "millionx-services", "millionx/services=true")
        return {"version": json.loads(self.there("version", "-o", "json"))["serverVersion"]["gitVersion"]}

    def custom_resources(self) -> dict[str, object]:
        """The operators' CRDs are accepted and served."""
        found = definitions()
        self.there("apply", "--server-side", "-f", "-", given="\n---\n".join(found))
        self.there("wait", "--for=condition=Established", "--timeout=120s", "crd", "--all")
        names = self.there("get", "crd", "-o", "name").replace("customresourcedefinition.apiextensions.k8s.io/", "")
        until(lambda: set(names.split()) <= set(self.there("api-resources", "-o", "name").split()), 120,
              lambda: "the server lists not all custom resources")  # fmt: skip
        shutil.rmtree(self.there.config.with_name("cache"))  # kubectl keeps for hours what it once saw listed
        return {"definitions": len(found)}

    def overlay(self, name: str) -> dict[str, object]:
        """Applied; a second time nothing differs and nothing is written."""
        self.there("delete", "job", "apply", "-n", "millionx", "--ignore-not-found")  # never changes
        self.there(*APPLY, "-k", FOLDER / name)
        before = self.kept(name)
        self.there("diff", "--server-side", "-k", FOLDER / name)
        self.there(*APPLY, "-k", FOLDER / name)
        if changed := [one for one, kept in self.kept(name).items() if kept != before[one]]:
            raise SystemExit(f"Error: a second apply of {name} changed {', '.join(changed)}")
        return {"applied": len(before), "changed by a second apply": 0}

    def kept(self, name: str) -> dict[str, object]:
        """Kind and name -> an object of an overlay as it is kept; not its version: it changes of itself."""
        items = json.loads(self.there("get", "-k", FOLDER / name, "-o", "json"))["items"]
        for one in items:
            del one["metadata"]["resourceVersion"]
        return {f"{one['kind']}/{one['metadata']['name']}": one for one in items}

    def pod_security(self) -> dict[str, object]:
        """The server takes every pod under ``restricted``, and none that lacks a part of its hardening."""
        pods = []
        for one in (one for name in OVERLAYS for one in self.built(name)):
            if template := pod_template(one):
                named = {"name": one["metadata"]["name"], "namespace": "millionx"}
                pods.append({"apiVersion": "v1", "kind": "Pod", "metadata": named, "spec": template["spec"]})
        for pod in pods:
            self.there("create", "--dry-run=server", "-f", "-", given=yaml.safe_dump(pod))
            bare = copy.deepcopy(pod)
            for container in bare["spec"]["containers"]:
                container["securityContext"] = {"privileged": True}
            self.refused(bare, "violates PodSecurity", "create")
        return {"accepted": len(pods), "privileged ones refused": len(pods)}

    def refused(self, manifest: dict[str, Any], why: str, *words: str) -> None:
        """The server refuses it, and says why."""
        done = self.there.run(*words, "--dry-run=server", "-f", "-", given=yaml.safe_dump(manifest))
        if not done.returncode or why not in done.stderr:
            raise SystemExit(f"Error: {manifest['kind']} was not refused by {why!r}: {done.stdout}{done.stderr[-500:]}")

    def misspelt_fields(self) -> dict[str, object]:
        """Of every kind, a field that it does not have is refused."""
        kinds = {one["kind"]: one for name in OVERLAYS for one in self.built(name)}
        for one in kinds.values():
            wrong = copy.deepcopy(one)
            wrong.get("spec", wrong)["misspelt"] = "x"
            self.refused(wrong, "misspelt", *APPLY, "--force-conflicts")
        return {"kinds refused": len(kinds)}

    def rights(self) -> dict[str, object]:
        """No account of ours may do anything in the API, and none has a token mounted."""
        accounts = json.loads(self.there("get", "serviceaccounts", "-n", "millionx", "-o", "json"))["items"]
        for one in accounts:
            name = one["metadata"]["name"]
            if one.get("automountServiceAccountToken") is not False:
                raise SystemExit(f"Error: ServiceAccount {name} mounts its token")
            for verb, kind in (("get", "secrets"), ("list", "pods"), ("create", "pods"), ("*", "*")):
                who = f"--as=system:serviceaccount:millionx:{name}"
                if self.there.run("auth", "can-i", verb, kind, "-n", "millionx", who).returncode == 0:
                    raise SystemExit(f"Error: ServiceAccount {name} may {verb} {kind}")
        return {"accounts without a right": len(accounts)}

    def networks(self) -> dict[str, object]:
        """NetworkPolicies as the server keeps them are those that were written."""
        written = [one for one in self.built("overlays/production") + self.built("strimzi")
                   if one["kind"] == "NetworkPolicy"]  # fmt: skip
        for one in written:
            at = ("-n", one["metadata"]["namespace"])
            kept = json.loads(self.there("get", "networkpolicy", one["metadata"]["name"], *at, "-o", "json"))
            if kept["spec"] != one["spec"]:
                raise SystemExit(f"Error: NetworkPolicy {one['metadata']['name']} is kept as {kept['spec']}")
        return {"policies as written": len(written)}

    def markdown(self) -> str:
        """The table of the docs."""
        lines = ["| stage | found | s |", "|---|---|---|"]
        for name, found in self.table.items():
            said = shown({key: value for key, value in found.items() if key != "s"})
            lines.append(f"| {name.replace('_', ' ')} | {said} | {found['s']} |")
        return "\n".join(lines) + "\n"


def main() -> int:
    """Run the stages; 0 when all held or no server can be had."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, default=STORE / "proof.json")
    parser.add_argument("--markdown", type=Path, default=STORE / "proof.md")
    given = parser.parse_args()
    try:
        with cluster() as there:
            proof = Proof(there)
            try:
                proof.run()
            finally:
                given.json.write_text(json.dumps(proof.table, indent=1) + "\n")
                given.markdown.write_text(proof.markdown())
    except (UnavailableError, MillionXError) as error:
        print(f"skipped: no Kubernetes API server: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
