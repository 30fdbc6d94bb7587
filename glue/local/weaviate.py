"""Weaviate: one node. The binary may have to be obtained first (see ``weaviate_binary``), which status shows."""

from __future__ import annotations

import json

import psutil

from glue.files import write_private
from glue.http_access import HttpAccess
from glue.local import process, weaviate_binary
from glue.local.part import Part, Site, http_ok, json_of
from glue.local.ports import LOOPBACK, answers
from glue.local.process import Launch
from glue.local.security import ADMIN, BROKER


class Weaviate(Part):
    """``weaviate-server``; healthy when ready over HTTP and listening for gRPC.

    When there is no binary, its process starts as ``glue.local.weaviate_binary``, which downloads or builds one and
    then becomes the server: the same process all the while, so that nobody has to wait for it.
    """

    name = "weaviate"
    # In this order: the server derives some of them from others and fails unless data follows gossip and the rest rise.
    ports = ("http", "grpc", "gossip", "data", "raft", "raft_rpc", "metrics")
    slow = True

    def check(self, site: Site) -> None:
        weaviate_binary.at_hand(site.settings.weaviate_binary)

    def prepare(self, site: Site) -> None:
        marks = {process.STACK_MARK: str(site.root), process.PART_MARK: self.name}
        description = {"arguments": self._arguments(site), "env": {**process.basic_env(), **self._env(site), **marks}}
        write_private(site.folder(self.name) / "launch.json", json.dumps(description, indent=1).encode())

    def _arguments(self, site: Site) -> list[str]:
        port = str(site.port(self.name, "http"))
        if site.security is None:
            return ["--host", LOOPBACK, "--port", port, "--scheme", "http"]
        certificate = str(site.security.certificate(BROKER))
        files = ["--tls-certificate", certificate, "--tls-key", certificate]
        return ["--tls-host", LOOPBACK, "--tls-port", port, "--scheme", "https", *files]

    def _secured(self, site: Site) -> dict[str, str]:
        """Who shows the key may do everything, nobody else anything; gRPC by TLS as well."""
        if site.security is None:
            return {"AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED": "true"}
        return {
            "AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED": "false",
            "AUTHENTICATION_APIKEY_ENABLED": "true",
            "AUTHENTICATION_APIKEY_ALLOWED_KEYS": site.security.passwords[ADMIN],
            "AUTHENTICATION_APIKEY_USERS": ADMIN,
            "AUTHORIZATION_ADMINLIST_ENABLED": "true",
            "AUTHORIZATION_ADMINLIST_USERS": ADMIN,
            "GRPC_CERT_FILE": str(site.security.certificate(BROKER)),
            "GRPC_KEY_FILE": str(site.security.certificate(BROKER)),
        }

    def _env(self, site: Site) -> dict[str, str]:
        port = {name: str(site.port(self.name, name)) for name in self.ports}
        return {
            "PERSISTENCE_DATA_PATH": str(site.folder(self.name) / "data"),
            **self._secured(site),
            "CORS_ALLOW_ORIGIN": "http://weaviate.invalid",  # by default a page of any site may ask and delete
            "DEFAULT_VECTORIZER_MODULE": "none",
            "QUERY_DEFAULTS_LIMIT": "20",
            "GRPC_PORT": port["grpc"],
            "CLUSTER_HOSTNAME": "local",
            "CLUSTER_IN_LOCALHOST": "true",
            "CLUSTER_ADVERTISE_ADDR": "127.0.0.1",
            "CLUSTER_BIND_ADDR": "127.0.0.1",
            "CLUSTER_GOSSIP_BIND_PORT": port["gossip"],
            "CLUSTER_DATA_BIND_PORT": port["data"],
            "RAFT_PORT": port["raft"],
            "RAFT_INTERNAL_RPC_PORT": port["raft_rpc"],
            "RAFT_BOOTSTRAP_EXPECT": "1",
            "RAFT_JOIN": f"local:{port['raft']}",
            "GO_PROFILING_DISABLE": "true",
            "DISABLE_TELEMETRY": "true",
            "GOMEMLIMIT": "1GiB",
            "LOG_LEVEL": "warning",
            "PROMETHEUS_MONITORING_ENABLED": "true",
            "PROMETHEUS_MONITORING_PORT": port["metrics"],
        }

    def launch(self, site: Site) -> Launch:
        folder, given = site.folder(self.name), site.settings.weaviate_binary
        arguments, env = self._arguments(site), self._env(site)
        same = ("weaviate", str(given or weaviate_binary.lock()["version"]), *arguments)
        found = weaviate_binary.at_hand(given)
        if found is not None:
            return Launch([str(found), *arguments], folder, env, same_as=same)
        # It finds its settings in the file; its own environment is the user's, for Go and proxies.
        obtain = [process.python(), "-m", "glue.local.weaviate_binary", str(folder / "launch.json")]
        return Launch(obtain, folder, env, inherit_env=True, same_as=same)

    def busy(self, site: Site) -> str:
        running = process.find(site.state.part(self.name))
        try:
            if running is None or "glue.local.weaviate_binary" not in running.cmdline():
                return ""
        except psutil.NoSuchProcess:
            return ""
        (now,) = process.tail(weaviate_binary.progress_file(), 1) or ["about to build the server"]
        return now

    def healthy(self, site: Site) -> bool:
        ready = http_ok(f"{self.url(site)}/v1/.well-known/ready", access=self._access(site))
        return ready and answers(site.port(self.name, "grpc"))

    def warn(self, site: Site) -> None:
        wanted = weaviate_binary.lock()["version"]
        found = json_of(f"{self.url(site)}/v1/meta", access=self._access(site)).get("version")
        if found != wanted:
            site.report.warning(self.name, f"it is version {found}; this project is tested with {wanted}")
        open_ports = process.beyond_loopback(site.state.part(self.name))
        if open_ports:
            numbers = ", ".join(map(str, sorted(open_ports)))
            site.report.warning(
                self.name,
                f"ports {numbers} listen on every interface, because this binary has no setting for their address; "
                "a server built by this project (Go, no MXCTL_WEAVIATE_BINARY) listens on loopback only",
            )

    def fix(self, site: Site) -> str:
        fixes = [line for line in process.tail(site.log(self.name)) if line.startswith(weaviate_binary.FIX)]
        return fixes[-1].removeprefix(weaviate_binary.FIX) if fixes else super().fix(site)

    def settings(self, site: Site) -> dict[str, str]:
        found = {"weaviate": self.url(site), "weaviate_grpc": site.address(self.name, "grpc")}
        if site.security is None:
            return found
        login = {"api_key_file": site.security.password_file(), "ca_file": site.security.authority}
        return found | {f"{self.name}_{name}": str(file) for name, file in login.items()}

    def url(self, site: Site) -> str:
        """Its REST interface."""
        return f"{site.scheme}://{site.address(self.name, 'http')}"

    def _access(self, site: Site) -> HttpAccess:
        if site.security is None:
            return HttpAccess(self.name)
        return HttpAccess(self.name, token_file=site.security.password_file(), ca_file=site.security.authority)
