"""Whether a document could hold anything that its structure shows to be a secret: most audit events cannot."""

from __future__ import annotations

import threading

import hyperscan

from irkit.bundle.redact.detect.programs import BRIEF
from irkit.bundle.redact.detect.registry import NAMES, SHORT
from irkit.bundle.redact.detect.scanner import Triggers

# Every audit event says authorization.k8s.io/decision and many .../credential-id, which are no secrets.
_NAMES = NAMES.replace(b"authorization|", b"authorization[^.]|").replace(b"credential|", b"credential(?:[^-]|-[^i])|")
# Whatever kubernetes.py acts on needs one of these. A backslash may stand before a quote: documents within strings.
_MARKERS = (
    SHORT,
    _NAMES,  # secret-like names; kind Secret; audit events about secrets
    rb"opaque|env\\{0,15}\"|\"-u\\{0,15}\"|--(?:proxy-)?user",
    rb"\"type\\{0,15}\"\s{0,8}:\s{0,8}\\{0,15}\"(?:kubernetes\.io|bootstrap\.kubernetes\.io|helm\.sh|istio\.io)/",
    rb"://[^\s\"]{1,300}@",
    BRIEF,
    # Escapes that no writer needs could spell any of the above.
    rb"\\/|\\u00(?:2[^6]|3[^ce]|[4-7].)",
)


_MINE = threading.local()


def calls(document: bytes) -> bool:
    """Whether `document` has to be read."""
    if not hasattr(_MINE, "markers"):
        flags = hyperscan.HS_FLAG_CASELESS | hyperscan.HS_FLAG_SINGLEMATCH
        _MINE.markers = Triggers(_MARKERS, [flags] * len(_MARKERS), name="markers")
    return bool(_MINE.markers.hits(document))
