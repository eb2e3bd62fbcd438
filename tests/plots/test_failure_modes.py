from __future__ import annotations

import io

import pytest
from matplotlib.figure import Figure

from tune_stability.plots import COLLECTION, plot_failure_modes
from tune_stability.plots.failure_modes import MODE_STYLES
from tune_stability.plots.style import arm_styles
from tune_stability.recipes import RECIPES
from tune_stability.views import failure_mode_table
from tune_stability.views.failure_modes import ENDS


def letters(recipe: str, index: int, seed: int) -> str:
    return {"devlin": "svdu", "stable": "sssu"}[recipe][index % 4]


def test_bars_add_up_to_100(make_trials, make_view) -> None:
    ax = Figure().subplots()
    plot_failure_modes(failure_mode_table(make_view(make_trials(letters, n_configs=8))), ax)
    # What no arm shows has no bar and no entry.
    assert ax.get_legend_handles_labels()[1] == ["success", "undertrained", "vanishing gradients", "diverged"]
    bars = [[(bar.get_x(), bar.get_width()) for bar in container] for container in ax.containers]
    assert bars == [[(0, 25), (0, 75)], [(25, 25), (75, 25)], [(50, 25), (100, 0)], [(75, 25), (100, 0)]]
    assert [text.get_text() for text in ax.texts] == ["25", "75", "25", "25", "25", "25"]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["devlin", "stable"]
    ax.figure.savefig(io.BytesIO(), format="png")


def test_every_end_of_a_trial_has_a_colour_and_a_hatch_of_its_own() -> None:
    assert set(MODE_STYLES) == set(ENDS)
    for place in (0, 1):
        assert len({style[place] for style in MODE_STYLES.values()}) == len(ENDS)
    arms = {colour.upper() for colour, _ in arm_styles(list(RECIPES)).values()}
    assert not arms & {colour.upper() for colour, _ in MODE_STYLES.values()}


@pytest.mark.parametrize("sampler", ["sobol", "tpe"])
def test_the_collection_draws_it_or_nothing(sampler: str, make_trials, make_view) -> None:
    figure = COLLECTION["failure-modes"](make_view(make_trials(letters), sampler=sampler))
    assert (figure is None) == (sampler == "tpe")
