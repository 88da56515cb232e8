"""The kernel language: loops, loads, stores and a closed set of scalar primitives."""
