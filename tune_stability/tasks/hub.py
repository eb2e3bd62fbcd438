"""A task's splits from the hub or from its local cache."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import datasets
from datasets import load_dataset
from huggingface_hub import HfApi
from huggingface_hub.utils import logging as hub_logging

from tune_stability.errors import UserError
from tune_stability.tasks.catalog import CATALOG, CatalogEntry
from tune_stability.tasks.tables import RawSplit

ANSWER_SECONDS = 10.0


def read_hub(name: str) -> tuple[RawSplit, RawSplit]:
    """Both splits of a task of `CATALOG`, from the local cache if it has them, so that all workers read the same.

    Raises `UserError` after `ANSWER_SECONDS` at the most if the hub does not answer.
    """
    entry = CATALOG[name]
    with _quiet():
        try:
            with _offline():
                return _read(entry)
        except (OSError, ValueError):
            # It is not in the cache.
            pass
        try:
            # `load_dataset` would try for minutes to reach a hub that is not there.
            HfApi(endpoint=datasets.config.HF_ENDPOINT).dataset_info(entry.hub_id, timeout=ANSWER_SECONDS)
            return _read(entry)
        except Exception as error:  # of the HTTP client, the hub or the disk: whichever it is, there are no data
            why = " ".join(str(error).split()) or type(error).__name__
            raise UserError(
                f"the task {name!r} is neither to be had from the hub as {entry.hub_id} ({why:.200}) nor in the hub's "
                f"local cache {str(datasets.config.HF_DATASETS_CACHE)!r}; give a folder that has "
                f"{name}/train-*.parquet and {name}/{entry.validation}-*.parquet with --data-dir."
            ) from error


def _read(entry: CatalogEntry) -> tuple[RawSplit, RawSplit]:
    splits = ["train", entry.validation]
    train, validation = (
        RawSplit(f"the split {split} of {entry.hub_id} ({entry.configuration})", rows.with_format("arrow")[:])
        for split, rows in zip(splits, load_dataset(entry.hub_id, entry.configuration, split=splits), strict=True)
    )
    return train, validation


@contextmanager
def _offline() -> Iterator[None]:
    """Let `datasets` look into its cache alone."""
    before = datasets.config.HF_HUB_OFFLINE
    datasets.config.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        datasets.config.HF_HUB_OFFLINE = before


@contextmanager
def _quiet() -> Iterator[None]:
    """No bars, and no line for each try: the error says what counts."""
    levels = datasets.logging.get_verbosity(), hub_logging.get_verbosity()
    bars = not datasets.are_progress_bars_disabled()
    datasets.logging.set_verbosity_error()
    hub_logging.set_verbosity_error()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        datasets.logging.set_verbosity(levels[0])
        hub_logging.set_verbosity(levels[1])
        if bars:
            datasets.enable_progress_bars()
