"""The work is linear in the text, for the worst texts known, in one piece and in pieces of one character.

Work is counted, not timed: every character that a compiled pattern passes over, and every one that is copied.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from igent.parsing import decoder as decoder_module
from igent.parsing import grammar, values, wreck
from igent.parsing.decoder import Decoder

WORST = [
    *('[', '{"', '"', '["[",', '["["', '["\n', '{}', '[1]', '{"a":', '[{"a":', '{"a":1,', '{"a":1x}', '{"a":1 x {'),
    *('[1,', '[1,)', '[[]1', '<', '<thin', '<think>', '\\', '["\\', '{"a":"\\', '{"a":x"\\', '{"a":x\n`'),
    *('[\n', '["a",\n'),
    *('[ ', 'a', '[1 ', '[1', '["a', '{"a":"b\n', '[{"a": 1}, ', "{'a': ", ']', '{"a', '[nul', '12345', '{"a":[}'),
    "[" * 150 + "]" * 150,
]  # fmt: skip


class Count:
    """Counts characters."""

    def __init__(self) -> None:
        self.work = 0


class Counting:
    """A compiled pattern that counts the characters it passes over, and one for each use."""

    def __init__(self, pattern: re.Pattern[str], count: Count) -> None:
        self._pattern = pattern
        self._count = count

    def _counted(self, match: re.Match[str] | None, text: str, at: int, missed: int) -> re.Match[str] | None:
        self._count.work += 1 + (match.end() - at if match else missed)
        return match

    def match(self, text: str, at: int = 0) -> re.Match[str] | None:
        return self._counted(self._pattern.match(text, at), text, at, 1)

    def fullmatch(self, text: str, at: int = 0) -> re.Match[str] | None:
        return self._counted(self._pattern.fullmatch(text, at), text, at, 1)

    def search(self, text: str, at: int = 0) -> re.Match[str] | None:
        return self._counted(self._pattern.search(text, at), text, at, len(text) - at)

    def sub(self, *args: Any) -> str:
        self._count.work += len(args[-1])
        return self._pattern.sub(*args)


@pytest.fixture
def count(monkeypatch: pytest.MonkeyPatch) -> Iterator[Count]:
    count = Count()
    for module in (decoder_module, grammar, values, wreck):
        for name, pattern in list(vars(module).items()):
            if isinstance(pattern, re.Pattern):
                monkeypatch.setattr(module, name, Counting(pattern, count))
    copy = Decoder._slice

    def counted(self: Decoder, start: int, end: int) -> str:
        count.work += end - start
        return copy(self, start, end)

    monkeypatch.setattr(Decoder, "_slice", counted)
    yield count
    assert count.work, "nothing was counted: the patterns are not where this test looks for them"


def work(count: Count, text: str, size: int, *, elements: bool = False) -> int:
    before = count.work
    decoder = Decoder(elements=elements)
    for at in range(0, len(text), size):
        decoder.feed(text[at : at + size])
        count.work += len(decoder._window)
    return count.work - before


@pytest.mark.parametrize("unit", WORST)
@pytest.mark.parametrize("start", ["", "{", '{"a": ', '{"a": x ', '["'])
def test_work_is_linear(count: Count, unit: str, start: str) -> None:
    once = start + unit * (1500 // len(unit))
    twice = start + unit * (3000 // len(unit))
    assert work(count, twice, len(twice)) <= 10 * len(twice)
    # An unfinished number is looked at again with each piece, up to its limit; that is behind both.
    assert work(count, twice, 1) <= 2.1 * work(count, once, 1) + 100


@pytest.mark.parametrize(
    "unit", ['{"n": 1}, ', "{}, ", '{"a": [{}]}, ', '{"a":', '[{"a":1},', '"b": [{"n": 1}], ', "[{"]
)
@pytest.mark.parametrize("start", ["", "[", '{"a": [', '[{"a": 1}, x '])
def test_work_is_linear_with_elements(count: Count, unit: str, start: str) -> None:
    once = start + unit * (1500 // len(unit))
    twice = start + unit * (3000 // len(unit))
    assert work(count, twice, len(twice), elements=True) <= 12 * len(twice)
    assert work(count, twice, 1, elements=True) <= 2.1 * work(count, once, 1, elements=True) + 100


def test_the_work_for_a_piece_does_not_grow(count: Count) -> None:
    decoder = Decoder()
    decoder.feed('{"a": [')
    costs = []
    for _ in range(2000):
        before = count.work
        decoder.feed('"some text", 12, ')
        costs.append(count.work - before)
    assert max(costs) == costs[0]
