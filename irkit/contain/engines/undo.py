"""The engines' denies, taken back: each by what it carries, and Calico's tier with the last policy in it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import suppress

from irkit.cluster.engines import served
from irkit.cluster.objects import items, part
from irkit.cluster.protocol import Cluster, Json
from irkit.cluster.resources import CALICO_POLICIES, CALICO_TIERS, Resource
from irkit.contain import marks
from irkit.contain.engines.deny import ENGINES, IN_TIERS
from irkit.contain.hand import Hand
from irkit.errors import Forbidden, NotFound
from irkit.model.permission import Permission
from irkit.model.pod import PodRef

NEEDS: tuple[Permission, ...] = tuple(
    each.permission(verb, optional=True) for each in (*ENGINES, IN_TIERS, CALICO_TIERS) for verb in ("delete", "list")
)


def denies(hand: Hand, pod: PodRef) -> Iterator[Json]:
    """Those made for the pod, as far as they may be looked for: who takes them back says what may not."""
    with suppress(Forbidden):
        for engine in _here(hand.cluster):
            with suppress(Forbidden):
                yield from (one for one in _listed(engine, hand.cluster, pod.namespace) if marks.concerns(one, pod))


def taken_back(hand: Hand, pod: PodRef, uids: Collection[str], warn: Callable[[str], None]) -> None:
    """Delete what was made in engines' own kinds for the pods `uids`. `warn` hears what may not be looked for."""
    try:
        here = _here(hand.cluster)
    except Forbidden:
        warn("the API's groups may not be listed: whether an engine still denies the pod is not known")
        return
    for engine in here:
        try:
            ours = [one for one in _listed(engine, hand.cluster, pod.namespace) if marks.owner(one)]
        except Forbidden:
            warn(f"{engine.full_name} may not be listed: whether one still denies the pod is not known")
            continue
        ending = [one for one in ours if marks.owner(one) in uids]
        for one in ending:
            with suppress(NotFound):
                hand.delete(engine, one, "the quarantine ends", as_seen=False)
        if engine is CALICO_POLICIES and ending and len(ending) == len(ours):
            _tier(hand)


def _here(cluster: Cluster) -> list[Resource]:
    versions = served(cluster)
    return [each for each in ENGINES if each.api_version in versions]


def _tier(hand: Hand) -> None:
    for one in _listed(CALICO_TIERS, hand.cluster, ""):
        with suppress(NotFound):
            hand.delete(CALICO_TIERS, one, "no policy is left in it")


def _listed(resource: Resource, cluster: Cluster, namespace: str) -> Iterator[Json]:
    """Those that bear our label; none where the API has no such kind."""
    try:
        found = list(items(cluster.pages(resource.path(namespace), marks.OURS)))
    except NotFound:
        return iter(())
    return (one for one in found if part(one, "metadata").get("name"))
