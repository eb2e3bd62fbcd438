"""The options of a search, from defaults, a study file and the command line, each overriding the one before."""

from __future__ import annotations

import dataclasses
import math
import re
import tomllib
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tune_stability.data_source import DataSource, absolute, own_files, task_name
from tune_stability.errors import UserError, unknown_name
from tune_stability.hyperparameters import HYPERPARAMETER_NAMES, HYPERPARAMETER_TYPES, Hyperparameters, Value
from tune_stability.trials import FINE_TUNING

NUM_CONFIGS = 40
MAX_CONFIGS = 512
"""The most configurations that `--until-width` runs if nobody says how many."""
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd]?)")
_UNIT_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, kw_only=True)
class SearchOptions:
    """What `tune-stability search` takes. Names are those of its options, with underscores."""

    space: str = "wide"
    recipes: str = "devlin,stable"
    model: str = "micro-bert"
    task: str = "grammar"
    data_dir: str | None = None
    text_columns: str | None = None
    label_column: str | None = None
    metric: str | None = None
    train_size: int | None = None
    train_seed: int | None = None
    train_steps: int | None = None
    precision: str | None = None
    settings: tuple[str, ...] = ()
    trainable: str = FINE_TUNING
    sampler: str = "sobol"
    num_configs: int | None = None
    seeds: int = 2
    replicates: int = 8
    seed_scheme: str = "single"
    design_seed: int = 0
    out: str | None = None
    executor: str = "ray"
    address: str | None = None
    cpus_per_trial: float = 1.0
    gpus_per_trial: float | None = None
    max_concurrent: int | None = None
    max_retries: int = 1
    trial_timeout: str | None = None
    until_width: str | None = None
    time_budget: str | None = None
    checkpoint_every: int = 0
    success_rule: str = "majority"
    plan: bool = False
    price_per_hour: float | None = None
    log_to: str = ""
    log_file: str | None = None
    verbose: bool = False

    def __post_init__(self) -> None:
        for name, least in (
            ("num_configs", 1),
            ("seeds", 1),
            ("replicates", 1),
            ("max_concurrent", 1),
            ("design_seed", 0),
            ("max_retries", 0),
            ("checkpoint_every", 0),
        ):
            value = getattr(self, name)
            if value is not None and value < least:
                raise UserError(f"--{name.replace('_', '-')} must be at least {least}, received {value}.")
        if not self.cpus_per_trial > 0:
            raise UserError(f"--cpus-per-trial must be above 0, received {self.cpus_per_trial:g}.")
        if self.gpus_per_trial is not None and not self.gpus_per_trial >= 0:
            raise UserError(f"--gpus-per-trial must be at least 0, received {self.gpus_per_trial:g}.")
        if self.price_per_hour is not None and not 0 < self.price_per_hour < math.inf:
            raise UserError(f"--price-per-hour must be above 0, received {self.price_per_hour:g}.")
        self.time_budget_seconds()
        self.timeout_seconds()
        self.width()
        self.pinned()

    @property
    def recipe_names(self) -> list[str]:
        return [name.strip() for name in self.recipes.split(",") if name.strip()]

    @property
    def log_tools(self) -> tuple[str, ...]:
        """The names in `log_to`, each once."""
        return tuple(dict.fromkeys(name.strip() for name in self.log_to.split(",") if name.strip()))

    @property
    def configurations(self) -> int:
        """`num_configs`, or its default: with `until_width` the most that may run."""
        if self.num_configs is not None:
            return self.num_configs
        return NUM_CONFIGS if self.until_width is None else MAX_CONFIGS

    @property
    def folder(self) -> str:
        """`out`, or the default folder of this space, model and task."""
        if self.out is not None:
            return self.out
        # Of one's own files only names, and of these only what is at home in any file system.
        own = (re.sub(r"[^\w.-]+", "_", Path(name).stem) for name in own_files(self.task))
        task = "-".join(own) or Path(self.task).name
        parts = (Path(self.space).stem, Path(self.model).name, task)
        return str(Path("results", "local", "-".join(parts)))

    @property
    def data(self) -> DataSource:
        """Where the data of the task are."""
        return DataSource(
            data_dir=None if self.data_dir is None else absolute(self.data_dir),
            files=own_files(self.task),
            text_columns=tuple(name.strip() for name in (self.text_columns or "").split(",") if name.strip()),
            label_column=self.label_column,
            metric=self.metric,
        )

    @property
    def task_name(self) -> str:
        """The task as the study names it, wherever its files are."""
        return task_name(self.task)

    def pinned(self) -> dict[str, Value]:
        """The hyperparameters given for all arms. Raises `UserError` for one that is unknown, wrong or given twice."""
        given: dict[str, Value] = {}
        for text in self.settings:
            name, sign, value = (part.strip() for part in text.partition("="))
            if not sign:
                raise UserError(f"--set takes NAME=VALUE, as in dropout=0, received {text!r}.")
            if name in given:
                raise UserError(f"--set gives {name} twice, received {text!r}.")
            given[name] = _parsed(name, value)
        for option, name in _HYPERPARAMETER_OPTIONS.items():
            if getattr(self, option) is not None:
                if name in given:
                    raise UserError(f"--{option.replace('_', '-')} and --set both give {name}; leave one out.")
                given[name] = getattr(self, option)
        Hyperparameters().replace(**given)
        return given

    def width(self) -> float | None:
        """The width of `until_width`. Raises `UserError` if it is no number between 0 and 2, the widest there is."""
        if self.until_width is None:
            return None
        try:
            width = float(self.until_width)
        except ValueError:
            width = math.nan
        if not 0 < width < 2:
            raise UserError(f"--until-width takes a width between 0 and 2, as in 0.10, received {self.until_width!r}.")
        return width

    def time_budget_seconds(self) -> float | None:
        """The time budget in seconds. Raises `UserError` if it is not like 90, 90s, 15m, 1.5h or 2d."""
        return _seconds("--time-budget", self.time_budget)

    def timeout_seconds(self) -> float | None:
        """How long a trial may run, in seconds. Raises `UserError` if it is no such duration, or none at all."""
        seconds = _seconds("--trial-timeout", self.trial_timeout)
        if seconds == 0:
            raise UserError(f"--trial-timeout must be above 0, received {self.trial_timeout!r}.")
        return seconds


