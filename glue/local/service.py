"""What every service of this project gets when the local stack starts it."""

from __future__ import annotations

from glue.local.part import Site


def service_env(site: Site) -> dict[str, str]:
    """Its settings as environment, which goes before a .env file: a service of this stack works on this stack."""
    env = {f"MXCTL_{name.upper()}": str(value) for name, value in site.state.settings.items()}
    env["MXCTL_STATE_DIR"] = str(site.root)
    for name in ("config_dir", "schemas_dir", "profile", "log_level"):
        env[f"MXCTL_{name.upper()}"] = str(getattr(site.settings, name))
    return env
