from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import optuna
import pytest
from scipy import stats

from tune_stability.errors import UserError
from tune_stability.spaces import SPACE_NAMES, Axis, SearchSpace, get_space, load_space, space_from_dict, space_to_dict

RATE = Axis("learning_rate", 1e-5, 1e-3, "log")
WARMUP = Axis("warmup_ratio", 0.0, 0.3)
EPOCHS = Axis("num_epochs", 1, 20, "log")
BATCH = Axis("batch_size", 8, 11)


@pytest.mark.parametrize(
    ("axis", "u", "expected"),
    [
        (RATE, 0.0, 1e-5),
        (RATE, 0.25, 10**-4.5),
        (RATE, 0.5, 1e-4),
        (RATE, 1.0, 1e-3),
        (WARMUP, 0.0, 0.0),
        (WARMUP, 0.5, 0.15),
        (WARMUP, 1.0, 0.3),
        # Four whole numbers, linear: a quarter of [0, 1] each.
        (BATCH, 0.0, 8),
        (BATCH, 0.249, 8),
        (BATCH, 0.251, 9),
        (BATCH, 0.749, 10),
        (BATCH, 0.751, 11),
        (BATCH, 1.0, 11),
        # From .5 to 20.5 in the log: 1 reaches up to ln(1.5/.5) / ln(20.5/.5) = ln 3 / ln 41 = .29583.
        (EPOCHS, 0.0, 1),
        (EPOCHS, 0.2958, 1),
        (EPOCHS, 0.2959, 2),
        # 20 starts at ln(19.5/.5) / ln 41 = ln 39 / ln 41 = .98653.
        (EPOCHS, 0.9865, 19),
        (EPOCHS, 0.9866, 20),
        (EPOCHS, 1.0, 20),
        # What rounding puts just outside the cube stays inside the range.
        (RATE, -1e-9, 1e-5),
        (RATE, 1 + 1e-9, 1e-3),
        (EPOCHS, 1 + 1e-9, 20),
    ],
)
def test_value_by_hand(axis: Axis, u: float, expected: float) -> None:
    value = axis.value(u)
    assert value == pytest.approx(expected, rel=1e-12, abs=1e-15)
    assert type(value) is (int if axis.is_integer else float)
    assert axis.low <= value <= axis.high


@pytest.mark.parametrize(
    ("axis", "x", "expected"),
    [
        (RATE, 1e-4, 0.5),
        (RATE, 1e-5, 0.0),
        (RATE, 1e-3, 1.0),
        (WARMUP, 0.075, 0.25),
        (BATCH, 8, 0.125),
        (BATCH, 11, 0.875),
        (EPOCHS, 1, math.log(2) / math.log(41)),
        # Outside the range, outside the cube.
        (RATE, 1e-2, 1.5),
        (WARMUP, 0.6, 2.0),
    ],
)
def test_position_by_hand(axis: Axis, x: float, expected: float) -> None:
    assert axis.position(x) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("axis", [RATE, WARMUP, Axis("dropout", 0.05, 0.5, "log")])
def test_position_inverts_value_on_real_axes(axis: Axis) -> None:
    for u in np.linspace(0, 1, 101):
        assert axis.position(axis.value(float(u))) == pytest.approx(u, abs=1e-12)


@pytest.mark.parametrize("axis", [EPOCHS, BATCH, Axis("num_epochs", 3, 4), Axis("max_seq_length", 3, 64, "log")])
def test_value_inverts_position_on_whole_numbers(axis: Axis) -> None:
    whole = range(int(axis.low), int(axis.high) + 1)
    assert [axis.value(axis.position(x)) for x in whole] == list(whole)


def whole_number_shares(axis: Axis, points: int = 40_000) -> dict[int, float]:
    values, counts = np.unique([axis.value((i + 0.5) / points) for i in range(points)], return_counts=True)
    return dict(zip(values.tolist(), (counts / points).tolist(), strict=True))


