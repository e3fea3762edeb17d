"""One whole session without a screen: ask, reject with a reason, learn, retry, accept, export, and ask anew.

Invariant: nothing is staged; every line is printed from what the engine reported.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from continual_code import sample
from continual_code.app import open_session
from continual_code.events import Proposal, Task, Verdict
from continual_code.headless import Headless, Nothing, running
from continual_code.settings import Settings
from continual_code.ui.clean import clean

MOST_REJECTIONS = 3  # a person would not say the same thing more often


@dataclass
class Story:
    """Prints the session as it happens and keeps its facts for `--json`."""

    as_json: bool
    started: float = field(default_factory=time.monotonic)
    facts: dict[str, Any] = field(default_factory=dict)

    def tell(self, line: str, **facts: Any) -> None:
        self.facts.update(facts)
        if not self.as_json:
            print(f"[{time.monotonic() - self.started:6.1f} s] {clean(line)}", flush=True)

    def show(self, proposal: Proposal) -> None:
        if not self.as_json:
            print(clean(proposal.diff).rstrip("\n"), flush=True)


def play(settings: Settings, *, as_json: bool, say: Callable[[str], None]) -> int:
    """Play the session in a sample repository with a state of its own, which is removed afterwards."""
    with sample.trial(settings) as (own, root):
        story = Story(as_json)
        story.tell(f"continual-code on {settings.model}, in a fresh sample repository")
        held = _first_session(own, root, story, say)
        if held:
            held = _second_session(own, root, story)
        if as_json:
            print(json.dumps(story.facts | {"seconds": round(time.monotonic() - story.started, 1)}))
        return 0 if held else 1


def _first_session(settings: Settings, root: Path, story: Story, say: Callable[[str], None]) -> bool:
    session = open_session(settings, root)
    with running(session, say) as driver:
        story.tell("ready")
        story.tell(f"you: {sample.TASK} (@{sample.TASK_FILE})")
        proposal = driver.ask(Task(sample.TASK, (sample.TASK_FILE,)))
        if isinstance(proposal, Nothing):
            story.tell(f"no edit: {proposal.reason}")
            return False
        story.tell(f"proposal {proposal.id}, revision {proposal.revision}, {proposal.seconds:.1f} s")
        story.show(proposal)
        final = _teach(driver, proposal, story)
        if final is None:
            return False
        driver.judge(Verdict(final.id, "accept"))
        story.tell(f"you: accept {final.id}; {final.path} is written")
        directory = session.export(settings.home / "adapter")
        names = ", ".join(sorted(item.name for item in directory.iterdir()))
        story.tell(f"exported the adapter: {names}", exported=names.split(", "))
    return True


def _teach(driver: Headless, proposal: Proposal, story: Story) -> Proposal | None:
    """Reject with the reason until the retry holds; the accepted proposal, or None."""
    for rejection in range(1, MOST_REJECTIONS + 1):
        driver.judge(Verdict(proposal.id, "reject", sample.COMMENT))
        story.tell(f'you: reject {proposal.id}, "{sample.COMMENT}"', rejections=rejection)
        swap = driver.swapped_or_ended()
        if isinstance(swap, str):
            story.tell(f"nothing learned: {swap}")
            return None
        lesson, swapped = swap
        story.tell(
            f"step: gap {lesson.gap:.3f}, loss {lesson.loss_before:.3f} -> {lesson.loss_after:.3f} nats per token, "
            f"{lesson.updates} updates, {lesson.seconds:.1f} s",
            gap=lesson.gap, loss_before=lesson.loss_before, loss_after=lesson.loss_after, step_seconds=lesson.seconds,
        )  # fmt: skip
        story.tell(f"swap: revision {swapped.revision} serves after {swapped.milliseconds:.0f} ms")
        retried = driver.retried()
        if retried.after is None:
            story.tell(f"retry gave no edit: {retried.reason}")
            return None
        word = "learned" if retried.held else "not yet"
        story.tell(f"retry {retried.after.id}, without the comment in the prompt: {word}", held=retried.held)
        story.show(retried.after)
        proposal = retried.after
        if retried.held:
            return proposal
    return proposal


def _second_session(settings: Settings, root: Path, story: Story) -> bool:
    """A new process, a different function, and no comment anywhere in its prompt."""
    story.tell(f"a new process; you: {sample.OTHER_TASK} (@{sample.OTHER_FILE})")
    program = [sys.executable, "-P", "-m", "continual_code.cli", "run", sample.OTHER_TASK, "--file", sample.OTHER_FILE]
    environment = _environment(settings)
    finished = subprocess.run(
        [*program, "--repo", str(root), "--json", "--model", settings.model],
        env=environment, stdout=subprocess.PIPE, check=False,
    )  # fmt: skip
    if finished.returncode:
        story.tell(f"the new process ended with exit code {finished.returncode}")
    answer = json.loads(finished.stdout or "{}")
    diff = answer.get("diff", "")
    story.tell(f"{answer.get('status', 'failed')}, revision {answer.get('revision')}", other_diff=diff)
    if not story.as_json:
        print(clean(diff).rstrip("\n"), flush=True)
    return finished.returncode == 0


def _environment(settings: Settings) -> dict[str, str]:
    return {**os.environ, "CONTINUAL_CODE_HOME": str(settings.home)}
