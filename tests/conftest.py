"""What tests of several parts need: small checkpoints of every architecture, and tables of trials."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tune_stability.outcomes import SuccessRule
from tune_stability.recipes import get_recipe
from tune_stability.sampling.designs import design_points
from tune_stability.spaces import SearchSpace, get_space
from tune_stability.store.schema import column_names
from tune_stability.studies import StudySpec
from tune_stability.views import StudyView, view_study

HIDDEN, EMBEDDING, INTERMEDIATE, LAYERS, POSITIONS = 16, 8, 24, 2, 40


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of the base model of a `model_type`, as `save_pretrained` writes it."""

    @lru_cache
    def saved(model_type: str) -> Path:
        import torch
        from transformers import AutoModel

        from tune_stability.models.pretraining.tokenizers import bert_tokenizer, roberta_tokenizer

        folder = tmp_path_factory.mktemp(model_type)
        without_segments = model_type in ("roberta", "xlm-roberta", "modernbert")
        tokenizer = (roberta_tokenizer if without_segments else bert_tokenizer)(POSITIONS - 2)
        with torch.random.fork_rng():
            torch.manual_seed(0)
            AutoModel.from_config(_config(model_type, len(tokenizer))).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        return folder

    return saved


def _config(model_type: str, vocab_size: int) -> Any:
    from transformers import AutoConfig

    sizes = {
        "vocab_size": vocab_size,
        "hidden_size": HIDDEN,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 2,
        "intermediate_size": INTERMEDIATE,
        "max_position_embeddings": POSITIONS,
    }
    own: dict[str, dict[str, Any]] = {
        "roberta": {"type_vocab_size": 1},
        "xlm-roberta": {"type_vocab_size": 1},
        "albert": {"embedding_size": EMBEDDING},
        "electra": {"embedding_size": EMBEDDING},
        # DistilBERT has names of its own for the same sizes.
        "distilbert": {"dim": HIDDEN, "n_layers": LAYERS, "n_heads": 2, "hidden_dim": INTERMEDIATE},
        # As DeBERTa-v3 has it.
        "deberta-v2": {
            "relative_attention": True,
            "pos_att_type": ["p2c", "c2p"],
            "position_buckets": 8,
            "norm_rel_ebd": "layer_norm",
            "share_att_key": True,
            "position_biased_input": False,
            "type_vocab_size": 0,
        },
        "modernbert": {"pad_token_id": 1, "bos_token_id": 0, "cls_token_id": 0, "eos_token_id": 2, "sep_token_id": 2},
    }
    if model_type == "distilbert":
        sizes = {name: sizes[name] for name in ("vocab_size", "max_position_embeddings")}
    return AutoConfig.for_model(model_type, **sizes, **own.get(model_type, {}))


WIDE = get_space("wide", 2e-5)
FrameMaker = Callable[..., pd.DataFrame]
ViewMaker = Callable[..., StudyView]


@pytest.fixture
def make_frame() -> FrameMaker:
    """Makes a table of trials in which `letter(recipe, index, seed)` says how each ended.

    s is a success, e an error, and the first letter of a failure mode a failed trial.
    """

    def make(
        letter: Callable[[str, int, int], str], n_configs: int = 16, n_seeds: int = 2, space: SearchSpace = WIDE
    ) -> pd.DataFrame:
        modes = {"d": "diverged", "v": "vanishing_gradients", "u": "undertrained", "n": "no_generalization"}
        rows = []
        for index, point in enumerate(design_points("sobol", n_configs, len(space.axes), 0)):
            for recipe in ("devlin", "stable"):
                own = get_recipe(recipe).hyperparameters(2e-5).replace(**space.configuration(point))
                for k in range(n_seeds):
                    how = letter(recipe, index, k)
                    rows.append(
                        {
                            "recipe": recipe,
                            "config_index": index,
                            "source": "design",
                            "seed": 1000 * index + k,
                            "status": "error" if how == "e" else "completed",
                            "metric": None if how == "e" else "matthews_correlation",
                            "score": {"s": 0.5 + 0.01 * k, "e": None}.get(how, 0.0),
                            "majority_score": None if how == "e" else 0.0,
                            "outcome": {"s": "success", "e": None}.get(how, "failed"),
                            "failure_mode": modes.get(how),
                            **dataclasses.asdict(own),
                        }
                    )
        return pd.DataFrame(rows)

    return make


@pytest.fixture
def make_trials(make_frame: FrameMaker) -> FrameMaker:
    """Makes the same table with more of a store's columns: ids, best scores .1 over those at the end, ten seconds."""

    def make(letter: Callable[[str, int, int], str], **sizes: Any) -> pd.DataFrame:
        frame = make_frame(letter, **sizes)
        ids = [f"{place:020x}" for place in range(len(frame))]
        return frame.assign(trial_id=ids, best_score=frame["score"] + 0.1, seconds=10.0)

    return make


@pytest.fixture
def make_view() -> ViewMaker:
    """Makes a view of a table of trials, as of a whole Sobol design of one scramble in the space wide."""

    def make(
        trials: pd.DataFrame, rule: str = "majority", recipes: tuple[str, ...] = ("devlin", "stable"), **changed: object
    ) -> StudyView:
        known = {
            "name": "a study",
            "model": "micro-bert",
            "model_revision": "1",
            "task": "grammar",
            "task_fingerprint": "1",
            "trainable": "tune_stability.training.fine_tuning:run_trial",
            "space": get_space("wide", 2e-5),
            "recipes": tuple(get_recipe(name) for name in recipes),
            "reference_learning_rate": 2e-5,
            "sampler": "sobol",
            "design_seed": 0,
            "num_configs": trials["config_index"].nunique() or 1,
            "num_seeds": 2,
        }
        spec = StudySpec(**{**known, **changed})
        trials = trials.assign(**{name: None for name in column_names("trials") if name not in trials})
        curves, gradients = (
            pd.DataFrame(columns=list(column_names(table))).astype({"trial_id": str})
            for table in ("curves", "gradients")
        )
        design = "sobol" if spec.sampler == "sobol" else None
        return view_study(spec, trials, curves, gradients, "results/a study", SuccessRule.parse(rule), recipes, design)

    return make
