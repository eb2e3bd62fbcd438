"""Ray's `OptunaSearch` proposes what the samplers propose alone, also while trials run on workers."""

from __future__ import annotations

import dataclasses

import pytest

from tune_stability.execution import Resources, get_executor, get_proposer
from tune_stability.sampling.optuna_samplers import ADAPTIVE
from tune_stability.sampling.sources import AdaptiveSource, Proposer
from tune_stability.spaces import get_space
from tune_stability.store import load_results, read_study

KNOWN = [
    ({"learning_rate": 10 ** (-6 + k / 2)}, {"devlin": (int(k > 2), 1), "stable": (int(k > 1), 1)}) for k in range(6)
]


def proposals(proposer: Proposer) -> list[object]:
    found: list[object] = []
    for key in range(8):
        if key % 4 == 0:
            proposer.place(key, {"learning_rate": 3e-5 * (key + 1)})
        else:
            found.append(proposer.propose(key))
        proposer.tell(key, {} if key == 2 else {"devlin": (key % 2, 1), "stable": (1, 1)})
    return found


@pytest.mark.slow  # it loads Ray
@pytest.mark.parametrize("sampler", ADAPTIVE)
def test_the_proposals_are_those_of_the_sampler_alone(make_study, sampler: str) -> None:
    spec = dataclasses.replace(read_study(make_study()[0]), space=get_space("lr", 2e-5), sampler=sampler)
    assert proposals(get_proposer("ray", spec, KNOWN)) == proposals(get_proposer("local", spec, KNOWN))


@pytest.mark.slow
def test_a_boundary_study_runs_on_workers(make_study, cluster: str) -> None:
    place, _ = make_study()
    spec = dataclasses.replace(read_study(place), space=get_space("lr", 2e-5), sampler="boundary", num_configs=9)
    source = AdaptiveSource(spec, get_proposer("ray", spec, []), range(9), [])
    ends: list[object] = []
    get_executor("ray", Resources(address=cluster)).run("s", place, source, ends.append)
    rows = load_results(place)
    assert len(ends) == len(rows) == 9 * 2
    assert (rows["status"] == "completed").all()
    assert set(rows.loc[rows["source"] == "design", "config_index"]) == {0, 4, 8}
    # Two workers at once never got one place.
    assert rows["learning_rate"].nunique() == 9
