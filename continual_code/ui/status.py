"""What the footer knows: a value that each event turns into the next one.

Invariant: the words are derived from the last event of each kind and the clock alone,
so the footer can be wrong only if the engine was.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from continual_code.events import (
    Compared,
    Comparing,
    Event,
    Failed,
    Learned,
    LearnerState,
    Loading,
    NoEdit,
    Proposed,
    Ready,
    Started,
    Streamed,
    Swapped,
)
from continual_code.ui.clean import clean_line
from continual_code.ui.running import Running


@dataclass(frozen=True, slots=True)
class Status:
    """The engine as the person should see it. `heard_at` is when `learner` arrived, seconds.

    `prompt` is the size of the newest prompt and the room that there is, tokens.
    """

    model: str = ""
    device: str = ""
    loading: Loading | None = field(default_factory=lambda: Loading("starting"))
    revision: int | None = None
    learner: LearnerState = field(default_factory=lambda: LearnerState("idle"))
    heard_at: float = 0.0
    answering: bool = False
    prompt: tuple[int, int] | None = None
    running: Running = field(default_factory=Running)

    @property
    def learning(self) -> bool:
        return self.learner.state == "learning"

    def after(self, event: Event, now: float) -> Status:
        """The status once `event` has happened at `now`, seconds of the same clock as `words`."""
        return replace(self._after(event, now), running=self.running.after(event, now))

    def _after(self, event: Event, now: float) -> Status:
        match event:
            case Loading():
                return replace(self, loading=event)
            case Ready(model, device, revision):
                return replace(self, loading=None, model=model, device=device, revision=revision)
            case Started(prompt_tokens=tokens, budget=budget):
                return replace(self, answering=True, prompt=(tokens, budget))
            case Streamed() | Comparing():
                return replace(self, answering=True)
            case Proposed() | NoEdit() | Compared():
                return replace(self, answering=False)
            case Failed():
                # If loading goes on after all, its next progress event says so.
                return replace(self, answering=False, loading=self.loading and Loading("model is not loaded"))
            case LearnerState():
                return replace(self, learner=event, heard_at=now)
            case Learned(lesson) if lesson.id == self.learner.lesson_id:
                # The learner's own next state follows at once; until then this lesson is not being learned.
                return replace(self, learner=LearnerState("idle", queued=self.learner.queued), heard_at=now)
            case Swapped(revision):
                return replace(self, revision=revision)
            case _:
                return self

    def words(self, now: float) -> str:
        """The left half of the footer, such as "● learning l12, 3.1 s · queued 2 · r13 serving"."""
        parts = [self._loading_words()] if self.loading else []
        if self.answering:
            parts.append("▸ answering")
        parts += self.running.words(now)
        parts += self._learner_words(now, quiet=bool(parts))
        if self.revision is not None:
            parts.append(f"r{self.revision} serving")
        return " · ".join(parts)

    def engine(self) -> list[str]:
        """What the right half of the footer may say, the fullest first: model, device, the newest prompt."""
        prompt = f"{self.prompt[0]:,}/{self.prompt[1]:,} tokens" if self.prompt else ""
        model, device = clean_line(self.model, 60), clean_line(self.device, 60)
        choices = [(model, device, prompt), (model, prompt), (model, device), (model,)]
        return [" · ".join(filter(None, parts)) for parts in choices]

    def _loading_words(self) -> str:
        assert self.loading is not None
        share = self.loading.fraction
        return f"◌ {clean_line(self.loading.stage, 40)}" + ("" if share is None else f" {share:.0%}")

    def _learner_words(self, now: float, *, quiet: bool) -> list[str]:
        learner = self.learner
        queued = [f"queued {learner.queued}"] if learner.queued else []
        if learner.state == "learning":
            elapsed = learner.elapsed + max(0.0, now - self.heard_at)
            return [f"● learning {clean_line(learner.lesson_id or '', 12)}, {elapsed:.1f} s", *queued]
        if learner.state == "preparing":
            return ["◌ preparing to learn", *queued]
        if learner.state == "checking":
            return [f"○ checking {clean_line(learner.lesson_id or '', 12)}", *queued]
        if learner.state == "read_only":
            return ["○ read-only, another window learns", *queued]
        return queued or ([] if quiet else ["○ idle"])
