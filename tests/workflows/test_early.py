"""Phases that start early: what is gained, what is given up, and that no result depends on it."""

import asyncio

import pytest
from early_kit import Worker, order, pick

from igent.errors import AuthError, LimitError, RequestError
from igent.outcome import Outcome
from igent.types import Stock, Usage
from igent.workflows.early import Guesses


def second(outcome: Outcome):
    return next(step for step in outcome.steps if step.phase == "order")


@pytest.mark.parametrize("order_first", [True, False])
async def test_a_predicted_phase_runs_beside_the_one_before_it(order_first):
    kit = Worker("predicted")
    async with asyncio.TaskGroup() as group:
        task = await kit.work(group)
        assert kit.model.open() == ["m_order", "m_pick"]
        said = [("m_pick", pick()), ("m_order", order())]
        for agent, text in reversed(said) if order_first else said:
            assert not task.done()
            await kit.model.answer(agent, text)
        outcome = (await task).outcome
    assert (outcome.status, outcome.outputs["orders"]) == ("done", {"supplier": "S1", "price": 5})
    assert outcome.outputs["picks"]["why"] == "least used"  # the model's, not the prediction's
    assert second(outcome).speculation == "hit"
    assert second(outcome).wasted == Usage()
    assert kit.model.asked.count("m_order") == 1
    assert (kit.guesses.hits, kit.guesses.misses) == (1, 0)


async def test_a_wrong_guess_is_given_up_and_asked_again_with_the_truth():
    kit = Worker("predicted")
    async with asyncio.TaskGroup() as group:
        task = await kit.work(group)
        await kit.model.answer("m_pick", pick("S2"))
        assert kit.model.given_up == ["m_order"]
        await kit.model.settle()
        kit.model.waiting["m_order"].pop(0)
        assert '"supplier":"S2"' in kit.model.waiting["m_order"][0][0].messages[-1].content
        await kit.model.answer("m_order", order("S2", 7))
        worked = await task
    outcome = worked.outcome
    assert outcome.outputs["orders"] == {"supplier": "S2", "price": 7}
    report = second(outcome)
    assert (report.speculation, report.rounds, report.calls) == ("miss", 1, 2)
    assert report.usage == Usage(100, 10)
    assert report.wasted.input_tokens > 0
    assert report.wasted.output_tokens == 3  # "Let me see" had come
    assert report.wasted.estimated
    assert any(line["kind"] == "discarded" for line in worked.audit)


async def test_an_answer_that_was_complete_is_not_taken_for_another_question():
    kit = Worker("predicted")
    async with asyncio.TaskGroup() as group:
        task = await kit.work(group)
        await kit.model.answer("m_order", order("S1"))
        await kit.model.answer("m_pick", pick("S2"))
        await kit.model.answer("m_order", order("S2"))
        outcome = (await task).outcome
    assert outcome.outputs["orders"]["supplier"] == "S2"
    assert second(outcome).wasted == Usage(100, 10)


async def test_with_a_critic_the_draft_is_enough_to_start():
    kit = Worker("streamed", critic="always")
    async with asyncio.TaskGroup() as group:
        task = await kit.work(group)
        assert kit.model.open() == ["m_pick"]
        await kit.model.answer("m_pick", pick("S2"))
        assert kit.model.open() == ["critic", "m_order"]
        await kit.model.answer("m_order", order("S2"))
        await kit.model.answer("critic", '{"verdict": "approved"}')
        outcome = (await task).outcome
    assert (second(outcome).speculation, outcome.outputs["orders"]["supplier"]) == ("hit", "S2")


async def test_a_draft_that_differs_from_the_prediction_takes_its_place_at_once():
    kit = Worker("predicted", critic="always")
    async with asyncio.TaskGroup() as group:
        task = await kit.work(group)
        await kit.model.answer("m_pick", pick("S2"))
        assert kit.model.given_up == ["m_order"]
        kit.model.waiting["m_order"].pop(0)
        await kit.model.answer("critic", '{"verdict": "approved"}')
        await kit.model.answer("m_order", order("S2"))
        outcome = (await task).outcome
    assert outcome.outputs["orders"]["supplier"] == "S2"
    assert (kit.guesses.hits, kit.guesses.misses) == (1, 1)
    assert second(outcome).speculation == "miss"


