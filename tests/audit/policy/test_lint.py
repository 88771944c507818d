from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irkit.audit.policy.decide import decide, matches
from irkit.audit.policy.lint.check import lint
from irkit.audit.policy.lint.covers import atoms, covers
from irkit.audit.policy.nouns import Level, PolicyRule, Request, Resources
from irkit.audit.policy.read import parse
from irkit.audit.policy.request import groups_of
from irkit.errors import UsageError

HEAD = "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules:\n"
REST = "- level: Metadata\n"


def found(rules: str, head: str = HEAD) -> list[str]:
    return [f"{problem.line}:{problem.column} {problem.check}" for problem in lint(head + rules)]


def test_a_good_policy_has_no_problem() -> None:
    assert lint(HEAD + REST) == []


# Rules from line 5 on, and what is wrong with them.
BAD: dict[str, tuple[str, list[str]]] = {
    "a typo in a key": ("- level: Metadata\n  resource: []\n", ["6:3 unknown-key"]),
    "a level that is none": ("- level: metadata\n", ["5:3 level"]),
    "no level": ("- users: [a]\n", ["5:3 level"]),
    "a stage that is none": ("- {level: Metadata, omitStages: [Received]}\n", ["5:34 stage"]),
    "a number for a name": ("- {level: Metadata, users: [7]}\n", ["5:29 type"]),
    "a truth value of YAML 1.1 for a name": (
        "- {level: Metadata, omitManagedFields: on, namespaces: [no, 'no', \"y\"]}\n",
        ["5:57 type"],
    ),
    "a text for a list": ("- {level: Metadata, users: me}\n", ["5:21 type"]),
    "both kinds": (
        "- level: None\n  nonResourceURLs: [/x]\n  resources: [{group: apps}]\n",
        ["6:3 both-kinds"],
    ),
    "a path without a slash": ("- {level: None, nonResourceURLs: [x]}\n", ["5:35 url"]),
    "a star in the middle": ('- {level: None, nonResourceURLs: ["/x*y"]}\n', ["5:35 url"]),
    "a group with a version": ("- {level: None, resources: [{group: apps/v1}]}\n", ["5:30 group"]),
    "names of nothing": ("- {level: None, resources: [{resourceNames: [a]}]}\n", ["5:30 names"]),
    "the same key twice": ("- {level: None, level: Metadata}\n", ["5:17 syntax"]),
    "an alias": ("- &a {level: None}\n- *a\n", ["5:3 syntax"]),
    "no YAML": ("- [\n", ["6:1 syntax"]),
    "patterns of names": (
        '- {level: Metadata, users: ["a*"], verbs: ["*"], namespaces: ["x-*"]}\n' + REST,
        ["5:29 no-pattern", "5:44 no-pattern", "5:63 no-pattern"],
    ),
    "patterns of resources": (
        '- {level: Metadata, resources: [{group: "", resources: ["pod*", "*/*", pods/log, "pods/*"]}]}\n' + REST,
        ["5:57 no-pattern", "5:65 no-pattern"],
    ),
    "a verb of authorization": ("- {level: Metadata, verbs: [impersonate, get]}\n" + REST, ["5:29 verb"]),
    "a method for objects": ("- {level: Metadata, verbs: [post], namespaces: [a]}\n" + REST, ["5:29 verb"]),
    "a verb for paths": ("- {level: Metadata, verbs: [list], nonResourceURLs: [/x]}\n" + REST, ["5:29 verb"]),
    "a wrong group": (
        '- {level: Metadata, resources: [{group: "", resources: [deployments, podz]}]}\n' + REST,
        ["5:57 wrong-group", "5:70 wrong-group"],
    ),
    "names before there are any": (
        '- {level: Metadata, verbs: [create], resources: [{group: "", resources: [pods], resourceNames: [a]}]}\n'
        + REST,
        ["5:81 no-name-yet"],
    ),
    "a rule after one that takes all": (REST + "- {level: None, verbs: [get]}\n", ["6:3 shadowed-rule"]),
    "a resource decided before": (
        '- {level: Metadata, resources: [{group: "", resources: ["pods/*"]}]}\n'
        '- {level: Request, resources: [{group: "", resources: [pods/exec, nodes]}]}\n' + REST,
        ["6:56 shadowed-part"],
    ),
    "secrets in bodies": (
        "- {level: Metadata, verbs: [get, list, watch]}\n- level: Request\n",
        ["6:3 secrets-in-bodies"] * 3,
    ),
    "answers with secrets": (
        '- {level: Metadata, resources: [{group: "", resources: [configmaps]}]}\n'
        '- {level: RequestResponse, verbs: [get], resources: [{group: ""}]}\n' + REST,
        ["6:4 secrets-in-bodies"],
    ),
    "an identity whose every deed is dropped": (
        "- {level: None, users: [system:kube-proxy]}\n" + REST,
        ["5:4 drops-changes"],
    ),
    "nothing for the rest": ('- {level: Metadata, resources: [{group: ""}]}\n', ["4:1 no-catch-all"] * 2),
    "nothing for plain paths": ('- {level: Metadata, resources: [{group: "*"}]}\n', ["4:1 no-catch-all"]),
    "the rest dropped": ("- {level: Metadata, verbs: [get]}\n- level: None\n", ["6:3 no-catch-all"] * 2),
    "the end left out": ("- {level: Metadata, omitStages: [ResponseComplete, Panic]}\n", ["5:21 stages"] * 2),
    "the beginning left out": ("- {level: Metadata, omitStages: [ResponseStarted]}\n", ["5:21 stages"]),
}


