"""The session that is recorded: a lesson is taught in one file while the work goes on in another one.

Invariant: nothing is staged; what the model writes and what it learns is what this run of the program shows.
"""

from __future__ import annotations

from continual_code import sample
from continual_code.bench.recording.player import Player
from continual_code.ui.grace import GRACE

FILES = {
    **{name: sample.FILES[name] for name in (sample.TASK_FILE, "tracing.py")},
    "text.py": (
        "import re\n\n\n"
        'def longest(text):\n    return max(re.findall(r"\\w+", text), key=len)\n\n\n'
        'def shout(text):\n    return text.upper() + "!"\n'
    ),
    "test_text.py": (
        "import unittest\n\nfrom text import longest, shout\n\n\n"
        "class TextTest(unittest.TestCase):\n"
        '    def test_longest(self):\n        self.assertEqual(longest("a bb c"), "bb")\n\n'
        "    def test_help(self):\n        self.assertTrue(longest.__doc__)\n"
        "        self.assertFalse(shout.__doc__)\n"
    ),
}
TESTS = "python3 -m unittest"
MEANWHILE = "Write a docstring for longest and one for shout."
TOMORROW = "Add a function initials(text) that returns the first letters of words."
FEARED = "l1 (retried: not yet|learned nothing|stays in the prompt)|no edit: |tests failed"


def play(player: Player) -> None:
    """Play it at a shell that stands in a project with `FILES`.

    Raises:
        NotShown: it did not go as it should.
    """
    player.wait_for(r"\$ ")
    player.enter("continual-code")
    player.wait_for("is ready on")
    _reject_with_a_reason(player)
    _go_on_while_it_learns(player)
    _compare(player)
    _accept_all_but_one_hunk(player)
    _test_and_undo(player)
    _look_at_the_lessons(player)
    _export(player)


def _reject_with_a_reason(player: Player) -> None:
    player.enter(f"{sample.TASK} @stats.py ")
    player.wait_for("def median", instead=FEARED)
    player.keep("answering")
    player.wait_for("Say why not")
    player.watch(2 * GRACE)
    player.type(sample.COMMENT)
    player.wait_for("Why not[?]")
    player.keep("reason")
    player.press("Enter")
    player.wait_for("learning l1")


def _go_on_while_it_learns(player: Player) -> None:
    player.enter(f"{MEANWHILE} @text.py ")
    player.wait_for('"""', instead=FEARED)
    player.keep("learning")
    player.wait_for("hunk 1 of 2", instead=FEARED)


def _compare(player: Player) -> None:
    player.wait_for("l1 retried: learned", instead=FEARED)
    player.watch(2 * GRACE)  # of the card, which has opened by itself
    player.press("F3")
    player.wait_for("Before.*After")
    player.keep("before-after")
    player.press("y")


def _accept_all_but_one_hunk(player: Player) -> None:
    player.press("F2")
    player.wait_for("hunk 1 of 2")
    player.press("]")
    player.wait_for("hunk 2 of 2")
    player.press("Space")
    player.wait_for("1 not wanted")
    player.keep("hunks")
    player.press("y")
    player.wait_for("is written to text.py")


def _test_and_undo(player: Player) -> None:
    player.press("F5")
    player.wait_for("tests passed", instead=FEARED)
    player.enter("/undo")
    player.wait_for("p2 undone")
    player.keep("tests")


def _look_at_the_lessons(player: Player) -> None:
    player.press("F4")
    player.wait_for("● learned")
    player.keep("lessons")
    player.press("Ctrl+Q")


def _export(player: Player) -> None:
    player.wait_for(r"\$ continual-code\s+\$ ")
    player.enter("continual-code export adapter && ls adapter")
    player.wait_for(r"adapter_model\.safetensors[\s\S]*\n\$ ")
    player.enter(f'continual-code -p "{TOMORROW}" --file text.py')
    ended = r"--file text\.py\s[\s\S]*\n\$ "
    player.wait_for(r"\+@traced\s+\+def initials[\s\S]*\n\$ ", instead=ended)
    player.keep("export")
