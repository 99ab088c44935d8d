"""Texts as vectors, and the pairs that are near each other."""
