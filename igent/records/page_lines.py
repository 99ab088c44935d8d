"""Puts pieces of text that lie about on a page into lines."""

from __future__ import annotations

__all__ = ["Piece", "lines_of"]

from collections.abc import Iterable

Piece = tuple[float, float, float, str]
"""A piece of text on a page: its left side, its top and its bottom, all growing rightwards and downwards; its words."""


def lines_of(pieces: Iterable[Piece]) -> list[str]:
    """The lines of a page, from top to bottom: pieces that stand beside each other are one line, from left to right."""
    lines: list[list[Piece]] = []
    for piece in sorted(pieces, key=_middle):
        if lines and (_within(piece, lines[-1][0]) or _within(lines[-1][0], piece)):
            lines[-1].append(piece)
        else:
            lines.append([piece])
    return [" ".join(words for *_, words in sorted(line)) for line in lines]


def _middle(piece: Piece) -> float:
    return (piece[1] + piece[2]) / 2


def _within(piece: Piece, other: Piece) -> bool:
    """Whether the one's middle is as high as the other: a tick is small, and stands a little lower than its label."""
    return other[1] <= _middle(piece) <= other[2]
