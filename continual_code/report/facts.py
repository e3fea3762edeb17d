"""What a report says, worked out from the chronicle: pure, and the same for the page and for JSON.

Invariant: every statement follows from what is stored, and secrets of a known shape are taken out of whatever is
shown.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from continual_code.diffs import unified_diff
from continual_code.events import Lesson, LessonStatus, StepReport, VerdictKind
from continual_code.feedback.chronicle import Answer, Chronicle, Look
from continual_code.feedback.redaction import redact
from continual_code.report.credit import Piece, pieces, without_secrets
from continual_code.report.repeats import Repeats, is_among, repeats_of, rules_in
from continual_code.report.words import FADED, STATES, State
from continual_code.ui.credit import argued_against


@dataclass(frozen=True, slots=True)
class Change:
    """Two versions of a file, without secrets. `only_secrets`: nothing else differs, so nothing can be shown."""

    path: str
    before: str | None
    after: str
    only_secrets: bool

    @property
    def diff(self) -> str:
        return unified_diff(self.path, self.before, self.after)


@dataclass(frozen=True, slots=True)
class Retry:
    """The rejected task, asked again. `told`: the comment stood in the prompt. `same`: the answer did not change.

    `held`: the answer follows the comment; None where that was not measured.
    """

    proposal: str
    revision: int
    told: bool
    same: bool
    held: bool | None
    verdict: VerdictKind | None
    comment: str
    change: Change


@dataclass(frozen=True, slots=True)
class Figures:
    """Of the last step that finished; not a number where it was not finite."""

    gap: float | None
    loss_before: float | None
    loss_after: float | None
    updates: int | None
    seconds: float | None
    drift: float | None
    canary: float | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One lesson. `rejected` is None when the journal's copy of the proposal is damaged; `looks` are oldest first."""

    id: str
    proposal: str
    comment: str
    path: str
    created: str
    status: LessonStatus
    faded: bool
    superseded_by: str
    reason: str
    revision: int | None
    figures: Figures
    task: str
    answered_by: int | None
    rejected: Change | None
    own: Change | None
    retries: tuple[Retry, ...]
    credit: tuple[Piece, ...]
    blamed: str
    repeats: Repeats
    looks: tuple[Look, ...]

    @property
    def state(self) -> State:
        return FADED if self.faded else STATES[self.status]


@dataclass(frozen=True, slots=True)
class Retention:
    """How many lessons held of those that were looked at under a revision, each by its newest look."""

    revision: int
    held: int
    looked_at: int


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything on the page; entries newest first, `retention` by revision, oldest first."""

    model: str
    weights: str
    revision: int
    made: str
    counts: dict[LessonStatus, int]
    seconds: float
    entries: tuple[Entry, ...]
    retention: tuple[Retention, ...]


def facts_of(chronicle: Chronicle, *, model: str, weights: str, made: str) -> Facts:
    """`made` is the time of the report, ISO 8601; `weights` the digest of the base."""
    repeats = repeats_of(chronicle)
    entries = tuple(
        _entry(chronicle, lesson, report, repeats[lesson.id]) for lesson, report in reversed(chronicle.lessons)
    )
    counts = Counter(entry.status for entry in entries)
    return Facts(
        model=redact(model),
        weights=weights,
        revision=chronicle.head,
        made=made,
        counts={status: counts[status] for status in STATES if counts[status]},
        seconds=sum(entry.figures.seconds or 0.0 for entry in entries),
        entries=entries,
        retention=retention_of(chronicle.looks),
    )


def retention_of(looks: Sequence[Look]) -> tuple[Retention, ...]:
    """`looks` are oldest first."""
    newest = {(look.revision, look.lesson_id): look.held for look in looks}
    found: dict[int, list[bool]] = {}
    for (revision, _), held in newest.items():
        found.setdefault(revision, []).append(held)
    return tuple(Retention(revision, sum(found[revision]), len(found[revision])) for revision in sorted(found))


def _entry(chronicle: Chronicle, lesson: Lesson, report: StepReport | None, repeats: Repeats) -> Entry:
    answer = chronicle.answers.get(lesson.proposal_id)
    proposal, verdict = (answer.proposal, answer.verdict) if answer else (None, None)
    edited = verdict.edited if verdict else None
    looks = tuple(look for look in chronicle.looks if look.lesson_id == lesson.id)
    again_asked = _asked_again(chronicle, lesson)
    return Entry(
        id=lesson.id,
        proposal=lesson.proposal_id,
        comment=redact(lesson.comment),
        path=redact(lesson.path),
        created=lesson.created,
        status=lesson.status,
        faded=lesson.faded,
        superseded_by=lesson.superseded_by,
        reason=redact(lesson.reason),
        revision=lesson.revision,
        figures=_figures(lesson, report),
        task=redact(proposal.task.text) if proposal else "",
        answered_by=proposal.revision if proposal else None,
        rejected=_change(proposal.path, proposal.before, proposal.after) if proposal else None,
        own=None if proposal is None or edited is None else _change(proposal.path, proposal.before, edited),
        retries=tuple(_retry(lesson, answer, again, looks) for again in again_asked) if answer else (),
        credit=pieces(report.tokens, report.token_gaps) if report else (),
        blamed=_blamed(report),
        repeats=repeats,
        looks=looks,
    )


def _figures(lesson: Lesson, report: StepReport | None) -> Figures:
    measured = lesson.gap, lesson.loss_before, lesson.loss_after, lesson.seconds, lesson.drift, lesson.canary
    gap, before, after, seconds, drift, canary = map(_finite, measured)
    return Figures(gap, before, after, report.updates if report else None, seconds, drift, canary)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _asked_again(chronicle: Chronicle, lesson: Lesson) -> Sequence[Answer]:
    return [answer for answer in chronicle.answers.values() if answer.proposal.retry_of == lesson.proposal_id]


def _retry(lesson: Lesson, rejected: Answer, again: Answer, looks: Sequence[Look]) -> Retry:
    proposal, verdict = again.proposal, again.verdict
    measured = [look.held for look in looks if look.kind == "retry" and look.revision == proposal.revision]
    return Retry(
        proposal=proposal.id,
        revision=proposal.revision,
        told=is_among(lesson.comment, rules_in(again.messages)),
        same=proposal.after == rejected.proposal.after,
        held=measured[-1] if measured else None,
        verdict=verdict.kind if verdict else None,
        comment=redact(verdict.comment) if verdict else "",
        change=_change(proposal.path, proposal.before, proposal.after),
    )


def _change(path: str, before: str | None, after: str) -> Change:
    shown_before, shown_after = None if before is None else redact(before), redact(after)
    return Change(redact(path), shown_before, shown_after, before != after and shown_before == shown_after)


def _blamed(report: StepReport | None) -> str:
    return argued_against(without_secrets(report.tokens), report.token_gaps) if report else ""
