from __future__ import annotations

import numpy as np
import pytest

from tune_stability.errors import UserError
from tune_stability.sampling.designs import DESIGNS, design_points, design_replicate


@pytest.mark.parametrize("design", ["sobol", "random"])
@pytest.mark.parametrize("few", [1, 2, 3, 31, 32, 33])
def test_more_points_keep_the_first_ones(design: str, few: int) -> None:
    np.testing.assert_array_equal(design_points(design, 64, 3, 0)[:few], design_points(design, few, 3, 0))


@pytest.mark.parametrize("few", [1, 2, 7, 8, 9, 31, 32, 33])
def test_more_points_keep_the_first_ones_of_every_replicate(few: int) -> None:
    many = design_points("sobol", 64, 3, 0, replicates=8)
    np.testing.assert_array_equal(many[:few], design_points("sobol", few, 3, 0, replicates=8))


def test_points_are_dealt_from_independent_scrambles_in_turn() -> None:
    points = design_points("sobol", 64, 2, 5, replicates=8)
    replicate = [design_replicate("sobol", index, 8) for index in range(64)]
    assert replicate[:10] == [0, 1, 2, 3, 4, 5, 6, 7, 0, 1]
    for label in range(8):
        own = points[np.array(replicate) == label]
        for axis in range(2):
            assert sorted(np.floor(own[:, axis] * 8).astype(int)) == list(range(8))
    assert len(np.unique(points, axis=0)) == 64
    assert not np.allclose(points, design_points("sobol", 64, 2, 6, replicates=8))


def test_one_replicate_is_the_plain_sequence_and_other_designs_have_none() -> None:
    np.testing.assert_array_equal(design_points("sobol", 9, 2, 5), design_points("sobol", 9, 2, 5, replicates=1))
    assert design_replicate("sobol", 3, 1) is None
    assert design_replicate("random", 3, 8) is None


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("num_axes", [1, 2, 3])
def test_points_lie_in_the_unit_cube(design: str, num_axes: int) -> None:
    points = design_points(design, 4**num_axes, num_axes, 5)
    assert points.shape == (4**num_axes, num_axes)
    assert points.dtype == np.float64
    assert (points >= 0).all()
    assert (points < 1).all()


@pytest.mark.parametrize("seed", range(5))
def test_a_sobol_design_of_a_power_of_two_has_one_point_in_every_stretch_of_every_axis(seed: int) -> None:
    points = design_points("sobol", 64, 3, seed)
    for axis in range(3):
        assert sorted(np.floor(points[:, axis] * 64).astype(int)) == list(range(64))
    # In two dimensions too: its first two axes are a net, with one point in each of 64 cells.
    cells = {(int(8 * a), int(8 * b)) for a, b in points[:, :2]}
    assert len(cells) == 64


def test_a_random_design_is_uniform() -> None:
    points = design_points("random", 4000, 2, 0)
    counts, _, _ = np.histogram2d(points[:, 0], points[:, 1], bins=4, range=[[0, 1], [0, 1]])
    # 250 are expected in each of 16 cells, with a standard deviation of 15.3.
    assert np.abs(counts - 250).max() < 4 * 15.4
    assert not np.array_equal(counts, np.full((4, 4), 250))


@pytest.mark.parametrize("design", ["sobol", "random"])
def test_the_seed_decides_the_design(design: str) -> None:
    np.testing.assert_array_equal(design_points(design, 16, 2, 3), design_points(design, 16, 2, 3))
    assert not np.allclose(design_points(design, 16, 2, 3), design_points(design, 16, 2, 4))


