"""The shape of a triggers file: sources with their authentication, and rules from alerts to playbooks."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from irkit.model.alert import AlertStatus
from irkit.model.audit import Severity

# The whole value or nothing: text from an alert is never pasted into text.
EXPRESSION = r"^\$\{\{ *alert\.((?:status|severity|name|summary|pod\.namespace|pod\.name|labels\.[^{}]+?)) *\}\}$"
SOURCE_NAME = r"[a-z][a-z0-9-]{0,39}"

Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
Pattern = Annotated[str, Meta(min_length=1, max_length=200)]
Header = Annotated[str, Meta(pattern=r"^[A-Za-z0-9-]{1,60}$")]


class SecretRef(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a secret is: exactly one of the two. The file's last line end is not part of it."""

    env: str = ""
    file: str = ""

    def __post_init__(self) -> None:
        if bool(self.env) == bool(self.file):
            raise ValueError("a secret is in 'env' or in 'file', in exactly one of them")


# One, or two while one replaces the other.
Secrets = Annotated[tuple[SecretRef, ...], Meta(min_length=1, max_length=2)]


class Basic(Struct, frozen=True, forbid_unknown_fields=True):
    """HTTP basic authentication."""

    user: Annotated[str, Meta(pattern=r"^[^:]{1,100}$")]
    passwords: Secrets


class ApiKey(Struct, frozen=True, forbid_unknown_fields=True):
    """A secret in a header of its own, as EventBridge's API destinations send it."""

    header: Header
    secrets: Secrets


class HmacSha256(Struct, frozen=True, forbid_unknown_fields=True):
    """HMAC-SHA256 in hex; with `timestamp`, over `timestamp:body` as Grafana signs."""

    secrets: Secrets
    header: Header
    prefix: str = ""
    timestamp: Header | None = None  # None: the body alone is signed


class SnsTopics(Struct, frozen=True, forbid_unknown_fields=True):
    """SNS signatures of these topics. `certificate`: a PEM file, for a server that cannot fetch Amazon's."""

    topics: Annotated[tuple[str, ...], Meta(min_length=1)]
    certificate: str | None = None  # None: fetched from the URL in the message, which must be Amazon's


class Auth(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Exactly one of these ways."""

    bearer: Secrets | None = None
    basic: Basic | None = None
    api_key: ApiKey | None = None
    hmac: HmacSha256 | None = None
    pagerduty: Secrets | None = None
    standard: Secrets | None = None
    sns: SnsTopics | None = None
    mtls: Literal[True] | None = None


class Source(Struct, frozen=True, forbid_unknown_fields=True):
    """One sender: its requests come to /v1/alerts/NAME."""

    format: str
    auth: Auth


class When(Struct, frozen=True, forbid_unknown_fields=True):
    """What must hold of an alert, all of it; texts are shell patterns (`*`, `?`, `[...]`), one of which must match."""

    sources: tuple[str, ...] = ()  # none: any
    names: tuple[Pattern, ...] = ()
    namespaces: tuple[Pattern, ...] = ()
    labels: dict[str, tuple[Pattern, ...]] = {}
    min_severity: Severity = Severity.INFO
    status: AlertStatus = AlertStatus.FIRING


class Rule(Struct, frozen=True, forbid_unknown_fields=True):
    """Alerts that match `when` run the playbook `run` with inputs `with`: literals, or `${{ alert... }}`."""

    name: Name
    run: str
    when: When = When()
    inputs: dict[str, Any] = msgspec.field(default_factory=dict, name="with")


class Triggers(Struct, frozen=True, forbid_unknown_fields=True):
    """A whole triggers file. The first rule that matches decides; an alert that none matches starts nothing."""

    apiVersion: Literal["irkit/v1"]
    kind: Literal["Triggers"]
    sources: dict[Annotated[str, Meta(pattern=f"^{SOURCE_NAME}$")], Source]
    rules: tuple[Rule, ...] = ()
