"""Terraform for tests: where its providers come from on this machine, and the environment that points it at a stand-in.

Providers, in this order: the mirror folder that TF_PLUGIN_DIR names; the file that TF_CLI_CONFIG_FILE names, if it
exists; a mirror folder at one of the usual places; the public registry (then `terraform init` downloads)."""

import os
import pathlib
import shutil

from _lib import Skip

REGISTRY = "registry.terraform.io"
# Where images and administrators put mirrors: <place>/registry.terraform.io, or one or two folders below.
PLACES = ["/opt", "/usr/local/share", "/usr/share", "/usr/local/lib", "/usr/lib", "/var/lib", "~/.terraform.d", "~/.local/share"]


def mirror():
    """The folder that holds `registry.terraform.io`, or None."""
    named = os.environ.get("TF_PLUGIN_DIR")
    if named:
        if not (pathlib.Path(named) / REGISTRY).is_dir():
            raise Skip(f"TF_PLUGIN_DIR={named} has no folder {REGISTRY}")
        return pathlib.Path(named)
    for place in PLACES:
        for pattern in (REGISTRY, f"*/{REGISTRY}", f"*/*/{REGISTRY}"):
            for found in sorted(pathlib.Path(place).expanduser().glob(pattern)):
                if (found / "hashicorp" / "aws").is_dir():
                    return found.parent
    return None


def config_file(folder):
    """The Terraform CLI configuration that tests use; written into `folder` unless the user has one."""
    own = os.environ.get("TF_CLI_CONFIG_FILE")
    if not os.environ.get("TF_PLUGIN_DIR") and own and pathlib.Path(own).is_file():
        return own
    path, plugins = folder / "terraform.rc", mirror()
    text = "disable_checkpoint = true\n"
    if plugins:
        text += f'provider_installation {{\n  filesystem_mirror {{\n    path    = "{plugins}"\n    include = ["{REGISTRY}/*/*"]\n  }}\n}}\n'
    path.write_text(text)
    return str(path)


def environment(folder):
    """Variables for a Terraform process: this configuration, no colours, no questions. Skips where Terraform is absent."""
    if not shutil.which("terraform"):
        raise Skip("terraform is not installed")
    return {
        "TF_CLI_CONFIG_FILE": config_file(folder), "TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "CHECKPOINT_DISABLE": "1", "TF_CLI_ARGS": "-no-color",
        # The stand-in now and then closes a connection; the provider's own retries get over it.
        "AWS_MAX_ATTEMPTS": "5",
    }
