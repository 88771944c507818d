"""What a command says, and how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from irkit.cli.command import bounded, face_of
from irkit.cli.face import Face, Output
from irkit.errors import BundleError, Exit, Forbidden, IrkitError, UsageError, VerificationError
from tests.audit.logs import event, log


def _raising(error: BaseException) -> Callable[[Face], Exit | None]:
    def work(face: Face) -> Exit | None:
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (IrkitError("x"), 1),
        (UsageError("x"), 2),
        (Forbidden("x"), 3),
        (BundleError("x"), 1),
        (VerificationError("x"), 5),
        (KeyboardInterrupt(), 1),
    ],
)
def test_every_error_is_one_line_and_a_code(
    error: BaseException, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bounded(_raising(error), Face()) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("irkit: ")
    assert "Traceback" not in said.err


def test_an_interruption_promises_no_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert bounded(_raising(KeyboardInterrupt()), Face()) == Exit.FAILED
    assert capsys.readouterr().err == "irkit: interrupted\n"


def test_a_defect_is_one_line_and_its_traceback_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "home"))
    assert bounded(_raising(ZeroDivisionError("secret detail")), Face()) == Exit.FAILED
    said = capsys.readouterr().err
    assert "this is a bug" in said
    assert "secret detail" not in said
    assert "ZeroDivisionError: secret detail" in (tmp_path / "home" / "crash.log").read_text()


def test_a_defect_is_one_line_even_where_nothing_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "file" / "home"))
    assert bounded(_raising(ZeroDivisionError()), Face()) == Exit.FAILED
    assert "crash log could not be written" in capsys.readouterr().err


def test_an_error_is_json_where_json_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert bounded(_raising(UsageError("no", "do this")), Face(Output.JSON)) == Exit.USAGE
    assert json.loads(capsys.readouterr().out) == {"error": {"message": "no", "hint": "do this", "exit_code": 2}}


def test_hostile_text_is_shown_never_sent(capsys: pytest.CaptureFixture[str]) -> None:
    face = Face()
    face.block("log \x1b[2J line\nnext\ttab")
    face.note("note \x1b]0;title\x07")
    face.table(("A", "B"), [("x\x1b[31m", "y\n"), ("longer", "\u202e")])
    face.fail(IrkitError("bad \x9b1m", "hint \r"))
    said = capsys.readouterr()
    assert "\x1b" not in said.out + said.err
    assert "\\x1b[2J line\nnext\ttab" in said.out
    assert "\u202e" not in said.out
    assert "\\x9b1m" in said.err


def test_quiet_keeps_errors(capsys: pytest.CaptureFixture[str]) -> None:
    face = Face(quiet=True)
    face.note("chatter")
    face.fail(IrkitError("wrong"))
    assert capsys.readouterr().err == "irkit: wrong\n"


def test_json_is_one_document_and_jsonl_one_for_each(capsys: pytest.CaptureFixture[str]) -> None:
    Face(Output.JSON).emit({"b": 1, "a": [Exit.GAPS]}, lines=[1, 2])
    assert json.loads(capsys.readouterr().out) == {"a": [4], "b": 1}
    Face(Output.JSONL).emit({"all": 2}, lines=[{"n": 1}, {"n": 2}])
    assert capsys.readouterr().out == '{"n":1}\n{"n":2}\n'
    Face(Output.JSONL).emit({"all": 2})
    assert capsys.readouterr().out == '{"all":2}\n'
    Face().emit({"all": 2})
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", ["web", "po/web", "pod/web", "pods/web", "payments/web", "pod/payments/web"])
def test_a_pod_is_named_as_with_kubectl(name: str) -> None:
    assert str(Face(namespace="payments").pod(name)) == "payments/web"


def test_a_workload_is_not_taken_for_a_pod_of_a_namespace_of_that_name() -> None:
    with pytest.raises(UsageError, match="one pod is meant, not a workload: 'deploy/web'"):
        Face(namespace="payments").pod("deploy/web")


def test_colour_only_where_it_is_on() -> None:
    assert Face().paint("x", "bad") == "x"
    assert Face(color=True).paint("x", "bad") == "\x1b[31mx\x1b[0m"
    assert Face(color=True).paint("x", "") == "x"


COMMAND = [sys.executable, "-m", "irkit", "audit", "policy", "recommend", "--output"]


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("form", list(Output))
def test_a_full_disk_under_the_answer_is_one_line_and_no_success(form: Output, unbuffered: str) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, form],
            check=False,
            stdout=full,
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
        )
    assert (done.returncode, done.stderr.splitlines()[0]) == (1, b"irkit: No space left on device")
    assert len(done.stderr.splitlines()) == 2


@pytest.mark.parametrize("setting", [{"NO_COLOR": "please"}, {"NO_COLOR": "0"}, {"PYTHONIOENCODING": "ascii"}])
def test_no_surroundings_keep_an_answer_back(tmp_path: Path, setting: dict[str, str]) -> None:
    audit_log = log(tmp_path / "audit.log", [event("create", sub="exec", user="m\u00fcller")])
    command = [sys.executable, "-m", "irkit", "audit", "detect", str(audit_log)]
    done = subprocess.run(command, check=False, capture_output=True, env=os.environ | setting)
    assert done.returncode == 0, done.stderr
    assert "m\u00fcller".encode() in done.stdout or rb"m\xfcller" in done.stdout


def test_any_no_color_means_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream in (sys.stdout, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    flags = {"log_level": "warning", "log_format": "text", "no_color": False, "output": Output.TEXT, "quiet": False}
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert face_of(flags).color
    monkeypatch.setenv("NO_COLOR", "0")
    assert not face_of(flags).color
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert not face_of(flags).color


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_who_goes_away_is_told_nothing_more(unbuffered: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    environ = os.environ | {"PYTHONUNBUFFERED": unbuffered}
    done = subprocess.run([*COMMAND, "text"], check=False, stdout=writer, stderr=subprocess.PIPE, env=environ)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-"])
def test_what_is_closed_before_harms_nothing(tmp_path: Path, closed: str) -> None:
    path = log(tmp_path / "audit.log", [event(sub="exec", code=101)])
    command = [f'"$0" -m irkit audit detect "$1" -o json {closed}', sys.executable, str(path)]
    done = subprocess.run(["sh", "-c", *command], check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    assert (json.loads(done.stdout)["events"] if " >&-" not in f" {closed}" else 1) == 1
    assert len(path.read_text().splitlines()) == 1


def test_no_name_forges_a_line_and_a_text_keeps_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    Face().show("x\nbundle.tar.gz: intact", "good")
    Face().block("a: 1\n\tb: \x1b[2J")
    assert capsys.readouterr().out == "x\\x0abundle.tar.gz: intact\na: 1\n\tb: \\x1b[2J\n"
