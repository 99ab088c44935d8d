"""A constellation as a real AutoGen team, for users who want AutoGen's own runtime around the same agents."""

from __future__ import annotations

__all__ = ["Team", "make_team"]

from collections.abc import Callable, Sequence

from autogen_agentchat.teams import RoundRobinGroupChat
from autogen_core.models import ChatCompletionClient

from igent.agents.build import Participant

Team = RoundRobinGroupChat


def make_team(participants: Sequence[Participant], client: Callable[[Participant], ChatCompletionClient]) -> Team:
    """A round-robin team of the agents, each speaking once, in order. Rules and ledger are not part of it."""
    agents = [participant.make(client(participant)) for participant in participants]
    return RoundRobinGroupChat(list(agents), max_turns=len(agents))
