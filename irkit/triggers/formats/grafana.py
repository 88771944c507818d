"""Grafana's webhook (unified alerting): Alertmanager's shape with version 1 and an organisation."""

from __future__ import annotations

from irkit.model.alert import Alert, BadAlert
from irkit.triggers.formats import alertmanager
from irkit.triggers.formats.reading import fields
from irkit.triggers.formats.reading.delivery import Delivery
from irkit.triggers.formats.reading.strict import read


def parse(delivery: Delivery) -> tuple[Alert, ...]:
    """Every alert of the group; raises BadAlert."""
    data = fields.obj(read(delivery.body), "body")
    if "evalMatches" in data:
        raise BadAlert("Grafana's legacy alerting, which ended with Grafana 11: use unified alerting")
    if data.get("version") != "1":
        raise BadAlert('version: "1" is expected')
    if not isinstance(org := data.get("orgId"), int):
        raise BadAlert("orgId: a number is expected")
    return tuple(alertmanager.of(fields.obj(one, "alerts"), delivery, str(org)) for one in fields.items(data, "alerts"))
