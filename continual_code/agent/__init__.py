"""From a task to a proposal: context, prompt, stream, parse.

Invariant: nothing here writes; a proposal is only offered.
"""

from continual_code.agent.loop import Agent, Asked, Draft

__all__ = ["Agent", "Asked", "Draft"]
