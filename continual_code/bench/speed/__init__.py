"""How long a person waits: for a proposal, for a lesson, for the screen; ours beside named peers.

Invariant: every party runs in a process of its own on the same prompt and the same number of
tokens, one at a time, and parties take turns.
"""
