"""Standard Webhooks (standardwebhooks.com): any JSON object, with an id and a timestamp in the headers."""

from __future__ import annotations

from datetime import UTC, datetime

from irkit.model.alert import Alert, BadAlert
from irkit.triggers.formats import plain
from irkit.triggers.formats.reading import fields
from irkit.triggers.formats.reading.delivery import Delivery
from irkit.triggers.formats.reading.strict import read


def parse(delivery: Delivery) -> tuple[Alert, ...]:
    """The event: `type` names it, `data` holds it (the whole body, where there is no such object). Raises BadAlert."""
    body = fields.obj(read(delivery.body), "body")
    headers = dict(delivery.headers)
    mark = fields.text(headers, "webhook-id")
    sent = fields.text(headers, "webhook-timestamp")
    data = body["data"] if isinstance(body.get("data"), dict) else body
    kind = fields.text(body, "type", "")
    at = fields.instant(body, "timestamp") if isinstance(body.get("timestamp"), str) else _unix(sent)
    labels = {"id": mark, **({"type": kind} if kind else {})}
    return (plain.alert(plain.Envelope(fields.key(mark), kind, at, labels), data, delivery),)


def _unix(text: str) -> datetime:
    if not (text.isascii() and text.isdigit() and len(text) <= 11):
        raise BadAlert("webhook-timestamp: seconds since 1970 are expected")
    return datetime.fromtimestamp(int(text), UTC)
