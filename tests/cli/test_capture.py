"""`irkit capture` of many pods, within bounds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from irkit.bundle.reader import names
from irkit.text import parse_size
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
