"""Many examples at once, by asking each node."""
