"""The kinds of phase, a module each."""
