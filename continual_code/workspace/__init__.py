"""The only package that touches the person's files: read, edit, undo, list.

Invariant: nothing outside the directory the program was started in is read or written, whatever path a model writes
and whatever happens to the tree meanwhile, and no byte that the person wrote is lost.
"""

from continual_code.workspace.commands import Printed, arguments_of, run_command
from continual_code.workspace.commits import Commit, Committable, commit_edit, committable
from continual_code.workspace.edits import Edits, EditState, match_conventions
from continual_code.workspace.git import create_repository, head_commit, is_repository, list_files, recent_files
from continual_code.workspace.record import EditRecord
from continual_code.workspace.root import Root
from continual_code.workspace.sandbox import Finished, SandboxUnavailable, run_sandboxed, sandbox_available
from continual_code.workspace.search import search
from continual_code.workspace.source import SourceFile
from continual_code.workspace.suites import Suite, find_suite

__all__ = [
    "Commit",
    "Committable",
    "EditRecord",
    "EditState",
    "Edits",
    "Finished",
    "Printed",
    "Root",
    "SandboxUnavailable",
    "SourceFile",
    "Suite",
    "arguments_of",
    "commit_edit",
    "committable",
    "create_repository",
    "find_suite",
    "head_commit",
    "is_repository",
    "list_files",
    "match_conventions",
    "recent_files",
    "run_command",
    "run_sandboxed",
    "sandbox_available",
    "search",
]
