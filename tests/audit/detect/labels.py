"""What the labels of Panther and Falco mean to us, and where and why we judge otherwise."""

from __future__ import annotations

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
