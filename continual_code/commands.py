"""The commands behind the command line that ask the model for no edit; each returns its exit code.

Invariant: what a command prints goes through `output`, so stdout is data and stderr is progress.
"""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from continual_code.app import open_desk, open_lineage, open_session
from continual_code.desk import Desk
from continual_code.disk import Lock
from continual_code.errors import StateError, UsageError
from continual_code.events import Lesson, Verdict
from continual_code.headless import running
from continual_code.model.catalog import CATALOG, find
from continual_code.model.provision import installed, provision, require_installed
from continual_code.output import progress, say, show
from continual_code.past import SessionNote
from continual_code.screen import root_of
from continual_code.settings import Settings, load_settings
from continual_code.standing import standing
from continual_code.trust import settled

if TYPE_CHECKING:  # torch costs seconds
    from continual_code.learning.lineage import Lineage


def accept(arguments: Namespace) -> int:
    """Apply a proposal."""
    desk = _desk(arguments)
    desk.judge(Verdict(arguments.id, "accept"))
    path = desk.journal.proposal(arguments.id).path
    return show(arguments, {"proposal": arguments.id, "status": "applied", "path": path}, f"Applied to {path}.")


def reject(arguments: Namespace) -> int:
    """Reject a proposal; with `--wait`, learn from the reason before returning."""
    desk = _desk(arguments)
    lesson = desk.judge(Verdict(arguments.id, "reject", arguments.message))
    if lesson is None:
        data = {"lesson": None, "status": "rejected"}
        return show(arguments, data, "Rejected. Without a reason (-m) there is nothing to learn.")
    if not arguments.wait:
        text = f"Recorded as {lesson.id}; learned in the next session, or now with `continual-code learn`."
        return show(arguments, _lesson_data(lesson), text)
    lesson = _learn(arguments, desk, lesson)
    return _print_lesson(arguments, lesson)


def learn(arguments: Namespace) -> int:
    """Learn everything that waits."""
    desk = _desk(arguments)
    lineage = open_lineage(_settings(arguments), desk.journal)
    waiting = [lesson for lesson in lineage.lessons() if lesson.status == "pending"]
    done = [_learn(arguments, desk, waiting[-1])] if waiting else []
    ended = [desk.journal.lesson(lesson.id) for lesson in waiting] if done else []
    lines = [_lesson_line(lesson) for lesson in ended] or ["Nothing waits to be learned."]
    return show(arguments, [_lesson_data(lesson) for lesson in ended], "\n".join(lines))


def lessons(arguments: Namespace) -> int:
    """List what was taught, oldest first."""
    found = open_lineage(_settings(arguments), _desk(arguments).journal).lessons()
    lines = [_lesson_line(lesson) for lesson in found] or ["No lessons yet: reject a proposal and say why."]
    return show(arguments, [asdict(lesson) for lesson in found], "\n".join(lines))


def report(arguments: Namespace) -> int:
    """Write what was taught as one HTML page; as JSON alone, write no page unless it is asked for."""
    from continual_code.report.command import DEFAULT, data_of, read_facts, write_report

    facts = read_facts(_settings(arguments))
    out = arguments.out or (None if arguments.json else DEFAULT)
    path = write_report(facts, out) if out else None
    data = data_of(facts) | {"page": str(path) if path else None} if arguments.json else None
    return show(arguments, data, f"Written to {path}.")


def sessions(arguments: Namespace) -> int:
    """List the sessions of this directory, the latest first."""
    desk = _desk(arguments)
    found = desk.journal.sessions.of(desk.key)
    lines = [_session_line(note) for note in found] or ["No sessions of this directory yet."]
    return show(arguments, [asdict(note) for note in found], "\n".join(lines))


