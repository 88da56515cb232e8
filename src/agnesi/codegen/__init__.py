"""From loop IR to machine languages.  Knows nothing of running."""
