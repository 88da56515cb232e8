"""Functions: the list of passes, shared variables, updates."""
