"""The page in a real browser: the system's Chromium, driven by Playwright."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tune_stability import compare, load_results
from tune_stability.commands import rerun_command
from tune_stability.outcomes import SuccessRule
from tune_stability.page import render_page
from tune_stability.report import RULES
from tune_stability.reporting import study_views

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((found for found in map(shutil.which, NAMES) if found), None)
playwright = pytest.importorskip("playwright.sync_api", reason="no playwright: pip install playwright")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason=f"none of {', '.join(NAMES)} is there: apt-get install chromium"),
]

STUDY = Path(__file__).parents[2] / "results" / "lr-micro-bert-grammar"
HOSTILE = "<script>alert(1)</script>"
DRAWN = """() => [...document.querySelectorAll(".picture")].filter((place) => place.offsetParent).map((place) =>
    ({name: place.dataset.name, alt: place.getAttribute("aria-label"),
      width: Math.floor(Number(place.querySelector(".main-svg")?.getAttribute("width"))),
      marks: place.querySelectorAll(".mlayer :is(path[d], image)").length}))"""
FOCUS = "(({tagName, id, className, name}) => `${tagName} ${id || className || name}`)(document.activeElement)"
# The next press of Tab starts where the focus is: at the top.
RESET = """() => { document.querySelectorAll("details").forEach((one) => (one.open = false));
    document.body.tabIndex = -1; document.body.focus(); scrollTo(0, 0); }"""
# The point farthest from all others of a picture: its trial, and its middle on the screen.
LONELY = """(place) => {
    const points = [...place.querySelectorAll(".point")].map((point) => {
        const box = point.getBoundingClientRect();
        return { key: point.__data__.data, x: box.x + box.width / 2, y: box.y + box.height / 2 };
    });
    const far = (one, other) => (one === other ? Infinity : Math.hypot(one.x - other.x, one.y - other.y));
    const space = (one) => Math.min(...points.map((other) => far(one, other)));
    const { key, x, y } = points.reduce((best, one) => (space(one) > space(best) ? one : best));
    return [key, x, y];
}"""
SCROLL = """async () => {
    for (let top = 0; top < document.body.scrollHeight; top += 800) {
        scrollTo(0, top);
        await new Promise((done) => setTimeout(done, 30));
    }
}"""
SETTLED = """() => [...document.querySelectorAll(".picture")].filter((place) => place.offsetParent).every((place) =>
    place.dataset.drawn === document.documentElement.dataset.theme
    && Math.floor(Number(place.querySelector(".main-svg").getAttribute("width"))) === place.clientWidth)"""
SHIFTS = """window.shifted = 0; new PerformanceObserver((list) => list.getEntries().forEach((entry) => {
    if (!entry.hadRecentInput) window.shifted += entry.value; })).observe({type: "layout-shift", buffered: true});"""


def page_of(study: Path, rules: Sequence[str] = RULES, edit: Callable[[str], str] = str) -> Path:
    """The page of a copied study, whose spec may be edited first."""
    (study / "study.json").write_text(edit((study / "study.json").read_text()))
    views = study_views(str(study), [SuccessRule.parse(rule) for rule in rules])
    (study / "report.html").write_text(render_page([views]), encoding="utf-8")
    return study / "report.html"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return page_of(Path(shutil.copytree(STUDY, tmp_path_factory.mktemp("real") / "study")))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a small study whose model has a name that must not run, by one rule."""
    study = shutil.copytree(STUDY.with_name("lr-minilm-rte"), tmp_path_factory.mktemp("hostile") / "study")
    return page_of(Path(study), RULES[:1], lambda spec: spec.replace('"minilm"', f'"{HOSTILE}"'))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        found = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


class Visits:
    """Pages that are opened, what they say on the console and what they ask for."""

    def __init__(self, browser: Any) -> None:
        self.browser = browser
        self.said: list[str] = []
        self.asked: list[str] = []

    def open(self, file: Path, **options: Any) -> Any:
        page = self.browser.new_page(viewport={"width": 1200, "height": 900}, **options)
        page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("dialog", lambda dialog: (self.said.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: self.asked.append(request.url))
        page.add_init_script(SHIFTS)
        page.goto(file.as_uri())
        return page

    def check(self) -> None:
        """Nothing was said, and no page asked for anything but itself."""
        assert self.said == []
        assert [url for url in self.asked if not (url.startswith("file:") and url.endswith("/report.html"))] == []


@pytest.fixture(scope="module")
def visits(browser: Any) -> Visits:
    return Visits(browser)


@pytest.fixture(scope="module")
def opened(visits: Visits, report: Path) -> Any:
    return visits.open(report)


@pytest.fixture
def page(opened: Any, visits: Visits) -> Iterator[Any]:
    """The page of the real study as a reader finds it; one page, since each opening takes seconds."""
    # Behind a page that was opened later it may get no frames.
    opened.bring_to_front()
    opened.set_viewport_size({"width": 1200, "height": 900})
    choose(opened, RULES[0])
    if opened.evaluate("document.documentElement.dataset.theme") == "dark":
        opened.locator("#theme").click()
    opened.evaluate(RESET)
    yield opened
    visits.check()


def scroll(page: Any) -> None:
    """Pass every picture that is shown, and wait until each is drawn as wide as its place and in the theme."""
    page.evaluate(SCROLL)
    wait(page, SETTLED)


def wait(page: Any, condition: str) -> None:
    # Not with Playwright's own means, which the page's policy forbids.
    for _ in range(100):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"never came true: {condition}")


def choose(page: Any, rule: str) -> None:
    page.locator("#rules label", has_text=re.compile(f"^{rule}$")).click()


