"""The lines of a document's pages, without what is on every page: headers, footers, page numbers, watermarks."""

from __future__ import annotations

__all__ = ["Joined", "clean_pages", "is_title", "titled"]

import re
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from igent.flow import Page

# Only what is furniture wherever it stands; a bare number may be the end of a sentence, and must repeat (see _repeats).
_FURNITURE = re.compile(
    r"""^\W*(?:
        (?i:page\s+\d+(?:\s*(?:of|/)\s*\d+)?) | .{0,80}\b[Pp]age\s+\d+\s+of\s+\d+
        | .*©.* | (?i:\(c\)\s*(?:19|20)\d\d.*|copyright\s+(?:\(c\)|(?:19|20)\d\d).*) | .{0,60}\b[Aa]ll\ rights\ reserved
        | (?!ARTICLE|PART)(?=.*\b(?:DRAFT|SAMPLE|SPECIMEN|CONFIDENTIAL|VOID)\b)[^a-z]{3,80}
    )\W*$""",
    re.VERBOSE,
)
_BODY = re.compile(
    r"^\s*(?:\[.?\s?\]|[☐☒☑]|\([xX ]?\)|(?:Q\.?\s*|Section\s+|§\s*)?\d{1,2}\.\d{1,2}\b|\([a-z0-9]{1,4}\))"
)
_EDGE, _WINDOW = 4, 2
_SMALL_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz")
_SOFT_HYPHENS = str.maketrans({"\u00ad": "-", "\x02": "-", "\ufffe": "-", "\u00a0": " ", "\uf0a8": "☐", "\uf0fe": "☒"})
_COMPOUNDS = {
    "non",
    "self",
    "pre",
    "post",
    "co",
    "re",
    "top",
    "part",
    "full",
    "catch",
    "after",
    "year",
    "long",
    "cross",
}
_UNWEIGHTY = (
    "a an and as at be before between by during after for from if in into is may must not of on or out over per the to"
    " toward towards under until up upon when while who with without"
)
_SMALL = frozenset(_UNWEIGHTY.split())
_CARRIES_ON = re.compile(
    r"(?:,|\b(?:articles?|sections?|see|per|in|of|and|or|under|by|to|with|the|this|from|than|through|as))$",
    re.IGNORECASE,
)
_LONGEST_TITLE = 12  # words


@dataclass(slots=True)
class Joined:
    """Lines put together into one text as they come: with a space between, and divided words mended."""

    parts: list[str] = field(default_factory=list)

    def add(self, line: str) -> None:
        """One more line."""
        words = line.split()
        if not words:
            return
        last = self.parts[-1] if self.parts else ""
        fragment = re.search(r"([A-Za-z]+)-$", last)
        if fragment and words[0][:1].islower():
            keep = fragment[1].lower() in _COMPOUNDS or "-" in last.split()[-1][:-1]
            self.parts[-1] = (last if keep else last[:-1]) + " ".join(words)
        else:
            self.parts.append(" ".join(words))

    @property
    def text(self) -> str:
        """What there is so far."""
        return " ".join(self.parts)

    @property
    def ended(self) -> bool:
        """Whether a sentence may have ended here."""
        return not self.parts or self.parts[-1][-1:] in '.:;?!)"”]_'

    @property
    def carries_on(self) -> bool:
        """Whether the last word cannot be the end of a text, such as "in" or "Section"."""
        return bool(self.parts and _CARRIES_ON.search(self.parts[-1]))


def titled(text: str) -> tuple[str, str]:
    """The title that a section begins with and what follows it: "Age Requirement. An Employee …". The title is "" when
    the section has none, the rest "" when there is only a title."""
    head, dot, rest = text.partition(". ")
    bare = head if dot else head.removesuffix(".")
    if is_title(bare):
        return bare.strip(), rest.strip()
    return "", text.strip()


def is_title(text: str) -> bool:
    """Whether this is written like a title: short, every word of weight with a capital, no punctuation at its end."""
    words = re.findall(r"[^\s/]+", text)
    if not words or len(words) > _LONGEST_TITLE or text[-1:] in ":;,_]":
        return False
    heavy = [word for word in words if word.lower() not in _SMALL]
    return bool(heavy) and all(re.match(r"[\"“(]?[A-Z0-9§&–-]", word) for word in heavy)


async def clean_pages(pages: AsyncIterator[Page]) -> AsyncIterator[tuple[Page, list[str]]]:
    """Each page with its lines. A page is held until the next two are there, to see what is printed on all of them.

    Left out are page numbers, copyright lines and watermarks, and of the first and last lines those that stand in the
    same place on other pages near it (their digits aside). A sentence can end alike on two pages, so what is not
    written like a title must be there on three.
    """
    near: deque[tuple[Page, list[str]]] = deque(maxlen=2 * _WINDOW + 1)
    at = 0  # the place in `near` of the page that is due next
    async for page in pages:
        if len(near) == near.maxlen:
            at -= 1
        near.append((page, _lines(page.text)))
        if len(near) - at > _WINDOW:
            yield near[at][0], _body(near, at)
            at += 1
    for place in range(at, len(near)):
        yield near[place][0], _body(near, place)


def _lines(text: str) -> list[str]:
    text = re.sub(r"[\x02\ufffe](?![\r\n])\s*", "-\n", text)
    lines = (line.translate(_SOFT_HYPHENS).strip() for line in re.split(r"[\r\n]+", text))
    return [line for line in lines if line]


def _body(near: Sequence[tuple[Page, list[str]]], at: int) -> list[str]:
    """The lines of one page that are its own."""
    lines = near[at][1]
    others = [_edges(other) for place, (_, other) in enumerate(near) if place != at and other]
    edges = {place: line for place, line in _edges(lines).items() if _may_repeat(line)}
    length = len(lines)
    return [
        line
        for place, line in enumerate(lines)
        if not _FURNITURE.match(line)
        and not any(_repeats(edges.get(side), side, others) for side in (place, place - length))
    ]


def _edges(lines: Sequence[str]) -> dict[int, str]:
    """The first and the last lines by their place: 0, 1 … from the top, -1, -2 … from the bottom."""
    top = dict(enumerate(lines[:_EDGE]))
    return top | {-place: line for place, line in enumerate(reversed(lines[-_EDGE:]), start=1)}


def _may_repeat(line: str) -> bool:
    return not _BODY.match(line) and line[0] not in _SMALL_LETTERS and line[-1] not in ".:;,"


def _repeats(line: str | None, place: int, others: Sequence[dict[int, str]]) -> bool:
    if line is None:
        return False
    shape = _shape(line)
    times = sum(_shape(other.get(place, "")) == shape for other in others)
    return times >= (1 if is_title(line) or len(others) == 1 else 2)


def _shape(line: str) -> str:
    return re.sub(r"\d+", "#", line)
