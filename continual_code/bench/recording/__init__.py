"""A whole session in a real pseudo-terminal, played unattended and kept as pictures and as a film."""
