"""From options to a study, and from a study and its store to the trials that are still to run."""

from __future__ import annotations

import dataclasses
import statistics
from dataclasses import dataclass
from itertools import combinations
from typing import cast

from tune_stability.errors import UserError, unknown_name
from tune_stability.execution import EXECUTOR_NAMES, check_logs, get_proposer, load_trainable
from tune_stability.hyperparameters import Value
from tune_stability.models.catalog import EMBEDDED, reference_learning_rate, revision, seconds_per_epoch
from tune_stability.models.families import family_settings
from tune_stability.options import SearchOptions
from tune_stability.recipes import get_recipe
from tune_stability.sampling.designs import DESIGNS
from tune_stability.sampling.enumeration import BOUNDARY, check_recipes_differ, configuration_trials, enumerate_trials
from tune_stability.sampling.optuna_samplers import ADAPTIVE
from tune_stability.sampling.resuming import AdaptiveState, adaptive_state
from tune_stability.sampling.sources import AdaptiveSource, EnumeratedSource, TrialSource
from tune_stability.spaces import get_space
from tune_stability.stopping import stop_rule
from tune_stability.store import Location, load_results, locate, read_study, stored_ids
from tune_stability.studies import SeedScheme, StudySpec
from tune_stability.trials import FINE_TUNING, TrialConfig


@dataclass(frozen=True)
class Work:
    """A source of `total` trials, of which `missing` are known up front; `done` are stored already."""

    source: TrialSource
    total: int
    done: int
    missing: list[TrialConfig]


def study_spec(options: SearchOptions) -> StudySpec:
    """The study that the options describe. Raises `UserError` naming what is unknown."""
    if options.sampler not in (*DESIGNS, *ADAPTIVE):
        raise unknown_name("sampler", options.sampler, (*DESIGNS, *ADAPTIVE))
    if options.seed_scheme == "factorial" and options.sampler not in DESIGNS:
        raise UserError(
            f"the seed scheme factorial splits the variance over a design, received the sampler {options.sampler!r}; "
            f"give one of {', '.join(DESIGNS)}."
        )
    if options.executor not in EXECUTOR_NAMES:
        raise unknown_name("executor", options.executor, EXECUTOR_NAMES)
    check_logs(options.log_tools, options.executor)
    rate = reference_learning_rate(options.model)
    model_revision, task_fingerprint, family, available = _what_is_tuned(options)
    spec = StudySpec(
        name=locate(options.folder).root.rsplit("/", 1)[-1],
        model=options.model,
        model_revision=model_revision,
        task=options.task_name,
        task_fingerprint=task_fingerprint,
        trainable=options.trainable,
        space=get_space(options.space, rate),
        recipes=tuple(get_recipe(name) for name in options.recipe_names),
        reference_learning_rate=rate,
        sampler=options.sampler,
        design_seed=options.design_seed,
        num_configs=options.configurations,
        num_seeds=options.seeds,
        replicates=options.replicates if options.sampler in ("sobol", BOUNDARY) else 1,
        seed_scheme=cast(SeedScheme, options.seed_scheme),
        family=family,
        settings=options.pinned(),
        stop_rule=stop_rule(options),
        data=options.data,
        checkpoint_every=options.checkpoint_every,
    )
    if available is not None:
        from tune_stability.tasks.checked import check_train_size

        check_train_size(_most(spec, "train_size"), available)
    check_recipes_differ(spec)
    _check_nothing_is_moot(spec)
    return spec


def work_left(received: StudySpec, location: Location, executor: str) -> Work:
    """What was asked for less what the store has. Trials whose row is an error are to run again."""
    exists = location.exists(location.study_file)
    if exists:
        _check_recipes_differ_from_stored(received, read_study(location))
    if received.sampler in DESIGNS:
        trials = enumerate_trials(received)
        stored = stored_ids(location) if exists else {}
        missing = [trial for trial in trials if stored.get(trial.trial_id) != "completed"]
        return Work(EnumeratedSource(missing), len(missing), len(trials) - len(missing), missing)
    indices = list(range(received.num_configs))
    state = adaptive_state(received, load_results(location)) if exists else AdaptiveState([], [], indices)
    missing = [trial for trials in state.started for trial in trials]
    per_configuration = received.trials_per_configuration * len(received.recipes)
    total = len(state.free) * per_configuration + len(missing)
    source = AdaptiveSource(received, get_proposer(executor, received, state.known), state.free, state.started)
    return Work(source, total, max(0, received.num_configs * per_configuration - total), missing)