def undo(arguments: Namespace) -> int:
    """Undo a lesson or an applied proposal."""
    desk = _desk(arguments)
    id = arguments.id or desk.last_applied()
    if id is None:
        raise UsageError("There is no applied edit to undo.")
    if id.startswith("l"):
        return _undo_lesson(arguments, desk, id)
    taken = desk.undo(id)
    return show(arguments, {"undone": id, "path": taken.path}, taken.words)


def rollback(arguments: Namespace) -> int:
    """Serve an earlier revision."""
    number = arguments.revision.removeprefix("r")
    if not number.isdigit():
        raise UsageError(f"{arguments.revision!r} is not a revision number.", do="See `continual-code lessons`.")
    lineage = open_lineage(_settings(arguments), _desk(arguments).journal)
    with _holding(lineage.lock):
        plan = lineage.rollback(int(number))
    forgotten = ", ".join(plan.rolled_back) or "none"
    text = f"Revision {plan.to} serves. Lessons forgotten: {forgotten}."
    return show(arguments, {"revision": plan.to, "rolled_back": list(plan.rolled_back)}, text)


def export(arguments: Namespace) -> int:
    """Write the serving adapter as a PEFT directory."""
    settings = _settings(arguments)
    lineage = open_lineage(settings, _desk(arguments).journal)
    path = lineage.export(arguments.directory, settings.learning)
    return show(arguments, {"directory": str(path), "revision": lineage.head}, f"Exported to {path}.")


def models(arguments: Namespace) -> int:
    """List, fetch or locate models."""
    settings = _settings(arguments)
    if arguments.action == "list":
        rows = [_model_data(card.id, settings) for card in CATALOG]
        lines = [f"{row['id']:20} {row['state']:14} {row['size']:>8}  {row['licence']:12} {row['for']}" for row in rows]
        return show(arguments, rows, "\n".join(lines))
    id = arguments.id or settings.model
    if arguments.action == "pull":
        path = provision(id, settings.models_dir, progress)
        return show(arguments, {"id": id, "path": str(path)}, str(path))
    if not installed(id, settings.models_dir):
        find(id)  # an unknown id gets its own sentence
    path = require_installed(id, settings.models_dir)
    return show(arguments, {"id": id, "path": str(path)}, str(path))


def doctor(arguments: Namespace) -> int:
    """Check the installation, the model and the state."""
    from continual_code.doctor import examine

    findings = examine(_settings(arguments))
    text = "\n".join(f"{'ok ' if finding.sound else 'BAD'} {finding.topic}: {finding.detail}" for finding in findings)
    show(arguments, [asdict(finding) for finding in findings], text)
    return 0 if all(finding.sound for finding in findings) else 1


def demo(arguments: Namespace) -> int:
    """Play one session by itself and print it."""
    from continual_code.demo import play

    return play(_own_settings(arguments), as_json=arguments.json, say=say)


def bench_lessons(arguments: Namespace) -> int:
    """Measure the learner with a scripted person."""
    from continual_code.bench.lessons.command import lessons as measure

    return measure(_own_settings(arguments), arguments)


def bench_speed(arguments: Namespace) -> int:
    """Measure how long a person waits."""
    from continual_code.bench.speed.command import speed

    return speed(_own_settings(arguments), arguments)


def bench_map(arguments: Namespace) -> int:
    """Measure what a map of the repository is good for."""
    from continual_code.bench.map.command import bench_map as measure

    return measure(_own_settings(arguments), arguments)


# --- Helpers ----------------------------------------------------------------------------


def _settings(arguments: Namespace) -> Settings:
    """Loaded once for a command, so that an ignored project file is said once."""
    if arguments.settings is None:
        arguments.settings = settled({"model": arguments.model}, root_of(arguments), say)[0]
    return arguments.settings


def _own_settings(arguments: Namespace) -> Settings:
    """Without the project's file: for what is about that file, or works in no project."""
    return load_settings({"model": arguments.model})[0]


def _desk(arguments: Namespace) -> Desk:
    desk = open_desk(_settings(arguments), root_of(arguments))
    for trouble in desk.recover():
        say(trouble)
    return desk


