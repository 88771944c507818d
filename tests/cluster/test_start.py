"""Starting, sharing and stopping the real cluster, with scripts that only say what they were asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cluster import start
from tests.cluster.start import NoClusterError, in_use, stop

Said = Callable[[], list[str]]


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Said:
    """What the scripts were asked; they bring up a "cluster" that is a file."""
    scripts, cache, state = tmp_path / "scripts", tmp_path / "cache", tmp_path / "state"
    binaries, log = cache / "v1.0.0", tmp_path / "said"
    for folder in (scripts, state, binaries):
        folder.mkdir(parents=True)
    programs = {
        scripts / "build.sh": f'echo build "$@" >>{log}',
        scripts / "cluster": f'echo cluster "$1" >>{log}; [ "$1" = up ] && touch {state}/admin.conf || rm {state}/*',
        binaries / "kubectl": """case "$*" in */version) echo '{"gitVersion":"v1.0.0"}';; *) ;; esac""",
    }
    for path, program in programs.items():
        path.write_text(f"#!/bin/sh\n{program}\n")
        path.chmod(0o755)
    settings = {"HERE": scripts, "CACHE": cache, "STATE": state, "BINARIES": binaries, "VERSION": "1.0.0"}
    for name, value in settings.items():
        monkeypatch.setattr(start, name, value)
    monkeypatch.delenv("IRKIT_TEST_KUBECONFIG", raising=False)
    monkeypatch.delenv("IRKIT_TEST_K8S_VERSION", raising=False)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("sys.platform", "linux")
    return lambda: log.read_text().splitlines() if log.exists() else []


def test_it_is_started_once_shared_and_stopped_by_who_started_it(said: Said, tmp_path: Path) -> None:
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    with in_use(mine) as first:
        assert (first.version, first.origin, mine.exists()) == ("v1.0.0", "built here", True)
        with in_use(theirs) as second:
            assert (second.version, theirs.exists()) == ("v1.0.0", False)
        assert stop() is False, "somebody still uses it"
    assert stop() is True
    assert said() == ["build 1.0.0", "cluster up", "cluster down"]


def test_another_version_is_not_taken_for_the_one_asked_for(
    said: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IRKIT_TEST_K8S_VERSION", "2.0.0")
    monkeypatch.setattr(start, "VERSION", "2.0.0")
    with pytest.raises(NoClusterError, match=r"v1.0.0 is running, not v2.0.0"), in_use(tmp_path / "unused"):
        pytest.fail("that is another version")
    assert said()[-1] == "cluster up"


@pytest.mark.parametrize(
    ("attribute", "value", "why"),
    [("os.geteuid", lambda: 1000, "root"), ("sys.platform", "darwin", "Linux"), ("shutil.which", lambda _: None, "Go")],
)
def test_a_machine_that_cannot_is_told_why(
    said: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attribute: str, value: object, why: str
) -> None:
    (start.BINARIES / "kubectl").unlink()
    monkeypatch.setattr(attribute, value)
    with pytest.raises(NoClusterError, match=why), in_use(tmp_path / "unused"):
        pytest.fail("there is no cluster")
    assert said() == []


@pytest.mark.parametrize(("script", "why"), [("build.sh", "does not build: boom"), ("cluster", "does not start: boom")])
def test_a_cluster_that_fails_to_come_up_says_why(said: Said, tmp_path: Path, script: str, why: str) -> None:
    (tmp_path / "scripts" / script).write_text("#!/bin/sh\necho boom >&2; exit 1\n")
    with pytest.raises(NoClusterError, match=why), in_use(tmp_path / "mine"):
        pytest.fail("there is no cluster")
    assert "cluster up" not in said()


def test_a_given_cluster_is_used_as_it_is(said: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IRKIT_TEST_KUBECONFIG", str(tmp_path / "given.conf"))
    monkeypatch.setattr("shutil.which", lambda _: None)
    with in_use(tmp_path / "mine") as given:
        assert (given.origin, given.audit_log, given.enforceable) == ("IRKIT_TEST_KUBECONFIG", None, False)
        assert not (tmp_path / "mine").exists()
    (start.BINARIES / "kubectl").unlink()
    with pytest.raises(NoClusterError, match="no kubectl"), in_use(tmp_path / "mine"):
        pytest.fail("there is no kubectl")
    assert said() == []
