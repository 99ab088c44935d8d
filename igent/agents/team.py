"""A constellation as a real AutoGen team, for users who want AutoGen's own runtime around the same agents."""

from __future__ import annotations

__all__ = ["Team", "make_team"]

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from autogen_agentchat.teams import RoundRobinGroupChat
from autogen_core.models import ChatCompletionClient

from igent.agents.build import Participant

Team = RoundRobinGroupChat


def make_team(participants: Sequence[Participant], client: Callable[[Participant], ChatCompletionClient]) -> Team:
    """A round-robin team of the agents, each speaking once, in order. Rules and ledger are not part of it.

    An agent that is there again is called NAME_2, NAME_3 …
    """
    seen: Counter[str] = Counter()
    agents = []
    for participant in participants:
        seen[participant.name] += 1
        number = seen[participant.name]
        # AutoGen refuses two of one name; an agent that takes part in several steps has a prompt for each.
        agent = replace(participant, name=f"{participant.name}_{number}") if number > 1 else participant
        agents.append(agent.make(client(agent)))
    return RoundRobinGroupChat(list(agents), max_turns=len(agents))
