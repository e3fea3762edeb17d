"""What the transcript says about each event.

Invariant: every piece of an event's text is cleaned here, and marks carry the meaning so
that colours only repeat it.
"""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from continual_code.errors import ContinualCodeError
from continual_code.events import (
    Applied,
    Checked,
    Committed,
    Compared,
    Comparing,
    Credited,
    Event,
    Failed,
    Learned,
    Lesson,
    NoEdit,
    Proposal,
    Proposed,
    Ready,
    Recorded,
    Retried,
    Started,
    StudiedAgain,
    Undone,
    Verdict,
    VerdictKind,
)
from continual_code.port import TrustAnswer, TrustQuestion
from continual_code.ui.clean import clean, clean_line
from continual_code.ui.credit import argued_against, mark_of
from continual_code.ui.hunks import hunk_names
from continual_code.ui.running import narrate_run

LONGEST_REQUEST = 2_000
NOTHING_ARGUED = "what you wrote argues against nothing in particular here"
VERDICTS: dict[VerdictKind, tuple[str, str]] = {
    "accept": ("✓ accepted", ".good"),
    "edit": ("✓ accepted with your changes", ".good"),
    "reject": ("✗ rejected", ".bad"),
}


def narrate(event: Event) -> list[Content]:
    """The lines for `event`; none where the footer or the card says it better."""
    match event:
        case Ready(model, device):
            return [quiet(f"{clean_line(model)} is ready on {clean_line(device)}."), Content("")]
        case Started():
            return _started(event)
        case NoEdit():
            return [Content.assemble(("· no edit: ", ".strong"), clean_line(event.reason)), Content("")]
        case Proposed(proposal):
            name, path = clean_line(proposal.id, 12), clean_line(proposal.path)
            return [Content.assemble((f"· {name} ", ".strong"), f"edits {path}")]
        case Recorded():
            return _recorded(event)
        case Applied(id, path):
            return [quiet(f"  {clean_line(id, 12)} is written to {clean_line(path)}; /undo takes it back"), Content("")]
        case Committed():
            return _committed(event)
        case Undone(id, detail):
            return [Content.assemble((f"↶ {clean_line(id, 12)} undone", ".strong"), _tail(detail)), Content("")]
        case Credited():
            return [_credited(event)]
        case Learned():
            return _learned(event)
        case Checked(lesson):
            return _checked(lesson)
        case StudiedAgain():
            return _studied_again(event)
        case Retried():
            return [Content.assemble((f"· {retried_words(event)}", ".strong"), _tail(event.reason)), Content("")]
        case Comparing():
            return [quiet(_comparing(event))]
        case Compared():
            words = Content.assemble((f"· {compared_words(event)}", ".strong"), "; F3 shows both")
            return [words, *_left_out(event.left_out), Content("")]
        case Failed(what, kept, do):
            return failure(what, kept, do)
        case _:
            return narrate_run(event)


def welcome(root: str) -> list[Content]:
    """The first lines of a session that edits `root`."""
    return [
        Content.assemble(("continual-code ", ".strong"), (clean_line(root), ".quiet")),
        quiet("Ask for a change. Accept it, or say in one line why not: the model learns from that line."),
        Content(""),
    ]


def trusted(question: TrustQuestion, answer: TrustAnswer) -> list[Content]:
    """What came of the question about a project's settings."""
    words = {"ignore": "is ignored", "once": "counts in this session", "always": "counts from now on"}
    return [quiet(f"{clean_line(question.path, 400)} {words[answer]}."), Content("")]


def request(text: str) -> list[Content]:
    """What the person asked, as the transcript repeats it."""
    first, *rest = clean(text[:LONGEST_REQUEST]).split("\n")
    lines = [Content.assemble(("› ", ".learn"), (first, ".strong"))]
    lines += [Content.styled(f"  {line}", ".strong") for line in rest]
    if len(text) > LONGEST_REQUEST:
        lines.append(quiet(f"  … {len(text) - LONGEST_REQUEST:,} more characters"))
    return lines


def accepted_unseen(proposal: Proposal) -> list[Content]:
    """Why there is no card for `proposal`."""
    name = clean_line(proposal.id, 12)
    return [quiet(f"  {name} is accepted without a card, for the mode is accept edits")]


def failure(what: str, kept: str = "", do: str = "") -> list[Content]:
    """One calm block: what happened, what was kept safe, what to do next."""
    lines = [Content.assemble(("! ", ".bad"), (clean_line(what, 1000), ".bad"))]
    lines += [quiet(f"  {clean_line(kept, 1000)}")] if kept else []
    lines += [Content(f"  → {clean_line(do, 1000)}")] if do else []
    return [*lines, Content("")]


def failure_of(error: ContinualCodeError) -> list[Content]:
    return failure(error.what, error.kept, error.do)


def quiet(text: str) -> Content:
    return Content.styled(text, ".quiet")


def retried_words(event: Retried) -> str:
    """The headline of a retried task."""
    return f"{clean_line(event.lesson_id, 12)} retried: {'learned' if event.held else 'not yet'}"