@contextmanager
def _holding(lock: Lock) -> Iterator[None]:
    lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _learn(arguments: Namespace, desk: Desk, lesson: Lesson) -> Lesson:
    """Learn everything up to `lesson`, here or in the process that already does, for as long as it does.

    Raises:
        UsageError: the lesson is for another model.
    """
    settings, said = _settings(arguments), ""
    lineage = open_lineage(settings, desk.journal)
    _require_model(lineage, lesson)
    while lesson.status == "pending":
        if lineage.lock.try_acquire():
            lineage.lock.release()
            with running(open_session(settings, root_of(arguments), retries=False), say) as driver:
                driver.lesson_end(lesson.id)
        else:
            if said != (said := f"process {lineage.lock.holder()} is learning it"):
                say(said)
            time.sleep(0.5)
        lesson = desk.journal.lesson(lesson.id)
    return lesson


def _require_model(lineage: Lineage, lesson: Lesson) -> None:
    model = lineage.journal.model_of(lesson.id)
    if model != lineage.key:
        raise UsageError(
            f"{lesson.id} is for another model than {lineage.key.partition('@')[0]}.",
            kept="It is recorded and waits.",
            do=f"Give `--model {model.partition('@')[0]}`.",
        )


def _undo_lesson(arguments: Namespace, desk: Desk, id: str) -> int:
    lineage = open_lineage(_settings(arguments), desk.journal)
    with _holding(lineage.lock):
        plan = lineage.undo(id)
    data = {"undone": id, "revision": plan.to, "to_learn_again": list(plan.requeue)}
    again = f" To be learned again: {', '.join(plan.requeue)} (`continual-code learn`)." if plan.requeue else ""
    return show(arguments, data, f"Lesson {id} is undone; revision {plan.to} serves.{again}")


def _model_data(id: str, settings: Settings) -> dict[str, Any]:
    card = find(id)
    size = card.wheels.size if card.wheels else card.download_bytes
    ready = installed(id, settings.models_dir)
    return {
        "id": id, "title": card.title, "state": "installed" if ready else "not installed",
        "size": f"{size / 1e9:.1f} GB", "licence": card.licence, "for": card.hardware,
    }  # fmt: skip


def _lesson_data(lesson: Lesson) -> dict[str, Any]:
    return {
        "lesson": lesson.id, "status": lesson.status, "reason": lesson.reason, "revision": lesson.revision,
        "gap": lesson.gap, "loss_before": lesson.loss_before, "loss_after": lesson.loss_after,
        "seconds": lesson.seconds,
    }  # fmt: skip


def _lesson_line(lesson: Lesson) -> str:
    figures = "" if lesson.gap is None else f", gap {lesson.gap:.3f}"
    if lesson.status == "learned":
        figures += f", loss {lesson.loss_before:.3f} -> {lesson.loss_after:.3f}, revision {lesson.revision}"
    reason = f" ({lesson.reason})" if lesson.reason else ""
    status = ", ".join([lesson.status.replace("_", " "), *standing(lesson)])
    return f"{lesson.id} {status}: {lesson.comment!r} on {lesson.path}{figures}{reason}"


def _session_line(note: SessionNote) -> str:
    begun = datetime.fromisoformat(note.begun).astimezone().strftime("%Y-%m-%d %H:%M")
    waiting = f", {note.waiting} waiting for a verdict" if note.waiting else ""
    first = " ".join(note.first.split())[:100]
    return f"{note.id}  {begun}  {first}  ({note.tasks} task{'s' if note.tasks > 1 else ''}{waiting})"


def _print_lesson(arguments: Namespace, lesson: Lesson) -> int:
    show(arguments, _lesson_data(lesson), _lesson_line(lesson))
    if lesson.status == "failed":
        raise StateError(lesson.reason or "The lesson failed.", kept="The adapter stays as it was.")
    return 1 if lesson.status == "refused" else 0
