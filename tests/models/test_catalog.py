from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import transformers

from tune_stability.errors import UserError
from tune_stability.models.catalog import EMBEDDED, reference_learning_rate, resolve, revision, seconds_per_epoch

MICRO_BERT = EMBEDDED["micro-bert"].folder


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    shutil.copytree(MICRO_BERT, folder)
    return folder


def test_the_embedded_models_ship_with_the_package() -> None:
    assert set(EMBEDDED) == {"micro-bert"}
    assert all(name == entry.name for name, entry in EMBEDDED.items())
    assert resolve("micro-bert") == str(MICRO_BERT)
    assert {"config.json", "tokenizer.json", "model.safetensors"} <= {path.name for path in MICRO_BERT.iterdir()}


def test_what_ships_is_small_and_holds_no_pickle() -> None:
    files = [path for path in MICRO_BERT.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 5_000_000
    assert {path.suffix for path in files} == {".safetensors", ".json", ".md"}


@pytest.mark.parametrize(
    ("model", "rate", "timed"),
    [("micro-bert", 3e-4, True), ("bert-large-uncased", 2e-5, False), ("some/where", 2e-5, False)],
)
def test_what_is_usual_for_a_model(model: str, rate: float, timed: bool) -> None:
    assert reference_learning_rate(model) == rate
    seconds = seconds_per_epoch(model)
    assert (seconds is not None) is timed
    assert seconds is None or 0.1 < seconds < 10


def test_a_folder_and_a_hub_name_are_taken_as_they_are(copied: Path) -> None:
    assert resolve(str(copied)) == str(copied)
    assert resolve("google-bert/bert-base-uncased") == "google-bert/bert-base-uncased"


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("micro_bert", "unknown model 'micro_bert'; did you mean 'micro-bert'?"),
        ("micro-bret", "Allowed: FOLDER, HUB-ID, micro-bert, minilm."),
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


def test_the_shipped_model_is_the_one_it_has_always_been() -> None:
    # Every trial id holds this revision: a change here makes stored trials those of another model.
    assert revision("micro-bert") == "b6307664f931"


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


def test_a_remote_revision_is_the_hubs_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {}

    def from_pretrained(source: str, **options: object) -> SimpleNamespace:
        asked.update({"source": source, **options})
        return SimpleNamespace(_commit_hash="0123abc")

    monkeypatch.setattr(transformers.AutoConfig, "from_pretrained", from_pretrained)
    assert revision("some/model") == "0123abc"
    assert asked == {"source": "some/model", "trust_remote_code": False}


def test_a_remote_model_that_cannot_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    def from_pretrained(source: str, **options: object) -> None:
        raise OSError("no network\nand a long story")

    monkeypatch.setattr(transformers.AutoConfig, "from_pretrained", from_pretrained)
    with pytest.raises(UserError, match=r"^the model 'some/model' is neither a folder nor to be had from ") as caught:
        revision("some/model")
    assert "\n" not in str(caught.value)
