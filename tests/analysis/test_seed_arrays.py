from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from tune_stability.analysis import seed_arrays
from tune_stability.errors import UserError


def row(index: int, init: int, data: int, dropout: int, **changes: object) -> dict[str, object]:
    return {
        "recipe": "a",
        "config_index": index,
        "source": "design",
        "status": "completed",
        "init_seed": 1000 * index + init,
        "data_seed": 1000 * index + data,
        "dropout_seed": 1000 * index + dropout,
        "score": index + init / 10 + data / 100 + dropout / 1000,
        **changes,
    }


def study(*indices: int, k: int = 2, recipe: str = "a") -> list[dict[str, object]]:
    return [row(index, *triple, recipe=recipe) for index in indices for triple in itertools.product(range(k), repeat=3)]


def table(rows: list[dict[str, object]]) -> pd.DataFrame:
    return pd.DataFrame(rows).astype(dict.fromkeys(["init_seed", "data_seed", "dropout_seed"], "Int64"))


def test_scores_stand_at_their_seeds() -> None:
    rows = [*study(4, 0), *study(0, recipe="b"), row(7, 0, 0, 0, source="adaptive")]
    frame = table(rows).sample(frac=1, random_state=0)
    i, j, k = np.indices((2, 2, 2))
    cells = i / 10 + j / 100 + k / 1000
    np.testing.assert_allclose(seed_arrays(frame, "a"), [cells, 4 + cells])
    np.testing.assert_allclose(seed_arrays(frame, "b"), [cells])


def test_what_has_no_score_is_nan() -> None:
    frame = table(study(0, 1))
    frame.loc[1, "status"] = "error"
    frame.loc[2, "score"] = np.nan
    found = seed_arrays(frame.drop(index=15), "a")
    assert np.argwhere(np.isnan(found)).tolist() == [[0, 0, 0, 1], [0, 0, 1, 0], [1, 1, 1, 1]]


def test_a_study_that_grew_half_way_lacks_the_new_seeds() -> None:
    frame = table([*study(0, k=3), *study(1, k=2)])
    found = seed_arrays(frame, "a")
    assert found.shape == (2, 3, 3, 3)
    assert np.isnan(found[0]).sum() == 0
    assert np.isnan(found[1]).sum() == 19


def test_a_study_that_has_hardly_begun_has_the_shape_it_is_to_have() -> None:
    found = seed_arrays(table([row(0, 0, 0, 0)]), "a", n_seeds=2)
    assert found.shape == (1, 2, 2, 2)
    assert np.isnan(found).sum() == 7


def test_a_recipe_without_design_rows_has_no_configuration() -> None:
    assert seed_arrays(table([row(0, 0, 0, 0, source="adaptive")]), "a", 2).shape == (0, 2, 2, 2)


SINGLE = [row(index, seed, seed, seed) for index in range(2) for seed in range(3)]


@pytest.mark.parametrize(
    ("frame", "options", "message"),
    [
        (table(study(0)).drop(columns=["init_seed", "score"]), {}, "lacks the columns score, init_seed"),
        (table(study(0)), {"recipe": "c"}, "unknown recipe 'c'"),
        (table(SINGLE), {}, "seed scheme single, .*; run a new study with --seed-scheme factorial"),
        (table(SINGLE), {"n_seeds": 3}, "seed scheme single"),
        (table(study(0)).assign(init_seed=pd.NA), {}, "seed scheme single"),
        (table([*study(0), row(0, 1, 0, 1)]), {}, "several trials for"),
        (table(study(0, k=3)), {"n_seeds": 2}, "has 3 seeds of a kind, received n_seeds=2; give 3"),
    ],
)
def test_bad_input(frame: pd.DataFrame, options: dict, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        seed_arrays(frame, **{"recipe": "a", **options})
    assert "\n" not in str(caught.value)
