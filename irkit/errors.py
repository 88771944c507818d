"""The error tree. Every failure a user can meet is an `IrkitError`: one line, one remedy, one exit code.

    IrkitError                     1  something failed
    |- UsageError                  2  the command line, a file or an environment variable is wrong
    |- Refused                     3  permission, policy or approval says no
    |- VerificationError           5  integrity broken, or isolation not in force
    |- BundleError                 1  a bundle cannot be written or read
    |- ShipError                   1  a destination did not take the bundle
    |- JournalError                1  a run's journal cannot be written or read
    |- PodReplaced                 1  the name now belongs to another pod (uid differs)
    `- ClusterError                1  the Kubernetes API said no, or nothing
       |- Unreachable              1  no answer: refused, reset, TLS, DNS
       |- DeadlineExceeded         1  the time allowed ran out
       |- Overloaded               1  429 or 5xx until the deadline
       |- Unauthorized             3  401
       |- Forbidden                3  403
       |- NotFound                 1  404
       |- AlreadyExists            1  409 on create
       |- Conflict                 1  409 on change: somebody else changed it first
       |- Gone                     1  410: a list's continue token expired
       `- Invalid                  1  400, 422 and other refusals of what was sent

Foreign errors are translated once, at the door of the SDK they come from.
"""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes that scripts rely on."""

    COMPLETE = 0
    FAILED = 1
    USAGE = 2
    REFUSED = 3
    GAPS = 4
    UNVERIFIED = 5


class IrkitError(Exception):
    """Root of every error irkit raises on purpose.

    `message` is one line in plain words; `hint` says what to do next ("" when there is nothing to add).
    Neither may hold a secret.
    """

    exit_code: Exit = Exit.FAILED

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(IrkitError):
    """What the user gave (flag, file, environment) cannot be used."""

    exit_code = Exit.USAGE


class Refused(IrkitError):
    """Permission, policy or approval says no."""

    exit_code = Exit.REFUSED


class VerificationError(IrkitError):
    """Integrity is broken, or isolation is not in force."""

    exit_code = Exit.UNVERIFIED


class BundleError(IrkitError):
    """A bundle cannot be written or read."""


class ShipError(IrkitError):
    """A destination did not take the bundle; the bundle is kept."""


class JournalError(IrkitError):
    """A run's journal cannot be written or read."""


class PodReplaced(IrkitError):
    """The pod's name now belongs to another pod: the uid differs from the one pinned."""


class ClusterError(IrkitError):
    """The Kubernetes API refused or failed.

    `status` is the HTTP status (0: there was no answer); `reason` the API's machine word, such as
    "NotFound" ("" when there was none).
    """

    def __init__(self, message: str, hint: str = "", *, status: int = 0, reason: str = "") -> None:
        super().__init__(message, hint)
        self.status = status
        self.reason = reason


class Unreachable(ClusterError):
    """No answer: connection refused or reset, TLS failure, unknown host."""


class DeadlineExceeded(ClusterError):
    """The time allowed ran out before the answer was complete."""


class Overloaded(ClusterError):
    """429 or 5xx on every try until the deadline."""


class Unauthorized(ClusterError):
    """401: the credentials are missing, expired or unknown."""

    exit_code = Exit.REFUSED


class Forbidden(ClusterError):
    """403: the credentials lack a permission. A finding about our rights, not about the world."""

    exit_code = Exit.REFUSED


class NotFound(ClusterError):
    """404: a fact about the world."""


class AlreadyExists(ClusterError):
    """409 on create: the name is taken."""


class Conflict(ClusterError):
    """409 on a change, or a failed JSON Patch `test`: the object is not as it was read."""


class Gone(ClusterError):
    """410: the continue token or resource version has expired."""


class Invalid(ClusterError):
    """400, 422 and every other refusal of what was sent."""
