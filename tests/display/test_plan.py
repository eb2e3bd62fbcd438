from __future__ import annotations

import io
import re

from rich.console import Console

from tune_stability.display.plan import PlannedSize, print_sizes


def printed(*sizes: PlannedSize) -> str:
    text = io.StringIO()
    print_sizes(sizes, "Planned from nothing.", Console(file=text, width=200))
    return text.getvalue()


def test_a_line_for_each_size_and_the_cheapest_is_marked() -> None:
    text = printed(
        PlannedSize(0.1, 264, 1, 528, 304, 7200.0, 5.0, False), PlannedSize(0.1, 152, 2, 608, 160, 3600.0, 2.5, True)
    )
    first, second = (line for line in text.splitlines() if re.match(r" *10 ", line))
    assert first.split() == ["10", "264", "1", "528", "304", "2.0", "h", "8", "min", "5.00"]
    assert second.split() == ["10", "152", "2", "608", "160", "60", "min", "4", "min", "2.50", "cheapest"]
    assert text.splitlines()[-1] == "Planned from nothing."


def test_without_a_price_there_is_no_cost_and_without_a_time_it_is_unknown() -> None:
    text = printed(PlannedSize(0.05, 8, 1, 16, 16, None, None, True))
    assert "cost" not in text
    assert re.search(r"5 +8 +1 +16 +16 +unknown +unknown +cheapest", text)


def test_what_may_not_run_has_no_numbers() -> None:
    text = printed(PlannedSize(0.05, None, 3, 0, 0, None, None, False))
    assert re.search(r"5 +more than may run +3 *$", text, flags=re.MULTILINE)
