"""Answers about single items of batches, as the cache keeps them."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

from igent.agents.build import Cascade, Participant
from igent.caching.cache import Cache
from igent.caching.shelf import AnswerShelf
from igent.config.constellation import Resources
from igent.prompting import messages
from igent.types import Case, Record
from igent.workflows.graph.answers import CachedElements
from igent.workflows.graph.gates import Gates
from igent.workflows.slots import Slots

CASE = Case(Record("judged/L1~R1", 0, {"a": 1}, "L1"), None, {}, date(2026, 1, 1))


def step(**more):
    matcher = Participant("judge", "matcher", "big", "the prompt", "0" * 12, **more)
    return SimpleNamespace(matcher=matcher, schema="verdict", output="verdicts")


def kept(cache: Cache) -> CachedElements:
    shelf = AnswerShelf(cache, lambda request: b"")
    tools = SimpleNamespace(texts=messages, blocks=lambda case, schema: dict(case.record.data))
    elements = CachedElements(cache, shelf, "https://here/v1", tools)
    elements.commit = lambda: shelf.commit(CASE.record.id)
    return elements


async def test_it_is_found_again_only_where_it_would_be_trusted_alike(tmp_path):
    cache = Cache(tmp_path / "cache.db")
    elements = kept(cache)
    trusting = step(cascade=Cascade(("small",), "sure", 0.5))
    elements.keep(trusting, CASE, {"same": True, "sure": 0.6})
    elements.commit()
    assert await elements.find(trusting, CASE) == {"same": True, "sure": 0.6}
    assert await elements.find(step(cascade=Cascade(("small",), "sure", 0.95)), CASE) is None
    assert await elements.find(step(cascade=Cascade(("small",), "other", 0.5)), CASE) is None
    assert await elements.find(step(), CASE) is None
    assert await elements.find(step(cascade=Cascade(("small",), "sure", 0.5), options={"temperature": 1}), CASE) is None
    await cache.close()


async def test_what_cannot_be_written_is_not_kept(tmp_path):
    cache = Cache(tmp_path / "cache.db")
    elements = kept(cache)
    elements.keep(step(), CASE, {"same": True, "big": 1 << 70})
    elements.commit()
    assert await elements.find(step(), CASE) is None
    await cache.close()


async def test_pages_have_places_of_their_own():
    gates = Gates(Resources(vision=1), Slots(1))
    async with gates["vision"].held(), gates.pages.held():  # a step that holds one has its pages read
        assert gates["vision"].full
        assert gates.pages.full
