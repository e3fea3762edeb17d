"""Every event as one JSON object, for `--output-format stream-json`.

Invariant: `type` names the event, every other field is plain JSON, and no text ends a line.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any

from continual_code.events import (
    Answer,
    Applied,
    Checked,
    Committed,
    Compared,
    Comparing,
    Credited,
    Event,
    Failed,
    FollowedUp,
    Learned,
    LearnerState,
    Loading,
    NoEdit,
    Proposal,
    Proposed,
    Ready,
    Recorded,
    Retried,
    RunEnded,
    RunOutput,
    RunStarted,
    Started,
    Streamed,
    StudiedAgain,
    SuiteOffered,
    Swapped,
    Undone,
    Worded,
    Wording,
)


def line_of(data: dict[str, Any]) -> str:
    """One line with its end; anything that is not ASCII is escaped, lone surrogates included."""
    return json.dumps(data) + "\n"


def event_data(event: Event) -> dict[str, Any]:
    """What a script needs to know of `event`."""
    match event:
        case Loading() | Ready() | Streamed() | Swapped() | SuiteOffered() | RunStarted() | RunOutput() | RunEnded():
            return {"type": _NAMES[type(event)], **asdict(event)}
        case Started(task):
            return {"type": "started", **asdict(event), "task": task.text, "files": list(task.files)}
        case Proposed(proposal):
            return {"type": "proposed", **_proposal_data(proposal)}
        case NoEdit(task, reason, answer, retry_of):
            return {"type": "no_edit", "task": task.text, "reason": reason, "answer": answer, "retry_of": retry_of}
        case Recorded(verdict, lesson):
            taught = lesson.id if lesson else None
            told = {"proposal": verdict.proposal_id, "verdict": verdict.kind, "lesson": taught}
            return {"type": "recorded", **told, "waits_for": event.waits_for or None}
        case Applied(proposal_id, path):
            return {"type": "applied", "proposal": proposal_id, "path": path}
        case Committed(proposal_id, path, commit, branch):
            made = {"path": path, "commit": commit, "branch": branch, "index_behind": event.index_behind}
            return {"type": "committed", "proposal": proposal_id, **made}
        case Wording(proposal_id, subject):
            return {"type": "wording", "proposal": proposal_id, "subject": subject}
        case Worded(proposal_id, subject, note):
            return {"type": "worded", "proposal": proposal_id, "subject": subject, "note": note}
        case Undone(id, detail):
            return {"type": "undone", "id": id, "detail": detail}
        case LearnerState():
            return {"type": "learner", **asdict(event)}
        case Credited(lesson_id, tokens, gaps):
            told = [round(gap, 3) if math.isfinite(gap) else None for gap in gaps]
            return {"type": "credited", "lesson": lesson_id, "tokens": list(tokens), "gaps": told}
        case Learned(lesson, report):
            figures = {"gap": report.gap, "loss_before": report.loss_before, "loss_after": report.loss_after}
            ended = {"status": report.status, "reason": report.reason, "revision": report.revision}
            cost = {"seconds": report.seconds, "supersedes": list(report.supersedes)}
            return {"type": "learned", "lesson": lesson.id, **ended, **figures, **cost}
        case Retried(lesson_id, before, after, held, gap, reason):
            answers = {"before": before.id, "after": after.id if after else None}
            return {"type": "retried", "lesson": lesson_id, **answers, "held": held, "gap": gap, "reason": reason}
        case Checked(lesson):
            return {"type": "checked", "lesson": lesson.id, "faded": lesson.faded}
        case StudiedAgain(lesson, revision, seconds, reason):
            ended = {"revision": revision, "seconds": seconds, "reason": reason}
            return {"type": "studied_again", "lesson": lesson.id, **ended}
        case FollowedUp(task, number, most):
            return {"type": "followed_up", "task": task.text, "files": list(task.files), "number": number, "most": most}
        case Comparing(task, revisions, revision, lesson_id):
            asked = {"task": task.text, "revisions": list(revisions), "revision": revision}
            return {"type": "comparing", **asked, "lesson": lesson_id or None}
        case Compared(task, before, after):
            return {"type": "compared", "task": task.text, "before": _answer_data(before), "after": _answer_data(after)}
        case Failed(what, kept, do):
            return {"type": "failed", "error": what, "kept": kept, "do": do}


_NAMES = {
    Loading: "loading", Ready: "ready", Streamed: "text", Swapped: "swapped", SuiteOffered: "suite_offered",
    RunStarted: "run_started", RunOutput: "run_output", RunEnded: "run_ended",
}  # fmt: skip


def _answer_data(answer: Answer) -> dict[str, Any]:
    written = {"path": answer.edit.path, "after": answer.edit.after} if answer.edit else {"reason": answer.reason}
    return {"revision": answer.revision, "lessons": list(answer.lesson_ids), **written}


def _proposal_data(proposal: Proposal) -> dict[str, Any]:
    return {
        "proposal": proposal.id, "path": proposal.path, "diff": proposal.diff, "revision": proposal.revision,
        "seconds": round(proposal.seconds, 2), "left_out": list(proposal.left_out), "retry_of": proposal.retry_of,
    }  # fmt: skip
