"""CloudEvents 1.0 over HTTP: structured, batched and binary."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any
from urllib.parse import unquote

from irkit.model.alert import Alert, BadAlert
from irkit.triggers.formats import plain
from irkit.triggers.formats.reading import fields
from irkit.triggers.formats.reading.delivery import Delivery
from irkit.triggers.formats.reading.fields import Json
from irkit.triggers.formats.reading.strict import read

_DATA = frozenset({"data", "data_base64"})
# Attribute names: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md#naming-conventions
_NAME = re.compile(r"[a-z0-9]+\Z")
_JSON = re.compile(r"(application|text)/([a-z0-9.+-]+\+)?json\s*(;|\Z)", re.IGNORECASE)


def parse(delivery: Delivery) -> tuple[Alert, ...]:
    """The event, or every event of a batch; raises BadAlert."""
    kind = delivery.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/cloudevents-batch+json":
        events = read(delivery.body)
        if not isinstance(events, list):
            raise BadAlert("a batch is a list")
        return tuple(_structured(fields.obj(event, "event"), delivery) for event in events)
    if kind == "application/cloudevents+json":
        return (_structured(fields.obj(read(delivery.body), "event"), delivery),)
    if kind.startswith("application/cloudevents"):
        raise BadAlert("of the structured CloudEvents only JSON is understood")
    return (_binary(delivery),)


def _structured(event: Json, delivery: Delivery) -> Alert:
    attributes = {name: value for name, value in event.items() if name not in _DATA and value is not None}
    if "data" in event and "data_base64" in event:
        raise BadAlert("data and data_base64 exclude each other")
    data = event.get("data")
    if "data_base64" in event:
        data = _decoded(_debased(fields.text(event, "data_base64")), attributes.get("datacontenttype"))
    return _alert(attributes, data, delivery)


def _binary(delivery: Delivery) -> Alert:
    headers = delivery.headers.items()
    attributes: Json = {name[3:]: _unescaped(value) for name, value in headers if name.startswith("ce-")}
    kind = delivery.headers.get("content-type")
    return _alert(attributes, _decoded(delivery.body, kind), delivery)


def _alert(attributes: Json, data: Any, delivery: Delivery) -> Alert:  # noqa: ANN401 - JSON of any shape
    if attributes.get("specversion") != "1.0":
        raise BadAlert('specversion: "1.0" is expected')
    for name, value in attributes.items():
        if not _NAME.match(name) or isinstance(value, dict | list | float):
            raise BadAlert("an attribute that CloudEvents does not allow")
    kind, source, mark = (fields.text(attributes, part) for part in ("type", "source", "id"))
    at = fields.instant(attributes, "time") if "time" in attributes else delivery.received
    return plain.alert(plain.Envelope(fields.key(source, mark), kind, at, fields.labels(attributes)), data, delivery)


def _decoded(body: bytes, kind: object) -> Any:  # noqa: ANN401 - JSON of any shape
    """The value where the data is JSON, as it is where nothing says otherwise; None for anything else."""
    return read(body) if body and (kind is None or _JSON.match(str(kind))) else None


def _debased(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadAlert("data_base64: base64 is expected") from error


def _unescaped(value: str) -> str:
    """A header's value with its percent escapes undone, as the HTTP binding asks."""
    try:
        return unquote(value.strip('"'), errors="strict")
    except UnicodeDecodeError as error:
        raise BadAlert("a header that is not UTF-8") from error
