"""A second call where the first is a straggler."""

import asyncio
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stack_support import Endpoint, LoopClock, ask, gather, virtually

from igent.config.constellation import Limits
from igent.errors import AuthError, IncompleteError, LimitError, RateLimitError, ServerError
from igent.models.endpoint import Endpoint as Spec
from igent.models.hedge import Hedge
from igent.models.pacing import Pacing
from igent.models.stack import build_stack
from igent.types import NO_USAGE, Completion, Usage


class Condition:
    """Remembers how much it was fed; never content."""

    value = None
    end = 0

    def __init__(self):
        self.seen = 0

    def feed(self, text):
        self.seen += len(text)
        return False


class Scripted:
    """A Model whose calls take so many seconds, in turn, and end as told: an error, or an answer."""

    def __init__(self, *script):
        self.script = list(script)
        self.sent = []
        self.running = self.cancelled = 0

    async def complete(self, request, stop=None):
        seconds, end = self.script[len(self.sent)] if len(self.sent) < len(self.script) else (1.0, None)
        number = len(self.sent)
        self.sent.append(asyncio.get_running_loop().time())
        condition = stop() if stop else None
        self.running += 1
        try:
            if condition is not None:
                condition.feed("x" * 40)
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1
        if end is not None:
            raise end
        return Completion(f"answer {number}", Usage(94, 10), "stop", "m1", 0.5, seconds)

    async def close(self):
        pass


# Most calls take half a second, and 95 % at most one.
KNOWN = [(1.0, None)] * 3 + [(0.5, None)] * 37


async def raced(*script, stop=Condition, **options):
    """The last call's result or error, the Model, and how long it took; 40 calls were made before it."""
    model = Scripted(*KNOWN, *script)
    hedge = Hedge(model, LoopClock(), **options)
    for number in range(40):
        await hedge.complete(ask(number), stop)
    began = asyncio.get_running_loop().time()
    (result,) = await gather(hedge.complete(ask(40), stop))
    return result, model, asyncio.get_running_loop().time() - began


def test_the_second_call_is_made_when_the_first_is_slow_and_wins():
    result, model, took = virtually(raced((10.0, None), (1.0, None)))
    assert result.text == "answer 41"
    assert (result.hedged, result.usage) == (1, Usage(94, 10))
    assert result.wasted == Usage(94, 10, estimated=True)
    assert took == pytest.approx(2.0)
    assert (result.seconds, result.first_token_seconds) == (pytest.approx(2.0), pytest.approx(1.5))
    assert (model.cancelled, model.running) == (1, 0)


def test_the_first_call_may_still_win():
    result, model, took = virtually(raced((1.5, None), (9.0, None)))
    assert (result.text, result.hedged, model.cancelled) == ("answer 40", 1, 1)
    assert took == result.seconds == pytest.approx(1.5)
    assert result.wasted == Usage(94, 10, estimated=True)


def test_a_loser_that_was_done_at_the_same_time_is_charged_in_full():
    result, _, _ = virtually(raced((2.0, None), (1.0, None)))
    assert (result.wasted.input_tokens, result.wasted.output_tokens) == (94, 10)
    assert result.hedged == 1


def test_a_call_that_fails_at_the_very_moment_of_the_second_one_is_not_followed():
    result, model, _ = virtually(raced((1.0, ServerError("one")), (0.0, None)))
    assert isinstance(result, ServerError)
    assert len(model.sent) == 41


def test_what_is_not_slow_is_not_hedged():
    result, model, _ = virtually(raced((0.9, None)))
    assert (result.hedged, result.wasted, len(model.sent)) == (0, NO_USAGE, 41)


def test_twenty_answers_are_needed_to_know():
    async def main():
        model = Scripted(*[(1.0, None)] * 19, (100.0, None))
        hedge = Hedge(model, LoopClock())
        for number in range(20):
            await hedge.complete(ask(number))
        return len(model.sent)

    assert virtually(main()) == 20


def test_each_model_and_agent_has_a_pace_of_its_own():
    async def main():
        model = Scripted(*KNOWN, (100.0, None))
        hedge = Hedge(model, LoopClock())
        for number in range(40):
            await hedge.complete(ask(number))
        await hedge.complete(ask(40, agent="critic"))
        return len(model.sent)

    assert virtually(main()) == 41