@pytest.mark.parametrize(("low", "high"), [(1, 20), (3, 20), (1, 2)])
@pytest.mark.parametrize("log", [True, False])
def test_whole_numbers_have_the_measure_of_optuna(low: int, high: int, log: bool) -> None:
    axis = Axis("num_epochs", low, high, "log" if log else "linear")
    shares = whole_number_shares(axis)
    for k in range(low, high + 1):
        # From half below to half above, in the scale.
        by_hand = (
            math.log((k + 0.5) / (k - 0.5)) / math.log((high + 0.5) / (low - 0.5)) if log else 1 / (high - low + 1)
        )
        assert shares[k] == pytest.approx(by_hand, abs=1e-4)
    n = 10_000
    sampler = optuna.samplers.RandomSampler(seed=0)
    study = optuna.create_study(sampler=sampler)
    study.ask()
    asked = study.trials[0]
    distribution = optuna.distributions.IntDistribution(low, high, log=log)
    drawn = [sampler.sample_independent(study, asked, "num_epochs", distribution) for _ in range(n)]
    counts = np.bincount(drawn, minlength=high + 1)[low:]
    assert stats.chisquare(counts, [n * shares[k] for k in range(low, high + 1)], sum_check=False).pvalue > 1e-3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("lr", 1, 2), "unknown hyperparameter 'lr'. Allowed: "),
        (("learning_rat", 1, 2), "did you mean 'learning_rate'?"),
        (("bias_correction", 0, 1), "bias_correction is a switch and cannot be an axis; "),
        (("dropout", 0.1, 0.5, "lin"), "unknown scale 'lin'; did you mean 'linear'?"),
        (("dropout", 0.1, 0.5, "ln"), "unknown scale 'ln'"),
        (("dropout", 0.1, 0.5, None), "unknown scale 'None'"),
        (("dropout", 0.1, 0.5, ["log"]), "unknown scale \"['log']\""),
        (("dropout", 0.5, 0.1), "the range of dropout must rise, received low=0.5, high=0.1."),
        (("dropout", 0.1, 0.1), "the range of dropout must rise, received low=0.1, high=0.1."),
        (("dropout", math.nan, 0.1), "the range of dropout must rise, received low=nan, high=0.1."),
        (("dropout", 0.1, math.nan), "the range of dropout must rise, received low=0.1, high=nan."),
        (("learning_rate", 1e-5, math.inf), "the range of learning_rate must rise, received low=1e-05, high=inf."),
        (("learning_rate", -math.inf, 1.0), "must rise, received low=-inf, high=1."),
        (("weight_decay", 0.0, 0.1, "log"), "weight_decay has a log scale, so low must be above 0, received 0."),
        (("warmup_ratio", -0.1, 0.1, "log"), "warmup_ratio has a log scale, so low must be above 0, received -0.1."),
        (("num_epochs", 1.5, 3), "num_epochs takes whole numbers, received 1.5."),
        (("num_epochs", 1, 3.5), "num_epochs takes whole numbers, received 3.5."),
        (("num_epochs", 0, 3), "num_epochs must lie in [1, inf), received 0."),
        (("warmup_ratio", 0.0, 1.5), "warmup_ratio must lie in [0, 1], received 1.5."),
        (("dropout", 0.0, 1.0), "dropout must lie in [0, 1), received 1.0."),
        (("learning_rate", 0.0, 1.0), "learning_rate must lie in (0, inf), received 0.0."),
    ],
)
def test_bad_axes_are_refused_in_one_line(arguments: tuple, message: str) -> None:
    with pytest.raises(UserError) as caught:
        Axis(*arguments)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_space_maps_points_to_configurations_and_back() -> None:
    space = SearchSpace("mine", (RATE, WARMUP, EPOCHS))
    assert space.names == ("learning_rate", "warmup_ratio", "num_epochs")
    configuration = space.configuration([0.5, 1.0, 0.0])
    assert configuration == {"learning_rate": pytest.approx(1e-4), "warmup_ratio": 0.3, "num_epochs": 1}
    assert space.point(configuration) == pytest.approx([0.5, 1.0, math.log(2) / math.log(41)])
    # A configuration may be wider than the space, and in any order.
    assert space.point({"num_epochs": 1, "seed": 4, "warmup_ratio": 0.0, "learning_rate": 1e-5})[:2] == [0.0, 0.0]
    assert type(space.configuration(np.array([0.5, 0.5, 0.5]))["learning_rate"]) is float


