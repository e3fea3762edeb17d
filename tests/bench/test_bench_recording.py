"""The recording of a session: pictures and a film of what a terminal shows, and a person who waits for it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from continual_code.bench.recording import player
from continual_code.bench.recording.__main__ import main
from continual_code.bench.recording.film import Film, picture
from continual_code.bench.recording.player import NotShown, Player
from continual_code.bench.recording.screen import Screen
from continual_code.bench.terminal import Terminal

PROGRAM = Path(__file__).with_name("recorded_program.py")
PICTURES = {"answering", "reason", "learning", "before-after", "hunks", "tests", "lessons", "export"}


def shown(written: str, **shown_as: str) -> Screen:
    screen = Screen(20, 3, shown_as)
    screen.feed(written.encode())
    return screen


@contextmanager
def playing(script: str, out: Path, *, patience: float = 10) -> Iterator[Player]:
    terminal = Terminal(["sh", "-c", script], {"PATH": "/usr/bin:/bin"}, columns=20, rows=3)
    try:
        yield Player(terminal, Screen(20, 3, {}), out, patience=patience)
    finally:
        terminal.hang_up()


def test_a_row_has_the_colours_that_were_written() -> None:
    row = shown("\x1b[31mred \x1b[1;38;2;1;2;3mexact").row(0)
    styles = {row.plain[span.start : span.end].strip(): str(span.style) for span in row.spans}
    assert "red" in styles["red"]
    assert {"bold", "#010203"} <= set(styles["exact"].split())


def test_a_picture_has_the_text_and_never_its_markup() -> None:
    document = picture(shown("a [bold]b[/bold] <c>"))
    assert document.startswith("<svg")
    assert "[bold]b[/bold]&#160;&lt;c&gt;" in document


def test_a_path_is_shown_as_another_and_the_row_keeps_its_width() -> None:
    row = shown("in /tmp/x7 \x1b[7m|", **{"/tmp/x7": "~"}).row(0)
    assert row.plain.rstrip() == "in ~       |"
    assert len(row.plain) == 20


def test_the_shell_comes_back_when_a_program_leaves_its_own_screen() -> None:
    screen = shown("$ run\r\n\x1b[?1049h")
    assert "run" not in screen.text
    screen.feed(b"program\x1b[?1049l$ ")
    assert screen.text.split() == ["$", "run", "$"]


def test_a_film_played_again_shows_the_same_screen(tmp_path: Path) -> None:
    screen = shown("one\r\ntwo")
    film = Film(screen)
    film.advance(1)
    screen.feed(b"\x1b[1;1H\x1b[32mONE")
    film.advance(1)
    film.save(tmp_path / "a.cast")
    header, *events = map(json.loads, (tmp_path / "a.cast").read_text().splitlines())
    again = Screen(header["width"], header["height"], {})
    for _, kind, painted in events:
        assert kind == "o"
        again.feed(painted.encode())
    assert [time for time, _, _ in events] == [1, 2]
    assert [again.row(index) for index in range(3)] == [screen.row(index) for index in range(3)]


def test_what_was_waited_for_in_vain_is_said_with_what_is_shown_instead(tmp_path: Path) -> None:
    with playing("echo sorry; sleep 60", tmp_path, patience=2) as person:
        person.wait_for("sorry")
        with pytest.raises(NotShown, match=r"'welcome'[\s\S]*sorry"):
            person.wait_for("welcome")


def test_what_is_typed_reaches_the_program(tmp_path: Path) -> None:
    with playing("read line; echo got $line; sleep 60", tmp_path) as person:
        person.enter("this")
        person.wait_for("got this")
        person.keep("got")
    assert "got&#160;this" in (tmp_path / "got.svg").read_text()


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A directory with a continual-code whose model is scripted."""
    (directory := tmp_path / "bin").mkdir()
    program = directory / "continual-code"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{PROGRAM}" "$@"\n')
    program.chmod(0o755)
    return directory


def test_a_whole_session_is_played_and_kept(
    tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CONTINUAL_CODE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(player, "BETWEEN_LETTERS", 0.001)
    out = tmp_path / "out"
    assert main([str(out), "--programs", str(programs), "--patience", "120"]) == 0, capsys.readouterr().err
    assert {path.stem for path in out.glob("*.svg")} == PICTURES
    film = (out / "session.cast").read_text()
    assert "Say why not" in film  # for a second; what passes while the player waits may be nowhere in the film
    assert "continual-code-" not in film  # the temporary directory
