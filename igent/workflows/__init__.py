"""The top: wires the rooms, runs the workflow, holds the command line."""
