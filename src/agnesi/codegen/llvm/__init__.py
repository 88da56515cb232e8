"""LLVM IR as text: kernels (``emit``), primitives (``spell``), the callable (``entry``)."""
