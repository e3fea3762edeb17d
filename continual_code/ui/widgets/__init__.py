"""The parts of the screens; each paints what it is given and posts what the person did."""
