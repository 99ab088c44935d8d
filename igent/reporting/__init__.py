"""What a run did: timings, tokens, cost, failures, progress."""
