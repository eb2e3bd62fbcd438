from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn

from tune_stability.models.loading import load_model
from tune_stability.training import fine_tuning
from tune_stability.training.layer_rates import rate_factors
from tune_stability.training.optimizer import PaperAdamW
from tune_stability.training.parameters import FlatParameters


def by_name(flat: FlatParameters, factors: torch.Tensor) -> dict[str, float]:
    """The factor of each parameter, which all its entries share."""
    found = {}
    for name, part in zip(flat.names, factors.split([view.numel() for view in flat.value_views]), strict=True):
        assert (part == part[0]).all(), name
        found[name] = part[0].item()
    return found


def test_factors_of_micro_bert_by_hand() -> None:
    pretrained = load_model("micro-bert", 2)
    flat = FlatParameters(pretrained.model)
    factors = rate_factors(flat, pretrained.new_parameters, 0.5)
    assert factors is not None
    assert factors.shape == flat.values.shape
    assert factors.dtype == flat.values.dtype
    wanted = {
        "bert.embeddings.": 1 / 32,
        "bert.encoder.layer.0.": 1 / 16,
        "bert.encoder.layer.1.": 1 / 8,
        "bert.encoder.layer.2.": 1 / 4,
        "bert.encoder.layer.3.": 1 / 2,
        "bert.pooler.": 1.0,
        "classifier.": 1.0,
    }
    for name, factor in by_name(flat, factors).items():
        assert factor == next(value for start, value in wanted.items() if name.startswith(start)), name


def test_albert_has_one_layer_between_head_and_embeddings() -> None:
    pretrained = load_model("micro-albert", 2)
    flat = FlatParameters(pretrained.model)
    factors = rate_factors(flat, pretrained.new_parameters, 0.5)
    assert factors is not None
    for name, factor in by_name(flat, factors).items():
        assert factor == (0.25 if "embedding" in name else 0.5 if "albert_layers" in name else 1.0), name


def test_a_decay_of_1_needs_no_factors() -> None:
    pretrained = load_model("micro-bert", 2)
    assert rate_factors(FlatParameters(pretrained.model), pretrained.new_parameters, 1.0) is None


class Named(nn.Module):
    """One weight under each of these names."""

    def __init__(self, *names: str) -> None:
        super().__init__()
        for name in names:
            holder: nn.Module = self
            *path, last = name.split(".")
            for step in path:
                if not hasattr(holder, step):
                    holder.add_module(step, nn.Module())
                holder = getattr(holder, step)
            holder.register_parameter(last, nn.Parameter(torch.ones(2, 2)))


@pytest.mark.parametrize(
    ("wanted", "new"),
    [
        # What is new has the head's rate, whatever its name.
        ({"embeddings.w": 0.25, "layer.0.w": 0.5, "pooler.w": 1.0, "classifier.w": 1.0}, {"pooler.w"}),
        ({"embeddings.w": 0.25, "layer.0.w": 0.5, "layer.7.w": 1.0}, {"layer.7.w"}),
        # Of layers that share their weights there is one.
        (
            {"albert.embeddings.w": 0.25, "albert.albert_layer_groups.0.albert_layers.0.w": 0.5, "albert.pooler.w": 1},
            (),
        ),
        # No layers, and nothing else that is known.
        ({"embeddings.w": 0.5, "score.w": 1.0}, ()),
        ({"score.w": 1.0}, {"score.w"}),
    ],
)
def test_factors_of_other_models(wanted: dict[str, float], new: set[str]) -> None:
    flat = FlatParameters(Named(*wanted))
    factors = rate_factors(flat, frozenset(new), 0.5)
    assert factors is not None
    assert by_name(flat, factors) == wanted


def test_a_trial_moves_its_lower_layers_less(small_trial, monkeypatch: pytest.MonkeyPatch) -> None:
    start: dict[str, torch.Tensor] = {}
    flats = []

    class Watched(PaperAdamW):
        def __init__(self, flat: FlatParameters, *rest: object) -> None:
            super().__init__(flat, *rest)  # type: ignore[arg-type]
            flats.append(flat)
            start.update({name: view.clone() for name, view in zip(flat.names, flat.value_views, strict=True)})

    monkeypatch.setattr(fine_tuning, "PaperAdamW", Watched)
    fine_tuning.run_trial(small_trial(layerwise_lr_decay=0.1, weight_decay=0.0))
    moved = {
        name: (view - start[name]).abs().max().item()
        for name, view in zip(flats[0].names, flats[0].value_views, strict=True)
    }
    tops = [moved["classifier.weight"], moved["bert.pooler.dense.weight"]]
    layers = [moved[f"bert.encoder.layer.{k}.output.dense.weight"] for k in (3, 2, 1, 0)]
    # Adam's steps are of the size of the rate, so the largest way of a weight falls about tenfold with each layer.
    moves = [max(tops), *layers, moved["bert.embeddings.word_embeddings.weight"]]
    for above, below in itertools.pairwise(moves):
        assert 5 < above / below < 20
