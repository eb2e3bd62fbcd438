"""The seeds of one configuration's trials, by the study's seed scheme."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from tune_stability.studies import MAX_SEEDS, StudySpec


@dataclass(frozen=True)
class Seeds:
    """The seeds of one trial; the last three are None where `seed` sets all that is random."""

    seed: int
    init_seed: int | None = None
    data_seed: int | None = None
    dropout_seed: int | None = None


def configuration_seeds(spec: StudySpec, index: int) -> list[Seeds]:
    """The seeds of configuration `index`, in the order in which its trials run.

    Configuration i has the numbers 1000 i, 1000 i + 1, ...: its own, so that no luck of one seed is shared by all.
    With the factorial scheme every combination of `num_seeds` of them for initialization, data order and dropout is a
    trial, whose `seed` is 1000 i plus its place. Combinations come by their largest member, so that more
    seeds keep the trials of fewer.
    """
    first = MAX_SEEDS * index
    if spec.seed_scheme == "single":
        return [Seeds(first + k) for k in range(spec.num_seeds)]
    triples = sorted(product(range(spec.num_seeds), repeat=3), key=lambda triple: (max(triple), triple))
    return [Seeds(first + place, *(first + k for k in triple)) for place, triple in enumerate(triples)]
