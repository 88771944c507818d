"""The resources of Kubernetes 1.37 itself, by group: a rule for one of them under a wrong group matches nothing."""

from __future__ import annotations

# `kubectl api-resources` of a 1.37 API server; a test compares the two.
_BY_GROUP = {
    "": """bindings componentstatuses configmaps endpoints events limitranges namespaces nodes persistentvolumeclaims
        persistentvolumes pods podtemplates replicationcontrollers resourcequotas secrets serviceaccounts services""",
    "admissionregistration.k8s.io": """mutatingadmissionpolicies mutatingadmissionpolicybindings
        mutatingwebhookconfigurations validatingadmissionpolicies validatingadmissionpolicybindings
        validatingwebhookconfigurations""",
    "apiextensions.k8s.io": "customresourcedefinitions",
    "apiregistration.k8s.io": "apiservices",
    "apps": "controllerrevisions daemonsets deployments replicasets statefulsets",
    "authentication.k8s.io": "selfsubjectreviews tokenreviews",
    "authorization.k8s.io": """localsubjectaccessreviews selfsubjectaccessreviews selfsubjectrulesreviews
        subjectaccessreviews""",
    "autoscaling": "horizontalpodautoscalers",
    "batch": "cronjobs jobs",
    "certificates.k8s.io": "certificatesigningrequests clustertrustbundles podcertificaterequests",
    "coordination.k8s.io": "leases",
    "discovery.k8s.io": "endpointslices",
    "events.k8s.io": "events",
    "flowcontrol.apiserver.k8s.io": "flowschemas prioritylevelconfigurations",
    "networking.k8s.io": "ingressclasses ingresses ipaddresses networkpolicies servicecidrs",
    "node.k8s.io": "runtimeclasses",
    "policy": "poddisruptionbudgets",
    "rbac.authorization.k8s.io": "clusterrolebindings clusterroles rolebindings roles",
    "resource.k8s.io": "deviceclasses devicetaintrules resourceclaims resourceclaimtemplates resourceslices",
    "scheduling.k8s.io": "priorityclasses",
    "storage.k8s.io": """csidrivers csinodes csistoragecapacities storageclasses volumeattachments
        volumeattributesclasses""",
    "storagemigration.k8s.io": "storageversionmigrations",
}
# Those whose objects belong to no namespace.
CLUSTER_WIDE = frozenset(
    """apiservices certificatesigningrequests clusterrolebindings clusterroles clustertrustbundles componentstatuses
    csidrivers csinodes customresourcedefinitions deviceclasses devicetaintrules flowschemas ingressclasses ipaddresses
    mutatingadmissionpolicies mutatingadmissionpolicybindings mutatingwebhookconfigurations namespaces nodes
    persistentvolumes priorityclasses prioritylevelconfigurations resourceslices runtimeclasses selfsubjectaccessreviews
    selfsubjectreviews selfsubjectrulesreviews servicecidrs storageclasses storageversionmigrations
    subjectaccessreviews tokenreviews validatingadmissionpolicies validatingadmissionpolicybindings
    validatingwebhookconfigurations volumeattachments volumeattributesclasses""".split()
)
RESOURCES = {group: frozenset(names.split()) for group, names in _BY_GROUP.items()}


def groups_with(resource: str) -> tuple[str, ...]:
    """The groups that have a resource of this name; empty for one that is not Kubernetes' own."""
    return tuple(group for group, names in RESOURCES.items() if resource in names)


def group_of(resource: str) -> str | None:
    """The group of a resource, the core group ("") first; None for one that is not Kubernetes' own."""
    return next(iter(groups_with(resource)), None)
