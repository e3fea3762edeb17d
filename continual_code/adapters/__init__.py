"""What the model learned, kept as immutable revisions; export for others and checks on what comes from them."""