def test_every_picture_has_marks_and_words_whatever_the_rule_theme_and_width(page: Any) -> None:
    states = [("light", 1200, RULES), ("dark", 1200, RULES[:1]), ("dark", 400, RULES[:1])]
    for theme, width, rules in states:
        page.set_viewport_size({"width": width, "height": 900})
        if page.evaluate("document.documentElement.dataset.theme") != theme:
            page.locator("#theme").click()
        for rule in rules:
            choose(page, rule)
            scroll(page)
            pictures = page.evaluate(DRAWN)
            assert len(pictures) >= 1
            assert [one["name"] for one in pictures if one["marks"] == 0] == []
            assert [one["name"] for one in pictures if len(one["alt"]) < 20] == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert background == ("rgb(255, 255, 255)" if theme == "light" else "rgb(18, 22, 27)")
    assert page.locator("img:not([alt])").count() == 0


def test_reading_shifts_nothing(report: Path, visits: Visits) -> None:
    page = visits.open(report)
    for _ in range(12):
        page.mouse.wheel(0, 700)
        page.wait_for_timeout(50)
    assert page.evaluate("window.shifted") < 0.1
    visits.check()


def test_the_switch_of_the_rule_shows_what_compare_gives(page: Any, report: Path) -> None:
    shown = []
    for rule in RULES:
        choose(page, rule)
        found = compare(report.parent, baseline="devlin", treatment="stable", rule=rule)
        headline = page.locator(".headline:visible").inner_text()
        widening = found.difference
        assert f"{100 * widening.estimate:.1f} points" in headline
        assert f"[{100 * widening.low:.1f}, {100 * widening.high:.1f}]" in headline
        rates = page.locator(".picture:visible[data-name=rates]").get_attribute("aria-label")
        for arm in (found.baseline, found.treatment):
            assert f"{arm.recipe} {arm.success_rate.format('percent')}" in rates
        assert page.locator(".tiles:visible").inner_text().count(rule) == 1
        shown.append(rates)
    assert len(set(shown)) == len(RULES)


def test_a_click_on_a_point_shows_its_trial(page: Any, report: Path) -> None:
    scroll(page)
    trials = load_results(report.parent).set_index("trial_id")
    picture = page.locator(".picture:visible[data-name=score-against-loss]")
    picture.scroll_into_view_if_needed()
    # A successful trial whose point has no other one near.
    name, x, y = picture.evaluate(LONELY)
    page.mouse.click(x, y)
    dialog = page.locator("#trial")
    assert dialog.locator("h2").inner_text() == f"Trial {name}"
    rows = dict(line.split("\t") for line in dialog.locator("tr").all_inner_texts())
    trial = trials.loc[name]
    assert (rows["recipe"], rows["seed"]) == (trial["recipe"], str(trial["seed"]))
    assert float(rows["score"]) == pytest.approx(trial["score"], rel=1e-5)
    assert float(rows["train loss"]) == pytest.approx(trial["train_loss"], rel=1e-5)
    assert dialog.locator("code").inner_text() == rerun_command(str(report.parent), name)
    page.keyboard.press("Escape")
    assert not dialog.is_visible()


def test_the_keyboard_reaches_a_trial_and_comes_back(page: Any) -> None:
    summary = page.locator("figure:has([data-name=score-against-loss]) summary:visible")
    summary.focus()
    page.keyboard.press("Enter")
    for _ in range(3):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.className") == "key":
            break
    name = page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Enter")
    assert page.locator("#trial h2").inner_text() == f"Trial {name}"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.textContent") == name


def test_the_choice_of_a_failure_mode_shows_its_trials(page: Any) -> None:
    choice = page.locator("#failures select:visible")
    choice.focus()
    assert page.locator(".picture:visible[data-name^=gradients-vanishing]").count() == 2
    page.keyboard.press("ArrowDown")
    scroll(page)
    assert page.locator(".picture:visible[data-name^=gradients-vanishing]").count() == 0
    assert page.locator(".picture:visible[data-name^=gradients-undertrained]").count() == 2
    assert [one["name"] for one in page.evaluate(DRAWN) if one["marks"] == 0] == []


def test_a_hostile_name_is_shown_and_not_run(hostile: Path, visits: Visits) -> None:
    page = visits.open(hostile)
    assert HOSTILE in page.locator("header .name").inner_text()
    scroll(page)
    visits.check()


def test_the_page_prints_with_all_pictures(hostile: Path, visits: Visits) -> None:
    page = visits.open(hostile, color_scheme="dark")
    page.emulate_media(media="print")
    assert page.pdf().startswith(b"%PDF")
    assert [one["name"] for one in page.evaluate(DRAWN) if one["marks"] == 0] == []
    wait(page, SETTLED)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    assert max(one["width"] for one in page.evaluate(DRAWN)) == 680
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    wait(page, SETTLED)
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert not page.locator("nav").is_visible()
    visits.check()


def test_the_keyboard_reaches_every_control(page: Any) -> None:
    theme = page.evaluate("document.documentElement.dataset.theme")
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        focus = page.evaluate(FOCUS)
        reached.append(focus)
        if focus == "INPUT rule":
            page.keyboard.press("ArrowRight")
            assert page.locator("input[name=rule]:checked").get_attribute("value") == RULES[1]
        if focus == "BUTTON theme":
            page.keyboard.press("Enter")
            assert page.evaluate("document.documentElement.dataset.theme") != theme
        if focus.startswith("SUMMARY"):
            page.keyboard.press("Enter")
            assert page.evaluate("document.activeElement.parentElement.open")
            break
    assert {"A skip", "INPUT rule", "BUTTON theme"} <= set(reached)
    assert reached[-1].startswith("SUMMARY")
