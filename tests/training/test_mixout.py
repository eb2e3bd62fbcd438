from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
import torch
from torch import nn

from tune_stability.models.loading import load_model
from tune_stability.training import fine_tuning
from tune_stability.training.mixout import Mixout, mixed_parameters
from tune_stability.training.parameters import FlatParameters
from tune_stability.trials import TrialConfig, TrialResult

HEAD = frozenset({"classifier.weight", "classifier.bias"})
TrialMaker = Callable[..., TrialConfig]


class Net(nn.Module):
    """Embeddings, a layer, a pooler and a head, with names like BERT's."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embeddings = nn.Embedding(7, 5)
        self.layer = nn.ModuleList([nn.Linear(5, 4)])
        self.pooler = nn.Linear(4, 3)
        self.classifier = nn.Linear(3, 2)
        self.double()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = torch.tanh(self.layer[0](self.embeddings(x)))
        return self.classifier(torch.tanh(self.pooler(hidden)))


def moved(p: float) -> tuple[Net, FlatParameters, Mixout, torch.Tensor, torch.Tensor]:
    """A net whose values have left the pre-trained ones, and both: the net, flat, mixout, values, pre-trained."""
    net = Net()
    flat = FlatParameters(net)
    pretrained = flat.values.clone()
    mixout = Mixout(flat, HEAD, p)
    flat.values += torch.randn(flat.values.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return net, flat, mixout, flat.values.clone(), pretrained


def loss_of(net: nn.Module) -> torch.Tensor:
    return net(torch.tensor([1, 2, 2, 6])).square().sum()


def part(flat: FlatParameters, vector: torch.Tensor, name: str) -> torch.Tensor:
    """The part of a vector like `flat.values` that belongs to a parameter, in its shape."""
    view = flat.value_views[flat.names.index(name)]
    return vector[view.storage_offset() : view.storage_offset() + view.numel()].view(view.shape)


def test_what_is_mixed_of_micro_bert() -> None:
    pretrained = load_model("micro-bert", 2)
    matrices = (
        *(f"attention.self.{which}" for which in ("query", "key", "value")),
        "attention.output.dense",
        "intermediate.dense",
        "output.dense",
    )
    layers = {f"bert.encoder.layer.{layer}.{matrix}.weight" for layer in range(4) for matrix in matrices}
    mixed = mixed_parameters(FlatParameters(pretrained.model), pretrained.new_parameters)
    assert mixed == {*layers, "bert.pooler.dense.weight"}


@pytest.mark.parametrize(
    ("model", "count", "never"),
    [
        # Six matrices in each of four layers, and no pooler but the new head's.
        ("micro-roberta", 4 * 6, ["roberta.embeddings.word_embeddings.weight", "classifier.dense.weight"]),
        # Six in the one layer that is used four times, and the pooler; the projection belongs to the embeddings.
        ("micro-albert", 6 + 1, ["albert.encoder.embedding_hidden_mapping_in.weight", "classifier.weight"]),
    ],
)
def test_what_is_mixed_of_other_families(model: str, count: int, never: list[str]) -> None:
    pretrained = load_model(model, 2)
    flat = FlatParameters(pretrained.model)
    mixed = mixed_parameters(flat, pretrained.new_parameters)
    assert len(mixed) == count
    assert mixed.isdisjoint(never)
    assert set(never) <= set(flat.names)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_the_mean_over_masks_is_the_weight(p: float) -> None:
    _, flat, mixout, values, pretrained = moved(p)
    total, draws = torch.zeros_like(values), 4000
    torch.manual_seed(0)
    for _ in range(draws):
        mixout.mix()
        total += flat.values
        mixout.restore()
    # mixed - u is (w - u) times m / (1 - p), whose standard deviation is sqrt(p / (1 - p)).
    error = (values - pretrained).abs() * (p / (1 - p) / draws) ** 0.5
    assert ((total / draws - values).abs() <= 4.5 * error + 1e-12).all()
    # It is no mean of equal numbers.
    assert (part(flat, total / draws - values, "pooler.weight").abs() > 0.01 * error.max()).any()


@pytest.mark.parametrize("p", [0.3, 0.75])
def test_a_neurons_outgoing_weights_are_mixed_together(p: float) -> None:
    _, flat, mixout, values, pretrained = moved(p)
    torch.manual_seed(0)
    replaced = 0
    for _ in range(200):
        mixout.mix()
        for name in ("layer.0.weight", "pooler.weight"):
            mixed, w, u = (part(flat, vector, name) for vector in (flat.values, values, pretrained))
            for neuron in range(w.shape[1]):
                if torch.equal(mixed[:, neuron], u[:, neuron]):
                    replaced += 1
                else:
                    torch.testing.assert_close(mixed[:, neuron], (w - p * u)[:, neuron] / (1 - p))
        mixout.restore()
    # Nine neurons, with a standard deviation of at most sqrt(.25 / 1800) = .0118.
    assert replaced / (200 * 9) == pytest.approx(p, abs=4 * 0.0118)


def test_embeddings_biases_and_the_head_are_never_mixed() -> None:
    _, flat, mixout, values, _ = moved(0.5)
    mixout.mix()
    changed = {name for name in flat.names if not torch.equal(part(flat, flat.values, name), part(flat, values, name))}
    assert changed == {"layer.0.weight", "pooler.weight"}


def test_the_weights_come_back_bit_for_bit() -> None:
    _, flat, mixout, values, _ = moved(0.9)
    for _ in range(20):
        mixout.mix()
        mixout.restore()
        assert torch.equal(flat.values, values)


def test_with_probability_0_nothing_is_drawn_or_changed() -> None:
    net, flat, mixout, values, _ = moved(0.0)
    state = torch.get_rng_state()
    mixout.mix()
    assert torch.equal(flat.values, values)
    loss_of(net).backward()
    gradients = flat.gradients.clone()
    mixout.restore()
    assert torch.equal(flat.values, values)
    assert torch.equal(flat.gradients, gradients)
    assert torch.equal(torch.get_rng_state(), state)


def test_with_probability_1_weights_are_the_pretrained_ones_without_gradient() -> None:
    net, flat, mixout, values, pretrained = moved(1.0)
    mixout.mix()
    loss_of(net).backward()
    for name in ("layer.0.weight", "pooler.weight"):
        torch.testing.assert_close(part(flat, flat.values, name), part(flat, pretrained, name), rtol=0, atol=0)
    mixout.restore()
    assert torch.equal(flat.values, values)
    still = {name for name in flat.names if not part(flat, flat.gradients, name).any()}
    assert still == {"layer.0.weight", "pooler.weight"}


@pytest.mark.parametrize("p", [0.0, 0.1, 0.6, 1.0])
def test_the_gradient_is_that_of_autograd_through_the_formula(p: float) -> None:
    net, flat, mixout, values, pretrained = moved(p)
    torch.manual_seed(5)
    mixout.mix()
    loss = loss_of(net)
    loss.backward()
    mixout.restore()

    torch.manual_seed(5)
    w = {name: part(flat, values, name).clone().requires_grad_() for name in flat.names}
    mixed = dict(w)
    for name in ("layer.0.weight", "pooler.weight") if p > 0 else ():
        u = part(flat, pretrained, name)
        m = torch.empty(1, u.shape[1], dtype=torch.float64).bernoulli_(1 - p)
        mixed[name] = ((1 - m) * u + m * w[name] - p * u) / (1 - p) if p < 1 else u
    plain = torch.func.functional_call(Net(), mixed, torch.tensor([1, 2, 2, 6])).square().sum()
    plain.backward()
    torch.testing.assert_close(loss.detach(), plain.detach())
    for name in flat.names:
        expected = w[name].grad if w[name].grad is not None else torch.zeros_like(w[name])
        torch.testing.assert_close(part(flat, flat.gradients, name), expected, msg=name)


class Watched(Mixout):
    """Knows whether weights are mixed just now; the last one that was made is `Watched.last`."""

    last: Watched

    def __init__(self, flat: FlatParameters, new_parameters: frozenset[str], p: float) -> None:
        super().__init__(flat, new_parameters, p)
        Watched.last = self
        self.flat, self.is_mixed = flat, False
        self.start = flat.values.clone()
        self.names = mixed_parameters(flat, new_parameters)

    def mix(self) -> None:
        super().mix()
        self.is_mixed = True

    def restore(self) -> None:
        super().restore()
        self.is_mixed = False


@pytest.fixture
def run(small_trial: TrialMaker, monkeypatch: pytest.MonkeyPatch) -> Callable[..., TrialResult]:
    """Runs a small trial of micro-bert, its mixout a `Watched` one."""
    monkeypatch.setattr(fine_tuning, "Mixout", Watched)
    return lambda **changes: fine_tuning.run_trial(small_trial(**changes))


def test_a_trial_with_probability_0_is_the_one_without_mixout(run, numbers, monkeypatch) -> None:
    mixed, with_class = numbers(run(mixout=0.5, num_epochs=1)), numbers(run(mixout=0.0, num_epochs=1))
    monkeypatch.setattr(Watched, "mix", lambda self: None)
    monkeypatch.setattr(Watched, "restore", lambda self: None)
    assert numbers(run(num_epochs=1)) == with_class != mixed


def test_training_is_mixed_and_evaluation_is_not(run) -> None:
    seen = set()

    def look(module: nn.Module, *_: object) -> None:
        seen.add((module.training, Watched.last.is_mixed))

    handle = nn.modules.module.register_module_forward_pre_hook(look)
    try:
        run(mixout=0.5, num_epochs=1)
    finally:
        handle.remove()
    assert seen == {(True, True), (False, False)}


def test_a_trial_with_probability_1_leaves_the_mixed_weights_as_they_were(run) -> None:
    run(mixout=1.0, weight_decay=0.0)
    watched = Watched.last
    assert len(watched.names) == 25
    for name in watched.flat.names:
        same = torch.equal(part(watched.flat, watched.flat.values, name), part(watched.flat, watched.start, name))
        assert same == (name in watched.names), name


def test_a_mixed_trial_repeats_itself_and_differs_by_probability(run, numbers) -> None:
    first = numbers(run(mixout=0.1, num_epochs=1))
    torch.manual_seed(4)
    assert numbers(run(mixout=0.1, num_epochs=1)) == first
    assert numbers(run(mixout=0.2, num_epochs=1)) != first


def test_masks_follow_the_seed_of_dropout(small_trial, numbers) -> None:
    config = small_trial(mixout=0.5, dropout=0.0, num_epochs=1)
    one, other = (fine_tuning.run_trial(dataclasses.replace(config, dropout_seed=seed)) for seed in (1, 2))
    assert numbers(one) != numbers(other)
    assert one.curve[0] == other.curve[0]  # where all is pre-trained, every mask gives the same


def test_layers_drawn_anew_have_no_pretrained_values_to_mix_with(run) -> None:
    run(mixout=0.5, reinit_layers=1, num_epochs=1)
    assert {name.split(".")[3] for name in Watched.last.names} == {"0", "1", "2"}
    assert not any("pooler" in name for name in Watched.last.names)
