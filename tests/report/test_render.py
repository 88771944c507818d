"""The four files: complete, honest, safe, and the same for the same record."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import re
import time
import tracemalloc
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irkit.errors import UsageError
from irkit.model.audit import AuditSummary
from irkit.model.evidence import Gap, GapReason
from irkit.model.isolation import Verdict
from irkit.model.run import RunRecord, Status
from irkit.report.load import load
from irkit.report.render import render, write
from irkit.text import quoted, safe
from tests.report import records

EVERY = pytest.mark.parametrize("name", sorted(records.ALL))
_VOID = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """What a browser would find: elements in order, attributes, text, and whether every element is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.faults: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(tag)

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.words))

    def named(self, *names: str) -> list[dict[str, str | None]]:
        return [attrs for tag, attrs in self.tags if tag in names]


def page(record: RunRecord) -> Page:
    return Page(render(record, "html"))


@EVERY
def test_the_page_holds_no_script_no_reference_and_nothing_that_acts(name: str) -> None:
    html = render(records.ALL[name](), "html")
    found = Page(html)
    assert not found.faults
    assert not found.open
    assert {tag for tag, _ in found.tags} <= {
        *("html", "head", "meta", "link", "title", "style", "body", "a", "header", "nav", "main", "footer", "section"),
        *("div", "p", "h1", "h2", "h3", "h4", "ul", "ol", "li", "dl", "dt", "dd", "span", "strong", "code", "time"),
        *("table", "caption", "thead", "tbody", "tr", "th", "td", "abbr", "figure", "figcaption"),
        *("svg", "g", "path", "circle", "rect", "line", "text", "desc"),
    }
    for tag, attrs in found.tags:
        assert not [key for key in attrs if key.startswith("on") or key in ("style", "src", "srcset", "action")], tag
        assert (attrs.get("href") or "#").startswith("#") or attrs == {"rel": "icon", "href": "data:,"}
        assert "url(" not in (attrs.get("style") or "")
    css = re.search(r"<style>(.*?)</style>", html, re.DOTALL)
    assert css
    assert not re.search(r"url\(|@import|expression", css[1])


@EVERY
def test_the_policy_allows_this_stylesheet_and_nothing_else(name: str) -> None:
    html = render(records.ALL[name](), "html")
    css = re.search(r"<style>(.*?)</style>", html, re.DOTALL)
    assert css
    digest = base64.b64encode(hashlib.sha256(css[1].encode()).digest()).decode()
    policies = [attrs["content"] for attrs in Page(html).named("meta") if "http-equiv" in attrs]
    assert policies == [
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    ]
    assert html.index("Content-Security-Policy") < html.index("<style>")


@EVERY
def test_the_page_is_accessible_by_structure(name: str) -> None:
    found = page(records.ALL[name]())
    tags = [tag for tag, _ in found.tags]
    headings = [int(tag[1]) for tag in tags if re.fullmatch(r"h[1-6]", tag)]
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(later <= sooner + 1 for sooner, later in zip(headings, headings[1:], strict=False))
    assert [tags.count(tag) for tag in ("main", "header", "nav", "footer")] == [1, 1, 1, 1]
    assert all(attrs.get("scope") for attrs in found.named("th"))
    ids = [attrs["id"] for _, attrs in found.tags if attrs.get("id")]
    assert len(ids) == len(set(ids))
    targets = [str(attrs["href"])[1:] for attrs in found.named("a")]
    assert set(targets) <= set(ids)
    for attrs in found.named("svg"):
        assert attrs.get("aria-hidden") == "true" or (attrs["role"] == "img" and attrs["aria-labelledby"])
    assert found.named("html")[0]["lang"] == "en"


@EVERY
@pytest.mark.parametrize("form", ["html", "md", "json"])
def test_nothing_that_steers_a_terminal_or_deceives_an_eye_is_left(name: str, form: str) -> None:
    text = render(records.ALL[name](), form)  # type: ignore[arg-type]
    assert safe(text, keep="\n") == text


@EVERY
def test_a_report_can_be_read_back_and_drawn_again(name: str) -> None:
    record = records.ALL[name]()
    again = load(render(record, "json").encode())
    assert again == record
    assert render(again, "html") == render(record, "html")
    assert render(again, "md") == render(record, "md")


