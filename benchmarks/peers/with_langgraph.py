"""The job of `p1m1m2c` with LangGraph: a graph of three agents, the critic deciding where it goes on, streamed.

python -m peers.with_langgraph --base-url URL --data DIR --scenario NAME
"""

from __future__ import annotations

__all__ = ["main"]

import asyncio
from typing import Any, TypedDict

from dialogue import MAX_ROUNDS, MODELS, Dialogue
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from measure import Row, flag, load_case, measured, options, report


class State(TypedDict, total=False):
    """Of one registration."""

    row: Row
    history: list[AnyMessage]
    verdict: str
    rounds: int
    match: Row | None
    order: Row


class Agents:
    """The nodes of the graph, and where it goes from them."""

    def __init__(self, dialogue: Dialogue, base_url: str) -> None:
        self.dialogue = dialogue
        self.models = {
            name: ChatOpenAI(model=model, base_url=base_url, api_key="none", streaming=True)
            for name, model in MODELS.items()
        }

    async def say(self, agent: str, history: list[AnyMessage]) -> str:
        """One turn."""
        answer = await self.models[agent].ainvoke([SystemMessage(self.dialogue.prompts[agent]), *history])
        return str(answer.content)

    async def matcher1(self, state: State) -> State:
        """Draft the match."""
        history = state.get("history") or [HumanMessage(self.dialogue.match_task(state["row"]))]
        draft = await self.say("matcher1", history)
        return {"history": [*history, AIMessage(draft)], "rounds": state.get("rounds", 0) + 1}

    async def critic(self, state: State) -> State:
        """Judge the draft; take the unit when it may go out."""
        task, draft = state["history"][0], str(state["history"][-1].content)
        verdict = await self.say("critic", [task, HumanMessage(draft)])
        if self.dialogue.approved(verdict) or state["rounds"] >= MAX_ROUNDS:
            return {"verdict": verdict, "match": self.dialogue.take(draft)}
        return {"verdict": verdict, "history": [*state["history"], HumanMessage(verdict)]}

    def after_critic(self, state: State) -> str:
        """Once more, on, or to the end where nobody fits."""
        if "match" not in state:
            return "matcher1"
        return "matcher2" if state["match"] else END

    async def matcher2(self, state: State) -> State:
        """Write the order."""
        match = state["match"]
        assert match is not None
        text = await self.say("matcher2", [HumanMessage(self.dialogue.order_task(state["row"], match))])
        return {"order": self.dialogue.answer(text)}

    def graph(self) -> CompiledStateGraph[Any, Any, Any, Any]:
        """matcher1 -> critic -> matcher2."""
        graph = StateGraph(State)
        for node in (self.matcher1, self.critic, self.matcher2):
            graph.add_node(node.__name__, node)
        graph.add_edge(START, "matcher1")
        graph.add_edge("matcher1", "critic")
        graph.add_conditional_edges("critic", self.after_critic, ["matcher1", "matcher2", END])
        graph.add_edge("matcher2", END)
        return graph.compile()


async def main() -> None:
    """Warm up, then measure."""
    parser = options("LangGraph on the same job.")
    flag(parser, "sliced", "prompts hold only what is needed")
    args = parser.parse_args()
    case = load_case(args.data, args.scenario)
    graph = Agents(Dialogue(case, sliced=args.sliced), args.base_url).graph()

    async def register(row: Row) -> Row | None:
        last: Row = {}
        async for mode, event in graph.astream({"row": row}, stream_mode=["messages", "values"]):
            if mode == "values":
                last = event
        return last.get("order")

    report(await measured(args, case.registrations, register))


if __name__ == "__main__":
    asyncio.run(main())
