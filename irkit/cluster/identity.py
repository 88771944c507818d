"""Which cluster this is, how far its clock is from ours, and who it takes us for."""

from __future__ import annotations

from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime

from irkit.cluster.objects import part
from irkit.cluster.protocol import Cluster
from irkit.cluster.resources import SELF_SUBJECT_REVIEWS
from irkit.errors import Forbidden, NotFound
from irkit.model.evidence import Call
from irkit.model.run import ClusterIdentity


def identity(cluster: Cluster) -> ClusterIdentity:
    """Version and clock skew, from one request to /version."""
    reply = cluster.get("/version")
    version = str(reply.json().get("gitVersion") or "")
    return ClusterIdentity(cluster.server, version, cluster.context, skew(reply.call))


def skew(call: Call) -> float | None:
    """The server's clock minus ours in seconds, give or take half the round trip and half a second.

    The Date header counts whole seconds, so that its middle is meant; None where there is no readable one.
    """
    try:
        date = parsedate_to_datetime(call.server_date or "")
    except ValueError:
        return None
    aware = date if date.tzinfo else date.replace(tzinfo=UTC)
    middle = call.started + timedelta(seconds=call.elapsed / 2)
    return round((aware + timedelta(seconds=0.5) - middle).total_seconds(), 3)


def kubernetes_user(cluster: Cluster) -> str:
    """The user name that the API server knows us by; "" where it does not tell (before 1.28, or forbidden)."""
    body = {"apiVersion": SELF_SUBJECT_REVIEWS.api_version, "kind": SELF_SUBJECT_REVIEWS.kind}
    try:
        reply = cluster.create(SELF_SUBJECT_REVIEWS.path(), body)
    except (NotFound, Forbidden):
        return ""
    user = part(part(reply.json(), "status"), "userInfo")
    return str(user.get("username") or "")
