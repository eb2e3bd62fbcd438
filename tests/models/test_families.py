from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tune_stability.errors import UserError
from tune_stability.hyperparameters import Hyperparameters
from tune_stability.models.families import family_settings

# Mosbach et al. 2020: RoBERTa-large is not clipped, ALBERT-large-v2 neither drops out nor decays.
ROBERTA = {"weight_decay": 0.1, "adam_beta2": 0.98, "max_grad_norm": 0.0}
ALBERT = {"dropout": 0.0, "weight_decay": 0.0}


@pytest.mark.parametrize(
    ("model", "expected"), [("micro-bert", {}), ("micro-roberta", ROBERTA), ("micro-albert", ALBERT)]
)
def test_the_settings_of_the_embedded_models(model: str, expected: dict[str, float]) -> None:
    assert family_settings(model) == expected
    assert Hyperparameters(**family_settings(model)).differences() == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("model_type", "expected"),
    [("bert", {}), ("roberta", ROBERTA), ("albert", ALBERT), ("distilbert", {}), ("modernbert", {})],
)
def test_the_settings_of_a_folder_are_those_of_its_type(
    model_type: str, expected: dict[str, float], checkpoint: Callable[[str], Path]
) -> None:
    assert family_settings(str(checkpoint(model_type))) == expected


@pytest.mark.parametrize("config", ["{", "{}", "[]", '"bert"', "\xff", '{"model": "bert"}'])
def test_a_folder_that_does_not_say_its_type(config: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(config.encode("latin-1"))
    with pytest.raises(UserError, match=r"does not say its model_type; give one that save_pretrained wrote\.$"):
        family_settings(str(tmp_path))
