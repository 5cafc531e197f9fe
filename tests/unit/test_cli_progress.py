"""Bars: on a terminal, while it lasts, and nowhere else."""

from __future__ import annotations

import io
import re
import sys
from contextlib import nullcontext

import pytest
from rich.console import Console

from imgscan.cli import progress, run
from imgscan.cli.progress import Bars
from imgscan.scan.progress import Progress, Silence


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


QUIET = {"quiet": False, "no_progress": False, "no_color": False}


def draw_on(columns, monkeypatch):
    drawn = Terminal()
    console = Console(file=drawn, force_terminal=True, width=columns, color_system=None, _environ={})
    monkeypatch.setattr(progress, "Console", lambda **_: console)
    return drawn


@pytest.fixture
def screen(monkeypatch):
    """What is drawn on a terminal of 80 columns."""
    return draw_on(80, monkeypatch)


def test_each_layer_has_a_bar_with_bytes_while_it_is_read(screen):
    with Bars(color=False) as bars:
        bars.image("myimage:tag", "docker")
        bars.layer_started("sha256:" + "a" * 64, 2000)
        bars.layer_started("unknown-size", None)
        bars.layer_advanced("sha256:" + "a" * 64, 1000)
        bars._bars.refresh()
        shown = screen.getvalue()
        bars.layer_finished("sha256:" + "a" * 64)
        bars.layer_finished("unknown-size")
        assert len(bars._bars.tasks) == 1
    assert "docker: myimage:tag" in shown
    assert re.search(r"sha256:aaaaaaaaaaaa .*1\.0 kB of 2\.0 kB", shown)
    assert "unknown-size" in shown


@pytest.mark.parametrize("columns", [30, 60, 80])
def test_a_bar_takes_one_line_however_narrow_the_terminal(monkeypatch, columns):
    drawn = draw_on(columns, monkeypatch)
    with Bars(color=False) as bars:
        bars.image("registry.example.com/a-team/an-image:tag", "registry")
        bars.layer_started("b" * 64 + "/layer.tar", 200_000_000)
        bars.layer_advanced("b" * 64 + "/layer.tar", 150_000_000)
        bars._bars.refresh()
        last = drawn.getvalue().rpartition("\x1b[2K")[2]
    image, layer = last.splitlines()
    assert (image[:9], layer[:9]) == ("registry:", "b" * 9)
    assert "150 MB" in layer
    assert ("0:00:00" in layer) is (columns >= progress.WIDE)


def test_what_comes_from_an_image_is_not_obeyed(screen):
    with Bars(color=False) as bars:
        bars.image("\x1b]0;owned\x07", "docker")
        bars.layer_started("[blink]\r\x1b[2J", 10)
        bars._bars.refresh()
    assert "\x1b]0" not in screen.getvalue()
    assert "\x1b[2J" not in screen.getvalue()
    assert r"[blink]\r\x1b[2J" in screen.getvalue()


@pytest.mark.usefixtures("screen")
def test_unknown_layers_do_no_harm():
    with Bars(color=False) as bars:
        bars.layer_advanced("never started", 5)
        bars.layer_finished("never started")


@pytest.fixture
def terminal(monkeypatch):
    """Makes standard error a terminal; to be called in the test, since pytest puts its own back after fixtures."""

    def attach():
        monkeypatch.setattr(sys, "stderr", Terminal())
        monkeypatch.setenv("TERM", "xterm")

    return attach


def test_a_terminal_gets_bars(terminal):
    terminal()
    assert isinstance(run._watcher(QUIET), Bars)


@pytest.mark.parametrize(
    ("given", "variables"),
    [
        ({"quiet": True}, {}),
        ({"no_progress": True}, {}),
        ({}, {"CI": "true"}),
        ({}, {"TERM": "dumb"}),
    ],
)
def test_bars_can_be_unwanted(terminal, monkeypatch, given, variables):
    terminal()
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    watcher = run._watcher(QUIET | given)
    assert isinstance(watcher, nullcontext)
    assert isinstance(watcher.__enter__(), Silence)


def test_a_pipe_gets_no_bars(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert isinstance(run._watcher(QUIET), nullcontext)


@pytest.mark.parametrize(
    ("given", "variables", "color"),
    [({}, {}, True), ({"no_color": True}, {}, False), ({}, {"NO_COLOR": "1"}, False), ({}, {"TERM": "dumb"}, False)],
)
def test_colour_is_for_terminals_that_want_it(monkeypatch, given, variables, color):
    for name, value in ({"TERM": "xterm"} | variables).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdout", Terminal())
    look = run._look(QUIET | {"verbose": 0} | given)
    assert look.color is color
    assert look.width


def test_bars_are_a_listener_of_a_scan():
    listener: Progress = Bars(color=False)
    listener.image("x", "docker")
