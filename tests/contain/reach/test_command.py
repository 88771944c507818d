"""`irkit reach`, as somebody at a shell uses it: on manifests, and on the practice cluster."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from irkit.cli.commands import load
from irkit.cluster.protocol import Json
from irkit.contain.reach.connections import reach
from irkit.contain.reach.picture import picture
from irkit.contain.world import manifests
from irkit.drill.range import server
from irkit.drill.range.server import Range
from tests.contain.reach.test_connections import CLIENT, POD, POLICY, write

Shell = Callable[..., str]


def typed(folder: Path, kubeconfig: Path, *arguments: str, code: int = 0, piped: str | None = None) -> str:
    env = {"IRKIT_HOME": str(folder / "irkit"), "KUBECONFIG": str(kubeconfig), "HOME": str(folder)}
    ended = CliRunner().invoke(load(), ["reach", *arguments], env=env, input=piped)
    assert ended.exit_code == code, (ended.output, ended.exception)
    return ended.stdout if code == 0 else ended.stderr


@pytest.fixture
def offline(tmp_path: Path) -> Shell:
    """A shell with manifests in ./k, and a kubeconfig that would be an error if it were looked at."""
    folder = write(tmp_path / "k", a_yaml=f"{POD}---{CLIENT}---{POLICY}")
    nowhere = tmp_path / "no-such-kubeconfig"

    def run(*arguments: str, code: int = 0) -> str:
        return typed(tmp_path, nowhere, "--manifests", str(folder), *arguments, code=code)

    return run


def test_manifests_as_json(offline: Shell, tmp_path: Path) -> None:
    found = json.loads(offline("-o", "json"))
    assert set(found) == {"connections"}
    assert found["connections"] == reach(manifests.load(tmp_path / "k"))
    web = [one for one in found["connections"] if one["dst"] == "shop/web[Pod]"]
    assert web == [
        {
            "src": "shop/client[Pod]",
            "dst": "shop/web[Pod]",
            "ports": [{"protocol": "TCP", "port": 8080, "endPort": 8080}],
        }
    ]
    assert [json.loads(line) for line in offline("-o", "jsonl").splitlines()] == found["connections"]


def test_manifests_as_a_table(offline: Shell) -> None:
    assert offline().splitlines() == [
        "SOURCE            DESTINATION       PORTS",
        "0.0.0.0/0         shop/client[Pod]  all",
        "shop/client[Pod]  0.0.0.0/0         all",
        "shop/client[Pod]  shop/web[Pod]     TCP 8080",
    ]
    assert "there is no namespace elsewhere" in offline("-n", "elsewhere", code=1)


def test_one_pod_now_and_once_isolated(offline: Shell) -> None:
    assert offline("client", "-n", "shop").splitlines() == [
        "      PEER           NOW       ONCE ISOLATED",
        "from  0.0.0.0/0      all       -",
        "to    0.0.0.0/0      all       -",
        "to    shop/web[Pod]  TCP 8080  -",
    ]
    found = json.loads(offline("shop/client", "-o", "json"))
    assert found["pod"] == {"namespace": "shop", "name": "client"}
    assert (len(found["connections"]), found["isolated"]) == (3, [])


def test_manifests_that_are_piped_in(offline: Shell, tmp_path: Path) -> None:
    def piped(text: str, *arguments: str, code: int = 0) -> str:
        return typed(tmp_path, tmp_path / "none", "--manifests", "-", *arguments, code=code, piped=text)

    assert piped(f"{POD}---{CLIENT}---{POLICY}") == offline()
    assert piped(f"{POD}---{CLIENT}---{POLICY}", "client", "-n", "shop") == offline("client", "-n", "shop")
    for nothing in ("", "{}", "values: {kind: Pod}\n", "# rendered nothing\n---\n"):
        said = piped(nothing, code=2)
        assert "irkit: no pod, workload or network policy in standard input\n  try: " in said
    said = piped("kind: Pod\nmetadata: {name: {{ .Values.name }}}\n", code=2)
    assert "standard input cannot be read" in said
    assert "try: render it first: helm template CHART | irkit reach --manifests -" in said


def test_what_was_not_read_and_that_nobody_is_there_is_said(tmp_path: Path) -> None:
    def said(text: str) -> str:
        folder = write(tmp_path, a_yaml=text)
        env = {"IRKIT_HOME": str(tmp_path), "HOME": str(tmp_path)}
        ended = CliRunner().invoke(load(), ["reach", "--manifests", str(folder)], env=env)
        assert ended.exit_code == 0
        return ended.stderr

    cilium = "{apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: {name: c-%s}}\n"
    many = "---\n".join([POD, *(cilium % number for number in range(7))])
    assert said(many).endswith("CiliumNetworkPolicy default/c-4 and 2 more\n")
    assert said(POLICY) == "no pod or workload is there, so nobody talks\n"
    assert said(POD) == ""


def lines(text: str) -> list[tuple[str, str]]:
    """(class, title) of every line of an SVG, which is read as XML."""
    root = ElementTree.fromstring(text)  # noqa: S314 - our own
    return [(one.attrib["class"], "".join(one.itertext())) for one in root.iter("{http://www.w3.org/2000/svg}line")]


def test_a_drawing(offline: Shell, tmp_path: Path) -> None:
    assert ("now", "shop/client[Pod] to shop/web[Pod]: TCP 8080") in lines(offline("--svg", "-"))
    assert "shop/web[Pod]" in offline("shop/client", "--svg", str(tmp_path / "a.svg")), (
        "the table is shown all the same"
    )
    assert {kind for kind, _ in lines((tmp_path / "a.svg").read_text())} == {"cut"}
    assert "cannot write" in offline("--svg", str(tmp_path / "none" / "a.svg"), code=2)


def test_a_drawing_of_hostile_names() -> None:
    drawn = picture([{"src": "a/<script>\x1b[Pod]", "dst": "0.0.0.0/0", "ports": "all"}], None, "]]> & \u202e")
    assert lines(drawn) == [("now", "a/<script>\\x1b[Pod] to 0.0.0.0/0: all")]
    assert lines(picture([], [], "nothing")) == []


def test_what_is_not_there(offline: Shell) -> None:
    assert "irkit: there is no default/web here" in offline("web", code=2)


def test_a_pod_that_nothing_may_talk_to(tmp_path: Path) -> None:
    deny = "{kind: NetworkPolicy, metadata: {name: p}, spec: {podSelector: {}, policyTypes: [Ingress, Egress]}}"
    folder = write(tmp_path / "k", a_yaml=f"{{kind: Pod, metadata: {{name: web}}}}\n---\n{deny}")
    said = typed(tmp_path, tmp_path / "none", "web", "--manifests", str(folder))
    assert said.splitlines()[-1] == "nothing may talk to default/web, and it may talk to nothing"


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Range]:
    with server.start(0, home=tmp_path_factory.mktemp("range")) as started:
        yield started


def test_a_live_pod(practice: Range, tmp_path: Path) -> None:
    def run(*arguments: str, code: int = 0) -> str:
        return typed(tmp_path, practice.kubeconfig, *arguments, code=code)

    whole: list[Json] = json.loads(run("-o", "json"))["connections"]
    victim = next(one["dst"] for one in whole if one["dst"].startswith("payments/")).removesuffix("[Pod]")
    found = json.loads(run(victim, "-o", "json"))
    assert found["connections"] == [one for one in whole if f"{victim}[Pod]" in (one["src"], one["dst"])]
    assert len(found["isolated"]) < len(found["connections"])
    inside = json.loads(run("-n", "payments", "-o", "json"))["connections"]
    assert inside == [one for one in whole if any(one[end].startswith("payments/") for end in ("src", "dst"))]
    assert "there is no pod payments/nobody" in run("nobody", "-n", "payments", code=1)
