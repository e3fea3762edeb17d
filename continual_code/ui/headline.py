"""Short pieces about a proposal that several screens share: its title, its diff as text.

Invariant: everything here is one glance long; a diff too long for the transcript is counted, not shown.
"""

from __future__ import annotations

from dataclasses import replace

from textual.content import Content

from continual_code.events import Proposal, Verdict
from continual_code.ui.clean import clean_line
from continual_code.ui.diff import diff_of
from continual_code.ui.hunks import UNWANTED

SHOWN_ROWS = 30
# Comparing texts of this many lines takes about 20 ms, and this runs between two keystrokes.
COMPARED_LINES = 1_000
STYLES = {"+": ".added", "-": ".removed"}


def title_of(proposal: Proposal, *, waiting: int = 1) -> Content:
    """One line: id, path, what kind of answer it is, revision and seconds."""
    kind = "asked again" if proposal.retry_of else "new file" if proposal.before is None else ""
    figures = [kind, f"r{proposal.revision}", f"{proposal.seconds:.1f} s"]
    more = f"   1 of {waiting} waiting" if waiting > 1 else ""
    return Content.assemble(
        (f"{clean_line(proposal.id, 12)} ", ".quiet"),
        (clean_line(proposal.path, 60), ".strong"),
        (f"   {' · '.join(figure for figure in figures if figure)}{more}", ".quiet"),
    )


def diff_lines(proposal: Proposal, verdict: Verdict | None, *, rows: int = SHOWN_ROWS) -> list[Content]:
    """The first `rows` of the diff, indented: the person's own text if they edited it, unwanted hunks marked."""
    edited, unwanted = (verdict.edited, verdict.unwanted) if verdict else (None, ())
    if edited is not None:
        proposal = replace(proposal, after=edited)
    if (proposal.before or "").count("\n") + proposal.after.count("\n") > COMPARED_LINES:
        return [Content.styled("  (too long to repeat here)", ".quiet")]
    diff = diff_of(proposal)
    lines: list[Content] = []
    for row in diff.inline:
        if row.mark == "⋯":
            continue
        code = diff.old[row.old] if row.mark == "-" and row.old is not None else diff.new[row.new or 0]
        if row.hunk in unwanted:
            lines.append(Content.styled(f"{UNWANTED} {row.mark} {code}", ".quiet"))
        else:
            lines.append(Content.styled(f"  {row.mark} {code}", STYLES.get(row.mark, ".quiet")))
    rest = len(lines) - rows
    return lines if rest <= 0 else [*lines[:rows], Content.styled(f"  ⋯ {rest} more lines", ".quiet")]
