"""Counts what one step of one conversation did, for the report."""

from __future__ import annotations

__all__ = ["Tally"]

from typing import Literal

from igent.agents.build import Participant
from igent.agents.turn import Said
from igent.types import StepReport, Usage


class Tally:
    """The running figures of one step. `critic` is the critic's last word."""

    def __init__(self, phase: str, output: str, matcher: Participant, critic: Participant | None) -> None:
        self._phase, self._output, self._matcher = phase, output, matcher
        self._critic: Literal["skipped", "approved", "rejected", "none"] = "skipped" if critic else "none"
        self._critic_model, self._critic_checksum = (critic.model, critic.checksum) if critic else ("", "")
        self._usage = self._critic_usage = Usage()
        self._rounds = self._invalid = self._critic_calls = 0
        self._calls = self._cut = self._retries = self._rate_limited = self._recalled = 0

    def drafted(self, said: Said, *, valid: bool) -> None:
        """The matcher answered once."""
        self._rounds += 1
        self._invalid += not valid
        self._add(said)

    def judged(self, said: Said, *, approved: bool) -> None:
        """The critic answered once."""
        self._critic = "approved" if approved else "rejected"
        self._critic_calls += 1
        self._critic_usage += said.usage
        self._add(said)

    def failed(self, *, retries: int, rate_limited: int) -> None:
        """A call got no answer, after so many attempts beyond the first, of which so many met a 429."""
        self._calls += 1
        self._retries += retries
        self._rate_limited += rate_limited

    def report(self) -> StepReport:
        """The figures so far."""
        return StepReport(
            phase=self._phase,
            step=self._output,
            agent=self._matcher.name,
            model=self._matcher.model,
            critic=self._critic,
            rounds=self._rounds,
            usage=self._usage,
            prompt_checksum=self._matcher.checksum,
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
        )

    def _add(self, said: Said) -> None:
        self._usage += said.usage
        self._calls += len(said.calls)
        self._cut += sum(call.finish == "cut" for call in said.calls)
        self._retries += sum(call.retries for call in said.calls)
        self._rate_limited += sum(call.rate_limited for call in said.calls)
        self._recalled += sum(call.recalled for call in said.calls)
