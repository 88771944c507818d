"""`irkit capture` of many pods, within bounds."""

from __future__ import annotations

import json
from pathlib import Path

import pyrage  # type: ignore[import-untyped]
import pytest

from irkit import times
from irkit.bundle.reader import contents, names
from irkit.drill.range.server import Range
from irkit.text import parse_size
from tests.audit.logs import event, log
from tests.cli.conftest import Shell


def test_a_workload_in_one_bundle(shell: Shell, tmp_path: Path) -> None:
    told = shell("capture", "deployment/web", "-n", "payments", "--out", str(tmp_path / "out"))
    assert "pods       payments/deployment/web: 2" in told.stdout
    (bundle,) = (tmp_path / "out").glob("irkit-*-payments-deployment-web-*.tar.gz")
    held = {name.partition("/data/")[2] or name.removeprefix("data/") for name in names(bundle)}
    pods = {name.split("/")[1] for name in held if name.startswith("pods/")}
    assert len(pods) == 2
    assert all(f"pods/{pod}/pod/pod.json" in held for pod in pods)
    case = json.loads(shell("bundle", "cat", str(bundle), "data/case.json").stdout)
    assert {pod["name"] for pod in case["scope"]["pods"]} == pods
    report = shell("bundle", "cat", str(bundle), "data/report/report.md").stdout
    assert "Evidence was taken from 2 pods of namespace payments" in report
    assert "payments/deployment/web" in shell("run", "ls").stdout
    assert shell("bundle", "verify", str(bundle)).exit_code == 0


def test_the_audit_events_of_each_pod_of_a_workload(shell: Shell, practice: Range, tmp_path: Path) -> None:
    """The same bytes as a capture of that pod alone, and those of all pods together."""
    log = tmp_path / "audit.log"  # what is asked meanwhile is logged, too
    log.write_bytes(practice.audit_log.read_bytes())
    absent = tmp_path / "absent.log"
    audit = ("-n", "payments", "--audit", str(log), "--audit", str(absent))
    told = shell("capture", "deployment/web", *audit, "--out", str(tmp_path / "all"), code=4)
    assert "events concern the pods" in told.stdout
    (wide,) = (tmp_path / "all").glob("*.tar.gz")
    record = json.loads(shell("run", "show", "last", "-o", "json").stdout)
    lost = [gap["target"] for gap in record["gaps"] if gap["reason"] == "absent"]
    names = [pod["name"] for pod in record["scope"]["pods"]]
    assert lost == [*(f"audit log of the pod's first hours of pod {name}" for name in names), f"audit log {absent}"]
    files = [f"audit/{name}" for name in ("events.jsonl", "matches.jsonl", "findings.jsonl", "summary.json")]
    for name in names:
        alone = tmp_path / name
        shell("capture", name, *audit, "--out", str(alone), code=4)
        (bundle,) = alone.glob("*.tar.gz")
        for file in files:
            own = shell("bundle", "cat", str(bundle), f"data/{file}").stdout_bytes
            assert own == shell("bundle", "cat", str(wide), f"data/pods/{name}/{file}").stdout_bytes
    together = shell("bundle", "cat", str(wide), "data/audit/matches.jsonl").stdout.splitlines()
    assert len(together) == sum(record["audit"]["levels"].values()) >= 1
    assert "(pod " in json.loads(together[0])["reason"]
    assert shell("bundle", "verify", str(wide)).exit_code == 0


def test_what_was_typed_into_one_of_many_pods_is_for_recipients_alone(shell: Shell, tmp_path: Path) -> None:
    """In each pod's audit events as in those of all; nothing that is printed or journalled has it either."""
    word, identity = "hunter2-Zebra-91", pyrage.x25519.Identity.generate()
    (tmp_path / "key.txt").write_text(f"{identity}\n")
    pods = json.loads(shell("capture", "deployment/web", "-n", "payments", "-o", "json").stdout)["scope"]["pods"]
    name, now = pods[0]["name"], times.rfc3339(times.now())
    typed = f"/api/v1/namespaces/payments/pods/{name}/exec?command=mysql&command=--password%3D{word}"
    entered = event("create", name=name, sub="exec", code=101, requestURI=typed)
    log(tmp_path / "audit.log", [entered | {"requestReceivedTimestamp": now, "stageTimestamp": now}])
    flags = ("--audit", str(tmp_path / "audit.log"), "--recipient", str(identity.to_public()), "--out", str(tmp_path))
    told = shell("capture", "deployment/web", "-n", "payments", *flags, "-o", "json", code=4)
    (bundle,) = tmp_path.glob("*.tar.gz")
    assert [member for member, _, chunks in contents(bundle) if word.encode() in b"".join(chunks)] == []
    assert word not in told.output
    assert (
        word.encode() not in (shell.home / "irkit/runs" / json.loads(told.stdout)["id"] / "journal.jsonl").read_bytes()
    )
    shell("bundle", "unseal", str(bundle), "-i", "key.txt", "--reason", "x", "--out", "opened")
    for place in ("audit", f"pods/{name}/audit"):
        assert word.encode() in (tmp_path / "opened" / place / "events.jsonl").read_bytes()


def test_the_whole_namespace_and_a_selector(shell: Shell, tmp_path: Path) -> None:
    everything = json.loads(shell("capture", "--all", "-n", "payments", "--out", str(tmp_path), "-o", "json").stdout)
    some = json.loads(shell("capture", "-l", "app=web", "-n", "payments", "--out", str(tmp_path), "-o", "json").stdout)
    web = {pod["name"] for pod in some["scope"]["pods"]}
    assert web < {pod["name"] for pod in everything["scope"]["pods"]}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "name a pod or a workload"),
        (("web", "--all"), "name a pod or a workload"),
        (("--all", "--checkpoint"), "pod by pod"),
        (("--all", "--max-total", "lots"), "not a size: 'lots'"),
        (("--all", "--out", __file__), f"not a folder: {__file__}"),
    ],
)
def test_what_cannot_be_meant_is_said(shell: Shell, arguments: tuple[str, ...], words: str) -> None:
    assert words in shell("capture", *arguments, "-n", "payments", code=2).output


def test_no_such_pods(shell: Shell) -> None:
    assert "there is no such pod" in shell("capture", "-l", "no=one", "-n", "payments", code=1).output
    assert "deployments" in shell("capture", "deployment/absent", "-n", "payments", code=1).output


def test_caps_leave_parts_that_are_told(shell: Shell, tmp_path: Path) -> None:
    caps = ("--max-artifact", "1k", "--max-total", "60K", "--disk-reserve", "1k")
    told = shell("capture", "deployment/web", "-n", "payments", "--out", str(tmp_path), *caps, code=4)
    assert "cut at the limit; the first 1024 bytes are there" in told.stdout
    record = json.loads(shell("run", "show", "last", "-o", "json").stdout)
    assert sum(each["size"] for each in record["artifacts"]) <= 60 * 1024
    assert all(each["size"] <= 1024 for each in record["artifacts"])


@pytest.mark.parametrize(
    ("text", "size"), [("4096", 4096), ("1k", 1024), ("1.5Gi", 3 << 29), ("2 MB", 2 << 20), ("500M", 500 << 20)]
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "M", "-1", "1 2", "1i", "1X", "١"])
def test_no_sizes(text: str) -> None:
    with pytest.raises(ValueError, match="not a size"):
        parse_size(text)
