from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from tune_stability.axes import Axis, ChoiceAxis
from tune_stability.errors import UserError
from tune_stability.spaces import SPACE_NAMES, SearchSpace, get_space, load_space, space_from_dict, space_to_dict

RATE = Axis("learning_rate", 1e-5, 1e-3, "log")
WARMUP = Axis("warmup_ratio", 0.0, 0.3)
EPOCHS = Axis("num_epochs", 1, 20, "log")
SHAPE = ChoiceAxis("lr_scheduler_type", ("linear", "cosine"))


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


def test_choices_are_read_from_toml(tmp_path: Path) -> None:
    path = space_file(
        tmp_path,
        "[axes.learning_rate]\nlow = 1e-5\nhigh = 1e-3\nscale = 'log'\n"
        "[axes.lr_scheduler_type]\nchoices = ['linear', 'cosine']\n"
        "[axes.bias_correction]\nchoices = [true, false]\n"
        "[axes.batch_size]\nchoices = [8, 16, 32]\n"
        "[axes.dropout]\nchoices = [0, 0.1]\n",
    )
    choices = (
        SHAPE,
        ChoiceAxis("bias_correction", (True, False)),
        ChoiceAxis("batch_size", (8, 16, 32)),
        ChoiceAxis("dropout", (0.0, 0.1)),
    )
    assert load_space(path) == SearchSpace("space", (RATE, *choices))


CHOSEN = SearchSpace("chosen", (RATE, SHAPE, ChoiceAxis("bias_correction", (False, True)), EPOCHS))


@pytest.mark.parametrize(
    "space", [*(get_space(name, 3e-4) for name in SPACE_NAMES), CHOSEN], ids=lambda space: space.name
)
def test_a_space_survives_its_dictionary(space: SearchSpace) -> None:
    assert space_from_dict(space_to_dict(space), "here") == space
    assert space_from_dict(json.loads(json.dumps(space_to_dict(space))), "here") == space


def test_choices_have_places_in_the_cube() -> None:
    configuration = CHOSEN.configuration([0.5, 0.49, 0.51, 0.0])
    assert configuration == {
        "learning_rate": pytest.approx(1e-4),
        "lr_scheduler_type": "linear",
        "bias_correction": True,
        "num_epochs": 1,
    }
    assert CHOSEN.point(configuration) == pytest.approx([0.5, 0.25, 0.75, math.log(2) / math.log(41)])


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
        ("[axes]\ndropout = 0.1", "axis 'dropout' in {path} takes low, high and scale, or choices, received 0.1."),
        ("[axes.dropout]\nlow = 0", "takes low, high and scale, or choices, received {{'low': 0}}."),
        ("[axes.dropout]\nlow = 0\nhigh = 0.5\nlog = true", "takes low, high and scale, or choices, received "),
        ("[axes.batch_size]\nlow = 8\nchoices = [8, 16]", "takes low, high and scale, or choices, received "),
        ("[axes.batch_size]\nchoices = [8, 16]\nscale = 'log'", "takes low, high and scale, or choices, received "),
        ("[axes.batch_size]\nchoices = 8", "choices of axis 'batch_size' in {path} must be a list, received 8."),
        ("[axes.precision]\nchoices = 'fp32'", "choices of axis 'precision' in {path} must be a list, received 'fp"),
        ("[axes.batch_size]\nchoices = []", "batch_size needs at least two choices, each given once, received none."),
        ("[axes.batch_size]\nchoices = [16, 8]", "the choices of batch_size are numbers and must rise"),
        ("[axes.batch_size]\nchoices = [[8], [16]]", "batch_size must be of type int, received [8]."),
        (
            "[axes.lr_scheduler_type]\nchoices = ['linear', 'cosin']",
            "must be one of linear, constant, cosine, re",
        ),
        ("[axes.momentum]\nchoices = [0, 1]", "unknown hyperparameter 'momentum'"),
        ("[axes.precision]\nlow = 0\nhigh = 1", "precision is a name and has no range; give its choices"),
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
