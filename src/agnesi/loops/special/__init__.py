"""Special functions as procedures: series, continued fractions, recurrences, polynomials.

Each is described once, in f64, over primitives; for f32 it is computed in f64 and rounded.  What
each is good for is measured in ``docs/math-accuracy.md``.
"""
