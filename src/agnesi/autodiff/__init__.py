"""Derivatives, by asking each node."""
