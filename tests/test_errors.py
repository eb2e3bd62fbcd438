from __future__ import annotations

import pytest

from tune_stability.errors import UserError, unknown_name

RECIPES = ("stable", "devlin", "mixout")


@pytest.mark.parametrize(
    ("received", "message"),
    [
        ("stabel", "unknown recipe 'stabel'; did you mean 'stable'? Allowed: devlin, mixout, stable."),
        ("Devlin", "unknown recipe 'Devlin'; did you mean 'devlin'? Allowed: devlin, mixout, stable."),
        ("zzz", "unknown recipe 'zzz'. Allowed: devlin, mixout, stable."),
        ("", "unknown recipe ''. Allowed: devlin, mixout, stable."),
        # A name with an apostrophe is quoted otherwise.
        ("x'y", 'unknown recipe "x\'y". Allowed: devlin, mixout, stable.'),
        ("a' Allowed", 'unknown recipe "a\' Allowed". Allowed: devlin, mixout, stable.'),
        ("two\nlines", "unknown recipe 'two\\nlines'. Allowed: devlin, mixout, stable."),
    ],
)
def test_unknown_name_says_what_is_allowed_in_one_line(received: str, message: str) -> None:
    error = unknown_name("recipe", received, RECIPES)
    assert isinstance(error, UserError)
    assert str(error) == message
    assert "\n" not in str(error)


def test_the_nearest_name_is_offered_and_only_one() -> None:
    error = unknown_name("hyperparameter", "adam_beta", ("adam_beta1", "adam_beta2", "dropout"))
    assert str(error).count("adam_beta") == 4  # received, one offered, two allowed


def test_allowed_may_be_any_iterable() -> None:
    assert str(unknown_name("key", "x", iter(["b", "a"]))) == "unknown key 'x'. Allowed: a, b."


def test_a_user_error_is_a_value_error() -> None:
    assert issubclass(UserError, ValueError)
