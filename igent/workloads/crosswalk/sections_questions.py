"""The elections of an Adoption Agreement, read from the lines of its pages as they come: questions, boxes, fill-ins."""

from __future__ import annotations

__all__ = ["ELECTION_KINDS", "ELECTION_STATUS", "AaParser"]

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from igent.types import JsonObject
from igent.workloads.crosswalk.classify import provision_type
from igent.workloads.crosswalk.sections import Ids
from igent.workloads.crosswalk.sections_lines import Joined, is_title, titled

ELECTION_STATUS = ("unanswered", "answered", "ambiguous", "conflict", "unknown")
ELECTION_KINDS = ("text", "single_select", "multi_select")

_PART = re.compile(r"^(?:PART|ARTICLE|SECTION|(Part|Article))\s+(?:\d{1,2}|[IVXLC]+|[A-Z])\b[ .:–-]*(.*)$")
_QUESTION = re.compile(r"^(?:Q\.?\s*|Question\s+)?(\d{1,2}\.\d{1,2}[A-Z]?(?:\([a-z]\))?)\.?\s+([A-Z\"“(].*)$")
_BOX = re.compile(r"(?P<box>\[\s?[xX✓✔?]?\s?\](?!\w)|[☐☒☑]|(?<!\S)\([xX✓ ]?\)|(?<!\S)_[xX]?_(?=\s))\s*(?=\S)")
_LABEL = re.compile(r"^(\([a-z]{1,4}\)|\(\d{1,2}\)|[a-z]\.)\s+")
_FILL_IN = re.compile(r"\[\s+([^\]\[]*?)\s*\]|_+([^_\s][^_]*?)_+(?=\W|$)|_{2,}")
_MANY = re.compile(r"all that apply|one or more|each that applies|any that apply", re.IGNORECASE)
_ONE = re.compile(r"\b(?:check|select|choose|mark|elect)\s+(?:only\s+)?one\b", re.IGNORECASE)
_NONE = re.compile(r"^(?:none|not applicable|n/a|no exclusions?|does not apply)\b", re.IGNORECASE)
_TICKED = re.compile(r"[xX✓✔☒☑]")


@dataclass(slots=True)
class _Open:
    number: str
    page: int
    sequence: int
    parent: str
    ordinal: int
    body: Joined = field(default_factory=Joined)
    options: list[tuple[str, Joined]] = field(default_factory=list)


class AaParser:
    """Takes the lines of page after page and gives each election as soon as the next one begins.

    A question begins at "Q 3.01 Normal Retirement Age." or "3.01 …"; its options are lines with a box ("[X] (a) 65",
    "☒", "☐", "( )"), of which there may be several on one line. A question without options is a text field: what
    follows its last colon is the answer, and becomes its one option. Part headings are no elections: they are the
    `parent_section` of those that follow.
    """

    def __init__(self, side: str, document: str) -> None:
        self._document = document
        self._ids = Ids(f"{side}-aa")
        self._open: _Open | None = None
        self._parent = ""
        self._page = self._sequence = self._ordinal = 0

    def feed(self, page: int, lines: Sequence[str]) -> Iterator[JsonObject]:
        """The elections that are complete after these lines of `page` (from 1)."""
        if page != self._page:
            self._page, self._sequence = page, 0
        for line in lines:
            yield from self._line(line)

    def close(self) -> Iterator[JsonObject]:
        """The last election."""
        if self._open is not None:
            yield self._made(self._open)
        self._open = None

    def _line(self, line: str) -> Iterator[JsonObject]:
        now, question = self._open, _QUESTION.match(line)
        if _is_part(line):
            yield from self.close()
            self._parent, self._ordinal = " ".join(line.split()), 0
        elif question and (now is None or now.options or now.body.ended or ":" in now.body.text):
            yield from self.close()
            self._sequence += 1
            self._ordinal += 1
            self._open = _Open(question[1], self._page, self._sequence, self._parent, self._ordinal)
            self._open.body.add(question[2])
        elif now is not None:
            self._inside(now, line)

    @staticmethod
    def _inside(now: _Open, line: str) -> None:
        boxes = [box for box in _BOX.finditer(line) if box.start() == 0 or _BOX.match(line)]
        if not boxes or boxes[0].start() > 0:
            (now.options[-1][1] if now.options else now.body).add(line)
            return
        ends = [*(box.start() for box in boxes[1:]), len(line)]
        for box, end in zip(boxes, ends, strict=True):
            text = Joined()
            text.add(line[box.end() : end])
            now.options.append((box["box"], text))

    def _made(self, question: _Open) -> JsonObject:
        body = question.body.text
        options = [_option(at, box, text.text) for at, (box, text) in enumerate(question.options, start=1)]
        kind = _kind(body, options)
        if kind == "text":
            body, options = _text_field(body)
        title, text = titled(body)
        label = title or text.partition(":")[0].strip()
        words = " ".join((text, *(str(option["option_text"]) for option in options)))
        return {
            "id": self._ids.take(question.number),
            "document": self._document,
            "section_number": question.number,
            "section_title": label,
            "provision_text": text or title,
            "provision_type": provision_type(label, words, question.parent),
            "provision_classification": "substantive",
            "pdf_page": question.page,
            "page_sequence": question.sequence,
            "field_label": label,
            "parent_section": question.parent,
            "local_ordinal": question.ordinal,
            "status": _status(kind, options, [box for box, _ in question.options]),
            "kind": kind,
            "options": options,
        }


def _is_part(line: str) -> bool:
    """Whether this is the heading of a part: in capitals, or written like a title."""
    found = _PART.match(line)
    return found is not None and (is_title(found[2]) if found[1] else found[2] == found[2].upper())


def _option(place: int, box: str, text: str) -> JsonObject:
    label = _LABEL.match(text)
    rest = text[label.end() :] if label else text
    name = label[1] if label else ""
    return {
        "option_id": name.strip("().") or str(place),
        "label": name,
        "option_text": rest,
        "is_selected": bool(_TICKED.search(box)),
        "fill_ins": _fill_ins(rest),
    }


def _fill_ins(text: str) -> list[str]:
    return [(match[1] or match[2] or "").strip() for match in _FILL_IN.finditer(text)]


def _kind(body: str, options: Sequence[JsonObject]) -> str:
    if not options:
        return "text"
    return "multi_select" if _MANY.search(body) and not _ONE.search(body) else "single_select"


def _text_field(body: str) -> tuple[str, list[JsonObject]]:
    """The question without its answer, and the answer as its one option."""
    asked, colon, answer = body.rpartition(": ") if ": " in body else (body.removesuffix(":"), ":", "")
    filled = _FILL_IN.fullmatch(answer.strip())
    value = (filled[1] or filled[2] or "").strip() if filled else answer.strip()
    option = {"option_id": "1", "label": "", "option_text": value, "is_selected": bool(value), "fill_ins": [value]}
    return asked + colon.strip(), [option]


def _status(kind: str, options: Sequence[JsonObject], boxes: Sequence[str]) -> str:
    ticked = [option for option in options if option["is_selected"]]
    if any("?" in box for box in boxes):
        return "unknown"
    if not ticked:
        return "unanswered"
    if kind == "single_select" and len(ticked) > 1:
        return "ambiguous"
    if kind == "multi_select" and len(ticked) > 1 and any(_NONE.match(str(o["option_text"])) for o in ticked):
        return "conflict"
    if kind != "text" and any("" in option["fill_ins"] for option in ticked):
        return "ambiguous"
    return "answered"
