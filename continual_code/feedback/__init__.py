"""What the person said, kept for good: the journal, its migrations, and what never enters it."""