@EVERY
def test_write_makes_four_files_and_the_same_twice(name: str, tmp_path: Path) -> None:
    record = records.ALL[name]()
    paths = write(record, tmp_path / "report")
    assert [path.name for path in paths] == ["report.html", "report.md", "report.json", "timeline.jsonl"]
    first = [path.read_bytes() for path in paths]
    assert [path.read_bytes() for path in write(record, tmp_path / "report")] == first
    assert first[0].decode() == render(record, "html")
    moments = first[3].splitlines()
    assert len(moments) == len(record.timeline)
    assert all(set(json.loads(line)) == {"at", "source", "actor", "what", "severity", "ref"} for line in moments)
    assert not list((tmp_path / "report").glob("*.part"))


@EVERY
def test_the_timeline_as_csv_says_the_same_and_runs_nothing(name: str) -> None:
    record = records.ALL[name]()
    head, *rows = list(csv.reader(io.StringIO(render(record, "csv"), newline=""), strict=True))
    assert head == ["time", "severity", "source", "actor", "what", "evidence"]
    assert len(rows) == len(record.timeline)
    assert all(len(row) == 6 for row in rows)
    assert not [cell for row in rows for cell in row if cell.lstrip()[:1] in {*"=+-@", "＝"} - {""}]


@pytest.mark.parametrize("formula", ["=1+1", " =cmd|'/c calc'!A1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"])
def test_a_formula_is_disarmed(formula: str) -> None:
    moment = replace(records.incident().timeline[0], what=formula)
    row = list(csv.reader(io.StringIO(render(replace(records.bare(), timeline=(moment,)), "csv"), newline="")))[1]
    assert row[4] == f"'{safe(formula)}" or row[4].startswith("\\x")


@given(st.text())
def test_json_fit_for_a_terminal_says_the_same(text: str) -> None:
    shown = quoted(json.dumps({"a": text}, ensure_ascii=False, indent=1))
    assert safe(shown, keep="\n") == shown
    assert json.loads(shown) == {"a": text}


def test_the_incident_is_told() -> None:
    text = page(records.incident()).text
    for said in (
        f"payments/{records.POD} is quarantined; whether that holds is not verified",
        "Containment not verified",
        "1 gap",
        "4 serious events",
        "ci-deployer from 203.0.113.47",
        "exec into the pod, container app: sh, for 31 min 4 s",
        records.UID,
        "ReplicaSet/web-6d9f7c8b5d",
        "worker-2",
        "10.42.2.17, fd00::2:17",
        "403: alice may not list clusterrolebindings",
        "grant list on clusterrolebindings",
        "2 things never existed, so nothing was lost",
        f"irkit release {records.POD} -n payments",
        "1,000 times until",
        "v1.37.2",
        "-0.012 s",
        "T1609",
        hashlib.sha256(b"logs/app.current.log").hexdigest(),
        "/log?container=app&timestamps=true",
        "Lines that are no audit events",
        hashlib.sha256(b"playbook").hexdigest(),
    ):
        assert said in text, said


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "ineffective",
            ["is not contained", "allow-monitoring", "admits namespace monitoring", "Narrow allow-monitoring."],
        ),
        (
            "proven",
            [
                "is contained, proven with packets",
                "IPv4: proven, IPv6: ineffective",
                "refuses its eviction",
                "Nothing that was asked for is missing",
                "Complete",
            ],
        ),
        ("dry_run", ["Dry run: nothing was changed on", "would be unverified", "Run it again without --dry-run"]),
        (
            "collect_only",
            [
                "it is not isolated",
                "Isolation was not part of this run",
                "No audit log was given",
                "Give irkit the API server",
            ],
        ),
        ("being_written", ["Written before the run ended", "not when this was written", "4 steps done"]),
        (
            "cut_off",
            ["cut off during step evidence", "irkit run resume 20261123T030211Z-7f3a", "Not known", "Not read"],
        ),
        ("failed", ["The run ended before it found the pod", "pin: failed", "no pod payments/", "Check the name."]),
        ("bare", ["No step was run", "The timeline is empty", "Nothing was asked for"]),
    ],
)
def test_each_kind_of_run_is_told_honestly(name: str, said: list[str]) -> None:
    record = records.ALL[name]()
    text = page(record).text
    assert [words for words in said if words not in text] == []
    plain = re.sub(r"\\([^\w\s])", r"\1", render(record, "md"))
    assert [words for words in said[:1] if words not in plain] == []


def test_a_dry_run_is_never_called_contained() -> None:
    record = replace(records.dry_run(), isolation=records.isolation(Verdict.PROVEN))
    assert "is contained" not in page(record).text
    assert "is contained" not in render(record, "md")