def compared_words(event: Compared) -> str:
    """The headline of two revisions that were asked the same."""
    before, after = event.before, event.after
    if not before.edit and not after.edit:
        return f"neither r{before.revision} nor r{after.revision} answers with an edit"
    how = "give the same answer" if before.edit == after.edit else "answer differently"
    return f"r{before.revision} and r{after.revision} {how}"


def _started(event: Started) -> list[Content]:
    where = f"with {len(event.rules)} rule(s) of yours" if event.rules else "without your comment"
    again = [quiet(f"  asking again, {where} in the prompt")] if event.retry_of else []
    return [*again, *_left_out(event.left_out)]


def _left_out(names: Sequence[str]) -> list[Content]:
    return [quiet(f"  did not fit into the prompt: {clean_line(', '.join(names), 400)}")] if names else []


def _comparing(event: Comparing) -> str:
    if event.begins and event.lesson_id:
        name, pair = clean_line(event.lesson_id, 12), f"r{event.revision}, then r{event.revisions[1]}"
        return f"  {name}: asking {pair} for the same again, from the file as it was; Esc stops it"
    if event.begins:
        return f"  asking r{event.revision}, then r{event.revisions[1]}: {clean_line(event.task.text, 200)}"
    return f"  asking r{event.revision}"


def _recorded(event: Recorded) -> list[Content]:
    words, style = VERDICTS[event.verdict.kind]
    comment = clean_line(event.verdict.comment, 1000)
    said = f": {comment}" if comment else ""
    headline = f"{words} {clean_line(event.verdict.proposal_id, 12)}{_against(event.verdict)}"
    lines = [Content.assemble((headline, style), said)]
    if event.lesson is not None:
        model = clean_line(event.waits_for, 200)
        waits = f", which waits for /model {model}: it wrote this" if model else ""
        lines.append(quiet(f"  saved as lesson {clean_line(event.lesson.id, 12)}{waits}"))
    return lines


def _committed(event: Committed) -> list[Content]:
    id, path = clean_line(event.proposal_id, 12), clean_line(event.path)
    where = f" is commit {clean_line(event.commit, 12)} on {clean_line(event.branch)}"
    behind = f"git's index was locked and still has the old {path}: `git add` brings it up to date"
    lines = [Content.assemble((f"✓ {id} ", ".good"), path, where)]
    return [*lines, *([quiet(f"  {behind}")] if event.index_behind else []), Content("")]


def _against(verdict: Verdict) -> str:
    if not verdict.unwanted:
        return ""
    return f" {'because of' if verdict.kind == 'reject' else 'without'} {hunk_names(verdict.unwanted)}"


def _credited(event: Credited) -> Content:
    name, blamed = clean_line(event.lesson_id, 12), argued_against(event.tokens, event.gaps)
    if not blamed:
        return quiet(f"  {name}: {NOTHING_ARGUED}")
    how = "a little" if mark_of(min(event.gaps)) == "slight" else "most"
    return Content.assemble((f"  {name}: what you wrote argues {how} against  ", ".quiet"), (blamed, ".learn"))


def _learned(event: Learned) -> list[Content]:
    report, name = event.report, clean_line(event.lesson.id, 12)
    if report.status == "memory":
        kept = f"◐ {name} stays in the prompt as a rule for files like {clean_line(event.lesson.path)}"
        return [Content.assemble((kept, ".good"), _tail(report.reason)), Content("")]
    if report.status != "learned":
        words = {"no_signal": "nothing to learn", "refused": "refused", "failed": "failed"}
        status = words.get(report.status, clean_line(report.status, 20))
        because = clean_line(report.reason, 400) or "no reason was given"
        return [Content.assemble((f"○ {name} learned nothing ({status}), because ", ".strong"), because), Content("")]
    loss = f"loss {report.loss_before:.2f} → {report.loss_after:.2f}"
    figures = f": gap {report.gap:.2f}, {loss}, {report.seconds:.1f} s"
    revision = f", r{report.revision}" if report.revision is not None else ""
    lines = [Content.assemble((f"● {name} learned", ".good"), (figures + revision, ".quiet"))]
    if report.supersedes:
        lines.append(Content(f"  it takes the place of {clean_line(', '.join(report.supersedes), 60)}"))
    return [*lines, Content("")]


def _checked(lesson: Lesson) -> list[Content]:
    name = clean_line(lesson.id, 12)
    if lesson.faded:
        words = f"◒ {name} has faded in the weights; its comment is a line of the prompt again"
    else:
        words = f"● {name} holds again; its comment leaves the prompt"
    return [Content.styled(words, ".strong"), Content("")]


def _studied_again(event: StudiedAgain) -> list[Content]:
    name = clean_line(event.lesson.id, 12)
    if event.revision is None:
        words = f"○ {name} was studied again without success"
        return [Content.assemble((words, ".strong"), _tail(event.reason)), Content("")]
    figures = f": {event.seconds:.1f} s, r{event.revision}"
    return [Content.assemble((f"● {name} was studied again", ".good"), (figures, ".quiet")), Content("")]


def _tail(text: str) -> str:
    return f": {clean_line(text, 400)}" if text else ""
