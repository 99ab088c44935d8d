"""Readers of input files: JSON and JSONL, with the line of every element."""
