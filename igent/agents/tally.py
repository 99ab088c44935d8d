"""Counts what one step of one conversation did, for the report."""

from __future__ import annotations

__all__ = ["Tally"]

from typing import Literal

from igent.agents.build import Participant
from igent.agents.turn import Said
from igent.errors import ProviderError
from igent.outcome import StepReport
from igent.types import Usage


class Tally:
    """The running figures of one step. `critic` is the critic's last word; agent and model are the last draft's."""

    def __init__(self, phase: str, output: str, matcher: Participant, critic: Participant | None) -> None:
        self._phase, self._output, self._checksum = phase, output, matcher.checksum
        self._agent, self._model = matcher.name, matcher.model
        self._critic: Literal["skipped", "approved", "rejected", "none"] = "skipped" if critic else "none"
        self._critic_model, self._critic_checksum = (critic.model, critic.checksum) if critic else ("", "")
        self._usage = self._critic_usage = self._wasted = Usage()
        self._rounds = self._invalid = self._critic_calls = 0
        self._calls = self._cut = self._retries = self._rate_limited = self._recalled = self._hedged = 0

    def drafted(self, said: Said, *, valid: bool, by: str, model: str) -> None:
        """The matcher, or a rule agent (no model: ""), answered once."""
        self._agent, self._model = by, model
        self._rounds += 1
        self._invalid += not valid
        self._add(said)

    def judged(self, said: Said, *, approved: bool) -> None:
        """The critic answered once."""
        self._critic = "approved" if approved else "rejected"
        self._critic_calls += 1
        self._critic_usage += said.usage
        self._add(said)

    def failed(self, error: ProviderError) -> None:
        """A call got no answer."""
        self._calls += 1
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
        )

    def _add(self, said: Said) -> None:
        self._usage += said.usage
        self._calls += len(said.calls)
        self._cut += sum(call.finish == "cut" for call in said.calls)
        self._retries += sum(call.retries for call in said.calls)
        self._rate_limited += sum(call.rate_limited for call in said.calls)
        self._recalled += sum(call.recalled for call in said.calls)
        self._hedged += sum(call.hedged for call in said.calls)
        for call in said.calls:
            self._wasted += call.wasted
