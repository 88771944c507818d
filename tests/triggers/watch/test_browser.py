"""The watch page in a real browser: approve, deny, expire, freeze, follow a run to its report; by keyboard; axe."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from irkit.cluster import client
from irkit.cluster.resources import PODS
from irkit.drill.range.server import Range
from irkit.model.run import Status
from irkit.playbook import engine, runs
from irkit.playbook.engine import Setup
from irkit.playbook.rails.memory import Memory
from irkit.settings import ClusterSettings
from tests.playbook.practice import NAMESPACE
from tests.triggers.watch.conftest import log_in
from tests.triggers.watch.stage import GUEST, Stage, stage
from tests.waiting import until

pytestmark = pytest.mark.xdist_group("watch")
SLOW = 20_000  # ms: workers look again every five seconds


@pytest.fixture
def pods(watch_range: Range) -> list[str]:
    cluster = client.connect(ClusterSettings(str(watch_range.kubeconfig)))
    pages = cluster.pages(PODS.path(NAMESPACE))
    return sorted(item["metadata"]["name"] for page in pages for item in page.json()["items"])


@pytest.fixture
def shown(watch_range: Range, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A server with its page; the cluster is given back as it was."""
    home = tmp_path_factory.mktemp("watch")
    with stage(watch_range.kubeconfig, home) as made:
        yield made
    for run_id in runs.ids(home):
        engine.undo(run_id, Setup(home))


def outcome(shown: Stage) -> tuple[Status, ...]:
    """How the steps of the only run ended."""
    return tuple(step.status for step in shown.scene.run().steps)


def serious(page: Page) -> list[str]:
    """What axe finds wrong for people who do not see the page as we do."""
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in found if one["impact"] in ("serious", "critical")]


def test_a_person_approves_by_keyboard_and_follows_the_run_to_its_report(
    shown: Stage, page: Page, pods: list[str]
) -> None:
    log_in(page, shown)
    expect(page.get_by_text("Nobody is asked for anything.")).to_be_visible()
    shown.alert(pods[0], "yes")
    # It comes by itself: nothing was reloaded.
    expect(page.get_by_role("heading", name=f"Isolate payments/{pods[0]}?")).to_be_visible(timeout=SLOW)
    page.get_by_label("Note").focus()
    page.keyboard.type("seen in the logs")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Approve")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/watch/runs/"))
    page.get_by_role("link", name="Read the report").click(timeout=SLOW)
    expect(page.get_by_role("heading", level=1)).to_contain_text(pods[0])
    assert "sandbox" in (page.request.get(page.url).headers["content-security-policy"])
    assert outcome(shown) == (Status.DONE, Status.DONE, Status.DONE, Status.DONE)
    (vote,) = shown.votes()
    assert (vote["person"]["name"], vote["person"]["how"], vote["note"]) == ("ana", "token", "seen in the logs")


def test_a_person_denies_and_nothing_is_changed(shown: Stage, page: Page, pods: list[str]) -> None:
    shown.alert(pods[0], "yes")
    log_in(page, shown)
    page.get_by_role("button", name="Deny").click(timeout=SLOW)
    expect(page.get_by_text("denied by ana")).to_be_visible(timeout=SLOW)
    assert outcome(shown)[1:3] == (Status.REFUSED, Status.SKIPPED)


def test_a_question_that_nobody_answers_expires(shown: Stage, page: Page, pods: list[str]) -> None:
    log_in(page, shown)
    shown.alert(pods[0], "soon")
    page.get_by_role("link", name=re.compile("-1-")).click(timeout=SLOW)
    expect(page.get_by_text("nobody answered in time")).to_be_visible(timeout=SLOW)
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    assert outcome(shown)[1:3] == (Status.REFUSED, Status.SKIPPED)


def test_who_has_not_the_role_sees_why_and_has_no_button(shown: Stage, page: Page, pods: list[str]) -> None:
    shown.alert(pods[0], "yes")
    log_in(page, shown, GUEST)
    expect(page.get_by_text("it takes ir-lead, and gus has on-call")).to_be_visible(timeout=SLOW)
    for name in ("Approve", "Deny", "Freeze everything"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)


def test_a_freeze_holds_a_run_back_and_the_thaw_lets_it_go(shown: Stage, page: Page, pods: list[str]) -> None:
    log_in(page, shown)
    page.get_by_label("Reason to freeze").fill("the exercise goes wrong")
    page.get_by_role("button", name="Freeze everything").click()
    expect(page.get_by_role("alert")).to_contain_text("the exercise goes wrong")
    assert Memory(shown.scene.home).frozen()
    shown.alert(pods[0])
    held = page.locator("[data-live=held]")
    expect(held).to_contain_text("frozen by ana", timeout=SLOW)
    page.get_by_role("button", name="Thaw").click()
    expect(page.get_by_text("Not frozen")).to_be_visible()
    expect(held).to_contain_text("Nothing is held back.", timeout=40_000)
    until(shown.scene.settled, "the run ends")


def test_a_storm_isolates_one_pod_and_the_page_says_why_the_rest_waits(
    shown: Stage, page: Page, pods: list[str]
) -> None:
    twins = [name for name in pods if name.startswith("web-")]
    for number in range(50):
        for name in twins:
            shown.alert(name, number=number)
    log_in(page, shown)
    held = page.locator("[data-live=held]")
    expect(held).to_contain_text(
        "1 of 2 pods of Deployment/web were changed within 24h; at most 1 may be", timeout=SLOW
    )
    # An alert for the first pod that comes when its run has ended waits too, for the cool-down.
    assert all(re.search(r"\b(share|cool-down)\b", one) for one in held.get_by_role("article").all_inner_texts())
    page.get_by_role("link", name="Queue").click()
    jobs = page.locator("table.jobs")
    expect(jobs).to_contain_text("1 of 2 pods of Deployment/web were changed within 24h", timeout=SLOW)
    assert sum(job.deliveries for job in shown.scene.jobs()) == 50 * len(twins)
    cluster = client.connect(ClusterSettings(str(shown.scene.kubeconfig)))
    labelled = [
        item
        for found in cluster.pages(PODS.path(NAMESPACE))
        for item in found.json()["items"]
        if "irkit.dev/quarantine" in item["metadata"].get("labels", {})
    ]
    assert len(labelled) == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(shown: Stage, chromium: Browser, pods: list[str], scheme: str) -> None:
    shown.alert(pods[0], "yes")
    context = chromium.new_context(color_scheme="dark" if scheme == "dark" else "light")
    page = context.new_page()
    page.goto(shown.url)
    assert serious(page) == []
    log_in(page, shown)
    expect(page.get_by_role("button", name="Approve")).to_be_visible(timeout=SLOW)
    assert serious(page) == []
    for name in ("Queue", "Runs", re.compile("-1-")):
        page.get_by_role("link", name=name).first.click()
        page.wait_for_load_state()
        assert serious(page) == [], name
    context.close()


def test_it_is_whole_without_script_colour_or_room(shown: Stage, chromium: Browser, pods: list[str]) -> None:
    shown.alert(pods[0], "yes")
    until(lambda: any("approval" in job.word for job in shown.scene.jobs()), "somebody is asked")
    context = chromium.new_context(
        java_script_enabled=False, forced_colors="active", viewport={"width": 360, "height": 640}
    )
    page = context.new_page()
    log_in(page, shown)
    expect(page.get_by_text("waits for approval")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_role("button", name="Deny").click()
    page.wait_for_url(re.compile("/watch/runs/"))
    context.close()
    assert [vote["approves"] for vote in shown.votes()] == [False]
