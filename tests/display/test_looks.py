from __future__ import annotations

import io
import re

from rich.console import Console

from tune_stability.analysis import Interval, Look
from tune_stability.display.looks import look_line, print_looks

INTERVAL = Interval(0.103, 0.052, 0.154, 0.99375, 48, 96, 0, "MOVER")
LOOK = Look(3, 48, 0.99375, INTERVAL, True)


def printed(looks: dict[str, Look]) -> str:
    text = io.StringIO()
    print_looks(looks, "devlin", Console(file=text, width=200))
    return text.getvalue()


def test_a_look_in_a_line() -> None:
    assert look_line(LOOK, "devlin", "stable", 0.12) == (
        "look 3 at 48 configurations: stable over devlin +10.3 points [+5.2, +15.4], 10.2 points wide, reached 12"
    )
    not_yet = Look(3, 48, 0.99375, INTERVAL, False)
    assert look_line(not_yet, "devlin", "stable", 0.105).endswith("10.2 points wide, wanted 10.5")


def test_every_treatment_has_its_look_and_what_to_quote_is_said() -> None:
    text = printed({"stable": LOOK, "mixout": Look(2, 32, 0.99, INTERVAL.distrusted("Too few."), False)})
    assert "Widening over devlin, whenever the search stops" in text
    assert re.search(r"stable +3 +48 +\+10\.3 \[\+5\.2, \+15\.4\] +99\.38", text)
    assert re.search(r"mixout +2 +32 +\+10\.3 \[\+5\.2, \+15\.4\] \? +99\.00", text)
    assert "? Too few. (mixout over devlin)" in text
    assert "it is the one to quote" in text


def test_before_the_first_look_there_is_nothing_to_quote() -> None:
    text = printed({})
    assert text.startswith("no look has been taken yet")
    assert "quote" not in text