def _seconds(option: str, duration: str | None) -> float | None:
    if duration is None:
        return None
    found = _DURATION.fullmatch(str(duration).strip())
    if not found:
        raise UserError(f"{option} takes a duration like 90s, 15m or 1.5h, received {duration!r}.")
    return float(found[1]) * _UNIT_SECONDS[found[2]]


OPTION_NAMES = tuple(field.name for field in dataclasses.fields(SearchOptions))


# Options that are hyperparameters by another name.
_HYPERPARAMETER_OPTIONS = {
    "train_size": "train_size",
    "train_seed": "train_seed",
    "train_steps": "max_steps",
    "precision": "precision",
}


def _parsed(name: str, text: str) -> Value:
    if name not in HYPERPARAMETER_NAMES:
        raise unknown_name("hyperparameter", name, HYPERPARAMETER_NAMES)
    kind = HYPERPARAMETER_TYPES[name]
    if kind is str:
        return text
    if kind is bool:
        if text.lower() not in ("true", "false"):
            raise UserError(f"{name} must be true or false, received {text!r}.")
        return text.lower() == "true"
    try:
        return int(text) if kind is int else float(text)
    except ValueError:
        raise UserError(f"{name} must be of type {kind.__name__}, received {text!r}.") from None


def search_options(study_file: Path | None, given: Mapping[str, Any]) -> SearchOptions:
    """Defaults, overridden by the study file if there is one, overridden by what was given (not None)."""
    from_file = {} if study_file is None else _read_study_file(study_file)
    return SearchOptions(**{**from_file, **{name: value for name, value in given.items() if value is not None}})


def _read_study_file(path: Path) -> dict[str, Any]:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"no study file at {str(path)!r}; give the TOML file that holds the options.") from None
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not a readable TOML file: {error}.") from None
    kinds = typing.get_type_hints(SearchOptions)
    checked: dict[str, Any] = {}
    for name, value in table.items():
        if name not in OPTION_NAMES:
            raise unknown_name(f"option in {path}:", name, OPTION_NAMES)
        if name == "settings":
            checked[name] = _settings(path, value)
            continue
        checked[name] = _checked(path, name, ",".join(value) if _is_list_of_names(name, value) else value, kinds[name])
    return checked


def _settings(path: Path, value: object) -> tuple[str, ...]:
    if not isinstance(value, dict):
        raise UserError(f"settings in {path} must be a table of hyperparameters, received {value!r}.")
    return tuple(f"{name}={item}" for name, item in value.items())


def _is_list_of_names(name: str, value: object) -> bool:
    return (
        name in ("recipes", "text_columns", "log_to")
        and isinstance(value, list)
        and all(isinstance(item, str) for item in value)
    )


def _checked(path: Path, name: str, value: object, kind: Any) -> object:
    allowed = typing.get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
    if name in ("time_budget", "trial_timeout", "until_width") and type(value) in (int, float):
        return str(value)
    if type(value) is int and float in allowed:
        return float(value)
    if type(value) not in allowed:
        wanted = " or ".join(k.__name__ for k in allowed if k is not types.NoneType)
        raise UserError(f"{name} in {path} must be of type {wanted}, received {value!r}.")
    return value
