"""What stands in docs/deploy is what irkit is: its rights, its flags, its files; and an API server takes it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from irkit.playbook.rails import lint as rails
from irkit.triggers.routing import lint as triggers
from tests.cli.tree import commands
from tests.cluster.real import RealCluster

DEPLOY = Path(__file__).parents[2] / "docs" / "deploy"
BASE = DEPLOY / "kubernetes"


def loaded(name: str) -> list[dict[str, Any]]:
    return list(YAML(typ="safe").load_all((BASE / name).read_text()))


def test_the_role_is_what_the_steps_declare_today() -> None:
    command = re.findall(r"irkit (rbac .*) > role\.yaml", (BASE / "regenerate").read_text())[0].split()
    printed = subprocess.run([sys.executable, "-m", "irkit", *command], capture_output=True, text=True, check=True)
    assert printed.stdout == (BASE / "role.yaml").read_text(), "run docs/deploy/kubernetes/regenerate"
    playbooks = {command[at + 1] for at, word in enumerate(command) if word == "--playbook"}
    named = set(re.findall(r"run: (\S+)", (BASE / "triggers.yaml").read_text()))
    assert playbooks == named


def test_the_role_holds_nothing_that_reads_secrets_or_enters_pods() -> None:
    (role,) = loaded("role.yaml")
    wild = [rule for rule in role["rules"] if "*" in (*rule["apiGroups"], *rule["resources"], *rule["verbs"])]
    # Gatekeeper makes a kind for every template, so which there are nobody knows beforehand.
    assert wild == [{"apiGroups": ["constraints.gatekeeper.sh"], "resources": ["*"], "verbs": ["list"]}]
    held = {(resource, verb) for rule in role["rules"] for resource in rule["resources"] for verb in rule["verbs"]}
    assert not {resource for resource, _ in held} & {"secrets", "pods/exec", "pods/attach"}
    deleting = {group for rule in role["rules"] if "delete" in rule["verbs"] for group in rule["apiGroups"]}
    assert not deleting & {"", "apps", "batch", "rbac.authorization.k8s.io"}, "policies may go, never what they are for"


def test_the_files_of_the_base_are_good() -> None:
    assert triggers.lint((BASE / "triggers.yaml").read_text()) == []
    assert rails.lint((BASE / "rails.yaml").read_text()) == []


def test_every_flag_in_force_there_exists() -> None:
    deployment = loaded("deployment.yaml")[0]["spec"]["template"]["spec"]["containers"][0]["args"]
    unit = (DEPLOY / "irkit.service").read_text().replace("\\\n", " ")
    started = re.findall(r"^ExecStart=\S+ (.*)$", unit, re.MULTILINE)[0].split()
    for words in (deployment, started):
        assert words[0] == "serve"
        assert {word for word in words if word.startswith("--")} <= commands()["serve"]


@pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="LEFT OUT: no systemd-analyze, the unit was not verified"
)
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "irkit.service"
    unit.write_text((DEPLOY / "irkit.service").read_text().replace("/opt/irkit/bin/irkit", sys.executable))
    told = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert (told.returncode, told.stderr) == (0, "")


@pytest.mark.real
def test_a_real_api_server_takes_the_base_and_finds_it_restricted(
    real_cluster: RealCluster, real_namespace: str, tmp_path: Path
) -> None:
    shutil.copytree(BASE, tmp_path / "base")
    overlay = {"resources": ["base"], "namespace": real_namespace}
    (tmp_path / "kustomization.yaml").write_text(json.dumps(overlay))
    made = real_cluster.kubectl("kustomize", str(tmp_path))
    told = real_cluster.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", given=made)
    kinds = (
        "serviceaccount",
        "clusterrole",
        "clusterrolebinding",
        "deployment",
        "networkpolicy",
        "service",
        "configmap",
    )
    assert [kind for kind in kinds if not re.search(rf"^{kind}[./]", told, re.MULTILINE)] == []
    # The standard is enforced on pods: one with the Deployment's own spec must pass.
    real_cluster.kubectl("label", "namespace", real_namespace, "pod-security.kubernetes.io/enforce=restricted")
    real_cluster.kubectl("create", "serviceaccount", "irkit", "-n", real_namespace)
    template = loaded("deployment.yaml")[0]["spec"]["template"]["spec"]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "irkit", "namespace": real_namespace},
        "spec": template,
    }
    told = real_cluster.kubectl("create", "--dry-run=server", "-f", "-", given=json.dumps(pod))
    assert "pod/irkit created" in told
