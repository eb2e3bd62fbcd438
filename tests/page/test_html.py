from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest

from tune_stability.page import render_page

HOSTILE = "<script>alert(1)</script>"


class Elements(HTMLParser):
    """The elements of a page with their attributes, and the text of each script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self.found and self.found[-1][0] == "script":
            self.scripts[-1] += data

    def having(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for _, attributes in self.found if name in attributes]


def half(recipe: str, index: int, seed: int) -> str:
    return "s" if index % 2 and (seed % 2 == 0 or recipe == "stable") else "u"


@pytest.fixture
def trials(make_frame):
    """As the store gives them, with the columns that a page shows."""
    frame = make_frame(half)
    ids = [f"{place:020x}" for place in range(len(frame))]
    more = {
        "best_score": 0.5,
        "train_loss": 0.6,
        "gradient_start": 1.0,
        "gradient_end": 0.5,
        "steps": 192,
        "seconds": 1.0,
    }
    return frame.assign(trial_id=ids, device="cpu", started_at=None, **more)


def test_a_page_needs_no_network_and_lets_nothing_out(trials, make_view) -> None:
    page = render_page([[make_view(trials)]])
    elements = Elements(page)
    assert not elements.having("src")
    assert all(one["href"].startswith("#") for one in elements.having("href"))
    policy = next(one["content"] for one in elements.having("http-equiv"))
    assert policy.startswith("default-src 'none'")
    assert "url(" not in re.sub(r"<script.*?</script>", "", page, flags=re.S)


def test_text_of_the_store_is_shown_and_not_run(trials, make_view) -> None:
    view = make_view(trials.assign(device=HOSTILE), name=HOSTILE, model=HOSTILE, task=HOSTILE)
    page = render_page([[view]])
    assert HOSTILE not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    scripts = Elements(page).scripts
    assert len(scripts) == 4
    assert json.loads(scripts[0])["studies"][0]["trials"]["columns"]["device"][0] == HOSTILE


def test_an_asterisk_of_a_name_is_an_asterisk(trials, make_view) -> None:
    page = render_page([[make_view(trials, name="a*b*c")], [make_view(trials.assign(score=0.0), name="d*<b>")]])
    assert "in d*&lt;b&gt; than in a*b*c" in page
    assert "<strong>25.0 points smaller</strong>" in page


def test_each_rule_has_its_answer_and_the_first_is_shown(trials, make_view) -> None:
    rules = ("majority", "margin:0.505")
    page = render_page([[make_view(trials, rule) for rule in rules]])
    parts = Elements(page).having("data-rule")
    assert {one["data-rule"] for one in parts} == set(rules)
    assert all(("hidden" in one) == (one["data-rule"] != "majority") for one in parts)
    assert page.count('<p class="headline">') == 2


def test_every_picture_has_words_and_a_place_among_the_data(trials, make_view) -> None:
    elements = Elements(render_page([[make_view(trials)]]))
    pictures = elements.having("data-picture")
    data = json.loads(elements.scripts[1])
    assert pictures
    for one in pictures:
        assert one["role"] == "img"
        assert len(one["aria-label"]) > 20
        assert data[int(one["data-picture"])]["data"]
        assert re.search(r"height:\d+px", one["style"])


def test_a_trial_can_be_found_with_its_command(trials, make_view) -> None:
    study = json.loads(Elements(render_page([[make_view(trials)]])).scripts[0])["studies"][0]
    columns = study["trials"]["columns"]
    assert columns["trial_id"] == list(trials["trial_id"])
    assert columns["learning_rate"][0] == pytest.approx(trials["learning_rate"][0], rel=1e-5)
    assert study["commands"][columns["trial_id"][0]].endswith(f"'results/a study' {columns['trial_id'][0]}")
    # What is the same in all trials is told once.
    assert study["trials"]["shared"]["batch_size"] == 16
    assert "batch_size" not in columns


def test_two_studies_stand_side_by_side_after_their_difference(trials, make_view) -> None:
    first, second = make_view(trials, name="one"), make_view(trials.assign(score=0.0), name="other")
    page = render_page([[first], [second]])
    columns = [one["data-study"] for one in Elements(page).having("data-study")]
    assert columns[:3] == ["0", "0", "1"]
    assert "<strong>25.0 points smaller</strong>" in page


@pytest.mark.parametrize(
    ("letter", "said"),
    [
        ("s", "Whether stable widens the region of successful runs is open"),
        ("u", "Whether stable widens the region of successful runs is open"),
        ("e", "No trial has an outcome yet."),
    ],
)
def test_studies_of_one_kind_say_so(letter, said, make_frame, make_view, trials) -> None:
    frame = make_frame(lambda recipe, index, seed: letter)
    view = make_view(frame.assign(**{name: trials[name] for name in set(trials) - set(frame)}))
    assert said in render_page([[view]])


def test_a_search_without_design_rows_says_what_to_run(trials, make_view) -> None:
    page = render_page([[make_view(trials.assign(source="adaptive"), sampler="tpe")]])
    assert "run the sampler sobol" in page


def test_a_page_of_one_configuration_says_that_it_knows_little(make_frame, make_view, trials) -> None:
    frame = make_frame(half, n_configs=1)
    view = make_view(frame.assign(**{name: trials[name][: len(frame)] for name in set(trials) - set(frame)}))
    assert 'class="warning"' in render_page([[view]])
