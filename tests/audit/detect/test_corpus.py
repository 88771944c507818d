"""Agreement with the labelled cases of Panther and Falco; every disagreement stands here with its reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from irkit.audit.detect.detect import detect
from irkit.audit.search import search
from tests.audit import corpus

pytestmark = corpus.needed

# Their rule to ours. None: we have no such detection, for the reason in NOT_OURS.
PANTHER: dict[str, tuple[str, ...]] = {
    "Kubernetes.Pod.Exec": ("exec-into-pod",),
    "Kubernetes.Pod.SystemNamespace": ("pod-in-system-namespace",),
    "Kubernetes.Pod.Dangerous.Capabilities": ("dangerous-capability",),
    "Kubernetes.Pod.Host.IPC": ("host-namespaces",),
    "Kubernetes.Pod.Privileged.Created": ("privileged-container",),
    "GCP.K8S.Privileged.Pod.Created": ("privileged-container",),
    "Kubernetes.Role.NodeProxyPermissions": ("dangerous-role",),
    "Kubernetes.Role.PodExec": ("dangerous-role",),
    "Kubernetes.SystemRole.Modified": ("dangerous-role",),
    "Kubernetes.BulkSecretAccess": ("secrets-listed", "secrets-gathered", "foreign-secrets"),
    "Kubernetes.Service.NodePort.Deployed": ("service-exposed",),
    "GCP.K8S.Service.Type.NodePort.Deployed": ("service-exposed",),
    "Kubernetes.ServiceAccount.TokenCreated": ("token-minted",),
    "GCP.K8s.New.Daemonset.Deployed": ("daemon-set",),
    "Kubernetes.Kubectl.CP.Operation": ("exec-into-pod",),
}
NOT_OURS = {
    "Amazon.EKS.Audit.SystemNamespaceFromPublicIP": "judges addresses by their owner, which no audit log tells",
    "Azure.MonitorActivity.Kubernetes.RoleBindingCreated": "Azure's control plane log, not the API server's",
    "GCP.K8s.IOC.Activity": "looks addresses up in a threat feed",
    "Kubernetes.API.IOC.Activity": "looks addresses up in a threat feed",
    "Kubernetes.Role.WritePermissions": "a role that may write is nothing rare; ours asks what leads to every right",
}
ROOT_USER = "running as root inside a container is a hardening matter, not a way out of it"
SINGLE = (
    "one person reading what he may in one namespace is daily work; we ask for many, for all namespaces, for foreigners"
)
COPY = "we report every exec, with its command: whether its tar reads or writes is for the reader"
DENIED = "a refused request did nothing; many of them are the finding many-refusals"
ACCOUNT = (
    "they trust all of kube-system; we trust the control plane's own accounts by name, for the rest there is --allow"
)
UPDATE = "an update gives a right just as a creation does: their rule is about creation alone"
PLANE = "the control plane mints tokens for pods all day"
SERVICE = "another product's entry (deploymentmanager.googleapis.com) that only mentions the permission"
BUILT_IN = "a change of any built-in role is worth a look; they excuse this one by name"
DISAGREEMENTS = {
    ("Kubernetes.Pod.Privileged.Created", "Run-As-Root Pod Created"): ROOT_USER,
    ("Kubernetes.Pod.Privileged.Created", "Pod with runAsUser=0 (root)"): ROOT_USER,
    ("GCP.K8S.Privileged.Pod.Created", "Run-As-Root Pod Created"): ROOT_USER,
    ("GCP.K8S.Privileged.Pod.Created", "GCP Service Account Creating Privileged Pod (Excluded)"): ACCOUNT,
    ("GCP.K8s.New.Daemonset.Deployed", "privilege-escalation"): SERVICE,
    ("Kubernetes.Kubectl.CP.Operation", "EKS kubectl cp TO pod (not exfiltration)"): COPY,
    ("Kubernetes.Kubectl.CP.Operation", "EKS regular tar archive creation"): COPY,
    ("Kubernetes.Kubectl.CP.Operation", "EKS regular exec without tar"): COPY,
    ("Kubernetes.Kubectl.CP.Operation", "EKS system namespace (excluded)"): ACCOUNT,
    ("Kubernetes.Pod.SystemNamespace", "System principal creating pod in kube-system (excluded)"): ACCOUNT,
    ("Kubernetes.Pod.Host.IPC", "System Namespace with HostIPC (Excluded)"): ACCOUNT,
    ("Kubernetes.Role.NodeProxyPermissions", "System principal creating role (excluded)"): ACCOUNT,
    ("Kubernetes.Role.NodeProxyPermissions", "Updating existing role (not creating)"): UPDATE,
    ("Kubernetes.Role.PodExec", "System principal creating role (excluded)"): ACCOUNT,
    ("Kubernetes.Role.PodExec", "Updating existing role (not creating)"): UPDATE,
    ("Kubernetes.SystemRole.Modified", "System principal modifying system role (excluded)"): ACCOUNT,
    ("Kubernetes.SystemRole.Modified", "System:coredns modified (excluded - expected)"): BUILT_IN,
    ("Kubernetes.BulkSecretAccess", "User Gets a Secret"): SINGLE,
    ("Kubernetes.BulkSecretAccess", "User Lists Secrets"): SINGLE,
    ("Kubernetes.BulkSecretAccess", "User Watches Secrets"): SINGLE,
    ("Kubernetes.BulkSecretAccess", "User Gets Secret - Access Denied"): DENIED,
    ("Kubernetes.ServiceAccount.TokenCreated", "System principal in user namespace (alert)"): PLANE,
}

FALCO: dict[str, str] = {
    "Anonymous Request Allowed": "anonymous-access",
    "Attach to cluster-admin Role": "cluster-admin-binding",
    "Attach/Exec Pod": "exec-into-pod",
    "ClusterRole With Wildcard Created": "dangerous-role",
    "System ClusterRole Modified/Deleted": "dangerous-role",
    "Create NodePort Service": "service-exposed",
    "Create HostNetwork Pod": "host-namespaces",
    "Create Privileged Pod": "privileged-container",
}
INVENTORY = "an inventory of what is made and deleted, not an attack: audit search tells it"
FALCO_NOT_OURS = {
    "ClusterRole With Write Privileges Created": NOT_OURS["Kubernetes.Role.WritePermissions"],
    "Create/Modify Configmap With Private Credentials": "looks for passwords in bodies, which no audit log should hold",
    "Create Disallowed Pod": "a list of allowed images is admission's matter",
    "json_pointer_example": "an example of Falco's syntax",
    "K8s Service Created": INVENTORY,
    "K8s Deployment Created": INVENTORY,
    "K8s Deployment Deleted": INVENTORY,
    "K8s ClusterRole Created": INVENTORY,
    "K8s ClusterRole Deleted": INVENTORY,
    "K8s ClusterRoleBinding Deleted": INVENTORY,
    "K8s ConfigMap Created": INVENTORY,
    "K8s Secret Created": INVENTORY,
    "K8s Serviceaccount Created": INVENTORY,
    "K8s Serviceaccount Deleted": INVENTORY,
}
MADE_BY_CONTROLLER = "made by the replica set controller: we judge the template, where somebody wrote it"
FALCO_DISAGREEMENTS = {
    ("Create HostNetwork Pod", "create_nginx_pod_hostnetwork.json"): MADE_BY_CONTROLLER,
    ("Create Privileged Pod", "create_nginx_pod_privileged_2nd_container.json"): MADE_BY_CONTROLLER,
}


def fired(path: Path) -> set[str]:
    return {finding.rule for finding in detect([str(path)]).findings}


def test_panther(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, agreed, disagreed = tmp_path / "audit.log", 0, {}
    for case in corpus.panther():
        if case.rule in NOT_OURS:
            continue
        path.write_text(json.dumps(case.log) + "\n")
        if bool(fired(path) & set(PANTHER[case.rule])) is case.expected:
            agreed += 1
        else:
            disagreed[case.rule, case.name] = DISAGREEMENTS.get((case.rule, case.name), "?")
    with capsys.disabled():
        _table("Panther", agreed, disagreed)
    assert disagreed == DISAGREEMENTS


def _table(name: str, agreed: int, disagreed: dict[tuple[str, str], str]) -> None:
    print(f"\n{name}: {agreed} labelled cases agreed with, {len(disagreed)} not:")
    for (rule, case), reason in disagreed.items():
        print(f"  {rule}: {case}: {reason}")


def test_every_panther_rule_is_spoken_for() -> None:
    assert {case.rule for case in corpus.panther()} == PANTHER.keys() | NOT_OURS.keys()


def test_falco(capsys: pytest.CaptureFixture[str]) -> None:
    agreed, disagreed = 0, {}
    for path, theirs in corpus.falco():
        expected = {FALCO[rule] for rule in theirs - FALCO_NOT_OURS.keys()}
        found = fired(path)
        agreed += expected == found
        for rule in theirs - FALCO_NOT_OURS.keys():
            if FALCO[rule] not in found:
                disagreed[rule, path.name] = FALCO_DISAGREEMENTS.get((rule, path.name), "?")
        assert found <= expected, path.name
    with capsys.disabled():
        _table("Falco", agreed, disagreed)
    assert disagreed == FALCO_DISAGREEMENTS


def test_every_falco_rule_is_spoken_for() -> None:
    assert {rule for _, rules in corpus.falco() for rule in rules} == FALCO.keys() | FALCO_NOT_OURS.keys()


@pytest.mark.parametrize("path", corpus.files(), ids=lambda path: str(path.relative_to(corpus.ROOT)))
def test_no_file_brings_us_down(path: Path, tmp_path: Path) -> None:
    report = detect([str(path)])
    searched = search([str(path)])
    assert len(list(searched)) == report.events == searched.summary().events
    assert [gap.remedy for gap in searched.gaps] == [gap.remedy for gap in report.coverage.gaps]
    assert report.events or report.coverage.gaps
    half = tmp_path / "half.log"
    half.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert detect([str(half)]).events <= report.events
