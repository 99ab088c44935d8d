"""What phases are handed beside agents: pages of documents, embeddings and their index; with what the cache has."""

from __future__ import annotations

__all__ = ["CachedPages", "Services"]

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from random import Random

from igent.caching.cache import Cache
from igent.caching.keys import embedding_key, endpoint_name, extraction_key
from igent.clock import Clock
from igent.config.phases import EmbedSpec, PairSpec
from igent.config.settings import Settings
from igent.embedding.local import LocalEmbedder
from igent.flow import Flows, Item, Page, PdfFile, ReadPages
from igent.models.embeddings import EndpointEmbedder
from igent.models.endpoint import Endpoint
from igent.models.mock_embeddings import MockEmbedder
from igent.models.vision import read_page_image
from igent.outcome import StepReport
from igent.records.ocr import VisionOcr, find_ocr
from igent.records.pdf_cache import decode_pages, encode_pages
from igent.records.pdf_pages import PdfReader
from igent.types import ChatRequest, Completion, Model, StopFactory
from igent.workflows.constellation import Constellation
from igent.workflows.graph.embeddings import CachedEmbeddings, PhaseIndex, billed, unbilled
from igent.workflows.graph.gates import Gate, Gates
from igent.workflows.graph.kinds.embedding import EmbedTexts
from igent.workflows.graph.kinds.pairing import Index, MakeIndex
from igent.workflows.graph.units import count_call, count_found, unit_at_work
from igent.workflows.traffic import Traffic

_LOCAL = "local"


class CachedPages:
    """A ReadPages: pages as the reader that `open_reader` opens gives them, kept by the file's content and the method
    of reading it. A file of which any page could not be read is not kept, and nothing that a vision model has read
    where its answers are not to be (`answers` False)."""

    def __init__(self, open_reader: Callable[[], Awaitable[PdfReader]], cache: Cache | None, *, answers: bool) -> None:
        self._open, self._cache, self._answers = open_reader, cache, answers
        self._reader: PdfReader | None = None

    async def __call__(self, file: PdfFile) -> AsyncIterator[Page]:
        """See ReadPages."""
        reader = self._reader = self._reader or await self._open()
        key = extraction_key(file.digest, reader.method)
        pages = await self._known(key)
        if pages is not None:
            count_found(1)
            for page in pages:
                yield page
            return
        pages = []
        async with aclosing(reader(file)) as read:
            async for page in read:
                pages.append(page)
                yield page
        if self._cache is not None and all(self._is_kept(page) for page in pages):
            self._cache.put_soon("extraction", key, encode_pages(pages))

    async def _known(self, key: bytes) -> list[Page] | None:
        kept = await self._cache.get("extraction", key) if self._cache is not None else None
        pages = decode_pages(kept) if kept is not None else None
        return pages if pages is not None and all(map(self._is_kept, pages)) else None

    def _is_kept(self, page: Page) -> bool:
        return not page.problem and (self._answers or page.how != "vision")


class Services:
    """The services of one run of a graph. Without `endpoint` and `model` nothing is sent; what is counts in `traffic`,
    and `moved` is told of calls beside those of agents. `cache` None: everything is made anew; `answers`: whether it
    also has what a vision model has read."""

    def __init__(
        self,
        constellation: Constellation,
        settings: Settings,
        endpoint: Endpoint | None,
        model: Model | None,
        gates: Gates,
        cache: Cache | None,
        clock: Clock,
        traffic: Traffic | None = None,
        moved: Callable[[Gate, int], None] = lambda gate, by: None,
        *,
        answers: bool = True,
    ) -> None:
        self._constellation, self._settings, self._endpoint = constellation, settings, endpoint
        self._model, self._gates, self._cache, self._clock, self._traffic = model, gates, cache, clock, traffic
        self._moved = partial(moved, gates["llm"])
        self._local: LocalEmbedder | None = None
        self._remote: list[EndpointEmbedder] = []
        self.pages: ReadPages = CachedPages(self._open_reader, cache, answers=answers)

    async def close(self) -> None:
        """Release what it holds."""
        for embedder in self._remote:
            await embedder.close()

    def embedder(self, spec: EmbedSpec) -> EmbedTexts:
        """What embeds for a phase. Raises ConfigError where the local model is not installed, and AuthError without a
        key for the endpoint's."""
        if spec.model == _LOCAL:
            local = self._local = self._local or LocalEmbedder()
            return CachedEmbeddings(unbilled(local), partial(embedding_key, local.name), self._cache)
        if self._settings.mock:  # it costs nothing, and changes with the mock
            return CachedEmbeddings(unbilled(MockEmbedder()), partial(embedding_key, spec.model), None)
        traffic = self._traffic
        assert self._endpoint is not None and traffic is not None  # a dry run has no such phase  # noqa: S101, PT018
        remote = EndpointEmbedder(
            self._endpoint,
            spec.model,
            spec.batch,
            clock=self._clock,
            random=Random(self._settings.seed),
            limits=self._constellation.spec.run.limits,
            budget=traffic.budget,
            valve=traffic.valve,
        )
        self._remote.append(remote)
        traffic.also_sent(lambda: remote.figures.calls + remote.figures.retries)
        name = endpoint_name(self._settings.base_url)
        key_of = partial(embedding_key, spec.model, endpoint=name)
        return CachedEmbeddings(billed(remote, spec.name, spec.model), key_of, self._cache)

    def index(self, spec: PairSpec) -> MakeIndex:
        """What makes the index of a pair phase."""
        embeds = {phase.name: phase for phase in self._constellation.spec.phases if isinstance(phase, EmbedSpec)}
        left, right = (embeds[need].field for need in spec.needs)
        workload = self._constellation.workload
        rule = workload.compatible[spec.compatible] if spec.compatible and isinstance(workload, Flows) else None

        def make(items: Sequence[Item]) -> Index:
            return PhaseIndex(items, (left, right), spec, rule)

        return make

    async def _open_reader(self) -> PdfReader:
        return PdfReader(self._gates.pages.held, await asyncio.to_thread(find_ocr, None, self._vision()))

    def _vision(self) -> VisionOcr | None:
        """The vision model; none for the mock, which sees nothing."""
        name = self._constellation.spec.vision
        if name is None or self._model is None or self._settings.mock:
            return None
        where = f"{name} at {endpoint_name(self._settings.base_url)}"
        return VisionOcr(where, partial(read_page_image, _Counted(self._model, self._moved), name))


class _Counted:
    """A Model that tells the unit which asks it what each call was, and asks in that unit's name; `moved` is told that
    a call begins (1) or ends (-1)."""

    def __init__(self, model: Model, moved: Callable[[int], None]) -> None:
        self._model, self._moved = model, moved

    async def complete(self, request: ChatRequest, stop: StopFactory | None = None) -> Completion:
        """See Model.complete."""
        context = replace(request.context, record_id=unit_at_work() or request.context.record_id)
        self._moved(1)
        try:
            completion = await self._model.complete(replace(request, context=context), stop)
        finally:
            self._moved(-1)
        count_call(
            StepReport(
                phase=request.context.step,
                step=request.context.step,
                agent=request.context.agent,
                model=request.model,
                critic="none",
                rounds=1,
                usage=completion.usage,
                prompt_checksum="",
                calls=int(not completion.cached),
                retries=completion.retries,
                rate_limited=completion.rate_limited,
                recalled=int(completion.recalled),
                cached=int(completion.cached),
                wasted=completion.wasted,
            )
        )
        return completion

    async def close(self) -> None:
        """See Model.close: it is somebody else's to close."""
