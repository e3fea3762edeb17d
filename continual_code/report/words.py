"""What became of a lesson, in words that need no knowledge of the program.

Invariant: the sign alone tells the states apart; a colour only repeats it.
"""

from __future__ import annotations

from dataclasses import dataclass

from continual_code.events import LessonStatus, VerdictKind


@dataclass(frozen=True, slots=True)
class State:
    """`kind` is the colour: "good", "kept", "none", "bad" or "gone"."""

    sign: str
    name: str
    meaning: str
    kind: str


STATES: dict[LessonStatus, State] = {
    "learned": State("●", "learned", "It is in the weights that serve now.", "good"),
    "memory": State(
        "◐",
        "kept in the prompt",
        "The weights did not take it; with tasks on files like this one it is a line of the prompt instead.",
        "kept",
    ),
    "pending": State("◌", "waiting", "It is recorded, and learned in this session or the next.", "none"),
    "no_signal": State("○", "no signal", "There was nothing in it that this answer could teach.", "none"),
    "refused": State("⊘", "refused", "It was tried, and the weights were left as they had been.", "bad"),
    "failed": State("!", "failed", "Learning it went wrong; the weights are as they had been.", "bad"),
    "undone": State("↶", "undone", "It was taken back; it is not in the weights and not in the prompt.", "gone"),
    "rolled_back": State("↺", "rolled back", "It was forgotten when an earlier revision was made to serve.", "gone"),
}
FADED = State("◒", "in both", "It has faded in the weights, so it is a line of such prompts as well.", "kept")
VERDICTS: dict[VerdictKind | None, str] = {
    "accept": "you accepted it",
    "edit": "you accepted it with changes of your own",
    "reject": "you rejected it",
    None: "you have not judged it",
}
