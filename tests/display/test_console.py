from __future__ import annotations

import io

import pytest

from tune_stability.display.console import PLAIN_WIDTH, make_console


def test_a_file_or_pipe_is_wide_enough_for_the_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", io.StringIO())
    console = make_console()
    assert not console.is_terminal
    assert console.width == PLAIN_WIDTH >= 100


def test_a_terminal_keeps_its_width(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdout", Terminal())
    monkeypatch.setenv("COLUMNS", "71")
    monkeypatch.setenv("TERM", "xterm")
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    console = make_console()
    assert console.is_terminal
    assert console.width == 71
