"""Packages and their data: ``pyproject.toml`` has no words for folders that lie outside of a package.

``connect-config/``, ``schemas/`` and what the local stack reads of ``deploy/`` are installed inside ``glue/shipped/``,
where ``glue.settings.shipped`` finds them when there is no checkout around the package.
"""

from setuptools import find_namespace_packages, setup

SHIPPED = {
    "connect-config": ["**/*.json", "**/*.sql"],
    "schemas": ["*.avsc"],
    "deploy/connect-python/src": ["**/*.java"],
    "deploy/jmx": ["*.yml"],
    "deploy/locks": ["*"],
    "deploy/prometheus": ["prometheus.yml", "rules/*.yml"],
}
folders = {f"glue.shipped.{name.replace('/', '.')}": name for name in SHIPPED}

setup(
    packages=[*find_namespace_packages(include=["connectors*", "glue*", "sandbox*"]), *folders],
    package_dir=folders,
    include_package_data=False,
    package_data={
        "connectors": ["data/*.json"],
        "glue.language": ["*.txt", "*.tsv"],
        "glue.privacy.recognisers": ["names.txt", "name_words.txt"],
        "glue.ui": ["static/*"],
        "sandbox": ["*.graphql"],
        **{package: SHIPPED[name] for package, name in folders.items()},
    },
)
