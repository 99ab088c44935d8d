"""One conversation: the turn-taking of one phase of one record. Matcher, checks, critic where it is needed, again.

    (rules decide?) -> ask the matcher -> check -> (critic?) -> take the unit -> accepted
                             ^------------ what was wrong <-------'

A draft is accepted when the checks pass, the critic (where it is asked) approves, and the unit it takes is free. What
is not accepted after the last round has failed, with its violations; nothing is ever guessed. Where the matcher has
a cascade, its cheaper models are asked the same question first, each once.
"""

from __future__ import annotations

__all__ = ["Conversation"]

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autogen_agentchat.messages import TextMessage

from igent.agents.build import Cascade, Participant
from igent.agents.ending import UNFINISHED, cause_of, how, reason_of, unit_gone, with_opinion
from igent.agents.opinion import Opinion, is_opinion, read_opinion
from igent.agents.step import Accepts, OnDraft, Settle, Step, StepResult, Tools
from igent.agents.tally import Tally
from igent.agents.turn import Said, Speaker
from igent.errors import ProviderError
from igent.outcome import StepReport
from igent.types import NO_USAGE, CallContext, Case, JsonObject, Verdict, Violation


@dataclass(slots=True)
class _Draft:
    by: str
    said: Said
    value: Any
    verdict: Verdict


@dataclass(slots=True)
class Conversation:
    """The conversation of one phase of one record. `audit` collects every message and verdict, in order."""

    tools: Tools
    record_id: str
    audit: list[JsonObject] = field(default_factory=list)
    _before: list[TextMessage] = field(default_factory=list)
    _talk: _Talk | None = None

    async def run(self, step: Step, case: Case, settle: Settle, on_draft: OnDraft | None = None) -> StepResult:
        """Find the answer of one step. Later steps of the same conversation are told of it.

        A provider's error ends the step as failed; a fatal one (key, quota) is raised.
        """
        talk = self._talk = _Talk(self, step, settle, on_draft)
        try:
            result = await talk.run(case)
            self._talk = None  # they hold each other: what is said is free for memory now, not when the collector comes
            return result
        except ProviderError as error:
            if error.fatal:
                raise
            talk.failed(error)
            self.note(step, step.matcher.name, "error", str(error))
            return talk.result(Verdict(()), "provider", str(error))

    def unfinished(self) -> StepReport:
        """The figures of the latest step, which may have ended in an exception, or been given up."""
        assert self._talk is not None  # a step was begun  # noqa: S101
        return self._talk.result(Verdict(())).report

    def note(self, step: Step, agent: str, kind: str, content: Any, **more: Any) -> None:
        """Add one line to the audit; `more` are further members of it."""
        self.audit.append(
            {
                "record_id": self.record_id,
                "phase": step.phase,
                "step": step.output,
                "agent": agent,
                "kind": kind,
                "content": content,
                **more,
            }
        )

    def remember(self, question: str, answer: str, agent: str) -> None:
        """What the agents of later steps are shown of this one."""
        self._before += [TextMessage(content=question, source="user"), TextMessage(content=answer, source=agent)]

    def speaker(self, step: Step, participant: Participant, accepts: Accepts, tally: Tally) -> Speaker:
        """A participant, with its own AutoGen agent, for this conversation."""
        context = CallContext(self.record_id, step.output, participant.name)
        tools = self.tools
        stop = tools.stop(accepts)
        return Speaker(participant, tools.client, context, stop, tools.clock, tools.turn_seconds, tally.given_up)

    def messages(self, text: str, *, first: bool) -> list[TextMessage]:
        """What is delivered with a question: the earlier steps, where the agent has not seen them, and the question."""
        return [*(self._before if first else ()), TextMessage(content=text, source="user")]


