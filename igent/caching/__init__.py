"""What was made or paid for once, kept by its content for every later run."""
