"""The incremental JSON decoder: text in, events out; no I/O."""