@pytest.mark.parametrize("name", BAD)
def test_each_problem_is_found_at_its_place(name: str) -> None:
    rules, wanted = BAD[name]
    assert found(rules) == wanted


def test_no_beginning_is_missed_where_nothing_takes_long() -> None:
    narrow = '[ResponseStarted], verbs: [get], resources: [{group: "", resources: [pods]}]}\n'
    assert found("- {level: Metadata, omitStages: " + narrow + REST) == []


def test_every_request_written_twice_is_said_once() -> None:
    head = HEAD.replace("omitStages: [RequestReceived]\n", "")
    assert found("- {level: Metadata, verbs: [get]}\n" + REST, head) == ["3:1 stages"]
    assert found("- {level: Metadata, verbs: [get], omitStages: [RequestReceived]}\n" + REST, head) == ["5:3 stages"]


def test_a_problem_says_what_is_meant() -> None:
    messages = [problem.message for problem in lint(HEAD + "- {level: Metdata, resource: []}\n")]
    assert messages == [
        "no such level: Metdata; Metadata is meant?",
        "unknown key resource; resources is meant?: the API server passes over it",
    ]


@pytest.mark.parametrize("text", ["", "5", "[]", "kind: Policy", HEAD, "\x00", "{" * 5000, "é" * (1 << 19)])
def test_what_is_no_policy_is_refused(text: str) -> None:
    assert lint(text)
    with pytest.raises(UsageError, match="^p.yaml:"):
        parse(text, "p.yaml")


EMPTY = ("---\n", "---\n---\n", "...\n---\n", "---\n# nothing more\n")


@pytest.mark.parametrize("end", EMPTY)
def test_an_empty_document_behind_the_policy_is_none(end: str) -> None:
    assert lint(HEAD + REST + end) == []


def test_what_stands_in_a_second_document_nobody_reads() -> None:
    (said,) = lint(f"{HEAD}{REST}---\n{HEAD}{REST}")
    assert (said.line, said.column, said.fatal) == (len((HEAD + REST).splitlines()) + 2, 1, False)
    assert said.message == "a second document: the API server reads only the first"


def test_json_is_read_too() -> None:
    assert parse('{"apiVersion":"audit.k8s.io/v1","kind":"Policy","rules":[{"level":"None"}]}').rules[0].level == "None"


SOME = st.lists(st.sampled_from(("a", "b")), max_size=2, unique=True).map(tuple)
PATTERNS = ("pods", "pods/exec", "pods/*", "*/exec", "*", "nodes")
URLS = st.lists(st.sampled_from(("/x", "/x*", "/x/*", "*", "/*")), min_size=1, max_size=2).map(tuple)
ENTRY = st.builds(
    Resources, st.sampled_from(("", "apps", "*")), st.lists(st.sampled_from(PATTERNS), max_size=2).map(tuple), SOME
).filter(lambda entry: bool(entry.resources) or not entry.names)
GROUPS = st.lists(
    st.sampled_from(("g", "system:authenticated", "system:unauthenticated")), max_size=2, unique=True
).map(tuple)
RULE = st.builds(
    PolicyRule,
    st.just(1),
    st.just(1),
    st.just(Level.NONE),
    users=SOME,
    groups=GROUPS,
    verbs=SOME,
    resources=st.lists(ENTRY, max_size=2).map(tuple),
    namespaces=SOME,
    urls=st.just(()) | URLS,
).filter(lambda rule: not rule.urls or not (rule.resources or rule.namespaces))
NAMES = st.sampled_from(("a", "b", "c"))
REQUEST = st.builds(
    lambda user, groups, **more: Request(user=user, groups=(*groups, *groups_of(user)), **more),
    st.sampled_from(("a", "b", "c", "system:anonymous", "")),
    st.sampled_from((("g",), ())),
    verb=NAMES,
    resource=st.sampled_from(("", "pods", "nodes", "x")),
    subresource=st.sampled_from(("", "exec", "y")),
    api_group=st.sampled_from(("", "apps", "z")),
    namespace=NAMES,
    name=NAMES,
    path=st.sampled_from(("/x", "/x/y", "/xy", "/z")),
)


@settings(max_examples=60)
@given(RULE, RULE, st.lists(REQUEST, min_size=30, max_size=60))
def test_what_is_called_shadowed_is_never_reached(early: PolicyRule, late: PolicyRule, requests: list[Request]) -> None:
    parts = [atom.rule for atom in atoms(late)]
    for request in requests:
        assert any(matches(part, request) for part in parts) is matches(late, request)
        if not matches(early, request):
            assert not any(covers(early, part) for part in parts if matches(part, request))


def test_the_policy_of_our_own_test_cluster_writes_tokens_down() -> None:
    text = (Path(__file__).parents[2] / "cluster" / "cluster").read_text()
    policy = text.partition("<<'POLICY'\n")[2].partition("POLICY\n")[0]
    assert [problem.check for problem in lint(policy)] == ["secrets-in-bodies", "secrets-in-bodies"]
    minted = Request("create", "a", groups_of("a"), "serviceaccounts", "token", "", "x", "y")
    assert decide(parse(policy), minted).level is Level.RESPONSE