@pytest.mark.parametrize(
    ("num_points", "num_axes", "expected"),
    [
        (1, 1, [[0.5]]),
        (4, 1, [[0.125], [0.375], [0.625], [0.875]]),
        (4, 2, [[0.25, 0.25], [0.25, 0.75], [0.75, 0.25], [0.75, 0.75]]),
        (1, 3, [[0.5, 0.5, 0.5]]),
    ],
)
def test_a_grid_takes_the_middles_of_equal_cells(num_points: int, num_axes: int, expected: list[list[float]]) -> None:
    np.testing.assert_allclose(design_points("grid", num_points, num_axes, 0), expected)
    np.testing.assert_array_equal(
        design_points("grid", num_points, num_axes, 0), design_points("grid", num_points, num_axes, 9)
    )


@pytest.mark.parametrize(("num_points", "num_axes"), [(125, 3), (343, 3), (1000, 3), (100, 2), (256, 4)])
def test_a_grid_of_a_whole_power_is_accepted_despite_rounding(num_points: int, num_axes: int) -> None:
    assert len(design_points("grid", num_points, num_axes, 0)) == num_points


@pytest.mark.parametrize(
    ("num_points", "num_axes", "near"), [(10, 2, "4, 9, 16"), (2, 2, "1, 4"), (40, 3, "8, 27, 64"), (3, 3, "1, 8")]
)
def test_a_grid_that_does_not_come_out_even_names_the_sizes_near_by(num_points: int, num_axes: int, near: str) -> None:
    with pytest.raises(UserError) as caught:
        design_points("grid", num_points, num_axes, 0)
    assert str(caught.value) == (
        f"a grid over {num_axes} axes has as many points per axis, received {num_points} configurations; "
        f"take one of {near}."
    )


@pytest.mark.parametrize(
    ("num_points", "num_choices", "expected"),
    [
        (2, [2], [[0.25], [0.75]]),
        (3, [3, 0], [[1 / 6, 0.5], [0.5, 0.5], [5 / 6, 0.5]]),
        (4, [0, 2], [[0.25, 0.25], [0.25, 0.75], [0.75, 0.25], [0.75, 0.75]]),
        (6, [2, 3], [[a, b] for a in (0.25, 0.75) for b in (1 / 6, 0.5, 5 / 6)]),
        (8, [0, 2, 0], [[a, b, c] for a in (0.25, 0.75) for b in (0.25, 0.75) for c in (0.25, 0.75)]),
    ],
)
def test_a_grid_takes_each_choice_once(num_points: int, num_choices: list[int], expected: list[list[float]]) -> None:
    np.testing.assert_allclose(design_points("grid", num_points, len(num_choices), 0, num_choices), expected)


@pytest.mark.parametrize(
    ("num_points", "num_choices", "has", "near"),
    [
        (7, [2, 3], "all 6 combinations of choices", "6"),
        (7, [0, 2], "all 2 combinations of choices and as many points per axis", "6, 8, 10"),
        (1, [0, 3, 2, 0], "all 6 combinations of choices and as many points per axis", "6"),
        (30, [3, 0, 0], "all 3 combinations of choices and as many points per axis", "12, 27, 48"),
    ],
)
def test_a_grid_of_choices_that_does_not_come_out_even_names_the_sizes_near_by(
    num_points: int, num_choices: list[int], has: str, near: str
) -> None:
    with pytest.raises(UserError) as caught:
        design_points("grid", num_points, len(num_choices), 0, num_choices)
    assert str(caught.value) == (
        f"a grid over {len(num_choices)} axes has {has}, received {num_points} configurations; take one of {near}."
    )


@pytest.mark.parametrize("design", ["sobol", "random"])
def test_sequences_are_the_same_with_choices(design: str) -> None:
    np.testing.assert_array_equal(design_points(design, 8, 2, 0, [0, 3]), design_points(design, 8, 2, 0))


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("num_points", [0, -3])
def test_a_design_has_a_point(design: str, num_points: int) -> None:
    with pytest.raises(UserError, match=f"at least 1, received {num_points}"):
        design_points(design, num_points, 2, 0)


def test_an_unknown_design_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UserError, match="unknown design 'sobel'; did you mean 'sobol'"):
        design_points("sobel", 4, 2, 0)
