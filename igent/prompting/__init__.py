"""From a record and its slice of context to messages."""
