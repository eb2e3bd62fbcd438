"""Draw what a reader needs to label failed trials by eye, and nothing of what the classifier says.

    python experiments/failure_modes/sheets.py FOLDER

Every failed trial of results/failure-modes has a panel: the training loss over the steps with the loss of chance, and
the norm of the lower layers' gradient, on a log scale. Panels come in the order of the trial ids, which is random, and
carry only that id. The reader writes labels.csv beside this file: trial_id,label.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from tune_stability import load_results

STUDIES = sorted(Path("results/failure-modes").glob("micro-*"))
ROWS, COLUMNS = 4, 3


def main(folder: Path) -> None:
    trials = pd.concat([load_results(study) for study in STUDIES])
    curves = pd.concat([load_results(study, table="curves") for study in STUDIES])
    gradients = pd.concat([load_results(study, table="gradients") for study in STUDIES])
    failed = trials[trials["outcome"] == "failed"].sort_values("trial_id")
    per_sheet = ROWS * COLUMNS
    folder.mkdir(parents=True, exist_ok=True)
    for start in range(0, len(failed), per_sheet):
        figure, axes = plt.subplots(ROWS, COLUMNS, figsize=(15, 16), layout="constrained")
        for ax in axes.flat:
            ax.axis("off")
        for ax, (_, trial) in zip(axes.flat, failed.iloc[start : start + per_sheet].iterrows(), strict=False):
            _panel(
                ax,
                trial,
                curves[curves["trial_id"] == trial["trial_id"]],
                gradients[gradients["trial_id"] == trial["trial_id"]],
            )
        figure.savefig(folder / f"sheet-{start // per_sheet + 1:02d}.png", dpi=70)
        plt.close(figure)


def _panel(ax: plt.Axes, trial: pd.Series, curve: pd.DataFrame, gradients: pd.DataFrame) -> None:
    ax.axis("on")
    ax.set_title(trial["trial_id"], fontsize=9)
    ax.plot(curve["step"], curve["loss"], "o-", color="tab:blue", markersize=3)
    ax.axhline(trial["chance_loss"], color="tab:blue", linestyle=":")
    ax.set_ylim(0, 2 * trial["chance_loss"])
    ax.set_ylabel("training loss (dotted: chance)", color="tab:blue")
    mean = "none" if np.isnan(trial["train_loss"]) else f"{trial['train_loss'] / trial['chance_loss']:.2f} of chance"
    ax.set_xlabel(f"step; mean loss of the last epoch: {mean}")
    lower = gradients[gradients["layer_group"].isin(["layer_1", "layer_2"])]
    norm = lower.assign(square=lower["norm"] ** 2).groupby("step")["square"].sum() ** 0.5
    twin = ax.twinx()
    twin.plot(norm.index, norm.clip(1e-12), "s-", color="tab:red", markersize=3)
    twin.set_yscale("log")
    twin.set_ylim(1e-9, 1e3)
    twin.set_ylabel("gradient norm, lower layers", color="tab:red")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
