"""The journal, the one truth on disk, and the views made from it."""
