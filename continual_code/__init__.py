"""A terminal coding agent that learns from the reasons you give for rejecting its edits."""

__version__ = "0.1.0"
