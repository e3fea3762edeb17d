"""Edits of real files: modules of the packages that are installed with the program.

Invariant: a task names a module, not a text that we wrote; what is edited is what the package's
authors published, in the version that is installed.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from continual_code.errors import StateError


@dataclass(frozen=True, slots=True)
class Edit:
    """One task on one module; `lines` is about how long the module is."""

    module: str
    lines: int
    task: str

    @property
    def file(self) -> str:
        return f"{self.module.rpartition('.')[2]}.py"

    def text(self) -> str:
        """The module's source.

        Raises:
            StateError: it is not installed.
        """
        spec = importlib.util.find_spec(self.module)
        if spec is None or spec.origin is None:
            raise StateError(f"The module {self.module} is not installed.")
        return Path(spec.origin).read_text(encoding="utf-8")


EDITS = (
    Edit("rich.styled", 40, "Add a __repr__ method to Styled that shows the renderable and the style."),
    Edit("rich.prompt", 400, "In render_default, return an empty Text when default is None."),
    Edit("rich.padding", 150, "Add a method is_empty to Padding that tells whether all four sides are 0."),
    Edit("rich.color_triplet", 40, "Add a property inverted to ColorTriplet that returns the complementary color."),
    Edit("rich.constrain", 40, "In Constrain.__init__, raise a ValueError when width is negative."),
    Edit("jinja2.optimizer", 40, "Log the exception in generic_visit with the logging module."),
    Edit("rich.json", 150, "Rename the local variable data to value in JSON.__init__."),
    Edit("textual.suggester", 150, "Add a method clear to Suggester that empties its cache."),
    Edit("jinja2.bccache", 400, "In reset of Bucket, also set a new attribute is_fresh to True."),
    Edit("rich.live", 400, "In the method stop of Live, return at once when it was never started."),
)
QUICK = EDITS[:2]
