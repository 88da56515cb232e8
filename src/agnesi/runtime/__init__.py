"""Loading and calling native code.  Knows nothing of emitting it."""
