"""The commands, each once as it should be used and once as it should not."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

import irkit.cli.commands
from irkit import __version__, times
from irkit.cli.commands import FILES
from irkit.drill.demo import Shown
from irkit.drill.range.scenario.story import PAYMENTS
from irkit.drill.range.server import Range
from tests.cli.conftest import Shell
from tests.cli.tree import commands, files

POD = (PAYMENTS.victim, "-n", PAYMENTS.namespace)


def test_version_and_help(shell: Shell) -> None:
    assert shell("--version").output == f"irkit {__version__}\n"
    assert "respond" in shell("--help").output


def test_no_file_of_commands_is_forgotten() -> None:
    folder = Path(irkit.cli.commands.__file__).parent
    found = {f"{path.parent.name}.{path.stem}" for path in folder.glob("*/*.py") if path.stem != "__init__"}
    assert found == {*FILES}


def test_a_command_alone_is_read_from_the_file_that_holds_it() -> None:
    words = {f"{held} ": name for name, several in FILES.items() for held in several}
    for command, file in files().items():
        assert [name for held, name in words.items() if f"{command} ".startswith(held)] == [file], command


_READ = """
import sys
from irkit.cli.commands import load
load(sys.argv[1:])
print(*(".".join(name.split(".")[3:]) for name in sys.modules if name.startswith("irkit.cli.commands.")))
"""


@pytest.mark.parametrize(
    ("words", "read"),
    [
        ("audit search -h", {"logs.audit"}),
        ("isolate web", {"incident.contain"}),
        ("audit -h", {*FILES}),
        ("isolat", {*FILES}),
    ],
)
def test_no_more_of_the_tree_is_read_than_the_words_name(words: str, read: set[str]) -> None:
    asked = [sys.executable, "-c", _READ, *words.split()]
    loaded = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()
    assert {name for name in loaded if "." in name} == read


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_command_has_help_that_says_what_it_does(shell: Shell, name: str) -> None:
    told = shell(*name.split(), "--help").output
    assert "--output" in told
    assert len(told.splitlines()[2].strip()) > 10


def test_bundle_commands_read_what_was_sealed(shell: Shell, bundle: str) -> None:
    assert "intact" in shell("bundle", "verify", bundle).output
    assert json.loads(shell("bundle", "verify", bundle, "-o", "json").stdout)["ok"] is True
    names = shell("bundle", "ls", bundle).stdout.splitlines()
    assert json.loads(shell("bundle", "ls", bundle, "-o", "json").stdout) == names
    assert json.loads(shell("bundle", "cat", bundle, "data/case.json").stdout)["case"] == "demo"
    assert "no data/none" in shell("bundle", "cat", bundle, "data/none", code=1).stderr


def test_a_bundle_tampered_with_is_exit_5(shell: Shell, bundle: str, tmp_path: Path) -> None:
    copy = tmp_path / Path(bundle).name
    data = bytearray(Path(bundle).read_bytes())
    data[len(data) // 2] ^= 1
    copy.write_bytes(data)
    told = shell("bundle", "verify", str(copy), code=5)
    assert "NOT intact" in told.output


@pytest.mark.parametrize(("form", "begins"), [("md", "#"), ("html", "<!doctype"), ("json", "{"), ("csv", '"time"')])
def test_a_report_is_rendered_again(shell: Shell, bundle: str, tmp_path: Path, form: str, begins: str) -> None:
    printed = shell("report", bundle, "--format", form).stdout
    assert printed.lower().startswith(begins)
    out = tmp_path / "report"
    shell("report", bundle, "--format", form, "--out", str(out))
    assert out.read_text(encoding="utf-8") == printed
    shell("report", bundle, "--format", form, "--out", str(tmp_path / "absent" / "report"), code=2)


def test_a_report_for_scripts_is_json(shell: Shell, bundle: str) -> None:
    assert json.loads(shell("report", bundle, "-o", "json").stdout)["case"]
    assert shell("report", bundle, "--format", "md", "-o", "json").stdout.startswith("#")


def test_a_report_is_written_over_no_bundle(shell: Shell, bundle: str) -> None:
    before = Path(bundle).read_bytes()
    assert "is a sealed bundle" in shell("report", bundle, "--out", bundle, code=2).stderr
    assert Path(bundle).read_bytes() == before


def test_shipping_gives_a_receipt_and_never_overwrites(shell: Shell, bundle: str, tmp_path: Path) -> None:
    store = tmp_path / "store"
    first = json.loads(shell("ship", bundle, "--store", f"file://{store}", "-o", "json").stdout)
    again = json.loads(shell("ship", bundle, "--store", f"file://{store}", "-o", "json").stdout)
    assert first == again
    stored = store / Path(bundle).name
    assert stored.read_bytes() == Path(bundle).read_bytes()
    assert "read back" in shell("ship", bundle, "--store", f"file://{store}").stdout
    shutil.rmtree(store)
    store.mkdir()
    stored.write_bytes(b"something else")
    shell("ship", bundle, "--store", f"file://{store}", code=1)
    assert stored.read_bytes() == b"something else"


def test_playbooks_are_listed_explained_and_checked(shell: Shell, tmp_path: Path) -> None:
    assert {"compromised-pod", "collect-only"} <= {
        row["name"] for row in json.loads(shell("playbook", "ls", "-o", "json").stdout)
    }
    assert "compromised-pod" in shell("playbook", "ls").stdout
    told = shell("playbook", "show", "compromised-pod").stdout
    assert "pod.isolate@1" in told
    assert "create networkpolicies.networking.k8s.io" in told
    assert "good" in shell("playbook", "lint").stdout
    bad = tmp_path / "bad.yaml"
    bad.write_text(
        "apiVersion: irkit/v1\nkind: Playbook\nmetadata: {name: x, version: 1.0.0}\nsteps:\n  - {id: a, uses: no@1}\n"
    )
    told = shell("playbook", "lint", str(bad), code=2).stdout
    assert f"{bad}:5:" in told
    both = json.loads(shell("playbook", "lint", "b-missing", str(bad), "-o", "json", code=2).stdout)["problems"]
    assert [(row["file"], row["line"]) for row in both] == [("b-missing", 1), (str(bad), 5)]
    assert both[0]["message"].startswith("no such playbook: b-missing; the playbooks: ")
    assert "irkit: " in shell("playbook", "run", str(bad), code=2).stderr


def test_the_schema_accepts_what_is_shipped(shell: Shell, tmp_path: Path) -> None:
    out = tmp_path / "schema.json"
    shell("playbook", "schema", "--out", str(out))
    schema = json.loads(shell("playbook", "schema").stdout)
    assert json.loads(out.read_bytes()) == schema
    Draft202012Validator.check_schema(schema)
    for path in (Path(__file__).parents[2] / "playbooks").glob("*.yaml"):
        Draft202012Validator(schema).validate(YAML(typ="safe").load(path))


def test_a_playbook_runs_with_inputs(shell: Shell, tmp_path: Path) -> None:
    book = ("playbook", "run", "collect-only", "-n", "payments", "--store", str(tmp_path / "store"))
    told = shell(*book, "-i", f"pod={PAYMENTS.victim}", "-o", "json")
    record = json.loads(told.stdout)
    assert record["status"] == "done"
    assert record["isolation"] is None
    assert "not NAME=VALUE" in shell(*book, "-i", "pod", code=2).stderr
    assert "has no input" in shell(*book, "-i", "pod=x", "-i", "colour=red", code=2).stderr

    listed = json.loads(shell("run", "ls", "-o", "json").stdout)
    assert [row["id"] for row in listed] == [record["id"]]
    assert record["id"] in shell("run", "ls").stdout
    assert "evidence.collect" in shell("run", "show", "last", "-o", "json").stdout
    assert "bundle" in shell("run", "show", record["id"][:8]).stdout
    assert "nothing to take back" in shell("run", "undo", "last").stdout
    assert json.loads(shell("run", "resume", "last", "-o", "json").stdout)["id"] == record["id"]


def test_a_run_goes_on_in_another_folder_to_another_store(
    shell: Shell, practice: Range, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "audit.log").write_bytes(practice.audit_log.read_bytes())
    (tmp_path / "taken").write_text("a file where the store should be")
    told = shell("respond", *POD, "--audit", "audit.log", "--store", "file://./taken", code=1)
    assert "irkit run resume" in told.output
    record = json.loads(shell("run", "show", "last", "-o", "json").stdout)
    assert record["audit"]["sources"] == [str(tmp_path / "audit.log")]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    told = shell("run", "resume", "last", "--store", "file://./store", code=4)
    assert "read back" in told.stdout
    assert len(list((elsewhere / "store").iterdir())) == 1
    shell("run", "undo", "last", "--kubeconfig", str(practice.kubeconfig))


def test_what_could_not_begin_is_told_once(shell: Shell) -> None:
    told = shell("respond", "no-such-pod", "-n", PAYMENTS.namespace, code=1)
    assert "skipped" not in told.output
    record = json.loads(shell("run", "show", "last", "-o", "json").stdout)
    assert {step["blocked"] for step in record["steps"]} == {"", "resolve"}
    assert "not done   isolate, collect, audit, report, seal, ship, because" in shell("run", "show", "last").stdout


def test_capture_reads_and_nothing_else(shell: Shell, practice: Range, tmp_path: Path) -> None:
    began = times.rfc3339(times.now())
    told = shell("capture", *POD, "--out", str(tmp_path / "out"), "--audit", str(practice.audit_log), code=4)
    assert "missing    audit log of the pod's first hours" in told.stdout
    assert len(list((tmp_path / "out").iterdir())) == 1
    events = [json.loads(line) for line in practice.audit_log.read_bytes().splitlines()]
    ours = [event for event in events if event["requestReceivedTimestamp"] >= began]
    reviews = {"selfsubjectreviews", "selfsubjectaccessreviews"}
    assert {e["verb"] for e in ours if e.get("objectRef", {}).get("resource") not in reviews} <= {"get", "list"}


def test_a_deadline_ends_collecting_and_the_bundle_is_sealed(shell: Shell, tmp_path: Path) -> None:
    told = shell("capture", *POD, "--out", str(tmp_path / "out"), "--deadline", "0s", code=2)
    assert "a deadline of 0s" in told.stderr
    assert "60s, 5m, 1h" in told.stderr
    told = shell("capture", *POD, "--out", str(tmp_path / "out"), "--deadline", "5 minutes", code=2)
    assert "60s, 5m, 1h" in told.stderr
    told = shell("capture", *POD, "--out", str(tmp_path / "out"), "--deadline", "60s", "-o", "json")
    assert json.loads(told.stdout)["status"] == "done"


def test_isolate_and_release_say_what_they_do(shell: Shell) -> None:
    told = shell("isolate", *POD, "--dry-run").stdout
    assert "would be created" in told
    assert '"kind": "NetworkPolicy"' in told
    told = shell("respond", *POD, "--dry-run").stdout
    assert "plan       NetworkPolicy" in told
    assert "would keep" in told
    shown = shell("run", "show", "last").stdout
    assert "would be isolated" in shown
    assert "did " not in shown
    told = shell("isolate", *POD).stdout
    assert "undo       irkit release" in told
    assert "nothing to change" in shell("isolate", *POD).stdout
    assert json.loads(shell("release", *POD, "--dry-run", "-o", "json").stdout)["changes"]
    assert "deleted" in shell("release", *POD).stdout
    assert "nothing to release" in shell("release", *POD).stdout


def test_rbac_is_a_manifest_of_what_steps_declare(shell: Shell) -> None:
    role = YAML(typ="safe").load(shell("rbac").stdout)
    assert role["kind"] == "ClusterRole"
    assert role == json.loads(shell("rbac", "-o", "json").stdout)
    reading = json.loads(shell("rbac", "--playbook", "collect-only", "-o", "json").stdout)
    assert {verb for rule in reading["rules"] for verb in rule["verbs"]} <= {"get", "list"}
    least = json.loads(shell("rbac", "--required-only", "-o", "json").stdout)
    assert len(json.dumps(least)) < len(json.dumps(role))


def test_doctor_checks_all_that_is_needed(shell: Shell, tmp_path: Path) -> None:
    told = json.loads(shell("doctor", "-n", "payments", "--store", str(tmp_path), "-o", "json").stdout)
    assert told["ok"] is True
    assert {"cluster", "version", "clock", "permission", "policy engine", "store"} <= {
        c["name"] for c in told["checks"]
    }
    held = [c for c in told["checks"] if c["name"] == "permission"]
    assert len(held) > 50
    lines = shell("doctor", "-n", "payments", "--store", str(tmp_path)).stdout.splitlines()
    assert [line for line in lines if "permission" in line] == [
        f"ok    permission: {len(held)} of the {len(held)} that are asked for are held (-o json names each)"
    ]
    (tmp_path / "file").touch()
    told = shell("doctor", "-n", "payments", "--store", str(tmp_path / "file"), code=1)
    assert "BAD   store" in told.stdout
    told = shell("doctor", "-n", "paymnets", "--store", str(tmp_path), code=1)
    assert "BAD   namespace: there is no namespace paymnets" in told.stdout


def test_audit_search_tells_why_each_event_is_there(shell: Shell, practice: Range) -> None:
    log = str(practice.audit_log)
    pod = ("--pod", PAYMENTS.victim, "-n", "payments")
    lines = [
        json.loads(line) for line in shell("audit", "search", log, *pod, "-o", "jsonl", code=0).stdout.splitlines()
    ]
    assert lines
    assert all(set(line) == {"tier", "reason", "source", "event"} for line in lines)
    whole = json.loads(shell("audit", "search", log, *pod, "-o", "json").stdout)
    assert len(whole["matches"]) >= len(lines)
    told = shell("audit", "search", log, "--where", "subresource = exec and not user ~ ^system:").stdout
    assert "pods/payments/" in told
    assert "which events?" in shell("audit", "search", log, code=2).stderr
    assert "not a time" in shell("audit", "search", log, *pod, "--since", "yesterday", code=2).stderr
    assert "missing" in shell("audit", "search", "/nowhere.log", *pod, "--since", "36h", code=4).stderr


def test_a_bundle_is_told_in_every_form(shell: Shell, bundle: str) -> None:
    def told(form: str) -> str:
        return str(shell("audit", "timeline", bundle, "--format", form, code=0).stdout)

    events = [json.loads(line) for line in told("ocsf").splitlines()]
    assert {event["class_uid"] for event in events} == {0, 2004, 6003}
    kinds = {event["unmapped"]["kind"] for event in events if event["class_uid"] == 0}
    assert kinds == {"event", "pod", "log", "irkit"}
    sketch = [json.loads(line) for line in told("timesketch").splitlines()]
    assert [one["timestamp"] for one in sketch] == sorted(one["timestamp"] for one in sketch)
    assert {"irkit:audit:request", "irkit:audit:finding", "irkit:log"} <= {one["data_type"] for one in sketch}
    assert len(list(csv.reader(io.StringIO(told("csv"))))) == len(events) + 1
    page = told("html")
    assert "default-src 'none'" in page
    assert "<svg" in page
    assert "<script" not in page
    assert "/data/audit/events.jsonl:" in told("csv")
    assert "a bundle is told alone" in shell("audit", "timeline", bundle, "other.log", code=2).stderr
    assert shell("audit", "timeline", bundle + ".tar.gz", code=1).stderr


def test_the_demonstration_shows_the_incident(shown: Shown) -> None:
    assert shown.verification.ok
    assert shown.exit_code == 0
    assert shown.record.audit
    assert shown.record.audit.matched


def test_demo_needs_a_folder_that_it_may_write_to(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        ended = shell("demo", "--dir", str(place), "-o", "json", code=2)
        assert "cannot keep anything in" in json.loads(ended.stdout)["error"]["message"]


def test_demo_prints_where_things_are(shell: Shell, tmp_path: Path) -> None:
    told = shell("demo", "--dir", str(tmp_path / "demo")).stdout
    assert "verified   intact" in told
    paths = [line.split(maxsplit=1)[1] for line in told.splitlines() if line.startswith("report")]
    assert Path(paths[0]).is_file()