class _Talk:
    """The rounds of one step."""

    def __init__(self, conversation: Conversation, step: Step, settle: Settle, on_draft: OnDraft | None) -> None:
        self._of, self._step, self._settle, self._on_draft = conversation, step, settle, on_draft
        self._tools = conversation.tools
        self._tally = Tally(step.phase, step.output, step.matcher, step.critic)
        self._matcher: Speaker | None = None
        self._critic_seconds = self._capacity_seconds = 0.0
        self._value: Any = None

    async def run(self, case: Case) -> StepResult:
        step, draft = self._step, self._decided(case)
        blocks = self._tools.blocks(case, step.schema)
        question = self._tools.texts.matcher_question(blocks)
        if draft is None and step.matcher.cascade is not None:
            accepted, case, blocks, question = await self._cascade(step.matcher.cascade, blocks, question, case)
            if accepted is not None:
                return accepted
        for round_ in range(1, step.max_rounds + 1):
            if draft is None or round_ > 1:
                draft = await self._ask(question, case)
            opinion = await self._consult(blocks, draft)
            verdict = with_opinion(draft.verdict, opinion)
            if verdict.ok:
                fresh = self._take(verdict)
                if fresh is None:
                    return self._accepted(question, draft, verdict)
                case, blocks = fresh, self._tools.blocks(fresh, step.schema)
                verdict = Verdict((unit_gone(step, verdict),), verdict.value)
            draft.verdict = verdict
            question = self._tools.texts.feedback(blocks, verdict.violations, opinion.feedback if opinion else None)
        assert draft is not None  # max_rounds is at least 1  # noqa: S101
        return self.result(draft.verdict, cause_of(draft.verdict), reason_of(draft.verdict, step.max_rounds))

    async def _cascade(
        self, cascade: Cascade, blocks: Mapping[str, Any], question: str, case: Case
    ) -> tuple[StepResult | None, Case, Mapping[str, Any], str]:
        """Ask the cheaper models, until a draft of one is accepted. What the next model is to be asked, where the
        unit of one was gone; it is told nothing of the drafts."""
        step, tally, texts = self._step, self._tally, self._tools.texts
        for who in step.matcher.cheaper():
            speaker = self._of.speaker(step, who, step.checks.accepts, tally)
            try:
                draft = await self._draft(speaker, question, case, first=True)
            except ProviderError as error:
                if error.fatal:
                    raise
                tally.cheaper_failed(who.model, error)
                self._of.note(step, who.name, "error", str(error), model=who.model)
                continue
            tally.cheaper(who.model, draft.said)
            if not (draft.verdict.ok and cascade.trusts(draft.value)):
                continue
            verdict = with_opinion(draft.verdict, await self._consult(blocks, draft))
            fresh = self._take(verdict) if verdict.ok else None
            if verdict.ok and fresh is None:
                tally.cheaper_accepted()
                return self._accepted(question, draft, verdict), case, blocks, question
            if fresh is not None:
                case, blocks = fresh, self._tools.blocks(fresh, step.schema)
                question = texts.matcher_question(blocks)
        return None, case, blocks, question

    def _accepted(self, question: str, draft: _Draft, verdict: Verdict) -> StepResult:
        self._value = draft.value
        self._of.remember(question, draft.said.text, draft.by)
        return self.result(verdict)

    def result(self, verdict: Verdict, cause: str = "", reason: str = "") -> StepResult:
        report, critic, capacity = self._tally.report(), self._critic_seconds, self._capacity_seconds
        return StepResult(self._step, verdict, report, cause, reason, critic, capacity, self._value)

    def failed(self, error: ProviderError) -> None:
        """Count the call that failed in the end."""
        self._tally.failed(error)

    def _decided(self, case: Case) -> _Draft | None:
        """What the rule agent says; None without one, or where the rules do not decide."""
        value = self._step.decide(case)
        if value is None:
            return None
        said = Said(json.dumps(value, ensure_ascii=False), (), NO_USAGE, 0.0)
        draft = _Draft(self._step.rule, said, value, self._step.checks.verify(value, case))
        self._note(draft, {"model": "", "finish": "", "usage": said.usage.to_json()})
        self._tally.drafted(said, valid=draft.verdict.ok, by=draft.by, model="")
        self._value = value
        return draft

    async def _ask(self, question: str, case: Case) -> _Draft:
        step, matcher, first = self._step, self._matcher, self._matcher is None
        if matcher is None:
            matcher = self._matcher = self._of.speaker(step, step.matcher, step.checks.accepts, self._tally)
        draft = await self._draft(matcher, question, case, first=first)
        self._tally.drafted(draft.said, valid=draft.verdict.ok, by=draft.by, model=step.matcher.model)
        self._value = draft.value
        return draft

    async def _draft(self, speaker: Speaker, question: str, case: Case, *, first: bool) -> _Draft:
        step, who = self._step, speaker.participant
        self._of.note(step, who.name, "sent", question, prompt_checksum=who.checksum)
        said = await speaker.say(self._of.messages(question, first=first))
        value, problem = self._read(said, step.checks.accepts)
        verdict = Verdict((Violation("json", "", problem),)) if value is None else step.checks.verify(value, case)
        draft = _Draft(who.name, said, value, verdict)
        self._note(draft, how(said, who))
        return draft

    def _note(self, draft: _Draft, how: JsonObject) -> None:
        self._of.note(self._step, draft.by, "received", draft.said.text, **how)
        self._of.note(self._step, draft.by, "checked", [str(v) for v in draft.verdict.violations] or "ok")

    async def _consult(self, blocks: Mapping[str, Any], draft: _Draft) -> Opinion | None:
        step, critic = self._step, self._step.critic
        valid = draft.verdict.ok
        if critic is None or not step.policy.asks(valid=valid, record_id=self._of.record_id, seed=self._tools.seed):
            return None
        if valid and self._on_draft is not None:
            self._on_draft(step, draft.verdict)
        found = (draft.verdict.value, draft.value, draft.said.text)
        shown = next(value for value in found if value is not None)
        question = self._tools.texts.critic_question(blocks, shown, draft.verdict.violations)
        self._of.note(step, critic.name, "sent", question, prompt_checksum=critic.checksum)
        # A critic judges one draft at a time and needs no memory of earlier ones: the violations are in the question.
        speaker = self._of.speaker(step, critic, is_opinion, self._tally)
        said = await speaker.say(self._of.messages(question, first=True))
        self._of.note(step, critic.name, "received", said.text, **how(said, critic))
        value, problem = self._read(said, is_opinion)
        whole = not said.calls or said.calls[-1].finish not in UNFINISHED
        opinion = read_opinion(said.text, value) if whole else Opinion(None, problem)
        self._critic_seconds += said.seconds
        self._tally.judged(said, approved=opinion.approved is True)
        return opinion

    def _take(self, verdict: Verdict) -> Case | None:
        started = self._tools.clock.now()
        fresh = self._settle(self._step, verdict)
        self._capacity_seconds += self._tools.clock.now() - started
        return fresh

    def _read(self, said: Said, accepts: Accepts) -> tuple[Any, str]:
        last = said.calls[-1] if said.calls else None
        if last is not None and last.finish in UNFINISHED:
            return None, UNFINISHED[last.finish]
        if last is not None and last.text == said.text and last.value is not None:
            return last.value, ""  # parsed as it streamed in
        return self._tools.read(said.text, accepts)