def test_where_the_first_fails_the_second_is_waited_for():
    error = IncompleteError("cut")
    result, _, took = virtually(raced((1.5, error), (5.0, None)))
    assert (result.text, result.hedged) == ("answer 41", 1)
    assert took == pytest.approx(6.0)
    assert result.wasted.input_tokens == 94


def test_where_the_second_fails_the_first_is_waited_for():
    result, _, took = virtually(raced((9.0, None), (1.0, ServerError("500"))))
    assert (result.text, result.hedged) == ("answer 40", 1)
    assert took == pytest.approx(9.0)


def test_a_first_that_fails_early_is_not_hedged():
    result, model, _ = virtually(raced((0.5, ServerError("500"))))
    assert isinstance(result, ServerError)
    assert len(model.sent) == 41


@pytest.mark.parametrize(
    ("first", "second", "raised"),
    [
        (ServerError("one"), IncompleteError("two"), "one"),
        (ServerError("one"), AuthError("two"), "two"),
        (ServerError("one"), LimitError("two"), "one"),
        (LimitError("one"), LimitError("two"), "one"),
    ],
)
def test_where_both_fail_the_error_that_says_most_is_raised(first, second, raised):
    result, model, _ = virtually(raced((2.5, first), (1.0, second)))
    assert str(result) == raised
    assert len(model.sent) == 42


def test_what_both_wasted_is_in_the_error():
    one, two = ServerError("one"), ServerError("two")
    one.wasted, two.wasted = Usage(94, 5), Usage(94, 7)
    result, _, _ = virtually(raced((2.5, one), (1.0, two)))
    assert result.wasted == Usage(188, 12)


def test_a_bug_comes_through_as_what_it_is():
    result, model, _ = virtually(raced((2.5, ZeroDivisionError("bug")), (9.0, None)))
    assert isinstance(result, ZeroDivisionError)
    assert model.running == 0


def test_without_room_there_is_no_second_call_until_there_is():
    rooms = [False, False, True]
    left = []
    result, model, _ = virtually(raced((10.0, None), (1.0, None), spare=lambda _: rooms.pop(0), leave=left.append))
    assert result.text == "answer 41"
    assert model.sent[41] - model.sent[40] == pytest.approx(1.5)
    assert len(left) == 1


def test_the_second_call_is_another_request():
    """Its quota and its reply's headers are its own."""
    seen = []
    virtually(raced((10.0, None), (1.0, None), spare=lambda request: seen.append(request) or True))
    assert seen == [ask(40)]


def test_a_twentieth_more_calls_at_most(monkeypatch):
    monkeypatch.setattr(Pacing, "patience", 0.5)

    async def main():
        random = Random(3)
        model = Scripted(*((random.choice([1.0, 2.0, 3.0]), None) for _ in range(2000)))
        hedge = Hedge(model, LoopClock())
        for number in range(1000):
            await hedge.complete(ask(number))
        return len(model.sent)

    assert 1040 <= virtually(main()) <= 1050


@pytest.mark.parametrize("cut", [n / 8 for n in range(26)])
@pytest.mark.parametrize("script", [[(10.0, None), (1.0, None)], [(2.0, None), (9.0, None)], [(1.5, ServerError("x"))]])
def test_cancelled_at_whatever_moment_nothing_is_left_running(cut, script):
    async def main():
        model = Scripted(*KNOWN, *script)
        rooms = []
        hedge = Hedge(model, LoopClock(), lambda r: rooms.append(1) or True, lambda r: rooms.pop())
        for number in range(40):
            await hedge.complete(ask(number))
        async with asyncio.TaskGroup() as group:
            task = group.create_task(hedge.complete(ask(40), Condition))
            await asyncio.sleep(cut)
            task.cancel()
        return model.running, rooms

    assert virtually(main()) == (0, [])


