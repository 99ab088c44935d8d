"""The provisions of a Basic Plan Document, read from the lines of its pages as they come."""

from __future__ import annotations

__all__ = ["BpdParser", "Ids"]

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from igent.types import JsonObject
from igent.workloads.crosswalk.classify import provision_type
from igent.workloads.crosswalk.sections_lines import Joined, is_title, titled

_ARTICLE = re.compile(r"^(?:ARTICLE|Article)\s+([IVXLC]+|\d{1,2})\b[ .:–-]*(.*)$")
_SECTION = re.compile(
    r"^(?:Section\s+|Sec\.\s*|§\s*)?(\d{1,2}\.\d{1,2}[A-Z]?(?:\((?:[a-z]{1,4}|\d{1,2})\))*)\.?\s+([A-Z\"“(§].*)$"
)
_CAPITALS = re.compile(r"^[A-Z][A-Z ,&/'()-]{2,70}$")


class Ids:
    """Gives ids that are stable and unique in one document: "source-bpd-2.01", and "source-bpd-2.01~2" when a number
    comes again."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._given: Counter[str] = Counter()

    def take(self, number: str) -> str:
        """The id of the next section with this number."""
        self._given[number] += 1
        times = self._given[number]
        return f"{self._prefix}-{number}" + (f"~{times}" if times > 1 else "")


@dataclass(slots=True)
class _Open:
    number: str
    page: int
    sequence: int
    heading: bool
    title: str = ""
    body: Joined = field(default_factory=Joined)


def _article(line: str, now: _Open | None) -> re.Match[str] | None:
    """The heading of an article; in small letters it can be a reference, so it needs a title and must not be in a
    sentence."""
    found = _ARTICLE.match(line)
    if found is None or line.startswith("ARTICLE"):
        return found
    apart = now is None or now.heading or now.body.ended
    return found if apart and is_title(found[2]) else None


def _begins(number: str, now: _Open) -> bool:
    """Whether a section of this number begins after what there is of the one before, or is only referred to."""
    if now.body.ended:
        return True
    places = [tuple(map(int, re.findall(r"\d+", text)[:2])) for text in (number, now.number)]
    return not now.body.carries_on and places[0] > places[1]


class BpdParser:
    """Takes the lines of page after page and gives each provision as soon as the next one begins: a plain object
    without I/O.

    A section begins at "2.01 Age Requirement. …", "Section 2.01", "§ 2.01" or "2.01(a)" at the start of a line, unless
    the sentence before has not ended (then it is a reference that was wrapped). Article headings are provisions of the
    class "heading". Text before the first section, such as a cover, is nobody's.
    """

    def __init__(self, side: str, document: str) -> None:
        self._document = document
        self._ids = Ids(f"{side}-bpd")
        self._open: _Open | None = None
        self._page = self._sequence = 0
        self._article = ""

    def feed(self, page: int, lines: Sequence[str]) -> Iterator[JsonObject]:
        """The provisions that are complete after these lines of `page` (from 1)."""
        if page != self._page:
            self._page, self._sequence = page, 0
        for line in lines:
            yield from self._line(line)

    def close(self) -> Iterator[JsonObject]:
        """The last provision; the parser is as new afterwards but for the ids given."""
        if self._open is not None:
            yield self._made(self._open)
        self._open = None

    def _line(self, line: str) -> Iterator[JsonObject]:
        now = self._open
        article, section = _article(line, now), _SECTION.match(line)
        if article:
            yield from self.close()
            self._begin(article[1], heading=True, first=article[2])
        elif section and (now is None or now.heading or _begins(section[1], now)):
            yield from self.close()
            self._begin(section[1], heading=False, first=section[2])
        elif now is not None and (not now.heading or (not now.title and _CAPITALS.match(line))):
            if now.heading:
                now.title = " ".join(line.split())
            else:
                now.body.add(line)

    def _begin(self, number: str, *, heading: bool, first: str) -> None:
        self._sequence += 1
        self._open = _Open(number, self._page, self._sequence, heading)
        title, rest = ("", "") if heading else titled(first)
        if heading:
            self._open.title = " ".join(first.split())
        elif title:
            self._open.title = title
            self._open.body.add(rest)
        else:
            self._open.body.add(first)

    def _made(self, section: _Open) -> JsonObject:
        number = f"Article {section.number}" if section.heading else section.number
        title, text = section.title, section.body.text
        if section.heading:
            text = f"ARTICLE {section.number} {title}".strip()
        elif not title:
            title, text = titled(text)
        bare = section.heading or not text
        if section.heading:
            self._article = title
        return {
            "id": self._ids.take(number.replace(" ", "-").lower() if section.heading else number),
            "document": self._document,
            "section_number": number,
            "section_title": title,
            "provision_text": text or title,
            "provision_type": "other" if section.heading else provision_type(title, text, self._article),
            "provision_classification": "heading" if bare else "substantive",
            "pdf_page": section.page,
            "page_sequence": section.sequence,
        }
