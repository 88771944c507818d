"""Real custom resource definitions, by the projects that own them: fetched as Go modules, never kept here.

Calico's and Amazon's are in no module that can be fetched. Whoever has their files names the folder: IRKIT_TEST_CRDS.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

FOLDER = "IRKIT_TEST_CRDS"
POLICY_API = "sigs.k8s.io/network-policy-api"
MODULES = {
    "cilium.io/v2": (
        "github.com/cilium/cilium@v1.20.2",
        "pkg/k8s/apis/cilium.io/client/crds/v2/ciliumnetworkpolicies.yaml",
    ),
    "policy.networking.k8s.io/v1alpha2": (
        f"{POLICY_API}@v0.2.0",
        "config/crd/standard/policy.networking.k8s.io_clusternetworkpolicies.yaml",
    ),
    "policy.networking.k8s.io/v1alpha1": (
        f"{POLICY_API}@v0.1.7",
        "config/crd/standard/policy.networking.k8s.io_adminnetworkpolicies.yaml",
    ),
}
# What irkit makes of each: the kind of its deny first.
FILES = {
    "projectcalico.org/v3": ("globalnetworkpolicies", "tiers"),
    "networking.k8s.aws/v1alpha1": ("clusternetworkpolicies",),
}
ENGINES = (*MODULES, *FILES)

Definition = dict[str, Any]


def definitions(engine: str) -> list[Definition]:
    """Those of an engine, that of its deny first; skips the test, saying why, where they cannot be had."""
    if engine in MODULES:
        return list(_documents(_module(*MODULES[engine])))
    folder = os.environ.get(FOLDER) or pytest.skip(f"LEFT OUT: no registry has the definitions of {engine}; {FOLDER}")
    group, _, version = engine.partition("/")
    found = {one["spec"]["names"]["plural"]: one for one in _in(Path(folder)) if _serves(one, group, version)}
    if missing := [plural for plural in FILES[engine] if plural not in found]:
        pytest.skip(f"LEFT OUT: {FOLDER} names a folder that does not define {missing[0]}.{group} {version}")
    return [found[plural] for plural in FILES[engine]]


def _module(module: str, path: str) -> Path:
    go = shutil.which("go", path="/usr/local/go/bin:/usr/bin:/usr/local/bin") or pytest.skip("no Go to fetch it with")
    done = subprocess.run([go, "mod", "download", "-json", module], check=False, capture_output=True, timeout=500)
    if done.returncode:
        pytest.skip(f"{module} cannot be had: {done.stdout.decode()[-300:]}")
    return Path(json.loads(done.stdout)["Dir"]) / path


def _in(folder: Path) -> Iterator[Definition]:
    for path in sorted((*folder.rglob("*.yaml"), *folder.rglob("*.yml"))):
        yield from _documents(path)


def _documents(path: Path) -> Iterator[Definition]:
    found = YAML(typ="safe").load_all(path.read_text())
    return (one for one in found if isinstance(one, dict) and one.get("kind") == "CustomResourceDefinition")


def _serves(one: Definition, group: str, version: str) -> bool:
    return one["spec"]["group"] == group and any(each["name"] == version for each in one["spec"]["versions"])
