"""Whether a map of the repository makes a model use what the repository has."""
