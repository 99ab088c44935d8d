"""Where conversations run: in this process."""
