"""Measurements of the real program; what they print is what the README reports."""
