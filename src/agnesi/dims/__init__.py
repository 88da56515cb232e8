"""Integer algebra for symbolic sizes and loop indices: simplify, bound, compare, evaluate."""
