"""The README of an exported adapter.

Invariant: the lessons' own words cannot leave their table cell, start a link or carry HTML.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from continual_code.events import Lesson


def model_card(
    *,
    base_model: str,
    base_digest: str,
    revision: int,
    lora: Mapping[str, Any],
    settings: Mapping[str, Any],
    lessons: Sequence[Lesson],
    created: str,
) -> str:
    """The README of an export: what it is, what taught it, how to load it, and its limits."""
    taught = "\n".join(map(_lesson_line, lessons)) or "| none | | | | |"
    options = "\n".join(f"| {_cell(name)} | {_cell(value)} |" for name, value in settings.items())
    return _CARD.format(
        base_json=json.dumps(base_model),
        base=_cell(base_model),
        digest=_cell(base_digest),
        revision=revision,
        created=_cell(created),
        r=lora["r"],
        alpha=lora["lora_alpha"],
        modules=_cell(", ".join(sorted(lora["target_modules"]))),
        lessons=taught,
        settings=options,
    )


def _lesson_line(lesson: Lesson) -> str:
    cells = (lesson.id, lesson.created, lesson.path, lesson.status, lesson.comment or "(their own edit)")
    return f"| {' | '.join(map(_cell, cells))} |"


def _cell(value: object) -> str:
    """One line that cannot leave its table cell, start a link or carry HTML."""
    text = " ".join(str(value).split())
    return re.sub(r"[\\`*_\[\]<>|&#!~]", lambda match: f"&#{ord(match[0])};", text)


_CARD = """\
---
base_model: {base_json}
library_name: peft
pipeline_tag: text-generation
tags: [lora, continual-code]
---

# A LoRA adapter taught by code review

Made by continual-code: each lesson below is one comment on one rejected or corrected edit, turned into
one small weight update by self-distillation. This is revision {revision}, of {created}.

- Base model: {base} (digest {digest})
- LoRA: rank {r}, alpha {alpha}, on {modules}

## Load it

```python
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer
tokenizer = AutoTokenizer.from_pretrained(BASE := {base_json})
model = AutoModelForCausalLM.from_pretrained(BASE)
model = PeftModel.from_pretrained(model, "path/to/this/directory")
```

Check the files with `sha256sum -c SHA256SUMS`.

## Lessons

| id | date | file | status | comment |
|---|---|---|---|---|
{lessons}

## Settings

| setting | value |
|---|---|
{settings}

## Limits

- It fits these base weights only; on others it may do anything.
- It was shaped by one person's comments on one person's code, and says nothing about general quality.
- A rule learned here may be forgotten by later lessons, or applied where it does not belong.
- Weights can give away what they were trained on. Secrets of known shapes were taken out of the comments,
  not out of the code. Share it with those who may read both.
"""
