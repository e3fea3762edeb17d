"""What the model was taught, as one page to keep, print or send."""
