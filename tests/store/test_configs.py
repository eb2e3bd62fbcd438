"""A stored row gives back the trial that it is of."""

from __future__ import annotations

import pandas as pd
import pytest

from tune_stability import Hyperparameters, load_results
from tune_stability.data_source import DataSource
from tune_stability.errors import UserError
from tune_stability.store import config_of_row


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"hyperparameters": Hyperparameters(learning_rate=1e-3 / 3, bias_correction=False, lr_scheduler_type="cosine")},
        {"init_seed": 7, "data_seed": 8, "dropout_seed": 9},
        # All three are the run's seed, which is another trial than one without any.
        {"init_seed": 3, "data_seed": 3, "dropout_seed": 3},
        {"source": "adaptive", "replicate": 2, "recipe": "<b>", "model": "a/b", "model_revision": ""},
    ],
)
def test_a_row_gives_back_its_trial(make, study, changes: dict) -> None:
    config = make.config(seed=3, **changes)
    make.write(study, config)
    row = load_results(study).iloc[0].to_dict()
    back = config_of_row(row, DataSource(data_dir="glue"))
    assert back.trial_id == config.trial_id
    assert back.hyperparameters == config.hyperparameters
    assert (back.seed, back.init_seed, back.data_seed, back.dropout_seed) == (
        config.seed,
        config.init_seed,
        config.data_seed,
        config.dropout_seed,
    )
    assert (back.recipe, back.config_index, back.source, back.replicate) == (
        config.recipe,
        config.config_index,
        config.source,
        config.replicate,
    )
    assert back.data == DataSource(data_dir="glue")


def test_a_row_of_before_the_seeds_had_parts_is_read(make, study) -> None:
    config = make.config(seed=3)
    make.write(study, config)
    row = load_results(study).iloc[0].to_dict() | dict.fromkeys(("init_seed", "data_seed", "dropout_seed"), pd.NA)
    assert config_of_row(row).trial_id == config.trial_id


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seed": 4}, "makes another trial here"),
        ({"learning_rate": 1.0}, "makes another trial here"),
        ({"contract_version": 0}, "version 0 of the code contract, and this tune_stability has 1"),
        ({"num_epochs": 0}, r"num_epochs must lie in \[1, inf\)"),
    ],
)
def test_a_row_that_is_not_its_ids_is_refused(make, study, change: dict, words: str) -> None:
    make.write(study, make.config())
    row = load_results(study).iloc[0].to_dict() | change
    with pytest.raises(UserError, match=words) as caught:
        config_of_row(row)
    assert "\n" not in str(caught.value)
