"""One comment to one weight update: on-policy self-distillation in the background.

Invariant: the live adapter changes only by publishing a checked candidate.
"""
