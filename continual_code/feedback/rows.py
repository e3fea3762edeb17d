"""Between rows of the journal and the shared vocabulary.

Invariant: what is read is exactly what was written, any text and any float included
(JSON with ASCII escapes carries lone surrogates, which SQLite's text does not, and paths
are stored as the bytes that the file system knows); a bit
flipped in a stored proposal is noticed, because zlib keeps a checksum and SQLite none.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, NamedTuple

from continual_code.errors import DamagedError, UsageError
from continual_code.events import Lesson, Message, Proposal, Revision, Rollout, StepReport, Task, Verdict

EditIntent = Mapping[str, Any]
EditStatus = Literal["intended", "applied", "failed", "undone"]


class RecordedEdit(NamedTuple):
    """A write to the person's file: what was to be written (`record`) and how far it got."""

    proposal_id: str
    record: dict[str, Any]
    status: EditStatus


@dataclass(frozen=True, slots=True)
class PendingLesson:
    """Everything that one learning step needs; `attempts` counts the earlier ones that never ended."""

    lesson: Lesson
    verdict: Verdict
    proposal: Proposal
    rollout: Rollout
    attempts: int


def number_of(id: str, prefix: str) -> int:
    """The row number behind "p7" or "l3".

    Raises:
        UsageError: the id has another form.
    """
    match = re.fullmatch(rf"{prefix}([1-9][0-9]{{0,17}})", id)
    if match is None:
        raise UsageError(f"{id!r} is not an id of the form {prefix}1.")
    return int(match[1])


def pack(value: object) -> bytes:
    return zlib.compress(json.dumps(value, separators=(",", ":")).encode("ascii"))


def unpack(blob: bytes, what: str) -> Any:
    try:
        return json.loads(zlib.decompress(blob))
    except (zlib.error, ValueError) as error:
        raise DamagedError(
            f"What the journal holds about {what} is damaged ({error}).",
            kept="Nothing else is affected.",
            do="Give the verdict again on a new proposal.",
        ) from None


def pack_proposal(
    *,
    task: Task,
    before: str | None,
    after: str,
    rollout: Rollout,
    seconds: float,
    left_out: tuple[str, ...],
    retry_of: str | None,
) -> bytes:
    """The columns of a proposal that are only ever read together."""
    return pack(
        {
            "task": asdict(task),
            "before": before,
            "after": after,
            "rollout": asdict(rollout),
            "seconds": seconds,
            "left_out": left_out,
            "retry_of": retry_of,
        }
    )


def read_proposal(row: sqlite3.Row) -> tuple[Proposal, Rollout]:
    """From the columns `proposal` (its number), `path` and `content`."""
    id = f"p{row['proposal']}"
    content = unpack(row["content"], id)
    rollout = _rollout(content["rollout"])
    task = Task(content["task"]["text"], tuple(content["task"]["files"]))
    proposal = Proposal(
        id=id,
        task=task,
        path=os.fsdecode(row["path"]),
        before=content["before"],
        after=content["after"],
        revision=rollout.revision,
        seconds=content["seconds"],
        left_out=tuple(content["left_out"]),
        retry_of=content["retry_of"],
    )
    return proposal, rollout


def _rollout(content: dict[str, Any]) -> Rollout:
    lists = {name: tuple(content[name]) for name in ("prompt_ids", "token_ids", "logprobs")}
    messages = tuple(Message(**message) for message in content["messages"])
    return Rollout(**{**content, **lists, "messages": messages})


def read_lesson(row: sqlite3.Row) -> Lesson:
    """From the columns of `lessons`, the proposal's path and the verdict's comment."""
    return _lesson(row, read_report(row["report"]))


def _lesson(row: sqlite3.Row, report: StepReport | None) -> Lesson:
    return Lesson(
        id=f"l{row['number']}",
        proposal_id=f"p{row['proposal']}",
        path=os.fsdecode(row["path"]),
        comment=row["comment"],
        status=row["status"],
        reason=row["reason"],
        revision=row["revision"],
        gap=report and report.gap,
        loss_before=report and report.loss_before,
        loss_after=report and report.loss_after,
        seconds=report and report.seconds,
        created=row["created"],
        checked=row["checked"] or "",
        checked_at=row["checked_at"],
        objection_left=row["objection_left"],
        pinned=bool(row["pinned"]),
        drift=report and report.drift,
        canary=report and report.canary,
        retry_held=None if row["retry_held"] is None else bool(row["retry_held"]),
    )


def read_lessons(found: Sequence[sqlite3.Row]) -> list[tuple[Lesson, StepReport | None]]:
    """All lessons of a model with their reports, oldest first, so that each can say what later ones mean for it."""
    reports = [read_report(row["report"]) for row in found]
    pairs = [(_lesson(row, report), report) for row, report in zip(found, reports, strict=True)]
    standing = [report for lesson, report in pairs if report and lesson.status in ("learned", "memory")]
    later = {earlier: report.lesson_id for report in standing for earlier in report.supersedes}
    said = Counter(wording(lesson.comment) for lesson, _ in pairs)
    known = []
    for lesson, report in pairs:
        said[wording(lesson.comment)] -= 1
        again = said[wording(lesson.comment)] if lesson.comment else 0
        known.append((replace(lesson, superseded_by=later.get(lesson.id, ""), said_again=again), report))
    return known


def wording(comment: str) -> str:
    """What two comments must share to count as the same: letter case, spacing and a final stop do not matter."""
    return " ".join(comment.casefold().split()).rstrip(".!")


def read_pending(row: sqlite3.Row) -> PendingLesson:
    proposal, rollout = read_proposal(row)
    return PendingLesson(read_lesson(row), read_verdict(row, proposal.id), proposal, rollout, row["attempts"])


def read_verdict(row: sqlite3.Row, proposal_id: str) -> Verdict:
    """The verdict in a row that has one (its `kind` is not NULL)."""
    edited = unpack(row["edited"], proposal_id) if row["edited"] is not None else None
    return Verdict(proposal_id, row["kind"], row["comment"], edited, tuple(json.loads(row["unwanted"])))


def write_report(report: StepReport) -> str:
    return json.dumps(asdict(report))


def read_report(text: str | None) -> StepReport | None:
    if text is None:
        return None
    content = json.loads(text)
    names = ("tokens", "token_gaps", "corrected_ids", "deciding", "supersedes")
    lists = {name: tuple(content.get(name, ())) for name in names}  # an earlier version wrote fewer
    return StepReport(**{**content, **lists})


def read_revision(row: sqlite3.Row) -> Revision:
    return Revision(row["number"], row["parent"], tuple(json.loads(row["lesson_ids"])), row["created"], row["sha256"])
