"""Prove the manifests on a real Kubernetes API server: ``make kube-proof``.

    python -m deploy.proof.kube_proof [--json FILE] [--markdown FILE]

What ``docs/deploy-kubernetes.md`` says is done. The first stage that fails ends the proof with exit code 1; where no
server can be had it says why and exits with 0: skipped. Controllers and scheduler are real and act; nodes are simulated
(kwok): a pod that was admitted and placed is said to run, and no container starts.
"""

from __future__ import annotations

import argparse
import base64
import copy
import json
import re
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from deploy.proof.api_server import STORE, VERSION, Cluster, cluster, definitions
from deploy.proof.compose_proof import shown
from deploy.proof.engine import ROOT, UnavailableError, call
from deploy.proof.installation import copy as checkout
from deploy.proof.installation import until
from glue.errors import MillionXError

FOLDER = ROOT / "deploy" / "kubernetes"
PAGE = ROOT / "docs" / "deploy-kubernetes.md"
OVERLAYS = ("strimzi", "overlays/small", "overlays/secured", "overlays/production")
STAGES = ("custom_resources", "installation", "logins", "pods", "pod_security", *OVERLAYS, "own_values", "exports",
          "drain", "misspelt_fields", "rights", "networks")  # fmt: skip
APPLY = ("apply", "--server-side", "--validate=strict", "--warnings-as-errors")
OURS = ("-n", "millionx")
NODES = 3
# What a cluster has besides: nodes, a volume for the claim of `person`.
GIVEN: list[dict[str, Any]] = [
    {"apiVersion": "v1", "kind": "Node", "metadata": {"name": f"node-{n}", "labels": {
        "kubernetes.io/hostname": f"node-{n}", "topology.kubernetes.io/zone": f"zone-{n}"}},
     "status": {"allocatable": {"cpu": "8", "memory": "16Gi", "pods": "110"},
                "capacity": {"cpu": "8", "memory": "16Gi", "pods": "110"}}} for n in range(NODES)
] + [
    {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "volume"},
     "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/nowhere"}}}
]  # fmt: skip