async def test_where_nothing_is_predicted_the_phase_waits():
    kit = Worker("predicted")
    kit.workload.expected = None
    async with asyncio.TaskGroup() as group:
        task = await kit.work(group)
        assert kit.model.open() == ["m_pick"]
        await kit.model.answer("m_pick", pick())
        await kit.model.answer("m_order", order())
        outcome = (await task).outcome
    assert second(outcome).speculation == "none"


@pytest.mark.parametrize(
    ("said", "status"), [('{"message": "NOBODY"}', "no_match"), (RequestError("refused"), "failed")]
)
async def test_a_record_that_ends_before_gives_up_what_was_begun(said, status):
    kit = Worker("predicted")
    async with asyncio.TaskGroup() as group:
        task = await kit.work(group)
        await kit.model.answer("m_pick", said)
        outcome = (await task).outcome
    assert (outcome.status, kit.model.given_up) == (status, ["m_order"])
    report = second(outcome)
    assert (report.speculation, report.rounds, report.usage) == ("miss", 0, Usage())
    assert report.wasted.output_tokens == 3
    assert outcome.outputs == {}


@pytest.mark.parametrize("error", [AuthError("no key"), LimitError("--max-calls 1")])
async def test_what_ends_the_run_ends_it_also_from_a_phase_begun_early(error):
    kit = Worker("predicted")

    async def run() -> None:
        async with asyncio.TaskGroup() as group:
            await kit.work(group)
            await kit.model.answer("m_order", error)
            await kit.model.answer("m_pick", pick())

    with pytest.raises(BaseExceptionGroup) as caught:
        await run()
    assert caught.value.exceptions == (error,)


async def test_a_failure_of_a_wrong_guess_is_nobodys():
    kit = Worker("predicted")
    async with asyncio.TaskGroup() as group:
        task = await kit.work(group)
        await kit.model.answer("m_order", RequestError("refused"))
        await kit.model.answer("m_pick", pick("S2"))
        await kit.model.answer("m_order", order("S2"))
        outcome = (await task).outcome
    assert outcome.status == "done"


async def test_a_record_that_is_stopped_leaves_no_call_behind():
    kit = Worker("predicted")
    async with asyncio.TaskGroup() as group:
        task = await kit.work(group)
        task.cancel()
        await kit.model.settle()
        assert sorted(kit.model.given_up) == ["m_order", "m_pick"]
        assert task.cancelled()


async def test_a_unit_that_is_gone_turns_the_guess_into_a_miss():
    kit = Worker("predicted", reserves=True)
    kit.ledger.reserve("R0", "S1")
    async with asyncio.TaskGroup() as group:
        task = await kit.work(group)
        await kit.model.answer("m_pick", pick("S1"))
        assert kit.model.open() == ["m_order", "m_pick"]  # asked again, with the capacity as it is
        assert "has no unit to take" in kit.model.waiting["m_pick"][0][0].messages[-1].content
        await kit.model.answer("m_pick", pick("S2"))
        kit.model.waiting["m_order"].pop(0)
        await kit.model.answer("m_order", order("S2"))
        outcome = (await task).outcome
    assert (outcome.takes, outcome.outputs["orders"]["supplier"]) == ("S2", "S2")
    assert kit.ledger.view()["S1"] == Stock(1, 1)


def test_guesses_stop_by_themselves_when_too_many_are_wrong():
    guesses = Guesses("auto", 0.3)
    for _ in range(19):
        guesses.judge(hit=False)
    assert guesses.off is None
    guesses.judge(hit=False)
    assert "20 of 20 guesses were wrong" in (guesses.off or "")
    lucky, stubborn = Guesses("auto", 0.3), Guesses("on", 0.3)
    for number in range(100):
        lucky.judge(hit=number % 10 > 1)
        stubborn.judge(hit=False)
    assert lucky.off is None
    assert stubborn.off is None


@pytest.mark.parametrize("mode", ["off", "auto"])
async def test_switched_off_a_phase_waits_for_the_one_before_it(mode):
    kit = Worker("predicted", mode=mode)
    for _ in range(20):
        kit.guesses.judge(hit=False)
    async with asyncio.TaskGroup() as group:
        task = await kit.work(group)
        assert kit.model.open() == ["m_pick"]
        await kit.model.answer("m_pick", pick())
        await kit.model.answer("m_order", order())
        assert second((await task).outcome).speculation == "none"
