"""One conversation about several records at once: each call is about all that have no answer yet.

    known or decided? -> ask the cheaper models -> ask the matcher -> check each answer as it comes -> settle, or again
                                                          ^----- those missing or wrong, with what was wrong -----'

Each record has a number, from 1, that it keeps: in no call of the conversation does it mean another one. Each round is
a chat of its own, about the records that are left, so that no answer of an earlier one is in sight.
"""

from __future__ import annotations

__all__ = ["BatchConversation", "Known", "Learnt", "OnAnswer", "SettleRecord"]

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from autogen_agentchat.messages import TextMessage

from igent.agents.build import Participant
from igent.agents.ending import cause_of, how, reason_of
from igent.agents.reading import Answer, Reading
from igent.agents.step import Step, StepResult, Tools
from igent.agents.tally import Tally, is_fresh, merged, shares
from igent.agents.turn import Said, Speaker
from igent.errors import ProviderError, RequestError
from igent.outcome import StepReport
from igent.types import NO_USAGE, CallContext, Case, JsonObject, Verdict

SettleRecord = Callable[[int, StepResult], None]
"""Is told how the step ended for a record, by its place among the cases."""
OnAnswer = Callable[[int, Verdict], None]
"""Is told the verdict on a record's answer while the call goes on: it counts only once the call has ended."""
Known = Callable[[int], Awaitable[Any | None]]
"""Gives the answer of a record that was kept from an earlier run; None when there is none."""
Learnt = Callable[[int, JsonObject], None]
"""Is told a record's accepted answer, as the model gave it."""

_BROKEN = frozenset({"length", "content_filter"})


@dataclass(slots=True)
class _Record:
    """One record of the batch, and how far it has come. `failure` is the cause and reason when its last call broke."""

    place: int
    case: Case
    blocks: Mapping[str, Any]
    tally: Tally
    answer: Answer = field(default_factory=lambda: Answer(None, Verdict(())))
    failure: tuple[str, str] | None = None
    settled: bool = False

    @property
    def number(self) -> int:
        return self.place + 1


@dataclass(slots=True)
class _Watchers:
    settle: SettleRecord
    learnt: Learnt | None
    on_answer: OnAnswer | None