@pytest.mark.parametrize("point", [[0.5], [0.5, 0.5, 0.5], []])
def test_a_point_has_one_coordinate_an_axis(point: list[float]) -> None:
    with pytest.raises(ValueError, match="zip"):
        SearchSpace("mine", (RATE, WARMUP)).configuration(point)


def test_a_space_needs_axes_and_each_of_them_once() -> None:
    with pytest.raises(
        UserError, match=r"^the search space 'none' has no axis; give at least one, such as learning_ra"
    ):
        SearchSpace("none", ())
    with pytest.raises(
        UserError, match=r"^the search space 'twice' names an axis twice: dropout, learning_rate, dropou"
    ):
        SearchSpace("twice", (Axis("dropout", 0.0, 0.1), RATE, Axis("dropout", 0.0, 0.2)))


# name: (name, low, high, scale) of each axis around a reference rate of 2e-5
BUILT_IN = {
    "lr": [("learning_rate", 2e-5 / 56.23413, 2e-5 * 56.23413, "log")],
    "narrow": [
        ("learning_rate", 1e-5, 5e-5, "log"),
        ("warmup_ratio", 0.0, 0.2, "linear"),
        ("num_epochs", 3, 20, "log"),
    ],
    "wide": [
        ("learning_rate", 2e-5 / 56.23413, 2e-5 * 56.23413, "log"),
        ("warmup_ratio", 0.0, 0.3, "linear"),
        ("num_epochs", 1, 20, "log"),
    ],
}


@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.parametrize("factor", [1.0, 15.0])
def test_built_in_spaces_move_with_the_reference_rate(name: str, factor: float) -> None:
    space = get_space(name, 2e-5 * factor)
    assert space.name == name
    assert [(axis.name, axis.scale) for axis in space.axes] == [(axis[0], axis[3]) for axis in BUILT_IN[name]]
    for axis, (axis_name, low, high, _) in zip(space.axes, BUILT_IN[name], strict=True):
        scaled = factor if axis_name == "learning_rate" else 1.0
        assert axis.low == pytest.approx(low * scaled, rel=1e-6)
        assert axis.high == pytest.approx(high * scaled, rel=1e-6)


def test_the_tables_cover_every_built_in_space() -> None:
    assert set(BUILT_IN) == set(SPACE_NAMES)


@pytest.mark.parametrize(
    ("name", "nearest"), [("wdie", "wide"), ("Narrow", "narrow"), ("", None), ("x\ny", None), ("my.yaml", None)]
)
def test_an_unknown_space_names_the_nearest(name: str, nearest: str | None) -> None:
    with pytest.raises(UserError, match=r"^unknown search space ") as caught:
        get_space(name, 2e-5)
    message = str(caught.value)
    assert (f"did you mean {nearest!r}?" in message) is (nearest is not None)
    assert message.endswith("Allowed: FILE.toml, lr, narrow, wide.")
    assert "\n" not in message


GOOD_TOML = """
name = "mine"
[axes.learning_rate]
low = 1e-5
high = 1e-3
scale = "log"
[axes.num_epochs]
low = 1
high = 8
"""


def space_file(folder: Path, text: str | bytes) -> Path:
    path = folder / "space.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_space_is_read_from_toml_in_the_order_of_its_axes(tmp_path: Path) -> None:
    path = space_file(tmp_path, GOOD_TOML)
    wanted = SearchSpace("mine", (RATE, Axis("num_epochs", 1, 8, "linear")))
    assert load_space(path) == wanted
    # The reference rate has no say in a file.
    assert get_space(str(path), 3e-4) == wanted