@settings(max_examples=80, deadline=None)
@given(
    st.floats(0, 6),
    st.floats(0, 6),
    st.sampled_from([None, ServerError, AuthError, LimitError]),
    st.sampled_from([None, ServerError, AuthError, LimitError]),
    st.floats(0, 12),
)
def test_whatever_the_two_do_there_is_one_result_and_no_orphan(first, second, error1, error2, patience):
    async def main():
        ends = [(first, error1 and error1("one")), (second, error2 and error2("two"))]
        model = Scripted(*KNOWN, *ends)
        hedge = Hedge(model, LoopClock())
        for number in range(40):
            await hedge.complete(ask(number))
        try:
            async with asyncio.timeout(patience):
                (result,) = await gather(hedge.complete(ask(40)))
        except TimeoutError:
            result = None
        assert model.running == 0
        return result, len(model.sent)

    result, sent = virtually(main())
    assert sent <= 42
    if isinstance(result, Completion):
        assert None in (error1, error2 if sent == 42 else error1)
    elif result is not None:
        assert error1 is not None
        assert error2 is not None or sent == 41


class TestPacing:
    def test_the_95th_percentile_by_nearest_rank(self):
        pacing = Pacing()
        for seconds in range(1, 20):
            pacing.add(seconds)
        assert pacing.patience is None
        pacing.add(20)
        assert pacing.patience == 19

    def test_only_the_recent_ones_count(self):
        pacing = Pacing()
        for seconds in [100.0] * 200 + [1.0] * 200:
            pacing.add(seconds)
        assert pacing.patience == 1.0

    def test_it_gives_up_while_many_are_slow_and_resumes(self):
        pacing = Pacing()
        for n in range(200):
            pacing.add(1.0 + n % 2 / 100)
        for _ in range(11):
            pacing.add(9.0)
        assert pacing.patience is None
        for _ in range(200):
            pacing.add(1.0)
        assert pacing.patience == pytest.approx(1.0, abs=0.1)

    @settings(max_examples=50, deadline=None)
    @given(st.lists(st.floats(0, 100), min_size=20, max_size=450))
    def test_it_is_the_percentile_whatever_comes(self, times):
        pacing = Pacing()
        for seconds in times:
            pacing.add(seconds)
        window = sorted(times[-200:])
        assert pacing._p95() == window[-(-len(window) * 95 // 100) - 1]


def stragglers(hedge, slow=0.02, calls=1500, **more):
    """Seconds of the calls against an endpoint where some take ten times as long, and the stack's figures."""
    random = Random(5)
    endpoint = Endpoint(seconds=lambda n: random.lognormvariate(0, 0.3) * (10 if random.random() < slow else 1))

    async def main():
        clock, seats = LoopClock(), asyncio.Semaphore(50)
        stack = build_stack(endpoint, endpoint=Spec(), clock=clock, random=random, hedge=hedge, **more)

        async def call(number):
            async with seats:
                began = clock.now()
                completion = await stack.complete(ask(number))
                assert completion.seconds == pytest.approx(clock.now() - began, abs=0.05)
                return completion.seconds

        return sorted(await gather(*(call(n) for n in range(calls)))), stack.figures()

    return virtually(main())


def test_stragglers_are_outrun():
    plain, _ = stragglers(hedge=False)
    hedged, figures = stragglers(hedge=True)
    assert hedged[1485] <= 0.5 * plain[1485]
    assert figures.requests_sent <= 1.05 * 1500
    assert figures.hedged == figures.requests_sent - 1500 > 20


def test_a_second_call_needs_quota_that_is_there_right_now():
    """Of a quota that is used up there is none, but for the very end; and none is waited for."""
    _, figures = stragglers(hedge=True, calls=300, limits=Limits(requests_per_minute=120))
    assert figures.hedged <= 2


def test_a_door_that_is_shut_for_long_leaves_the_first_call_alone():
    errors = []
    endpoint = Endpoint(
        seconds=lambda number: 9.0 if number == 30 else 1.0, fault=lambda now, random: errors.pop() if errors else None
    )

    async def main():
        stack = build_stack(endpoint, endpoint=Spec(), clock=LoopClock(), random=Random(0), hedge=True)
        for number in range(30):
            await stack.complete(ask(number))

        async def refused():
            await asyncio.sleep(0.5)
            errors.append(RateLimitError("429", retry_after=300.0))
            return await stack.complete(ask(31))

        return await gather(stack.complete(ask(30)), refused()), stack.figures()

    (slow, refused), figures = virtually(main())
    assert (slow.text, slow.hedged) == ("answer 30", 0)
    assert isinstance(refused, RateLimitError)
    assert figures.requests_sent == 32