class Proof:
    """The stages, and the table that they fill: stage -> what was measured."""

    def __init__(self, there: Cluster, folder: Path) -> None:
        self.there, self.folder = there, checkout(folder)
        self.table: dict[str, dict[str, object]] = {}

    def run(self) -> None:
        """Every stage in order."""
        for name in STAGES:
            began = time.monotonic()
            found = self.overlay(name) if name in OVERLAYS else getattr(self, name)()
            self.table[name] = found | {"s": round(time.monotonic() - began)}
            print(f"{name}: {shown(self.table[name])}", flush=True)

    def page(self, title: str, without: str = "nothing") -> int:
        """Run the commands of a section of the page as they are written, but for lines that begin with ``without``."""
        done = [line for line in self.blocks(title, "sh").splitlines() if not line.startswith(without)]
        call("sh", "-euxc", "\n".join(done), cwd=self.folder, env=self.there.environment)
        return len(done)

    def blocks(self, title: str, language: str) -> str:
        """What a section of the page shows in a language."""
        section = PAGE.read_text(encoding="utf-8").partition(f"\n## {title}\n")[2].partition("\n## ")[0]
        return "".join(re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL))

    def items(self, *words: str | Path) -> list[dict[str, Any]]:
        """The objects of a ``kubectl get``."""
        return list(json.loads(self.there("get", *words, "-o", "json"))["items"])

    def built(self, name: str) -> list[dict[str, Any]]:
        """The manifests of an overlay, as kubectl builds them."""
        return [one for one in yaml.safe_load_all(self.there("kustomize", FOLDER / name)) if one]

    def custom_resources(self) -> dict[str, object]:
        """The operators' CRDs are accepted and served."""
        found = definitions()
        self.there("apply", "--server-side", "-f", "-", given="\n---\n".join(found))
        self.there("wait", "--for=condition=Established", "--timeout=120s", "crd", "--all")
        names = {one["metadata"]["name"] for one in self.items("crd")}
        until(lambda: names <= set(self.there("api-resources", "-o", "name").split()), 120,
              lambda: "the server lists not all custom resources")  # fmt: skip
        shutil.rmtree(self.there.environment["KUBECACHEDIR"])  # kubectl keeps for hours what it once saw listed
        return {"kubernetes": VERSION, "definitions": len(found)}

    def installation(self) -> dict[str, object]:
        """The page's own commands install it, with Secrets made as it says, and upgrade to what is there already."""
        self.there("create", "-f", "-", given=yaml.safe_dump_all(GIVEN))
        (self.folder / "shopify.env").write_text("MILLIONX_SHOPIFY_TOKEN=token\n")
        return {"commands of the page": sum(self.page(title) for title in ("Secrets", "Apply", "Upgrade"))}

    def logins(self) -> dict[str, object]:
        """The page's commands give each program its login, of Secrets as Strimzi's operator makes them of its users."""
        users = list(yaml.safe_load_all(call("mxctl", "export", "acls", "strimzi", env=self.there.environment)))
        names = [one["metadata"]["name"] for one in users]
        made = {name: {"password": f"password of {name}"} for name in names} | {
            "millionx-cluster-ca-cert": {"ca.crt": "an authority"}}  # fmt: skip
        self.there("create", "-n", "kafka", "-f", "-", given=yaml.safe_dump_all(
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data}
            for name, data in made.items()))  # fmt: skip
        (self.folder / "services.crt").write_text("other authorities")
        done = self.page("With TLS and logins", "kubectl -n kafka wait")  # for an operator that is not here
        kept = {one["metadata"]["name"]: one["data"] for one in self.items("secrets", *OURS)}
        for name in names:
            role = name.removeprefix("millionx-")
            key = "password" if role == "scaler" else "kafka.properties"
            if f"password of {name}" not in base64.b64decode(kept[f"kafka-{role}"][key]).decode():
                raise SystemExit(f"Error: the Secret kafka-{role} has not the password of {name}")
        return {"commands of the page": done, "logins": len(names)}

    def pods(self) -> dict[str, object]:
        """The page's checks hold, and every CronJob runs once: its pods are admitted, and there is room for all."""
        self.page("Verify", "kubectl -n millionx logs")  # a simulated pod has none
        jobs = [one["metadata"]["name"] for one in self.items("cronjobs", *OURS)]
        for name in jobs:
            self.there("create", "job", f"--from=cronjob/{name}", f"{name}-once", *OURS)
            self.there("wait", "--for=condition=complete", "--timeout=300s", f"job/{name}-once", *OURS)
        return {"cron jobs": len(jobs), **self.running()}

    def running(self) -> dict[str, object]:
        """Every Deployment has all its pods."""
        self.there("rollout", "status", "deployment", "-l", "app.kubernetes.io/part-of=millionx", "--timeout=300s",
                   *OURS)  # fmt: skip
        pods = self.items("pods", "--field-selector=status.phase=Running", *OURS)
        return {"pods": len(pods), "nodes": len({one["spec"]["nodeName"] for one in pods})}

    def overlay(self, name: str) -> dict[str, object]:
        """Applied; a second time nothing differs, and nothing gets a new generation, so no pod is replaced."""
        self.there("delete", "job", "apply", *OURS, "--ignore-not-found")  # never changes
        self.there(*APPLY, "-k", FOLDER / name)
        before = self.generations(name)
        self.there("diff", "--server-side", "-k", FOLDER / name)
        self.there(*APPLY, "-k", FOLDER / name)
        if self.generations(name) != before:
            raise SystemExit(f"Error: a second apply of {name} changed objects")
        return {"applied": len(before), "changed by a second apply": 0}

    def generations(self, name: str) -> dict[str, int]:
        """Kind and name -> how often the wanted state of an object of an overlay changed."""
        kept = [(one["kind"], one["metadata"]) for one in self.items("-k", FOLDER / name)]
        return {f"{kind}/{one['name']}": one.get("generation", 0) for kind, one in kept}

    def own_values(self) -> dict[str, object]:
        """The overlay that the page shows is accepted, and puts the address and the registry that it names."""
        own = self.folder / "deploy" / "kubernetes" / "overlays" / "own"
        own.mkdir()
        (own / "kustomization.yaml").write_text(self.blocks("Own values", "yaml"))
        self.there("delete", "job", "apply", *OURS)
        self.there(*APPLY, "--dry-run=server", "-k", own)
        text = self.there("kustomize", own)
        if "image: millionx/glue" in text or "my-redis" not in text:
            raise SystemExit("Error: the overlay of the page changes not everything that it names")
        return {"images replaced": text.count("image: registry.example.com/")}

    def exports(self) -> dict[str, object]:
        """What else ``mxctl`` writes for Strimzi is accepted: users with their rights, workers that log in."""
        written = [call("mxctl", "export", *words, env=self.there.environment)
                   for words in (("acls", "strimzi"), ("strimzi", "--user", "millionx-connect"))]  # fmt: skip
        for text in written:
            self.there(*APPLY, "--dry-run=server", "--force-conflicts", "-n", "kafka", "-f", "-", given=text)
        return {"accepted": sum(text.count("\nkind: ") for text in written)}

    def drain(self) -> dict[str, object]:
        """With three workers a chain each node can be emptied: no disruption budget stands in the way for good."""
        self.there("scale", "deployment", "-l", "app.kubernetes.io/component=glue", "--replicas=3", *OURS)
        found = self.running()
        for n in range(NODES):
            self.there("drain", f"node-{n}", "--delete-emptydir-data", "--timeout=120s")
            self.there("uncordon", f"node-{n}")
        return found | {"nodes emptied": NODES, "pods after": self.running()["pods"]}

    def pod_security(self) -> dict[str, object]:
        """All pods run under ``restricted``; the same ones are refused when they are privileged."""
        bare = copy.deepcopy(self.items("pods", *OURS))
        for n, pod in enumerate(bare):
            pod["metadata"] = {"name": f"bare-{n}", "namespace": "millionx"}
            for container in pod["spec"]["containers"]:
                container["securityContext"] = {"privileged": True}
        done = self.there.run("create", "--dry-run=server", "-f", "-", given=yaml.safe_dump_all(bare))
        if done.stdout or done.stderr.count("violates PodSecurity") != len(bare):
            raise SystemExit(f"Error: privileged pods are not refused: {done.stdout}{done.stderr[-500:]}")
        return {"privileged pods refused": len(bare)}

    def misspelt_fields(self) -> dict[str, object]:
        """Of every kind, a field that it does not have is refused."""
        kinds = {one["kind"]: one for name in OVERLAYS for one in self.built(name)}
        for kind, one in kinds.items():
            one.get("spec", one)["misspelt"] = "x"
            done = self.there.run(*APPLY, "--dry-run=server", "--force-conflicts", "-f", "-", given=yaml.safe_dump(one))
            if not done.returncode or "misspelt" not in done.stderr:
                raise SystemExit(f"Error: a misspelt field of {kind} is not refused: {done.stdout}{done.stderr[-500:]}")
        return {"kinds refused": len(kinds)}

    def rights(self) -> dict[str, object]:
        """No account of ours may do more than one that nobody gave a right, and none has a token mounted."""
        accounts = [one for one in self.items("serviceaccounts", *OURS) if one["metadata"]["name"] != "default"]
        nobody = self.may("nobody")
        for one in accounts:
            name = one["metadata"]["name"]
            if one.get("automountServiceAccountToken") is not False:
                raise SystemExit(f"Error: ServiceAccount {name} mounts its token")
            if self.may(name) != nobody:
                raise SystemExit(f"Error: ServiceAccount {name} has rights in the API:\n{self.may(name)}")
        return {"accounts without a right": len(accounts)}

    def may(self, name: str) -> str:
        """The rights of a service account of ours, by the server's own review."""
        return self.there("auth", "can-i", "--list", f"--as=system:serviceaccount:millionx:{name}", *OURS)

    def networks(self) -> dict[str, object]:
        """NetworkPolicies as the server keeps them are those that were written."""
        written = [one for one in self.built("overlays/secured") + self.built("strimzi")
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
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as for Ctrl-C: end what was started
    try:
        with cluster() as there, tempfile.TemporaryDirectory() as folder:
            proof = Proof(there, Path(folder) / "checkout")
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