def test_a_space_without_a_name_is_called_as_its_file(tmp_path: Path) -> None:
    path = space_file(tmp_path, "[axes.dropout]\nlow = 0\nhigh = 0.5\n")
    assert load_space(path).name == "space"


@pytest.mark.parametrize("space", [get_space(name, 3e-4) for name in SPACE_NAMES], ids=SPACE_NAMES)
def test_a_space_survives_its_dictionary(space: SearchSpace) -> None:
    assert space_from_dict(space_to_dict(space), "here") == space


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no table [axes.NAME]; give one for each free hyperparameter."),
        ("axes = 3", "has no table [axes.NAME]"),
        ('axes = ["dropout"]', "has no table [axes.NAME]"),
        ("[[axes]]\nlow = 1", "has no table [axes.NAME]"),
        ("[axes]", "the search space 'space' has no axis; give at least one, such as learning_rate."),
        (
            "[axis.dropout]\nlow = 0\nhigh = 0.5",
            "unknown key in {path}: 'axis'; did you mean 'axes'? Allowed: axes, name.",
        ),
        ("[axes]\ndropout = 0.1", "axis 'dropout' in {path} takes low, high and scale, received 0.1."),
        ("[axes.dropout]\nlow = 0", "takes low, high and scale, received {{'low': 0}}."),
        ("[axes.dropout]\nlow = 0\nhigh = 0.5\nlog = true", "takes low, high and scale, received "),
        ('[axes.dropout]\nlow = "0"\nhigh = 0.5', "low of axis 'dropout' in {path} must be a number, received '0'."),
        ("[axes.dropout]\nlow = 0\nhigh = true", "high of axis 'dropout' in {path} must be a number, received True."),
        ("[axes.dropout]\nlow = 0\nhigh = [1]", "must be a number, received [1]."),
        ("[axes.dropout]\nlow = 0\nhigh = nan", "the range of dropout must rise, received low=0, high=nan."),
        ("[axes.dropout]\nlow = 0\nhigh = inf", "the range of dropout must rise"),
        ("[axes.dropout]\nlow = 0.5\nhigh = 0.1", "the range of dropout must rise"),
        ("[axes.dropout]\nlow = 0\nhigh = 0.5\nscale = 'log'", "dropout has a log scale, so low must be above 0"),
        ("[axes.dropout]\nlow = 0\nhigh = 0.5\nscale = 'lgo'", "unknown scale 'lgo'; did you mean 'log'?"),
        ("[axes.dropout]\nlow = 0\nhigh = 0.5\nscale = {}", "unknown scale '{{}}'"),
        ("[axes.num_epochs]\nlow = 1\nhigh = 2.5", "num_epochs takes whole numbers, received 2.5."),
        ("[axes.momentum]\nlow = 0\nhigh = 1", "unknown hyperparameter 'momentum'"),
        ("[axes.token_type_ids]\nlow = 0\nhigh = 1", "token_type_ids is a switch"),
        ("[axes.dropout]\nlow = 0\n[axes.dropout]\nhigh = 1", "{path} is not a readable TOML file: "),
        ("[axes.dropout\n", "{path} is not a readable TOML file: "),
        (b"name = '\xff'", "{path} is not a readable TOML file: "),
    ],
)
def test_bad_files_are_refused_in_one_line(tmp_path: Path, text: str | bytes, words: str) -> None:
    path = space_file(tmp_path, text)
    with pytest.raises(UserError) as caught:
        load_space(path)
    assert words.format(path=path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_or_is_a_folder(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"^no search space at '.*gone\.toml'; give a file or one of lr, narrow, wide\.$"
    ):
        get_space(str(tmp_path / "gone.toml"), 2e-5)
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(UserError, match="is not a readable TOML file"):
        get_space(str(tmp_path / "folder.toml"), 2e-5)
