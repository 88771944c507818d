"""Names that both directions share: identifiers, the extension that holds what CACAO cannot say, vocabularies."""

from __future__ import annotations

import hashlib
import uuid

SPEC = "cacao-2.0"
# The namespace that the specification gives for version 5 identifiers of playbooks.
NAMESPACE = uuid.UUID("aa7caf3a-d55a-4e9a-b34e-056215fba56a")
AUTHOR = f"identity--{uuid.uuid5(NAMESPACE, 'irkit')}"
EXTENSION = f"extension-definition--{uuid.uuid5(NAMESPACE, 'irkit/v1 Playbook')}"
# A playbook file bears no time and the same file has to give the same bytes, so every export bears that of the format.
CREATED = "2026-01-01T00:00:00.000Z"

# Of the vocabulary of activities (section 3.1.2), by the step's name without its version; a step left out has none.
ACTIVITIES = {
    "pod.isolate": "disconnect-system",
    "node.cordon": "restrict-access",
    "pod.revoke": "restrict-access",
    "pod.release": "restore-capabilities",
    "pod.restore": "restore-capabilities",
    "pod.resolve": "scan-system",
    "evidence.collect": "scan-system",
    "evidence.intrude": "scan-system",
    "node.pods": "scan-system",
    "secrets.sweep": "identify-indicators",
    "audit.match": "match-indicator",
    "audit.search": "match-indicator",
    "audit.detect": "identify-indicators",
    "report.write": "analyze-collected-data",
    "bundle.seal": "compose-content",
    "bundle.ship": "deliver-content",
}
TYPES = {
    "string": "string",
    "integer": "integer",
    "number": "float",
    "boolean": "bool",
    "list": "list",
    "paths": "list",
}


def identifier(kind: str, playbook: str, path: str) -> str:
    """The identifier of part `path` of a playbook: the same every time, in the form of a version 4 UUID."""
    digest = hashlib.sha256(f"{playbook}\0{path}".encode()).digest()
    return f"{kind}--{uuid.UUID(bytes=digest[:16], version=4)}"


def variable(name: str) -> str:
    """An input's name as CACAO writes variables."""
    return f"__{name}__"
