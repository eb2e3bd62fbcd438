"""Recipes: named sets of pinned hyperparameters, each another recipe with named differences."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType

from tune_stability.errors import unknown_name
from tune_stability.hyperparameters import Hyperparameters, Value


@dataclass(frozen=True)
class Recipe:
    """`parent` with `differences`; a recipe without a parent starts from the defaults of `Hyperparameters`.

    A recipe that does not pin a learning rate is used at the reference rate of the model it is applied to
    (2e-5 for BERT, as the paper has it).
    """

    name: str
    source: str
    parent: Recipe | None = None
    differences: dict[str, Value] = field(default_factory=dict)

    def pinned(self) -> dict[str, Value]:
        """Every hyperparameter that this recipe or one of its ancestors names."""
        return {**(self.parent.pinned() if self.parent else {}), **self.differences}

    def hyperparameters(self, reference_learning_rate: float) -> Hyperparameters:
        """The recipe as published, at the model's reference learning rate unless it pins one."""
        return Hyperparameters().replace(**{"learning_rate": reference_learning_rate, **self.pinned()})


# Devlin et al. 2019, with the released code's Adam, which leaves out the bias correction.
DEVLIN = Recipe("devlin", "Devlin et al. 2019", None, {"bias_correction": False, "num_epochs": 3, "warmup_ratio": 0.1})
# The two steps between the usual recipe and the stable baseline, one at a time.
DEVLIN_CORRECTED = Recipe("devlin+correction", "devlin with bias correction", DEVLIN, {"bias_correction": True})
DEVLIN_LONG = Recipe("devlin+epochs", "devlin for 20 epochs", DEVLIN, {"num_epochs": 20})
# Mosbach et al. 2020, section 6.
STABLE = Recipe("stable", "Mosbach et al. 2020", DEVLIN, {"bias_correction": True, "num_epochs": 20})
# The same four without warmup. devlin and stable share a warmup of .1, so what it brings does not show between them;
# the eight together are a full factorial of the stable baseline's three ingredients.
NO_WARMUP = Recipe("no-warmup", "devlin without warmup", DEVLIN, {"warmup_ratio": 0.0})
NO_WARMUP_CORRECTED = Recipe(
    "no-warmup+correction", "devlin+correction without warmup", DEVLIN_CORRECTED, {"warmup_ratio": 0.0}
)
NO_WARMUP_LONG = Recipe("no-warmup+epochs", "devlin+epochs without warmup", DEVLIN_LONG, {"warmup_ratio": 0.0})
NO_WARMUP_STABLE = Recipe("no-warmup+correction+epochs", "stable without warmup", STABLE, {"warmup_ratio": 0.0})
# With the probability that Mosbach et al. 2020 compare their baseline to; Lee et al. 2020 had .7 to .9.
MIXOUT = Recipe("mixout", "Lee et al. 2020", DEVLIN, {"mixout": 0.1})
# Zhang et al. 2021 try 1 to 6 of 24 layers and keep what validates best, in their released code 5 for RTE. One layer
# is within that share of four layers as of 24, so that the recipe means the same whatever the model.
REINIT = Recipe("reinit", "Zhang et al. 2021", DEVLIN_CORRECTED, {"reinit_layers": 1})
# The decay is that of their released code; the idea is Howard and Ruder's (2018).
LLRD = Recipe("llrd", "Zhang et al. 2021", DEVLIN_CORRECTED, {"layerwise_lr_decay": 0.95})

_LADDER = (DEVLIN, DEVLIN_CORRECTED, DEVLIN_LONG, STABLE)
_WITHOUT_WARMUP = (NO_WARMUP, NO_WARMUP_CORRECTED, NO_WARMUP_LONG, NO_WARMUP_STABLE)
RECIPES = MappingProxyType({r.name: r for r in (*_LADDER, *_WITHOUT_WARMUP, MIXOUT, REINIT, LLRD)})


def get_recipe(name: str) -> Recipe:
    """The recipe of that name. Raises `UserError` naming the nearest one."""
    if name not in RECIPES:
        raise unknown_name("recipe", name, RECIPES)
    return RECIPES[name]
