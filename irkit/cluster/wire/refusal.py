"""What an HTTP status other than success means, in our words, with what to do about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from irkit.cluster.wire.lacking import remedy
from irkit.errors import (
    AlreadyExists,
    ClusterError,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    Overloaded,
    Unauthorized,
)
from irkit.model import codec
from irkit.text import Mask, line


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer of status 300 or more. `details` as in metav1.Status; `token` continues an expired list."""

    status: int
    message: str
    reason: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    token: str = ""

    def error(self, *, tested: bool = False) -> ClusterError:
        """The error to raise; `tested`: the request was a JSON Patch that held `test` operations.

        The API server answers a failed `test` with a bare 422 without details, as it does a path that is not there.
        """
        if self.status == 422 and tested and not self.details:
            hint = "read the object again: somebody else changed or replaced it"
            return Conflict("the object is not as it was read", hint, status=422, reason=self.reason)
        kind, hint = self._kind()
        return kind(self.message, hint, status=self.status, reason=self.reason)

    def _kind(self) -> tuple[type[ClusterError], str]:
        match self.status:
            case 401:
                return Unauthorized, "the credentials are missing, expired or unknown: log in again"
            case 403:
                return Forbidden, remedy(self.message)
            case 404:
                return NotFound, ""
            case 409 if self.reason == "AlreadyExists":
                return AlreadyExists, "the name is taken by an object that is not ours"
            case 409:
                return Conflict, "somebody else changed it first: read it again"
            case 410:
                return Gone, "the list took too long: start it again"
            case status if status == 429 or status >= 500:
                return Overloaded, "the API server, or the node behind it, is overloaded or failing: try again later"
            case status if status < 400:
                return Invalid, "is this an API server? check the server's URL in the kubeconfig"
            case _:
                return Invalid, ""


def refusal(status: int, body: bytes, what: str, mask: Mask) -> Refusal:
    """The refusal that `body` (a metav1.Status, or anything) explains; `what` stands in where it says nothing."""
    try:
        parsed = codec.parsed(body)
    except (ValueError, RecursionError):
        parsed = None
    if not isinstance(parsed, dict) or parsed.get("kind") != "Status":
        return Refusal(status, f"HTTP {status} to {what}" + _first_line(body, mask))
    message = parsed.get("message")
    details, metadata = parsed.get("details"), parsed.get("metadata")
    return Refusal(
        status,
        line(message, mask) if isinstance(message, str) and message else f"HTTP {status} to {what}",
        line(str(parsed.get("reason") or ""), mask),
        details if isinstance(details, dict) else {},
        str(metadata.get("continue") or "") if isinstance(metadata, dict) else "",
    )


def _first_line(body: bytes, mask: Mask) -> str:
    text = body[:4096].decode(errors="replace").strip()
    return f": {line(text.splitlines()[0], mask)}" if text and not text.startswith("<") else ""
