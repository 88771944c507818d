"""Real custom resource definitions, from the Go modules of the projects that own them: fetched, never kept here."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

POLICY_API = "sigs.k8s.io/network-policy-api"
ENGINES = {
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


def definition(engine: str) -> Path:
    """The file of an engine's definition; skips the test, saying why, where it cannot be had."""
    module, path = ENGINES[engine]
    go = shutil.which("go", path="/usr/local/go/bin:/usr/bin:/usr/local/bin") or pytest.skip("no Go to fetch it with")
    done = subprocess.run([go, "mod", "download", "-json", module], check=False, capture_output=True, timeout=500)
    if done.returncode:
        pytest.skip(f"{module} cannot be had: {done.stdout.decode()[-300:]}")
    return Path(json.loads(done.stdout)["Dir"]) / path
