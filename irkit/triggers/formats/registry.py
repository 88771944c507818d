"""Every format: the one visible list that the server, the lint, the docs and the tests walk."""

from __future__ import annotations

from irkit.errors import UsageError
from irkit.model.alert import Alert, BadAlert
from irkit.triggers.formats import (
    alertmanager,
    audit,
    cloudevents,
    falco,
    grafana,
    guardduty,
    pagerduty,
    standard,
)
from irkit.triggers.formats.reading.delivery import Delivery, Format

FORMATS = (
    Format("alertmanager", alertmanager.parse),
    Format("grafana", grafana.parse),
    Format("falco", falco.parse),
    Format("falcosidekick", falco.parse_sidekick),
    Format("pagerduty", pagerduty.parse),
    Format("guardduty", guardduty.parse),
    Format("sns", guardduty.parse_sns),
    Format("cloudevents", cloudevents.parse),
    Format("standard-webhooks", standard.parse),
    Format("kubernetes-audit", audit.parse, audit.CAP),
)


def format_named(name: str) -> Format:
    """The format called `name`; raises UsageError."""
    for known in FORMATS:
        if known.name == name:
            return known
    raise UsageError(f"no such format: {name!r}", f"the formats: {', '.join(known.name for known in FORMATS)}")


def parse(kind: Format, delivery: Delivery) -> tuple[Alert, ...]:
    """The alerts in `delivery`; raises BadAlert, for a body over the cap too."""
    if len(delivery.body) > kind.cap:
        raise BadAlert(f"larger than {kind.cap} bytes")
    return kind.parse(delivery)
