"""The published corpus of JSON as models write it; skipped where it is not there. docs/decoder.md has the table."""

import base64
import json
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from igent.parsing.decoder import Decoder
from igent.parsing.events import Value

CORPUS = Path(__file__).parents[2].parent / "shared" / "data" / "json_corpus"
# A whole object, then a second one that is cut off: the first one is complete and is rightly found.
COMPLETE_BEFORE_THE_CUT = {"promptfoo:8:complete+incomplete"}

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="the shared corpus is not here")


class Case(NamedTuple):
    id: str
    category: str
    scalar: bool
    text: str
    expected: Any


def load() -> list[Case]:
    cases = []
    for file in sorted(CORPUS.glob("*.jsonl")):
        for line in file.read_text("utf-8").splitlines():
            raw = json.loads(line)
            text = raw["input"] if "input" in raw else base64.b64decode(raw["input_b64"]).decode("utf-8", "replace")
            scalar = "scalar_or_none" in raw["tags"]
            cases.append(Case(raw["id"], raw["category"], scalar, text, raw.get("expected")))
    return cases


CASES = load() if CORPUS.is_dir() else []


def found(text: str, size: int = 0) -> list[Value]:
    decoder = Decoder()
    size = size or len(text) or 1
    events = [event for at in range(0, len(text), size) for event in decoder.feed(text[at : at + size])]
    decoder.close()
    return [event for event in events if isinstance(event, Value)]


def of(*categories: str) -> list[Case]:
    return [case for case in CASES if case.category in categories]


@pytest.mark.parametrize("size", [0, 1, 4])
def test_every_strict_value_is_found(size: int) -> None:
    cases = [case for case in of("strict_plain", "strict_embedded") if not case.scalar]
    assert len(cases) == 175
    assert [case.id for case in cases if [v.value for v in found(case.text, size)][:1] != [case.expected]] == []


def test_what_a_parser_must_accept_is_found() -> None:
    cases = [case for case in of("suite_accept") if isinstance(case.expected, dict | list)]
    assert len(cases) == 87
    assert [case.id for case in cases if [v.value for v in found(case.text)] != [case.expected]] == []


def test_nothing_cut_off_is_accepted() -> None:
    cases = [case for case in of("incomplete_reject", "incomplete") if case.id not in COMPLETE_BEFORE_THE_CUT]
    assert len(cases) == 904
    assert [case.id for case in cases if found(case.text)] == []


def test_a_complete_value_before_the_cut_is_found() -> None:
    (case,) = (case for case in CASES if case.id in COMPLETE_BEFORE_THE_CUT)
    assert [v.value for v in found(case.text)] == [case.expected[0]]


def test_nothing_invalid_is_accepted() -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    for case in CASES:
        for value in found(case.text):
            json.loads(case.text[value.start : value.end], parse_constant=refuse)


def test_of_invalid_documents_only_those_with_a_valid_begin_give_a_value() -> None:
    accepted = {case.text: found(case.text)[0] for case in of("suite_reject") if found(case.text)}
    assert len(accepted) == 14
    assert all(text[: value.start] in ("", "\ufffd") for text, value in accepted.items())


def test_no_text_takes_long() -> None:
    for case in CASES:
        # CPU time: what else runs on the machine is none of the decoder's business.
        started = time.process_time()
        found(case.text)
        assert time.process_time() - started < 0.2, case.id
