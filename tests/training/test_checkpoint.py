from __future__ import annotations

import dataclasses
import json
import random
from collections.abc import Iterator

import pytest
import torch
from safetensors.torch import save

from tune_stability.errors import StoreWarning
from tune_stability.hyperparameters import Hyperparameters
from tune_stability.tasks.grammar import load_grammar
from tune_stability.training import fine_tuning, prepared
from tune_stability.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from tune_stability.training.fine_tuning import run_trial
from tune_stability.training.records import Records
from tune_stability.trials import CurvePoint, GradientPoint, TrialConfig, TrialResult

# Four steps an epoch at batch size 16, so 24 in all.
CONFIG = TrialConfig(
    model="micro-bert",
    model_revision="",
    task="grammar",
    task_fingerprint="small",
    hyperparameters=Hyperparameters(learning_rate=1e-3, num_epochs=6),
    seed=3,
    recipe="x",
    config_index=0,
)


class Memory:
    """A checkpoint file that counts how often it was written."""

    def __init__(self) -> None:
        self.data: bytes | None = None
        self.writes = 0

    def read(self) -> bytes | None:
        return self.data

    def write(self, data: bytes) -> None:
        self.data, self.writes = data, self.writes + 1


class Killed(BaseException):
    """What nothing catches, as nothing catches a SIGKILL."""


@pytest.fixture(scope="module", autouse=True)
def small_task() -> Iterator[None]:
    task = load_grammar(64, 50)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prepared, "load_task", lambda *_: task)
        yield
    prepared._prepare.cache_clear()


@pytest.fixture(scope="module")
def undisturbed() -> TrialResult:
    return run_trial(CONFIG)


def numbers(result: TrialResult) -> str:
    return repr((dataclasses.replace(result, seconds=0.0), result.curve, result.gradients))


def killed_at(step: int, config: TrialConfig) -> None:
    """Run until just before the given step, counted from the start of the trial, and die there."""
    with pytest.MonkeyPatch.context() as patch:
        rate = fine_tuning.learning_rate

        def dying(at: int, *rest: float) -> float:
            if at == step:
                raise Killed
            return rate(at, *rest)

        patch.setattr(fine_tuning, "learning_rate", dying)
        with pytest.raises(Killed):
            run_trial(config)


@pytest.mark.parametrize("every", [1, 5])
def test_a_run_killed_at_random_steps_ends_as_one_that_was_not(undisturbed: TrialResult, every: int) -> None:
    file = Memory()
    config = dataclasses.replace(CONFIG, checkpoint_every=every, checkpoint_file=file)
    for step in sorted(random.Random(every).sample(range(1, 24), 3)):
        killed_at(step, config)
        torch.manual_seed(step)  # another process has another random state
    before = file.writes
    assert before > 0
    assert numbers(run_trial(config)) == numbers(undisturbed)
    # It went on: from the start it would have written them all once more.
    assert file.writes - before < 23 // every


def test_what_a_recipe_adds_needs_nothing_kept() -> None:
    # The pre-trained values that mixout mixes with are those from before training, not those of the checkpoint.
    added = {"mixout": 0.5, "reinit_layers": 1, "layerwise_lr_decay": 0.9, "lr_scheduler_type": "cosine"}
    config = dataclasses.replace(CONFIG, hyperparameters=CONFIG.hyperparameters.replace(num_epochs=2, **added))
    expected = numbers(run_trial(config))
    config = dataclasses.replace(config, checkpoint_every=3, checkpoint_file=Memory())
    killed_at(5, config)
    torch.manual_seed(5)
    assert numbers(run_trial(config)) == expected


def test_checkpoints_change_nothing_and_come_every_so_many_steps(undisturbed: TrialResult) -> None:
    file = Memory()
    got = run_trial(dataclasses.replace(CONFIG, checkpoint_every=5, checkpoint_file=file))
    assert numbers(got) == numbers(undisturbed)
    assert file.writes == 4
    found = load_checkpoint(file, CONFIG.trial_id, "cpu")
    assert found is not None
    assert found.step == 20


def test_the_time_of_the_part_before_counts() -> None:
    file = Memory()
    config = dataclasses.replace(CONFIG, checkpoint_every=5, checkpoint_file=file)
    killed_at(12, config)
    found = load_checkpoint(file, CONFIG.trial_id, "cpu")
    assert found is not None
    save_checkpoint(file, CONFIG.trial_id, dataclasses.replace(found, seconds=1000.0))
    assert run_trial(config).seconds > 1000


EXAMPLE = Checkpoint(
    step=7,
    device="cpu",
    seconds=1.5,
    records=Records(
        points={3: CurvePoint(3, 0.1 + 0.2, 1e-5, 0.25), 1: CurvePoint(1, float("inf"), 0.0)},
        gradients=[GradientPoint(1, "layer_1", 1e-300, float("nan"))],
        lower=[(1, 0.1)],
        scores=[(3, 0.25)],
        predicted_share=(0.3, 0.7),
    ),
    tensors={"values": torch.randn(5), "random": torch.get_rng_state()},
)


def test_what_is_saved_comes_back_to_the_last_bit() -> None:
    file = Memory()
    save_checkpoint(file, "a", EXAMPLE)
    found = load_checkpoint(file, "a", "cpu")
    assert found is not None
    assert repr(found.records) == repr(EXAMPLE.records)
    assert (found.step, found.seconds) == (7, 1.5)
    assert found.tensors.keys() == EXAMPLE.tensors.keys()
    assert all(torch.equal(found.tensors[name], tensor) for name, tensor in EXAMPLE.tensors.items())


def test_no_checkpoint_or_one_of_another_trial_device_or_torch_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    file = Memory()
    assert load_checkpoint(file, "a", "cpu") is None
    save_checkpoint(file, "a", EXAMPLE)
    assert load_checkpoint(file, "b", "cpu") is None
    # A checkpoint from a CPU has no random state for a GPU.
    assert load_checkpoint(file, "a", "NVIDIA H100") is None
    # Another version may sum in another order.
    monkeypatch.setattr(torch, "__version__", "0.0")
    assert load_checkpoint(file, "a", "cpu") is None


def as_bytes(text: str) -> torch.Tensor:
    return torch.frombuffer(bytearray(text.encode()), dtype=torch.uint8)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80\x04N.",
        save({"values": torch.zeros(2)}),
        save({"rest": as_bytes("{")}),
        save({"rest": as_bytes(json.dumps({"trial_id": "a"}))}),
        save({"rest": as_bytes("[]")}),
    ],
    ids=["empty", "a pickle", "no rest", "half a JSON", "a key is missing", "a list"],
)
def test_a_damaged_checkpoint_is_named_and_the_trial_starts_anew(data: bytes, undisturbed: TrialResult) -> None:
    file = Memory()
    file.data = data
    config = dataclasses.replace(CONFIG, checkpoint_every=20, checkpoint_file=file)
    with pytest.warns(StoreWarning, match=rf"^the checkpoint of {CONFIG.trial_id} cannot be read .*it starts anew\.$"):
        assert numbers(run_trial(config)) == numbers(undisturbed)
