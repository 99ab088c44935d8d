"""The error of whatever reads pictures of pages."""

from __future__ import annotations

__all__ = ["OcrError"]


class OcrError(Exception):
    """A picture could not be read; the text says why, and is part of the page's problem."""