@pytest.mark.parametrize(("id_", "uses"), [("undo-contain", "pod.isolate@1"), ("release", "pod.release@1")])
def test_a_pod_that_was_released_is_not_called_quarantined(id_: str, uses: str) -> None:
    freed = replace(records.steps()[1], id=id_, uses=uses, summary="label and policy are gone", actions=())
    text = page(replace(records.incident(), steps=(*records.steps(), freed))).text
    assert "was released from its quarantine" in text
    assert "is quarantined" not in text
    assert "undo the changes" not in text
    failed = replace(freed, status=Status.FAILED)
    assert "is quarantined" in page(replace(records.incident(), steps=(*records.steps(), failed))).text


def test_an_isolation_without_a_verdict_is_not_called_one() -> None:
    nothing = replace(records.isolation(), verdict={}, changes=(), warnings=("the pod uses the host's network",))
    text = page(replace(records.incident(), isolation=nothing)).text
    assert "could not be isolated" in text
    assert "the pod uses the host's network" in text


def test_an_audit_log_without_a_readable_event_is_not_called_clean() -> None:
    text = page(replace(records.incident(), audit=AuditSummary(("junk.log",), malformed=9), timeline=())).text
    assert "Nothing readable" in text
    assert "no event read" in text


def test_an_audit_log_that_could_not_be_read_is_not_called_missing() -> None:
    failed = tuple(
        replace(step, status=Status.FAILED, summary="audit.log cannot be read") if step.id == "audit" else step
        for step in records.steps()
    )
    text = page(replace(records.incident(), audit=None, steps=failed)).text
    assert "audit.log cannot be read" in text
    assert "No audit log was given" not in text


def test_a_report_written_between_two_steps_says_that_the_run_goes_on() -> None:
    text = page(replace(records.incident(), steps=records.steps()[:4], finished=None)).text
    assert "Written before the run ended" in text
    assert "4 steps done" in text


def test_an_isolation_that_was_refused_is_not_called_optional() -> None:
    refused = tuple(
        replace(step, status=Status.REFUSED, summary="alice may not create networkpolicies")
        if step.id == "contain"
        else step
        for step in records.steps()
    )
    text = page(replace(records.incident(), isolation=None, steps=refused, status=Status.REFUSED)).text
    assert "alice may not create networkpolicies" in text
    assert "Isolation was not part of this run" not in text


def test_what_is_hidden_is_counted() -> None:
    found = page(records.large(moments=2_000, files=500))
    assert "1,750 routine ones are left out here; all are in timeline.jsonl" in found.text
    assert "300 more files of this folder" in found.text
    gaps = tuple(Gap("logs", f"log {n}", GapReason.DENIED, "403") for n in range(250))
    assert "50 more of 250 are in report.json" in page(replace(records.incident(), gaps=gaps)).text


def test_the_gravest_moment_survives_any_flood() -> None:
    flood = records.large(moments=5_000, files=1)
    grave = replace(flood.timeline[2_500], what="exec into the pod: sh", severity="high")
    text = page(replace(flood, timeline=(*flood.timeline, grave))).text
    assert "high: exec into the pod: sh" in text


@pytest.mark.slow
def test_a_hundred_thousand_moments_cost_little() -> None:
    record = records.large()
    tracemalloc.start()
    began = time.process_time()
    html = render(record, "html")
    took, peak = time.process_time() - began, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(html) < 1_000_000
    assert peak < 120_000_000
    assert took < 30  # tracemalloc and coverage make it many times slower: 1.6 s without them


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b'{"schema": "irkit.dev/report/v9"}',
        b'{"schema": "irkit.dev/report/v1"}',
        b"[" * 100_000,
        b'{"schema":"irkit.dev/report/v1","a":' + b"[" * 100_000,
    ],
)
def test_load_refuses_what_is_not_a_report(data: bytes) -> None:
    with pytest.raises(UsageError) as caught:
        load(data)
    assert "\n" not in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("at", ["2026-11-23T03:00:00", "0001-01-01T00:00:00+23:59", "soon", None])
def test_load_refuses_instants_that_are_none(at: object) -> None:
    record = json.loads(render(records.incident(), "json"))
    record["timeline"][0]["at"] = at
    with pytest.raises(UsageError):
        load(json.dumps(record).encode())


def test_half_a_surrogate_pair_costs_no_report(tmp_path: Path) -> None:
    broken = replace(records.incident(), case="half \ud83d", timeline=records.timeline()[:1])
    for path in write(broken, tmp_path):
        assert path.read_bytes().decode()
    assert load((tmp_path / "report.json").read_bytes()).case == "half \ufffd"


def test_load_refuses_unknown_words() -> None:
    record = json.loads(render(records.incident(), "json"))
    record["status"] = "splendid"
    with pytest.raises(UsageError, match="does not fit"):
        load(json.dumps(record).encode())
