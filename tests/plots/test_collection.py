from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from tune_stability.outcomes import SuccessRule
from tune_stability.plots import COLLECTION
from tune_stability.plots.style import for_print
from tune_stability.reporting import study_views
from tune_stability.views import StudyView

STUDY = Path(__file__).parents[2] / "results" / "lr-minilm-rte"


@pytest.fixture(scope="module")
def view() -> StudyView:
    return study_views(str(STUDY), [SuccessRule()])[0]


def drawn(name: str, view: StudyView) -> Figure:
    with for_print():
        figure = COLLECTION[name](view)
        assert figure is not None
        figure.savefig(io.BytesIO(), format="png", dpi=50)
    return figure


def test_gradients_of_the_most_frequent_failure_mode_and_of_a_success(view: StudyView) -> None:
    figure = drawn("gradient-norms", view)
    assert [ax.get_title() for ax in figure.axes] == ["failed: vanishing gradients", "successful"]
    assert figure.axes[0].get_ylim() == figure.axes[1].get_ylim()
    assert [len(ax.lines) for ax in figure.axes] == [9, 9]
    names = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    assert (names[0], names[-1]) == ("embeddings", "classifier")


def test_all_trials_have_a_place_in_score_against_loss(view: StudyView) -> None:
    (ax,) = drawn("score-against-loss", view).axes
    assert sum(len(line.get_xdata()) for line in ax.lines if line.get_linestyle() == "None") == len(view.trials)


def test_there_is_no_figure_of_what_is_not_there(view: StudyView) -> None:
    assert COLLECTION["gradient-norms"](dataclasses.replace(view, gradients=view.gradients.head(0))) is None
    none = dataclasses.replace(view, trials=view.trials.assign(status="error"))
    assert COLLECTION["score-against-loss"](none) is None
