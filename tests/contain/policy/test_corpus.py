"""What else there is of NetworkPolicies by others, beside np-guard's answers (test_guarded): nothing is passed over.

- mattfenwick/cyclonus, 15 recipes: pods and policies without answers; ours and the second implementation's agree.
- inovex/illuminatio: two cases with answers; both are ours.
- Everything that is a manifest is read. What np-guard has no answer for, since it is malformed, is read or refused.
- Left out: netassert's test definitions and cyclonus' and policy-assistant's probes, which are input of those tools;
  network-policy-api's policies in tiers (test_tiers).
"""

from __future__ import annotations

import json
from itertools import permutations
from typing import Any

import pytest
from ruamel.yaml import YAML

from irkit.cluster.protocol import Json
from irkit.contain.policy import spans
from irkit.contain.policy.allow import Judge
from irkit.contain.reach.connections import reach
from irkit.contain.world import manifests
from irkit.contain.world.objects import NAME_LABEL, world
from irkit.errors import UsageError
from tests.contain.policy import guarded
from tests.contain.policy.brute import Cluster, Packet
from tests.corpus import ROOT, absent

NETPOL = ROOT / "netpol"
RECIPES = NETPOL / "mattfenwick__cyclonus/recipes.json"
ANSWERED = NETPOL / "inovex__illuminatio/e2e-manifests"
pytestmark = pytest.mark.skipif(not RECIPES.exists(), reason=absent(NETPOL))


def recipes() -> list[Json]:
    found: list[Json] = json.loads(RECIPES.read_text()) if RECIPES.exists() else []
    return found


def pod(namespace: str, name: str, labels: Json, number: int, port: int = 80) -> Json:
    return {
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"containers": [{"ports": [{"containerPort": port, "protocol": "TCP"}]}]},
        "status": {"podIPs": [{"ip": f"10.0.0.{number}"}], "phase": "Running"},
    }


def space(name: str, labels: Json | None = None) -> Json:
    return {"kind": "Namespace", "metadata": {"name": name, "labels": {**(labels or {}), NAME_LABEL: name}}}


def cluster(recipe: Json) -> Cluster:
    """A pod's name tells its namespace too, so that it is the only one of its name."""
    spaces = {name: space(name, labels) for name, labels in recipe["namespaces"].items()}
    pods = [
        pod(one["namespace"], f"{one['namespace']}-{one['name']}", one["labels"], number, one["port"])
        for number, one in enumerate(recipe["pods"], 1)
    ]
    policies: list[Json] = recipe["policies"]
    for one in policies:
        one["metadata"].setdefault("namespace", "default")
    return Cluster(spaces, {one["metadata"]["name"]: one for one in pods}, policies)


@pytest.mark.parametrize("recipe", [pytest.param(one, id=one["recipe"].replace(", ", "+")) for one in recipes()])
def test_a_recipe_is_read_alike_twice(recipe: Json) -> None:
    given = cluster(recipe)
    built = world([*given.namespaces.values(), *given.pods.values(), *given.policies], live=True)
    judge, ends = Judge(built), {one.name: one for one in built.endpoints}
    wanted = {recipe["probe"]["port"], 53, 81, 5000}
    for (source, target), port in ((pair, port) for pair in permutations(ends, 2) for port in wanted):
        found = judge.ports(ends[source], ends[target]) & spans.ports("TCP", port, port)
        assert bool(found) is given.passes(Packet(source, target, "TCP", port)), (source, target, port)


def ends(text: str) -> tuple[str, Json]:
    """`namespace:key=value`."""
    namespace, _, label = text.partition(":")
    key, _, value = label.rpartition("=")
    return namespace, {key: value}


@pytest.mark.parametrize("name", ["labels-with-all-legal-characters", "max-length-labels"])
def test_an_answer_of_illuminatio_is_ours(name: str) -> None:
    yaml = YAML(typ="safe")
    answers: dict[str, dict[str, dict[str, Any]]] = yaml.load((ANSWERED / f"expected/{name}.yml").read_text())
    policies = [one for one in yaml.load_all((ANSWERED / f"{name}.yml").read_text()) if one["kind"] == "NetworkPolicy"]
    for source, targets in answers.items():
        for target, ports in targets.items():
            (here, mine), (there, theirs) = ends(source), ends(target)
            pods = [pod(here, "source", mine, 1), pod(there, "target", theirs, 2)]
            found = reach(world([*{here: space(here), there: space(there)}.values(), *pods, *policies], live=True))
            passes = (f"{here}/source[Pod]", f"{there}/target[Pod]") in {(one["src"], one["dst"]) for one in found}
            assert passes is (list(ports) == ["*"]), (source, target)  # "-*": no port at all


def test_every_manifest_is_read() -> None:
    others = ("ahmetb", "mattfenwick", "inovex", "controlplaneio", "kubernetes-sigs")
    found = [path for one in others for path in NETPOL.glob(f"{one}*/**/*.y*ml")]
    read = [path for path in found if "kind: NetworkPolicy" in path.read_text() and "expected" not in path.parts]
    assert len(read) > 25
    for path in read:
        assert manifests.load(path).policies, path


def test_what_is_malformed_is_refused_in_one_line_or_read() -> None:
    answered = {folder for folder, _ in guarded.cases()}
    left = [folder for folder in (guarded.ROOT / "tests").iterdir() if folder not in answered]
    assert len(left) == 10
    for folder in left:
        try:
            reach(manifests.load(folder))
        except UsageError as error:
            assert "\n" not in error.message, folder
