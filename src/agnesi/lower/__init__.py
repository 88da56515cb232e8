"""From graph to program: what shares a kernel, what shares a buffer, in what order."""
