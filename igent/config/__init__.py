"""Configuration: the constellation model, run settings, and loading with every cross-check."""
