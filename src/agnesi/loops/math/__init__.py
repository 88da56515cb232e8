"""Elementary functions, written once in the scalar language.

Every function is straight-line code over native primitives, without branches, tables or wide
casts, so that a backend's loop vectoriser turns a loop over it into vector code.  ``expand.py``
is the entry point; measured errors stand in ``docs/math-accuracy.md``; the polynomials come from
``tools/fit_polynomials.py``.
"""