class BatchConversation:
    """The conversation of one step about several records; `run` it once. `audit` collects messages and verdicts."""

    def __init__(self, tools: Tools, cases: Sequence[Case], step: Step) -> None:
        self._tools, self._step = tools, step
        self._records = [
            _Record(
                place, case, tools.blocks(case, step.schema), Tally(step.phase, step.output, step.matcher, step.critic)
            )
            for place, case in enumerate(cases)
        ]
        self.audit: list[JsonObject] = []

    async def run(
        self,
        settle: SettleRecord,
        *,
        known: Known | None = None,
        learnt: Learnt | None = None,
        on_element: OnAnswer | None = None,
    ) -> None:
        """Find the answers. `settle` is told of each record once: as soon as the call has ended that brought its
        answer, and at the end of those that have failed.

        Every call is counted once in all the reports together, at a record that it settled, if there is one; a call's
        tokens are shared out among its records. An answer from `known` is checked like a fresh one; it costs nothing.
        Raises fatal provider errors, LimitError, DrainedError, and what a callable raises.
        """
        watchers = _Watchers(settle, learnt, on_element)
        for record in self._records:
            await self._without_call(record, known, watchers)
        for who in self._step.matcher.cheaper():
            if left := self._left():
                await self._call(left, who, 1, watchers)
        groups = [self._left()]
        for round_ in range(1, self._step.max_rounds + 1):
            again: list[list[_Record]] = []
            for group in groups:
                if group:
                    again += await self._call(group, self._step.matcher, round_, watchers)
            groups = again
        for record in self._left():
            self._fail(record, watchers)

    def unfinished(self) -> StepReport:
        """What was spent on the records that `settle` was not told of, as one report: for when `run` raised, or was
        cancelled."""
        first = Tally(self._step.phase, self._step.output, self._step.matcher, self._step.critic).report()
        return merged([first, *(record.tally.report() for record in self._left())])

    def _left(self) -> list[_Record]:
        return [record for record in self._records if not record.settled]

    async def _without_call(self, record: _Record, known: Known | None, watchers: _Watchers) -> None:
        """Settle a record whose answer is known, or decided by the rules, if it is good."""
        step = self._step
        value = step.decide(record.case)
        ruled = value is not None
        if not ruled and known is not None:
            value = await known(record.place)
        if value is None:
            return
        verdict = step.checks.verify(value, record.case)
        if not verdict.ok:
            return
        if ruled:
            record.tally.drafted(Said("", (), NO_USAGE, 0.0), valid=True, by=step.rule, model="")
        else:
            record.tally.found()
        record.answer = Answer(value, verdict)
        self._note([record], step.rule if ruled else step.matcher.name, "decided" if ruled else "known", value)
        self._accept(record, watchers)

    async def _call(
        self, group: list[_Record], who: Participant, round_: int, watchers: _Watchers
    ) -> list[list[_Record]]:
        """One call about these records; those to be asked about again, in groups. What a model of the cascade does not
        bring is asked of the next one, whatever came of its call."""
        tools, step, by_number = self._tools, self._step, {record.number: record for record in group}

        def on_element(number: int, verdict: Verdict) -> None:
            if watchers.on_answer is not None:
                watchers.on_answer(by_number[number].place, verdict)

        cases = {number: record.case for number, record in by_number.items()}
        reading = Reading(tools.elements, cases, step.checks, on_element)
        wrong = [(r.number, r.blocks, r.answer.verdict.violations, r.answer.value) for r in group]
        question = tools.texts.batch_question(wrong, round_)
        context = CallContext(_name(group), step.output, who.name, len(group))
        given_up = group[0].tally.given_up
        speaker = Speaker(who, tools.client, context, reading.stop, tools.clock, tools.turn_seconds, given_up)
        self._note(group, who.name, "sent", question, prompt_checksum=who.checksum)
        try:
            said = await speaker.say([TextMessage(content=question, source="user")])
        except ProviderError as error:
            if error.fatal:
                raise
            self._note(group, who.name, "error", str(error), model=who.model)
            return self._broke(group, who, reading.of_broken(), error, watchers)
        self._note(group, who.name, "received", said.text, **how(said, who))
        answers = reading.of(said)
        good = self._judge(group, who, answers)
        first = group.index(good[0]) if good else 0
        parts, fresh = shares(said, len(group), first), is_fresh(said)
        for record, part in zip(group, parts, strict=True):
            record.failure = None
            if self._is_cheap(who):
                record.tally.cheaper(who.model, part)
            else:
                valid = record.answer.verdict.ok
                record.tally.drafted(part, valid=valid, by=who.name, model=who.model, fresh=fresh)
        self._take(good, who, watchers)
        finish = said.calls[-1].finish if said.calls else ""
        return _groups([record for record in group if not record.settled], halve=finish in _BROKEN)

    def _broke(
        self,
        group: list[_Record],
        who: Participant,
        answers: Mapping[int, Answer],
        error: ProviderError,
        watchers: _Watchers,
    ) -> list[list[_Record]]:
        """The call got no end: what had come counts, the rest is asked about again where there is hope."""
        good = self._judge(group, who, answers)
        first = good[0] if good else group[0]
        for record in group:
            calls = int(record is first)
            if self._is_cheap(who):
                record.tally.cheaper_failed(who.model, error, calls)
                continue
            record.tally.failed(error, calls)
            if record.answer.value is None:
                record.failure = ("provider", str(error))
            else:
                record.failure = None
                nothing, valid = Said("", (), NO_USAGE, 0.0), record.answer.verdict.ok
                record.tally.drafted(nothing, valid=valid, by=who.name, model=who.model, fresh=False)
        self._take(good, who, watchers)
        left = [record for record in group if not record.settled]
        came = any(answer.value is not None for answer in answers.values())
        if came or (isinstance(error, RequestError) and len(group) > 1):  # it may have been too long
            return _groups(left, halve=True)
        return []

    def _judge(self, group: list[_Record], who: Participant, answers: Mapping[int, Answer]) -> list[_Record]:
        """Note the verdict on each; those to be accepted. Of a cheaper model nothing stays that is not."""
        cascade = self._step.matcher.cascade if self._is_cheap(who) else None
        good = []
        for record in group:
            answer = answers[record.number]
            verdict = answer.verdict
            self._note([record], who.name, "checked", [str(v) for v in verdict.violations] or "ok")
            accepted = verdict.ok and (cascade is None or cascade.trusts(answer.value))
            if accepted or not self._is_cheap(who):
                record.answer = answer
            if accepted:
                good.append(record)
        return good

    def _is_cheap(self, who: Participant) -> bool:
        return who is not self._step.matcher

    def _take(self, good: list[_Record], who: Participant, watchers: _Watchers) -> None:
        for record in good:
            if self._is_cheap(who):
                record.tally.cheaper_accepted()
            if watchers.learnt is not None and record.answer.value is not None:
                watchers.learnt(record.place, record.answer.value)
            self._accept(record, watchers)

    def _accept(self, record: _Record, watchers: _Watchers) -> None:
        record.settled = True
        answer = record.answer
        result = StepResult(self._step, answer.verdict, record.tally.report(), value=answer.value)
        watchers.settle(record.place, result)

    def _fail(self, record: _Record, watchers: _Watchers) -> None:
        record.settled = True
        answer, step = record.answer, self._step
        cause, reason = record.failure or (cause_of(answer.verdict), reason_of(answer.verdict, step.max_rounds))
        verdict = Verdict(()) if record.failure else answer.verdict
        result = StepResult(step, verdict, record.tally.report(), cause, reason, value=answer.value)
        watchers.settle(record.place, result)

    def _note(self, group: list[_Record], agent: str, kind: str, content: Any, **more: Any) -> None:
        """Add one line to the audit: of a call, with the ids of its records; or of one record."""
        records = {"records": [r.case.record.id for r in group]} if kind in _OF_CALLS else {}
        step = self._step
        line = {"record_id": _name(group), "phase": step.phase, "step": step.output, "agent": agent}
        self.audit.append({**line, "kind": kind, "content": content, **records, **more})


_OF_CALLS = frozenset({"sent", "received", "error"})


def _name(group: Sequence[_Record]) -> str:
    """What a call about these records goes by in the journal, in logs and in errors."""
    more = f"+{len(group) - 1}" if len(group) > 1 else ""
    return f"{group[0].case.record.id}{more}"


def _groups(left: list[_Record], *, halve: bool) -> list[list[_Record]]:
    middle = (len(left) + 1) // 2 if halve else len(left)
    return [part for part in (left[:middle], left[middle:]) if part]
