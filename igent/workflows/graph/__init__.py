"""Runs a graph of phases: records flow from one to the next as soon as they exist."""
