"""The two answer formats: a whole file, or one whole symbol that is spliced over the old one.

Reading is lenient, offering is strict: `read_answer` finds the code in whatever the model
wrote around it, `check` refuses what a person should not have to read.
"""

from continual_code.agent.formats.additions import adds_nothing, asked_for, with_addition
from continual_code.agent.formats.checks import check
from continual_code.agent.formats.examples import up_to_its_examples
from continual_code.agent.formats.excerpt import excerpt
from continual_code.agent.formats.fences import Fenced, fenced_blocks
from continual_code.agent.formats.fitting import fit
from continual_code.agent.formats.imports import import_line, missing_imports, with_imports
from continual_code.agent.formats.reading import Answer, read_answer
from continual_code.agent.formats.restoring import with_what_it_lost
from continual_code.agent.formats.spacing import keep_spacing
from continual_code.agent.formats.splicing import splice
from continual_code.agent.formats.wanted import Wanted, through_code

__all__ = [
    "Answer",
    "Fenced",
    "Wanted",
    "adds_nothing",
    "asked_for",
    "check",
    "excerpt",
    "fenced_blocks",
    "fit",
    "import_line",
    "keep_spacing",
    "missing_imports",
    "read_answer",
    "splice",
    "through_code",
    "up_to_its_examples",
    "with_addition",
    "with_imports",
    "with_what_it_lost",
]
