"""The prompt: history, completion, commands, and pastes of any size."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from person import Person, at_work
from scripted import ScriptedSession, proposal
from textual import events as textual_events
from textual.command import CommandPalette

from continual_code import ui
from continual_code.errors import UsageError
from continual_code.events import Listener, Proposed, Started, Streamed, Task
from continual_code.port import Opened
from continual_code.ui.commands import COMMANDS
from continual_code.ui.screens.lessons import LessonsScreen
from continual_code.ui.widgets.editor import Editor
from continual_code.ui.widgets.history_search import SearchLine

MEGABYTE = 1_000_000


async def test_ctrl_j_breaks_the_line_and_enter_sends_both() -> None:
    async with at_work() as person:
        await person.types("one")
        await person.press("ctrl+j")
        await person.types("two")
        await person.press("enter")
        await person.until(lambda: person.session.asked == [Task("one\ntwo")])
        assert person.prompt.text == ""


async def test_up_and_down_walk_the_history_and_return_to_the_draft() -> None:
    async with at_work() as person:
        for text in ("first", "second"):
            await person.types(text)
            await person.press("enter")
        await person.types("draft")
        await person.press("up")
        assert person.prompt.text == "second"
        await person.press("up", "up")
        assert person.prompt.text == "first"
        await person.press("down", "down")
        assert person.prompt.text == "draft"


async def test_up_without_anything_earlier_leaves_alone_what_is_typed_afterwards() -> None:
    async with at_work() as person:
        await person.press("up")
        await person.types("a long task")
        await person.press("down")
        assert person.prompt.text == "a long task"


async def test_a_recalled_task_that_was_changed_is_not_lost_by_walking_on() -> None:
    async with at_work() as person:
        await person.types("first")
        await person.press("enter", "up")
        await person.types(" again")
        await person.press("up")
        assert person.prompt.text == "first"
        await person.press("down")
        assert person.prompt.text == "first again"


async def test_the_history_outlives_the_program_in_a_private_file(tmp_path: Path) -> None:
    path = tmp_path / "state" / "history"
    async with at_work(history=path) as person:
        await person.types("remember me")
        await person.press("ctrl+j")
        await person.types("both lines")
        await person.press("enter")
        await person.settles()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with path.open("a") as stream:
        stream.write("{damaged\n")
    async with at_work(history=path) as person:
        await person.press("up")
        assert person.prompt.text == "remember me\nboth lines"


@pytest.mark.parametrize("is_full", [True, False], ids=["a full disk", "a file of somebody else"])
async def test_a_history_that_cannot_be_kept_costs_nothing_else(
    is_full: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(descriptor: int, mode: int) -> None:
        if not is_full:
            raise PermissionError
        os.dup2(os.open("/dev/full", os.O_WRONLY), descriptor)

    monkeypatch.setattr("os.fchmod", failing)
    async with at_work(history=tmp_path / "history", theme=tmp_path / "theme") as person:
        person.app.theme = "textual-light"
        await person.types("go on")
        await person.press("enter")
        await person.until(lambda: person.session.asked == [Task("go on")])
        await person.settles()
        assert person.app.is_running
        assert "failed" not in person.transcript


async def test_at_completes_a_path_and_the_path_becomes_a_file_of_the_task() -> None:
    async with at_work() as person:
        await person.types("fix @ap")
        await person.sees("@src/app.py")
        await person.press("tab")
        assert person.prompt.text == "fix @src/app.py "
        await person.types("now")
        await person.press("enter")
        await person.until(lambda: person.session.asked == [Task("fix @src/app.py now", ("src/app.py",))])


async def test_tab_completes_a_bare_word_too() -> None:
    async with at_work() as person:
        await person.types("fix gre")
        await person.press("tab")
        assert person.prompt.text == "fix @greet.py "


async def test_the_arrows_choose_among_completions_and_esc_closes_them() -> None:
    async with at_work(files=["a/one.py", "a/two.py"]) as person:
        await person.types("@a")
        await person.sees("@a/two.py")
        await person.press("down", "tab")
        assert person.prompt.text == "@a/two.py "
        await person.types("@o")
        await person.sees("@a/one.py")
        await person.press("escape", "enter")
        await person.until(lambda: person.session.asked == [Task("@a/two.py @o", ("a/two.py",))])


async def test_enter_takes_what_the_arrows_have_chosen_and_sends_before_that_and_afterwards() -> None:
    async with at_work(files=["a/one.py", "a/two.py"]) as person:
        await person.types("fix @a")
        await person.sees("@a/two.py")
        await person.press("down", "enter")
        assert person.prompt.text == "fix @a/two.py "
        assert person.session.asked == []
        await person.press("enter")
        await person.types("@a")
        await person.sees("@a/one.py")
        await person.press("enter")
        await person.until(lambda: [task.text for task in person.session.asked] == ["fix @a/two.py ", "@a"])


async def test_tab_takes_the_command_that_is_chosen_on_the_screen() -> None:
    async with at_work() as person:
        await person.types("/mode")
        await person.sees("› /model")
        await person.press("tab")
        assert person.prompt.text == "/model "


@pytest.mark.parametrize("size", [(60, 20), (80, 24)])
async def test_the_chosen_command_is_in_view_and_each_takes_one_row(size: tuple[int, int]) -> None:
    async with at_work(size=size) as person:
        await person.types("/")
        await person.sees("› /lessons")
        names = list(COMMANDS)
        for name in [*names[1:], names[0]]:
            await person.press("down")
            await person.sees(f"› /{name}  ")
            assert sum(row.startswith(("   /", " › /")) for row in person.screen.splitlines()) == 6 + 1  # the prompt
        await person.press("up")
        await person.sees(f"› /{names[-1]}  ")


@pytest.mark.parametrize("size", [(60, 20), (80, 24)])
async def test_the_footer_names_the_keys_of_the_list_at_once_while_it_is_open(size: tuple[int, int]) -> None:
    async with at_work(size=size) as person:
        person.session.play(Started(Task("x"), 10, 100))
        await person.until(lambda: "Esc stops the answer" in person.footer)
        await person.press("@")
        assert "Tab takes · Up, Down choose · Esc closes" in person.footer
        assert "Enter queues" in person.footer or size[0] == 60
        assert "Esc stops" not in person.footer
        await person.press("down")
        assert "Enter takes · Up, Down choose · Esc closes" in person.footer
        assert "Enter queues" not in person.footer
        await person.press("escape")
        assert "Esc stops the answer · Enter queues" in person.footer


async def test_a_path_with_spaces_is_completed_in_quotes() -> None:
    async with at_work(files=["my notes.py"]) as person:
        await person.types("@my")
        await person.press("tab", "enter")
        await person.until(lambda: person.session.asked == [Task('@"my notes.py" ', ("my notes.py",))])


async def test_a_mention_of_nothing_is_said_and_a_decorator_is_not() -> None:
    async with at_work() as person:
        await person.types("add @property to @src/typo.py.")
        await person.press("enter")
        await person.until(lambda: "there is no file src/typo.py here" in person.transcript)
        assert person.session.asked[0].files == ()
        assert "no file property" not in person.transcript


async def test_commands_reach_the_session_and_not_the_model() -> None:
    async with at_work() as person:
        for command in ("/undo l3", "/export out", "/lessons"):
            await person.types(command)
            await person.press("enter")
        await person.until(lambda: ("lessons",) in person.session.calls)
        assert ("undo", "l3") in person.session.calls
        assert ("export", Path("/project/out")) in person.session.calls
        assert person.session.asked == []


@pytest.mark.parametrize(
    ("command", "asks"),
    [("/undo l9", "undo"), ("/commit p9", "draft"), ("/model big", "switch"), ("/credit l9", "lessons"),
     ("/export a.txt/x", "export")],
)  # fmt: skip
async def test_a_command_that_is_refused_says_why_and_comes_back(command: str, asks: str) -> None:
    async with at_work() as person:
        person.session.errors[asks] = UsageError("There is no such thing.")
        await person.types(command)
        await person.press("enter")
        await person.until(lambda: "There is no such thing." in person.transcript)
        assert person.prompt.text == command
        await person.press("ctrl+u")
        await person.types(command.split()[0])
        await person.press("enter")
        await person.settles()
        assert person.prompt.text == "", "a bare name is typed again at once, and would hold up the next card"


async def test_an_unknown_command_is_explained_and_stays_in_the_prompt() -> None:
    async with at_work() as person:
        await person.types("/lesons")
        await person.press("enter")
        await person.until(lambda: "There is no command /lesons; /help lists them." in person.transcript)
        assert person.prompt.text == "/lesons"
        assert person.session.asked == []


async def test_export_without_a_directory_says_what_is_missing() -> None:
    async with at_work() as person:
        await person.types("/export")
        await person.press("enter")
        await person.until(lambda: "/export needs a directory." in person.transcript)


async def test_quit_quits() -> None:
    async with at_work() as person:
        await person.types("/quit")
        await person.press("enter")
        await person.until(lambda: person.app.return_code == 0)


async def test_question_mark_is_help_only_in_an_empty_prompt() -> None:
    async with at_work() as person:
        await person.types("why?")
        assert person.prompt.text == "why?"
        await person.press("ctrl+u", "?")
        await person.sees("earlier tasks")
        await person.press("escape", "f1")
        await person.sees("earlier tasks")


async def test_a_megabyte_pasted_freezes_nothing_and_is_sent_whole() -> None:
    text = "word " * (MEGABYTE // 5)
    async with at_work() as person:
        started = time.perf_counter()
        person.app.post_message(textual_events.Paste(text))
        await person.until(lambda: "[pasted #1: 1,000,000 characters]" in person.prompt.text)
        await person.press("x")
        assert time.perf_counter() - started < 3
        await person.press("enter")
        await person.until(lambda: bool(person.session.asked))
        assert person.session.asked[0].text == f"{text}x"


@pytest.mark.parametrize("text", ["x" * MEGABYTE, "x = 1\n" * (MEGABYTE // 6)])
async def test_a_megabyte_pasted_into_the_editor_is_refused_and_the_draft_stays(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []  # the test's app shows no notifications
    monkeypatch.setattr(Editor, "notify", lambda self, message, **_: said.append(message))
    async with at_work() as person:
        person.session.play(Proposed(proposal()))
        await person.review_opens()
        person.clock.pass_grace()
        await person.press("e")
        editor = person.app.main.query_one(Editor)
        await person.until(lambda: editor.has_focus)
        before = editor.text
        person.app.post_message(textual_events.Paste(text))
        await person.until(lambda: bool(said), "the refusal")
        assert f"{len(text):,} characters is too long to edit here" in said[0]
        assert editor.text == before
        person.app.post_message(textual_events.Paste("# short\n"))
        await person.until(lambda: len(editor.text) == len(before) + len("# short\n"))


async def test_of_a_megabyte_pasted_into_the_search_only_the_beginning_counts() -> None:
    async with at_work() as person:
        await remembers(person)
        await person.press("ctrl+r")
        await person.sees("Ctrl+R older")
        person.app.post_message(textual_events.Paste("stack " * (MEGABYTE // 6)))
        line = person.app.main.query_one(SearchLine)
        await person.until(lambda: line.text.startswith("stack stack"))
        assert len(line.text) <= 1_000


async def test_a_megabyte_pasted_into_a_comment_is_kept_whole_on_one_line() -> None:
    from scripted import proposal

    from continual_code.events import Proposed

    async with at_work() as person:
        person.session.play(Proposed(proposal()))
        await person.review_opens()
        person.clock.pass_grace()
        await person.press("n")
        person.app.post_message(textual_events.Paste("line\n" * (MEGABYTE // 5)))
        await person.sees("characters]")
        await person.press("enter")
        await person.until(lambda: bool(person.session.verdicts))
        assert person.session.verdicts[0].comment == " ".join(["line"] * (MEGABYTE // 5))


def test_the_package_door_loads_no_textual_and_the_app_no_heavy_library() -> None:
    program = (
        "import sys; import continual_code.ui; assert 'textual' not in sys.modules; "
        "import continual_code.ui.app; "
        "heavy = {'torch', 'pydantic', 'transformers', 'peft', 'git'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


async def test_the_first_frame_stands_before_the_engine_starts() -> None:
    from continual_code.ui.app import ContinualApp

    class Watching(ScriptedSession):
        painted = ""

        def start(self, listener: Listener) -> Opened:
            strips = app.screen._compositor.render_strips()
            self.painted = "".join(segment.text for strip in strips for segment in strip)
            return super().start(listener)

    session = Watching()
    app = ContinualApp(session)
    async with app.run_test() as pilot:
        while not session.painted:
            await pilot.pause(0.01)
    assert "What should change?" in session.painted


def test_the_session_is_closed_even_when_the_screen_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> None:
        raise RuntimeError("no terminal")

    monkeypatch.setattr("continual_code.ui.app.ContinualApp.run", broken)
    session, interval = ScriptedSession(), sys.getswitchinterval()
    with pytest.raises(RuntimeError):
        ui.run(session)
    assert session.calls == [("close",)]
    assert sys.getswitchinterval() == interval


async def test_who_has_scrolled_back_and_sends_a_task_sees_what_comes_of_it() -> None:
    async with at_work() as person:
        person.session.play(Streamed("".join(f"line {number}\n" for number in range(60))))
        await person.sees("line 59")
        await person.press("pageup", "pageup")
        await person.until(lambda: "line 59" not in person.screen)
        person.session.play(Streamed("more of it\n"))
        await person.until(lambda: "more of it" in person.transcript)
        assert "more of it" not in person.screen
        await person.types("go on")
        await person.press("enter")
        await person.sees("more of it")
        person.session.play(Started(Task("go on"), 10, 100), Streamed("and more\n" * 30 + "the end"))
        await person.sees("the end")


# --- Ctrl+P ---


async def chooses(person: Person, text: str) -> None:
    """Open the palette, search it and take what it finds first."""
    await person.press("ctrl+p")
    await person.until(lambda: isinstance(person.app.screen, CommandPalette), "the palette")
    await person.types(text)
    await person.sees(COMMANDS[text.removeprefix("/")][:20])
    await person.press("down", "enter")
    await person.until(lambda: person.app.screen is not None and not CommandPalette.is_open(person.app), "its end")


async def test_the_palette_offers_every_command_and_the_colours_and_on_other_screens_the_colours_alone() -> None:
    async with at_work() as person:
        titles = [command.title for command in person.app.get_system_commands(person.app.screen)]
        assert titles == ["Theme", *(f"/{name}" for name in COMMANDS)]
        await person.press("f4")
        await person.until(lambda: isinstance(person.app.screen, LessonsScreen), "the lessons")
        titles = [command.title for command in person.app.get_system_commands(person.app.screen)]
        assert titles == ["Theme"]


async def test_the_palette_says_in_brackets_what_may_be_left_out() -> None:
    async with at_work() as person:
        await person.press("ctrl+p")
        await person.until(lambda: isinstance(person.app.screen, CommandPalette), "the palette")
        await person.types("/undo")
        await person.sees("[ID] undo an edit or a lesson")


async def test_a_command_that_is_chosen_from_the_palette_is_obeyed_and_a_draft_stays() -> None:
    async with at_work() as person:
        await person.types("a draft")
        await chooses(person, "/lessons")
        await person.until(lambda: isinstance(person.app.screen, LessonsScreen), "the lessons")
        await person.press("escape")
        assert person.prompt.text == "a draft"


async def test_a_command_that_needs_an_argument_comes_into_an_empty_prompt_and_never_over_a_draft() -> None:
    async with at_work() as person:
        for needing in ("/search", "/export"):
            await chooses(person, needing)
            await person.until(lambda needing=needing: person.prompt.text == f"{needing} ", "the command")
            assert person.prompt.has_focus
            await person.press("ctrl+u")
        await person.types("a draft")
        await chooses(person, "/export")
        await person.until(lambda: "/export needs an argument" in person.transcript, "the reason")
        assert person.prompt.text == "a draft"


# --- Ctrl+R ---

EARLIER = ("add type hints to Stack", "rename total to price", "add a docstring\nto total", "Remove the stack")


async def remembers(person: Person) -> None:
    """The person has sent all of `EARLIER`, and has begun something else."""
    for text in EARLIER:
        person.app.main._history.add(text)
    await person.types("a draft")


async def test_ctrl_r_finds_the_newest_that_fits_and_enter_puts_it_into_the_prompt_without_sending() -> None:
    async with at_work() as person:
        await remembers(person)
        await person.press("ctrl+r")
        await person.sees("Ctrl+R older")
        await person.types("STACK")
        await person.sees("› Remove the stack")
        await person.press("ctrl+r")
        await person.sees("› add type hints to Stack")
        await person.press("ctrl+r", "up", "ctrl+r", "enter")
        await person.until(lambda: person.prompt.text == "add type hints to Stack" and person.prompt.has_focus)
        await person.until(lambda: "older" not in person.footer)
        assert person.session.asked == []
        await person.press("ctrl+z")
        assert person.prompt.text == "a draft"


async def test_escape_leaves_the_prompt_as_it_was_and_so_does_what_is_nowhere() -> None:
    async with at_work() as person:
        await remembers(person)
        await person.press("ctrl+r")
        await person.types("nowhere")
        await person.sees("nothing that you asked before has this in it")
        await person.press("enter", "ctrl+r", "escape")
        await person.until(lambda: person.prompt.has_focus)
        assert person.prompt.text == "a draft"
        assert "nothing that you asked" not in person.screen
        await person.types("!")
        assert person.prompt.text == "a draft!"


async def test_keys_faster_than_the_focus_reach_the_search_and_then_the_prompt() -> None:
    async with at_work() as person:
        await remembers(person)
        await person.taps("ctrl+r")
        await person.types("price")
        await person.taps("enter")
        await person.types(" now")
        await person.until(lambda: person.prompt.text == "rename total to price now")


async def test_a_task_of_many_lines_is_one_line_while_it_is_searched_and_comes_back_whole() -> None:
    async with at_work(size=(60, 20)) as person:
        await remembers(person)
        await person.press("ctrl+r")
        await person.types("docstring")
        await person.sees("› add a docstring to total")
        await person.press("enter")
        await person.until(lambda: person.prompt.text == "add a docstring\nto total")


async def test_the_search_shows_where_a_long_task_fits_and_names_its_keys_in_a_small_terminal() -> None:
    async with at_work(size=(60, 20)) as person:
        person.app.main._history.add("words " * 40 + "and the needle [bold]\x1b[2J")
        await person.press("ctrl+r")
        await person.types("needle")
        await person.sees("needle [bold]␛[2J")
        await person.sees("Enter takes it · Ctrl+R older · Up newer · Esc back")


async def test_what_earlier_sessions_asked_is_found(tmp_path: Path) -> None:
    path = tmp_path / "history"
    path.write_text('"sort the list"\n"sort the list"\n"print it"\n')
    async with at_work(history=path) as person:
        await person.settles()
        await person.press("ctrl+r")
        await person.types("sort")
        await person.sees("› sort the list")
        assert person.screen.count("sort the list") == 1


async def test_who_searches_is_not_interrupted_by_a_proposal() -> None:
    async with at_work() as person:
        await person.press("ctrl+r")
        person.session.play(Proposed(proposal()))
        await person.sees("F2 to review")
        await person.types("y")
        assert person.session.verdicts == []
        await person.press("escape")
        await person.review_opens()
