"""The `report` command: reads the journal, writes the page, gives the same facts as plain data.

Invariant: only a report of ours is ever overwritten, and never half.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from continual_code.disk import private_dir, write_synced
from continual_code.errors import UsageError
from continual_code.feedback.chronicle import read_chronicle
from continual_code.model.manifest import base_digest, journal_key
from continual_code.model.provision import require_installed
from continual_code.report.facts import Change, Facts, facts_of
from continual_code.report.page import FIRST_LINES, page
from continual_code.settings import Settings

DEFAULT = Path("continual-code-report.html")


def read_facts(settings: Settings) -> Facts:
    """What the journal says about the chosen model, which is not loaded.

    Raises:
        ModelError: the model is not installed.
    """
    model = settings.model
    digest = base_digest(require_installed(model, settings.models_dir), settings.models_dir)
    chronicle = read_chronicle(private_dir(settings.state_dir) / "journal.db", journal_key(model, digest))
    made = datetime.now(UTC).isoformat(timespec="seconds")
    return facts_of(chronicle, model=model, weights=digest, made=made)


def write_report(facts: Facts, path: Path) -> Path:
    """Write the page to `path`; returns where it lies.

    Raises:
        UsageError: something else than an earlier report is there, or its directory is not. Nothing was changed.
    """
    path = path.absolute()
    if not path.parent.is_dir():
        raise UsageError(f"{path.parent} is not a directory.", kept="Nothing was written.")
    if path.is_symlink() or (path.exists() and not _is_report(path)):
        raise UsageError(
            f"{path} is in the way: it is not a report.", kept="Nothing was changed.", do="Choose another name (--out)."
        )
    write_synced(path, page(facts).encode("utf-8"))
    return path


def data_of(facts: Facts) -> dict[str, Any]:
    """Everything on the page as plain values; entries newest first."""
    entries = []
    for entry in facts.entries:
        fields = asdict(entry) | asdict(entry.figures)
        for name in ("figures", "blamed"):
            del fields[name]
        fields["state"] = entry.state.name
        fields["rejected"], fields["own"] = _diff(entry.rejected), _diff(entry.own)
        fields["retries"] = [
            _retry(given, own.change) for given, own in zip(fields["retries"], entry.retries, strict=True)
        ]
        entries.append(fields)
    return asdict(facts) | {"entries": entries}


def _retry(fields: dict[str, Any], change: Change) -> dict[str, Any]:
    return {**fields, "change": change.diff}


def _diff(change: Change | None) -> str | None:
    return change.diff if change else None


def _is_report(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(len(FIRST_LINES)) == FIRST_LINES.encode()
