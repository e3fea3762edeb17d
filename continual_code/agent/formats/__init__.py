"""The two answer formats: a whole file, or one whole symbol that is spliced over the old one.

Reading is lenient, offering is strict: `read_answer` finds the code in whatever the model
wrote around it, `check` refuses what a person should not have to read.
"""

from continual_code.agent.formats.additions import asked_for, with_addition
from continual_code.agent.formats.checks import check
from continual_code.agent.formats.fitting import fit
from continual_code.agent.formats.reading import Answer, is_sound, read_answer
from continual_code.agent.formats.resuming import resumed
from continual_code.agent.formats.spacing import keep_spacing
from continual_code.agent.formats.splicing import splice

__all__ = [
    "Answer",
    "asked_for",
    "check",
    "fit",
    "is_sound",
    "keep_spacing",
    "read_answer",
    "resumed",
    "splice",
    "with_addition",
]
