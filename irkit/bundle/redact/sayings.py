"""What somebody else said, in one line, before it gets into an error, a journal or a log: by detectors alone.

A server quotes what it was sent: an admission webhook the variable it refuses, a proxy the header it did not like. Such
words are never evidence, so their secrets are dropped in every run, with recipients or without.
"""

from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from irkit.bundle.redact.redactor import Redactor

# The usual words of API server and kubelet, in which nothing varies but names; the detectors take 0.1 s to import.
_USUAL = re.compile(
    r'(?:previous terminated )?container "[\w.-]+" in pod "[\w.-]+" (?:not found|is waiting to start: \w+)'
    r'|[\w.]+ "[\w.:-]+" (?:not found|already exists)'
    r'|[\w.]+(?: "[\w.:-]+")? is forbidden: User "[\w.:@-]+" cannot [a-z]+ resource "[\w./-]+" in API group "[\w.-]*"'
    r'(?: in the namespace "[\w.-]+"| at the cluster scope)'
    r"|the server could not find the requested resource|404 page not found"
    # The reasons of a metav1.Status: k8s.io/apimachinery pkg/apis/meta/v1/types.go
    "|Unauthorized|Forbidden|NotFound|AlreadyExists|Conflict|Gone|Invalid|ServerTimeout|StoreReadError|TooManyRequests"
    "|BadRequest|MethodNotAllowed|NotAcceptable|RequestEntityTooLarge|UnsupportedMediaType|InternalError|Expired|Timeout"
    "|ServiceUnavailable|"
)


def masked(text: str) -> str:
    """`text` with a token for each secret; the tokens of one process can be compared with each other alone."""
    return text if _USUAL.fullmatch(text) else _worker().submit(_masked, text).result()


@cache
def _worker() -> ThreadPoolExecutor:
    """One thread for all: the detectors are compiled for each thread that uses them."""
    return ThreadPoolExecutor(1, "sayings")


def _masked(text: str) -> str:
    return _redactor().scrub(text)


@cache
def _redactor() -> Redactor:
    from irkit.bundle.redact.redactor import Redactor
    from irkit.bundle.redact.secrets import Secrets

    return Redactor(Secrets(os.urandom(32)))
