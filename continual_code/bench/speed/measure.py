"""What is measured, in which order: parties take turns, and a party that fails is said and left out.

Invariant: a figure is the list of its runs; nothing is averaged here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from continual_code.bench.party import Party
from continual_code.bench.speed.edits import EDITS, QUICK, Edit
from continual_code.errors import StateError

OURS = "continual_code.bench.speed.ours"
TRANSFORMERS = "continual_code.bench.speed.peer_transformers"
LLAMA_CPP = "continual_code.bench.speed.peer_llama_cpp"
TRL = "continual_code.bench.peer_trl"
PEERS = ("transformers", "transformers_lookup", "llama_cpp", "llama_cpp_lookup")
SIZES = ((512, 128), (512, 256), (2048, 256), (8192, 256))  # tokens of the prompt, tokens of the rollout
ALONE = (512, 256)  # of ours only, to tell what a longer prompt costs the same rollout
PREFIX_TOKENS, MORE_TOKENS = 4096, 32
NOT_QUICK = 8192  # at this size TRL alone takes longer than a quick run may
SWAPS = 5
GIVEN = ("text", "comment", "token_ids")  # what a lesson was about; too long for a figure


@dataclass
class Figures:
    """Seconds unless said otherwise. Each list has one entry per run."""

    proposals: list[dict[str, Any]] = field(default_factory=list)
    lessons: list[dict[str, Any]] = field(default_factory=list)
    serving: dict[str, Any] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


class Measurement:
    """Runs the parties.

    Args:
        gguf: the llama.cpp file of the same model; None leaves llama.cpp out.
        repeats: runs of each edit by each party.
        say: told what is being measured.
    """

    def __init__(self, model: str, gguf: Path | None, *, quick: bool, repeats: int, say: Callable[[str], None]) -> None:
        self._model, self._gguf, self._quick, self._repeats, self._say = model, gguf, quick, repeats, say
        self._text = _source()
        self.figures = Figures()

    def proposals(self) -> None:
        """Every edit by every party; then the program itself, which is loaded already."""
        peers = self._peers()
        try:
            with closing(Party(OURS, self._model)) as ours:
                self._say("loading the model")
                self.figures.serving |= {"placement": ours.ask("pack")["placement"]}
                for edit in QUICK if self._quick else EDITS:
                    self._edit(ours, peers, edit)
                self._serving(ours, self._text)
        finally:
            for party, _ in peers.values():
                party.close()

    def _peers(self) -> dict[str, tuple[Party, dict[str, Any]]]:
        """Each peer's process, and what it is told besides prompt and length."""
        plain = Party(TRANSFORMERS, self._model)
        peers: dict[str, tuple[Party, dict[str, Any]]] = {
            "transformers": (plain, {"lookup": False}), "transformers_lookup": (plain, {"lookup": True}),
        }  # fmt: skip
        if self._gguf:
            peers["llama_cpp"] = (Party(LLAMA_CPP, str(self._gguf)), {})
            peers["llama_cpp_lookup"] = (Party(LLAMA_CPP, str(self._gguf), "--lookup"), {})
        else:
            self.figures.missing["llama_cpp"] = "There is no GGUF file of this model (--gguf FILE)."
        return peers

    def _edit(self, ours: Party, peers: dict[str, tuple[Party, dict[str, Any]]], edit: Edit) -> None:
        asked = ours.ask("prepare", file=edit.file, text=edit.text(), task=edit.task)
        prompt_ids = asked["prompt_ids"]
        plain = ours.ask("answer", prompt_ids=prompt_ids, plain=True) if not self._quick else None
        for repeat in range(self._repeats):
            self._say(f"{edit.module} {repeat + 1}/{self._repeats}: ours")
            mine = ours.ask("answer", prompt_ids=prompt_ids)
            tokens = len(mine["token_ids"])
            row = {
                "edit": edit.module, "lines": edit.lines, "format": asked["format"], "prompt_tokens": len(prompt_ids),
                "tokens": tokens, "ours": _times(mine),
            }  # fmt: skip
            if plain:
                row["is_plain_greedy"] = mine["token_ids"] == plain["token_ids"]
            for name, (party, details) in peers.items():
                if name not in self.figures.missing:
                    self._say(f"{edit.module} {repeat + 1}/{self._repeats}: {name}")
                    with self._or_missing(name):
                        row[name] = _times(party.ask("answer", prompt_ids=prompt_ids, tokens=tokens, **details))
            self.figures.proposals.append(row)

    def _serving(self, ours: Party, text: str) -> None:
        self._say("a second turn, a swap, a lesson beside an answer")
        first = QUICK[0]
        asked = ours.ask("prepare", file=first.file, text=first.text(), task=first.task)["prompt_ids"]
        ids = ours.ask("tokens", text=text)["ids"]
        self.figures.serving |= {
            "turns": ours.ask(
                "turns", prompt_ids=ids[:PREFIX_TOKENS], more_ids=ids[PREFIX_TOKENS : PREFIX_TOKENS + MORE_TOKENS]
            ),
            "swap_seconds": [ours.ask("swap")["seconds"] for _ in range(SWAPS)],
            "agreement_nats": ours.ask("agreement", prompt_ids=asked)["nats"],
            "contention": ours.ask("contention", prompt_ids=asked, text=text),
        }  # fmt: skip

    def lessons(self) -> None:
        """One step of each size by each party, a process of its own, so that its peak memory is its own."""
        for prompt, rollout in SIZES:
            sizes = {"prompt_tokens": prompt, "rollout_tokens": rollout}
            row: dict[str, Any] = dict(sizes)
            for name, details in (("ours", {}), ("ours_full_gradient", {"full": True})):
                if name == "ours" or not self._quick:
                    self._say(f"lesson {prompt}/{rollout}: {name}")
                    with self._or_missing(f"{name}_{prompt}"), closing(Party(OURS, self._model)) as party:
                        party.ask("pack")
                        row[name] = party.ask("lesson", text=self._text, **sizes, **details)
            given = row.get("ours", {})
            if given and (prompt, rollout) != ALONE and not (self._quick and prompt == NOT_QUICK):
                self._say(f"lesson {prompt}/{rollout}: trl")
                with self._or_missing(f"trl_{prompt}"), closing(Party(TRL)) as party:
                    row["trl"] = party.ask("step", model=self._model, **{name: given[name] for name in GIVEN})
            self.figures.lessons.append({name: _without(GIVEN, reply) for name, reply in row.items()})

    @contextmanager
    def _or_missing(self, name: str) -> Iterator[None]:
        try:
            yield
        except StateError as error:
            self.figures.missing[name] = str(error)
            self._say(f"{name} left out: {error}")


def _times(reply: dict[str, Any]) -> dict[str, float]:
    return {name: reply[name] for name in ("first", "seconds", "peak_bytes")}


def _without(names: Sequence[str], reply: Any) -> Any:
    return {name: value for name, value in reply.items() if name not in names} if isinstance(reply, dict) else reply


def _source() -> str:
    """Enough source text for the longest prompt."""
    texts: list[str] = []
    for edit in EDITS:
        with suppress(StateError):
            texts.append(edit.text())
    return "\n".join(sorted(set(texts), key=texts.index) * 2)
