"""Plugins of the Connect worker: folders of links to jars, manifests for plugins that carry none, and our own plugin.

Connect finds plugins by their ``META-INF/services`` manifests at once; a plugin without them is found by reading every
class of its jars, which takes ten seconds for the 164 MB of the Snowflake connector. Ours, ``deploy/connect-python``,
is built without a JDK: the compiler is a jar itself (ecj).
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from glue.errors import ConfigError
from glue.files import write_whole
from glue.local.java import UTF8
from glue.settings import shipped

MANIFESTS = "manifests.jar"
SERVICES = "META-INF/services/"
CONNECTORS = (
    "org.apache.kafka.connect.sink.SinkConnector",
    "org.apache.kafka.connect.source.SourceConnector",
)
# What Connect finds in the Snowflake connector 2.5.0 when it reads every class.
SNOWFLAKE = {
    "org.apache.kafka.connect.sink.SinkConnector": ("com.snowflake.kafka.connector.SnowflakeSinkConnector",),
    "org.apache.kafka.connect.storage.Converter": (
        "com.snowflake.kafka.connector.records.SnowflakeAvroConverter",
        "com.snowflake.kafka.connector.records.SnowflakeAvroConverterWithoutSchemaRegistry",
        "com.snowflake.kafka.connector.records.SnowflakeJsonConverter",
        "io.confluent.connect.avro.AvroConverter",
    ),
}


def link(files: list[Path], folder: Path, manifests: Mapping[str, tuple[str, ...]] | None = None) -> None:
    """Make ``folder`` hold exactly links to ``files``, and a jar with ``manifests`` (service: classes) where given."""
    wanted = {file.name: file.resolve() for file in files}
    have = {file.name: file.resolve() for file in folder.glob("*.jar") if file.is_symlink()}
    if wanted == have and (folder / MANIFESTS).exists() == bool(manifests):
        return  # a running worker reads from here
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if manifests:
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as jar:
            for service, classes in manifests.items():
                # A fixed time: the same content is the same file.
                jar.writestr(zipfile.ZipInfo(SERVICES + service), "".join(f"{name}\n" for name in classes))
        write_whole(folder / MANIFESTS, content.getvalue())
    for name, file in wanted.items():  # after the manifests: all links say that the folder is whole
        (folder / name).symlink_to(file)


def discovery(plugins: Path) -> str:
    """How the worker should look for plugins: by manifests alone where every folder has one, else class by class."""
    folders = [folder for folder in plugins.iterdir() if folder.is_dir()]
    return "service_load" if all(map(_has_manifest, folders)) else "hybrid_warn"


def _has_manifest(folder: Path) -> bool:
    for file in folder.rglob("*.jar"):
        with zipfile.ZipFile(file) as jar:
            names = set(jar.namelist())
        if any(SERVICES + service in names for service in CONNECTORS):
            return True
    return False


SOURCES = shipped("deploy/connect-python/src")
_NAME = "millionx-connect-python"
_PACKAGE = "bd/millionx/connect"
_BUILDING = ".build-"
_SERVICES = {
    "org.apache.kafka.connect.sink.SinkConnector": ("PythonSinkConnector",),
    "org.apache.kafka.connect.transforms.Transformation": ("PythonTransform$Value", "PythonTransform$Key"),
    "org.apache.kafka.connect.transforms.predicates.Predicate": ("PythonPredicate",),
    "org.apache.kafka.connect.rest.ConnectRestExtension": ("RestGuard",),
    "org.apache.kafka.common.config.provider.ConfigProvider": ("SecretFiles",),
}
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same sources give the same bytes
# the Kafka jars that the plugin is compiled against; a worker has them
NEEDED = ("connect-api", "kafka-clients", "slf4j-api", "jackson-", "jakarta.ws.rs-api")


def build_plugin(java: Path, ecj_jar: Path, classpath: list[Path], out_dir: Path) -> Path:
    """Compile the plugin into ``out_dir`` unless it is there already, and return the jar.

    Args:
        java: the ``java`` program, 17 or newer; a runtime is enough.
        ecj_jar: the Eclipse compiler for Java.
        classpath: jars that hold the Connect API, the Kafka clients and SLF4J; others do no harm.
        out_dir: a folder for this plugin alone; other jars of ours in it are removed.

    Raises:
        ConfigError: the sources do not compile, with what the compiler says.
    """
    sources = sorted(SOURCES.rglob("*.java"))
    version = metadata.version("millionx")
    digest = hashlib.sha256("\0".join([version, ecj_jar.name, str(_SERVICES)]).encode())
    for source in sources:
        digest.update(source.read_bytes())
    jar = out_dir / f"{_NAME}-{version}-{digest.hexdigest()[:12]}.jar"
    for left in out_dir.glob(f"{_BUILDING}*"):  # by a build that was interrupted; a worker would look into it
        shutil.rmtree(left, ignore_errors=True)
    if jar.is_file():
        return jar
    out_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out_dir, prefix=_BUILDING) as folder:
        classes = Path(folder) / "classes"
        needed = [file for file in classpath if file.name.startswith(NEEDED)]
        _compile(java, ecj_jar, needed, sources, classes)
        draft = Path(folder) / jar.name
        _pack(classes, version, draft)
        for old in out_dir.glob(f"{_NAME}-*.jar"):
            old.unlink()
        draft.replace(jar)
    return jar


def _compile(java: Path, ecj_jar: Path, classpath: list[Path], sources: list[Path], classes: Path) -> None:
    command = [str(java), "-jar", str(ecj_jar), "-source", "17", "-target", "17", "-encoding", "UTF-8", "-nowarn"]
    command += ["-proc:none", "-g", "-cp", ":".join(map(str, classpath)), "-d", str(classes), *map(str, sources)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | UTF8)
    if done.returncode:
        raise ConfigError("the Connect plugin for Python", f"it does not compile:\n{done.stderr.strip()[-2000:]}")


def _pack(classes: Path, version: str, jar: Path) -> None:
    entries = {path.relative_to(classes).as_posix(): path.read_bytes() for path in classes.rglob("*.class")}
    entries[f"{_PACKAGE}/version.txt"] = version.encode()
    for service, names in _SERVICES.items():
        text = "".join(f"{_PACKAGE.replace('/', '.')}.{name}\n" for name in names)
        entries[f"META-INF/services/{service}"] = text.encode()
    manifest = (
        f"Manifest-Version: 1.0\nImplementation-Title: millionx-connect-python\nImplementation-Version: {version}\n"
    )
    with zipfile.ZipFile(jar, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {"META-INF/MANIFEST.MF": manifest.encode(), **dict(sorted(entries.items()))}.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), data, zipfile.ZIP_DEFLATED)
