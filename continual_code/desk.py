"""Verdicts and edits: all that a person can decide without a model being loaded.

Invariant: a verdict is committed to the journal, with the intent to write, before the
person's file is touched; whatever stops the program, the intent is finished at the next start.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from continual_code.diffs import unified_diff
from continual_code.disk import private_dir
from continual_code.errors import ContinualCodeError, UsageError, WorkspaceError
from continual_code.events import Found, Lesson, Proposal, SearchMode, Task, Verdict
from continual_code.feedback.journal import Journal
from continual_code.feedback.rows import EditIntent, EditStatus, RecordedEdit
from continual_code.workspace import EditRecord, Edits, Root, list_files, search

if TYPE_CHECKING:  # torch costs seconds
    from continual_code.agent import Draft


class Undoing(NamedTuple):
    """What was taken back: which file, and in words what that means."""

    path: str
    words: str


class NotWritten(WorkspaceError):
    """A verdict stands in the journal, but its file could not be written. `lesson` is what the verdict created."""

    def __init__(self, error: ContinualCodeError, lesson: Lesson | None) -> None:
        super().__init__(
            error.what, kept="Your verdict is recorded; the file is as it was.", do="Ask again once it can be written."
        )
        self.lesson = lesson


class Desk:
    """One repository's verdicts and edits.

    Args:
        root: the directory the program was started in.
        state_dir: where pre-images are kept.

    Attributes:
        key: the root as the journal names it.
    """

    def __init__(self, root: Path, state_dir: Path, journal: Journal) -> None:
        self.root, self.journal = Root(root), journal
        self._edits = Edits(self.root, private_dir(state_dir / "pre-images"))
        self.key = str(self.root.path)

    def files(self) -> list[str]:
        """The repository's files, relative to its root, sorted."""
        return list_files(self.root.path)

    def search(self, wanted: str, mode: SearchMode) -> Found:
        """The lines of the repository's text files that hold `wanted`; see `workspace.search`."""
        return search(self.root, wanted, mode=mode)

    def relative(self, file: str) -> str:
        """A path given on the command line, relative to the root.

        Raises:
            WorkspaceError: it lies outside the root or may not be named.
        """
        path = Path(file)
        if path.is_absolute() and path.is_relative_to(self.root.path):
            path = path.relative_to(self.root.path)
        return self.root.normalise(str(path))

    def keep(self, draft: Draft, task: Task, *, model: str, retry_of: str | None, asked: str | None) -> Proposal:
        """Record what the model offers, before anyone sees it; see `Journal.add_proposal`."""
        return self.journal.add_proposal(
            model=model, root=self.key, task=task, path=draft.path, before=draft.before, after=draft.after,
            rollout=draft.rollout, seconds=draft.seconds, left_out=draft.left_out, retry_of=retry_of, asked=asked,
        )  # fmt: skip

    def judge(self, verdict: Verdict) -> Lesson | None:
        """Record a verdict; for "accept" and "edit" write the file, without the unwanted hunks of an "accept".

        Returns:
            The lesson that the verdict created, if any.

        Raises:
            UsageError: unknown proposal, one that was judged before, or one to write in another directory;
                a hunk that the proposal does not have, or an "accept" that leaves out all of them.
            WorkspaceError: the file changed since the proposal, or may not be written; nothing was recorded.
            NotWritten: everything was recorded, but then the file could not be written.
        """
        proposal = self.journal.proposal(verdict.proposal_id)
        after = _text_to_write(verdict, proposal)
        if after is None:
            return self.journal.record_verdict(verdict)
        self._require_own(proposal.id)
        record = self._edits.prepare(proposal.path, proposal.before, after)
        intent: EditIntent = {"record": asdict(record), "after": after}
        lesson = self.journal.record_verdict(verdict, intent)
        try:
            self._write(proposal.id, record, after)
        except ContinualCodeError as error:
            raise NotWritten(error, lesson) from error
        return lesson

    def recover(self) -> list[str]:
        """Finish what a killed process intended to write.

        Returns:
            What could not be finished, in plain words; it is not tried again.
        """
        troubles = []
        for edit in self.journal.edits(self.key, "intended"):
            record, after = _read(edit.record)
            if self._edits.state(record) == "after":
                self.journal.edit_done(edit.proposal_id)
                continue
            try:
                self._write(edit.proposal_id, record, after)
            except WorkspaceError as error:
                troubles.append(f"{edit.proposal_id} was accepted but could not be written: {error}")
        return troubles

    def applied(self, proposal_id: str) -> EditRecord:
        """The edit of an applied proposal.

        Raises:
            UsageError: the proposal is not applied here.
        """
        return self._written(proposal_id)[0]

    def change(self, proposal_id: str, since: str) -> str:
        """What an applied proposal changed in its file, as the person accepted it: a unified diff; raises as above.

        Args:
            since: the proposal itself, or an earlier one, whose change of the same file is part of it.
        """
        record, after = self._written(proposal_id)
        return unified_diff(record.path, self.journal.proposal(since).before, after)

    def uncommitted(self, proposal_id: str) -> dict[str, EditRecord]:
        """An applied edit, and before it those that it builds on and that no commit of ours has; the oldest first.

        Raises:
            UsageError: see `applied`.
        """
        own = self.applied(proposal_id)
        edits = {edit.proposal_id: _read(edit.record)[0] for edit in self._recorded("applied")}
        of_file = [(id, record) for id, record in edits.items() if record.path == own.path]
        found = {proposal_id: own}
        for id, record in of_file[: list(dict(of_file)).index(proposal_id)][::-1]:
            if record.after_sha != next(iter(found.values())).before_sha or self.journal.commits.of(id):
                break
            found = {id: record, **found}
        return found

    def undo(self, proposal_id: str) -> Undoing:
        """Bring a file back to what it was before an applied proposal.

        Raises:
            UsageError: the proposal is not applied here.
            WorkspaceError: the person changed the file since; it is not touched.
        """
        record = self.applied(proposal_id)
        self._edits.undo(record)
        self.journal.edit_undone(proposal_id)
        commit = (self.journal.commits.of(proposal_id) or "")[:12]
        others = [each for each in self.journal.commits.held_by(proposal_id) if each != proposal_id]
        whole = f", with {', '.join(others)} in it" if others else ""
        stays = f" Commit {commit} stays{whole}; `git revert {commit}` takes it back." if commit else ""
        return Undoing(record.path, f"{record.path} is as it was before {proposal_id}.{stays}")

    def last_applied(self) -> str | None:
        """The newest applied proposal that was not undone."""
        applied = self._recorded("applied")
        return applied[-1].proposal_id if applied else None

    def is_undone(self, proposal_id: str) -> bool:
        """Whether an applied proposal was taken back since."""
        return any(edit.proposal_id == proposal_id for edit in self._recorded("undone"))

    def _written(self, proposal_id: str) -> tuple[EditRecord, str]:
        found = {edit.proposal_id: edit for edit in self._recorded("applied")}
        if proposal_id not in found:
            raise UsageError(f"{proposal_id} is not applied in this directory.", kept="Nothing was changed.")
        return _read(found[proposal_id].record)

    def _recorded(self, status: EditStatus) -> list[RecordedEdit]:
        return self.journal.edits(self.key, status)

    def _require_own(self, proposal_id: str) -> None:
        root = self.journal.waiting_root(proposal_id)
        if root != self.key:
            raise UsageError(
                f"{proposal_id} is an edit of {root}, not of {self.key}.",
                kept="Nothing was changed.",
                do=f"Start there, or give `--repo {root}`.",
            )

    def _write(self, proposal_id: str, record: EditRecord, after: str) -> None:
        try:
            self._edits.commit(record, after)
        except ContinualCodeError as error:
            self.journal.edit_failed(proposal_id, error.what)
            raise
        self.journal.edit_done(proposal_id)


def _text_to_write(verdict: Verdict, proposal: Proposal) -> str | None:
    if verdict.unwanted:
        _require_hunks(verdict, len(proposal.hunks))
    if verdict.kind == "edit":
        return verdict.edited
    return proposal.without(verdict.unwanted) if verdict.kind == "accept" else None


def _require_hunks(verdict: Verdict, count: int) -> None:
    unknown = sorted(set(verdict.unwanted) - set(range(count)))
    if unknown:
        raise UsageError(f"{verdict.proposal_id} has no hunk {unknown[0] + 1}.", kept="Nothing was changed.")
    if verdict.kind == "accept" and len(set(verdict.unwanted)) == count:
        raise UsageError(
            f"Without its hunks nothing would be left of {verdict.proposal_id}.",
            kept="Nothing was changed.",
            do="Reject it instead.",
        )


def _read(intent: EditIntent) -> tuple[EditRecord, str]:
    fields = dict(intent["record"])
    fields["created_dirs"] = tuple(fields["created_dirs"])
    return EditRecord(**fields), str(intent["after"])
