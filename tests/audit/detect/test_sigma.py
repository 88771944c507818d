"""Users' Sigma rules: what they find, and what is refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from irkit.audit.detect.detect import detect
from irkit.audit.detect.sigma.load import load
from irkit.errors import UsageError
from irkit.model.audit import Severity
from tests.audit.logs import event, log
from tests.audit.shell import irkit


def rule(path: Path, sel: Any, *, condition: str = "sel", product: str = "kubernetes", **more: Any) -> Path:  # noqa: ANN401
    """One rule; JSON is YAML."""
    whole = {
        "title": f"Rule {path.stem}",
        "name": path.stem,
        "status": "test",
        "logsource": {"product": product, "service": "audit"},
        "detection": {"sel": sel, **more, "condition": condition},
        "level": "high",
        "tags": ["attack.execution", "attack.t1609"],
    }
    path.write_text(json.dumps(whole))
    return path


EXEC = event(sub="exec", user="Eve", code=101)
BODY = event("create", "pods", "bad", code=201, level="Request", requestObject={"spec": {"hostPID": True}})


@pytest.mark.parametrize(
    ("sel", "hits"),
    [
        ({"verb": "GET", "objectRef.resource": "pods", "objectRef.subresource": ["exec", "attach"]}, True),
        ({"verb|cased": "GET"}, False),
        ({"user.username|startswith": "ev"}, True),
        ({"user.username|re": "^E.e$"}, True),
        ({"user.username|re|i": "^e.e$"}, True),
        ({"userAgent": "kubectl/v1.3?.*"}, True),
        ({"requestURI|contains|all": ["payments", "web"]}, True),
        ({"user.groups": "system:authenticated"}, True),
        ({"sourceIPs|cidr": "10.0.0.0/24"}, True),
        ({"sourceIPs|cidr": "192.0.2.0/24"}, False),
        ({"responseStatus.code": 101}, True),
        ({"responseStatus.code|gte": 400}, False),
        ({"impersonatedUser.username": None}, True),
        ({"impersonatedUser|exists": True}, False),
        ({"annotations.authorization.k8s.io/decision": "allow"}, True),
    ],
)
def test_what_a_selection_means(tmp_path: Path, sel: dict[str, Any], hits: bool) -> None:
    rules, refused = load([rule(tmp_path / "r.yml", sel)])
    found = detect([str(log(tmp_path / "audit.log", [EXEC]))], sigma=rules).findings
    assert (refused, any(one.rule == "sigma:r" for one in found)) == ((), hits)


def test_conditions_bodies_and_what_the_log_left_out(tmp_path: Path) -> None:
    more: dict[str, Any] = {
        "sel_host": {"requestObject.spec.hostPID": True},
        "filter_system": {"user.username|startswith": "system:"},
    }
    sel = {"objectRef.resource": "pods", "verb": "create"}
    rules, _ = load([rule(tmp_path / "r.yml", sel, condition="all of sel* and not 1 of filter*", **more)])
    system = BODY | {"user": {"username": "system:node:n"}}
    bare = event("create", "pods", "bare", code=201)
    report = detect([str(log(tmp_path / "audit.log", [BODY, system, bare]))], sigma=rules)
    (found,) = (one for one in report.findings if one.rule == "sigma:r")
    assert (found.severity, found.technique, found.audit_ids) == (Severity.HIGH, "T1609", (BODY["auditID"],))
    assert report.coverage.blind["sigma:r"] == 1


@pytest.mark.parametrize(
    ("sel", "more", "named"),
    [
        (["evil", "keyword"], {}, "keywords"),
        ({"apiGroup": "apps"}, {}, "'apiGroup'"),
        ({"hostPath": "*"}, {}, "'hostPath'"),
        ({"responseStatus.code": "ALLOW"}, {}, "'ALLOW'"),
        ({"verb|fieldref": "user.username"}, {}, "FieldReference"),
        ({"verb|foo": "x"}, {}, "'foo'"),
        ({"verb|re": "(?P<x"}, {}, "regular expression"),
        ({"verb|re": "(?<!un)bind"}, {}, "(?<!"),  # by pySigma
        ({"verb|expand": "%verbs%"}, {}, "placeholder"),
        ({"requestReceivedTimestamp|hour": 3}, {}, "the hour of a time"),
        ({"responseStatus.code|gte": 399.5}, {}, "the number 399.5"),
        ({"verb": "get"}, {"condition": "sel | count() > 5"}, "condition"),
        ({"verb": "get"}, {"condition": "none_of_that_name"}, "none_of_that_name"),
        ({"verb": "get"}, {"product": "windows"}, "windows"),
    ],
)
def test_what_cannot_be_judged_is_refused_by_name(
    tmp_path: Path, sel: object, more: dict[str, str], named: str
) -> None:
    rule(tmp_path / "good.yml", {"verb": "get"})
    rule(tmp_path / "bad.yml", sel, **more)
    rules, refused = load([tmp_path])
    assert [one.id for one in rules] == ["sigma:good"]
    assert [named.lower() in gap.detail.lower() for gap in refused] == [True], refused
    assert "bad.yml" in refused[0].target


def test_two_rules_of_one_name_are_told_apart(tmp_path: Path) -> None:
    first = rule(tmp_path / "a.yml", {"verb": "get"}).read_text()
    (tmp_path / "b.yml").write_text(first.replace("get", "list"))
    (tmp_path / "copy.yml").write_text(first)
    rules, refused = load([tmp_path, tmp_path / "a.yml"])
    assert [one.id for one in rules] == ["sigma:a"]
    assert ["b.yml" in gap.target and "sigma:a" in gap.detail for gap in refused] == [True]


@pytest.mark.parametrize(
    "text", ["[", "- 1", "7", "", "title: x", "a: &a [*a]", "\x00", "title: c\ncorrelation: {type: event_count}"]
)
def test_what_is_no_rule_is_never_fatal(tmp_path: Path, text: str) -> None:
    (tmp_path / "odd.yml").write_text(text)
    with pytest.raises(UsageError, match="no Sigma rule"):
        load([tmp_path])
    with pytest.raises(UsageError, match="no such file"):
        load([tmp_path / "absent.yml"])


def test_the_command_runs_them_beside_ours(tmp_path: Path) -> None:
    path = log(tmp_path / "audit.log", [EXEC])
    rule(tmp_path / "good.yml", {"objectRef.subresource": "exec"})
    rule(tmp_path / "bad.yml", ["keyword"])
    told = irkit("audit", "detect", path, "--sigma", tmp_path, code=4)
    assert "high: Rule good [sigma:good, T1609]" in told.stdout
    assert "exec-into-pod" in told.stdout
    assert "bad.yml: Rule bad: not judged: keywords" in told.stderr
    answer = json.loads(irkit("audit", "detect", path, "--sigma", tmp_path / "good.yml", "-o", "json").stdout)
    assert {one["rule"] for one in answer["findings"]} == {"exec-into-pod", "sigma:good"}
