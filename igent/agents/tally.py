"""Counts what one step of one conversation did, for the report."""

from __future__ import annotations

__all__ = ["Tally", "is_fresh", "merged", "shares"]

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Literal

from igent.agents.build import Participant
from igent.agents.turn import Said
from igent.errors import ProviderError
from igent.outcome import CheaperUse, StepReport
from igent.types import NO_USAGE, Completion, Usage


class Tally:
    """The running figures of one step. `critic` is the critic's last word; agent and model are the last draft's."""

    def __init__(self, phase: str, output: str, matcher: Participant, critic: Participant | None) -> None:
        self._phase, self._output, self._checksum = phase, output, matcher.checksum
        self._agent, self._model, self._times = matcher.name, matcher.model, matcher.cascade is not None
        self._critic: Literal["skipped", "approved", "rejected", "none"] = "skipped" if critic else "none"
        self._critic_model, self._critic_checksum = (critic.model, critic.checksum) if critic else ("", "")
        self._usage = self._critic_usage = self._wasted = Usage()
        self._saved = NO_USAGE
        self._rounds = self._invalid = self._critic_calls = self._own_drafts = 0
        self._calls = self._cut = self._retries = self._rate_limited = self._recalled = self._hedged = self._cached = 0
        self._own_seconds = 0.0
        self._cheaper: list[CheaperUse] = []

    def drafted(self, said: Said, *, valid: bool, by: str, model: str, fresh: bool | None = None) -> None:
        """The matcher, or a rule agent (no model: ""), answered once; `fresh` where the calls are not in `said`."""
        self._agent, self._model = by, model
        self._rounds += 1
        self._invalid += not valid
        self._add(said)
        if self._times and model and (is_fresh(said) if fresh is None else fresh):
            self._own_drafts += 1
            self._own_seconds += said.seconds

    def judged(self, said: Said, *, approved: bool) -> None:
        """The critic answered once."""
        self._critic = "approved" if approved else "rejected"
        self._critic_calls += bool(_asked(said))
        self._critic_usage += _paid(said)
        self._add(said)

    def cheaper(self, model: str, said: Said) -> None:
        """A cheaper model of the cascade answered; whether that is accepted is not known yet."""
        paid = self._add(said)
        tokens = paid.input_tokens, paid.output_tokens
        self._cheaper.append(CheaperUse(model, len(_asked(said)), *tokens, said.seconds, accepted=False))

    def cheaper_accepted(self) -> None:
        """The last answer of a cheaper model is the step's: the one draft that counts as a round."""
        self._cheaper[-1] = replace(self._cheaper[-1], accepted=True)
        self._model = self._cheaper[-1].model
        self._rounds += 1

    def cheaper_failed(self, model: str, error: ProviderError, calls: int = 1) -> None:
        """A cheaper model gave no answer."""
        self.failed(error, calls)
        self._cheaper.append(CheaperUse(model, calls, 0, 0, 0.0, accepted=False))

    def found(self) -> None:
        """The answer was kept from an earlier run: no model was asked."""
        self._rounds += 1
        self._cached += 1

    def failed(self, error: ProviderError, calls: int = 1) -> None:
        """A call got no answer; 0 `calls` where somebody else counts it."""
        if calls:
            self._calls += calls
            self._retries += error.retries
            self._rate_limited += error.rate_limited
            self._wasted += error.wasted

    def given_up(self, cost: Usage) -> None:
        """A call was given up in the middle, when it had cost this."""
        self._calls += 1
        self._wasted += cost

    def report(self) -> StepReport:
        """The figures so far."""
        return StepReport(
            phase=self._phase,
            step=self._output,
            agent=self._agent,
            model=self._model,
            critic=self._critic,
            rounds=self._rounds,
            usage=self._usage,
            prompt_checksum=self._checksum if self._model else "",
            calls=self._calls,
            critic_calls=self._critic_calls,
            critic_model=self._critic_model,
            critic_checksum=self._critic_checksum,
            critic_input_tokens=self._critic_usage.input_tokens,
            critic_output_tokens=self._critic_usage.output_tokens,
            cut=self._cut,
            retries=self._retries,
            rate_limited=self._rate_limited,
            recalled=self._recalled,
            invalid_drafts=self._invalid,
            wasted=self._wasted,
            hedged=self._hedged,
            cached=self._cached,
            cascade=tuple(self._cheaper),
            saved_input_tokens=self._saved.input_tokens,
            saved_output_tokens=self._saved.output_tokens,
            own_drafts=self._own_drafts,
            own_seconds=self._own_seconds,
        )

    def _add(self, said: Said) -> Usage:
        """Count an answer; what was paid for it. What came from the cache was no call."""
        asked = _asked(said)
        self._calls += len(asked)
        self._cut += sum(call.finish == "cut" for call in asked)
        self._retries += sum(call.retries for call in said.calls)
        self._rate_limited += sum(call.rate_limited for call in said.calls)
        self._recalled += sum(call.recalled for call in said.calls)
        self._hedged += sum(call.hedged for call in said.calls)
        for call in said.calls:
            self._wasted += call.wasted
            if call.cached:
                self._cached += 1
                self._saved += call.usage
        paid = _paid(said)
        self._usage += paid
        return paid


def _asked(said: Said) -> list[Completion]:
    return [call for call in said.calls if not call.cached]


def is_fresh(said: Said) -> bool:
    """Whether models were asked for it, and nothing was recalled, so that its seconds are theirs."""
    return not any(call.cached or call.recalled for call in said.calls)


def shares(said: Said, count: int, first: int) -> list[Said]:
    """What each of `count` records of one turn has of it: tokens that sum to those of the turn, and as much of its time
    each; the calls are counted at the `first` one."""
    paid, seconds = _paid(said), said.seconds / count
    if any(call.cached for call in said.calls):
        # It has tokens that nobody paid for: what its calls say of theirs stays in one place.
        return [Said("", said.calls if place == first else (), NO_USAGE, seconds) for place in range(count)]
    parts = []
    for place in range(count):
        tokens = _part(paid.input_tokens, count, place), _part(paid.output_tokens, count, place)
        usage = Usage(*tokens, estimated=paid.estimated)
        parts.append(Said("", said.calls if place == first else (), usage, seconds))
    return parts


def _part(whole: int, count: int, place: int) -> int:
    return whole // count + (place < whole % count)


def _paid(said: Said) -> Usage:
    if any(call.cached for call in said.calls):
        return sum((call.usage for call in said.calls if not call.cached), NO_USAGE)
    return said.usage


def merged(reports: Sequence[StepReport]) -> StepReport:
    """The sum of some reports of one step, of which there is at least one; the words are the first one's."""
    first = reports[0]
    sums = {name: sum(getattr(report, name) for report in reports) for name in _SUMMED}
    usage = sum((report.usage for report in reports), NO_USAGE)
    wasted = sum((report.wasted for report in reports), NO_USAGE)
    cheaper: dict[str, CheaperUse] = {}
    for use in (use for report in reports for use in report.cascade):
        before = cheaper.get(use.model, CheaperUse(use.model, 0, 0, 0, 0.0, accepted=False))
        cheaper[use.model] = CheaperUse(
            use.model,
            before.calls + use.calls,
            before.input_tokens + use.input_tokens,
            before.output_tokens + use.output_tokens,
            before.seconds + use.seconds,
            accepted=False,
        )
    return replace(first, **sums, usage=usage, wasted=wasted, cascade=tuple(cheaper.values()))


_SUMMED = tuple(f.name for f in fields(StepReport) if f.type in {"int", "float"})