def estimated_seconds(work: Work, received: StudySpec, location: Location) -> float | None:
    """The time that the work takes one worker, from stored trials or a first guess; None if there is neither."""
    per_effort = seconds_per_effort(received, location)
    if per_effort is None:
        return None
    known = sum(trial.hyperparameters.effort for trial in work.missing)
    unknown = work.total - len(work.missing)
    if not unknown:
        return per_effort * known
    # What an adaptive sampler will propose is not known; the middle of the space stands for it.
    middle = received.space.configuration([0.5] * len(received.space.axes))
    typical = [trial.hyperparameters.effort for trial in configuration_trials(received, 0, middle, "adaptive")]
    return per_effort * (known + unknown * statistics.fmean(typical))


def seconds_per_effort(received: StudySpec, location: Location) -> float | None:
    """The seconds that a unit of effort takes one worker, from stored trials or a first guess."""
    if location.exists(location.study_file):
        rows = load_results(location, columns=["status", "seconds", "num_epochs", "max_steps"])
        rows = rows[rows["status"] == "completed"]
        if len(rows):
            return float(
                (rows["seconds"] / rows["max_steps"].where(rows["max_steps"] > 0, rows["num_epochs"])).median()
            )
    # The guess is for all of the embedded models' own task, by epochs.
    own_task = received.trainable == FINE_TUNING and received.task == "grammar"
    other_size = {"max_steps", "train_size"} & {*received.settings, *received.space.names}
    return seconds_per_epoch(received.model) if own_task and not other_size else None


def check_model(options: SearchOptions, received: StudySpec) -> None:
    """Raise `UserError` if the model cannot be fine-tuned on the task, before any worker finds out."""
    if options.trainable != FINE_TUNING or (options.model in EMBEDDED and options.task == "grammar"):
        return
    from tune_stability.models.loading import load_model
    from tune_stability.models.positions import max_tokens
    from tune_stability.tasks import load_task
    from tune_stability.training.data import check_texts_fit

    task = load_task(options.task_name, options.data)
    pretrained = load_model(options.model, task.num_labels)
    longest = received.hyperparameters(received.recipes[0]).replace(max_seq_length=_most(received, "max_seq_length"))
    check_texts_fit(task, pretrained.tokenizer, longest, max_tokens(pretrained.model, pretrained.tokenizer))


def check_layers(spec: StudySpec) -> None:
    """Raise `UserError` if a trial would draw more layers anew than the model has, before any worker finds out."""
    most = _most(spec, "reinit_layers")
    if spec.trainable != FINE_TUNING or not most:
        return
    from tune_stability.models.loading import load_model
    from tune_stability.training.reinit import top_parameters

    # How many labels the head has changes no layer.
    pretrained = load_model(spec.model, 2, spec.model_revision)
    top_parameters(pretrained.model, pretrained.new_parameters, most)


def _most(spec: StudySpec, name: str) -> int:
    """The highest value that a trial of the study may have of a hyperparameter that is a whole number."""
    spanned = [int(axis.high) for axis in spec.space.axes if axis.name == name]
    return max(spanned or [getattr(spec.hyperparameters(recipe), name) for recipe in spec.recipes])


def _check_nothing_is_moot(spec: StudySpec) -> None:
    """Raise `UserError` for a setting that the space overrides, or recipes that steps make the same."""
    space = spec.space.name
    if overridden := [name for name in spec.settings if name in spec.space.names]:
        name = overridden[0]
        raise UserError(
            f"{name} is set to {spec.settings[name]} for all arms, and the space {space} spans it; leave the setting "
            f"out, or take a space without {name}."
        )
    if "max_steps" in spec.space.names:
        return
    arms = {recipe.name: spec.hyperparameters(recipe) for recipe in spec.recipes}
    steps = max(arm.max_steps for arm in arms.values())
    shared = {**spec.space.configuration([0.5] * len(spec.space.axes)), "num_epochs": 1}
    for a, b in combinations(arms, 2):
        if arms[a].max_steps and arms[a].replace(**shared) == arms[b].replace(**shared):
            raise UserError(
                f"the recipes {a} and {b} differ in num_epochs, and every trial has {steps} steps, whatever its "
                "epochs; leave one of them out, or the steps."
            )


def _check_recipes_differ_from_stored(received: StudySpec, stored: StudySpec) -> None:
    names = {recipe.name for recipe in received.recipes}
    older = tuple(recipe for recipe in stored.recipes if recipe.name not in names)
    both = dataclasses.replace(received, recipes=received.recipes + older)
    check_recipes_differ(both)
    _check_nothing_is_moot(both)


def _what_is_tuned(options: SearchOptions) -> tuple[str, str, dict[str, Value], int | None]:
    """The model's revision, the task's fingerprint, the settings of the model's family, and the training set's size."""
    if options.trainable != FINE_TUNING:
        # Someone's own trainable gives the names of model and task their meaning.
        load_trainable(options.trainable)
        return "", "", {}, None
    from tune_stability.tasks import load_task

    known = revision(options.model)
    task = load_task(options.task_name, options.data)
    return known, task.fingerprint, family_settings(options.model, known), len(task.train)
