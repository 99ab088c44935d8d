from dataclasses import replace
from random import Random
from statistics import quantiles

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models_support import Answers, FakeClock, StopAtObject, request

from igent.errors import ConfigError, RequestError
from igent.models.faults import Faults, check_kind
from igent.models.mock import Mocker, MockModel
from igent.models.pace import Pace, Timing
from igent.models.script import tokens_to_json_end
from igent.models.tokens import count_text, estimate_usage
from igent.types import CallContext, ChatMessage, ChatRequest


def test_pace_from_times():
    assert Pace.parse("ttft=0.6,itl=0.02") == Pace(0.6, 0.02)
    assert Pace.parse(" itl = 0.02 ") == Pace(0.0, 0.02)
    assert Pace.parse("ttft=0.6,itl=0.02").draw(Random(1)) == Timing(0.6, 0.02)
    assert Timing(0.6, 0.02).due(1) == 0.6
    assert Timing(0.6, 0.02).due(11) == pytest.approx(0.8)


def test_stragglers_from_words():
    assert Pace.parse("ttft=0.6,itl=0.02,slow=0.02,slow-by=20") == Pace(0.6, 0.02, slow=0.02, slow_by=20.0)
    assert Pace.parse("gpt-4o,slow=0.5") == replace(Pace.parse("gpt-4o"), slow=0.5, slow_by=10.0)


def test_that_share_of_calls_is_slower_in_everything():
    usual, pace = Pace(0.6, 0.02, 0.3, 0.3), Pace(0.6, 0.02, 0.3, 0.3, slow=0.02, slow_by=10.0)
    pairs = [(usual.draw(Random(seed)), pace.draw(Random(seed))) for seed in range(20_000)]
    slow = [(one, other) for one, other in pairs if one != other]
    assert len(slow) == pytest.approx(400, rel=0.2)
    assert all(other == Timing(one.first * 10.0, one.each * 10.0) for one, other in slow)


@pytest.mark.parametrize(
    "spec",
    ["gpt-9", "", "ttft", "ttft=x", "ttft=-1", "ttft=nan", "itl=inf", "ttft=1,rate=3", "slow=2", "slow-by=0.5",
     "ttft=1,gpt-4o", "slow=0.1,slow-by=inf"],
)  # fmt: skip
def test_pace_that_is_none(spec):
    with pytest.raises(ConfigError, match=r"gpt-4o.*ttft=0.6"):
        Pace.parse(spec)


def test_profile_gpt_4o_is_as_published():
    """Median 6.1 s and p95 10.6 s for an order, which is about 296 tokens."""
    pace = Pace.parse("gpt-4o")
    times = quantiles((pace.draw(Random(seed)).due(296) for seed in range(20_000)), n=20)
    assert times[9] == pytest.approx(6.1, rel=0.02)
    assert times[18] == pytest.approx(10.6, rel=0.03)


@given(st.text(alphabet=' \n\tabcé中{}"', max_size=80))
@settings(max_examples=100)
def test_tokens_are_the_text(text):
    class Says(Answers):
        def answer(self, messages, random, errors):
            return text

    answer = Mocker(Says()).answer(request().messages, {})
    assert answer.text == text
    assert answer.usage.output_tokens == len(answer.tokens)
    assert all(len(token.strip()) <= 4 for token in answer.tokens)


def test_a_chat_that_is_asked_again_has_its_own_pace_and_the_same_answer():
    def ask(mocker, record="R1", times=3):
        return [mocker.answer(request(f"This is {record}.").messages, {}) for _ in range(times)]

    pace = Pace(0.6, 0.02, 0.4, 0.4)
    mocker = Mocker(Answers(), pace=pace)
    answers = ask(mocker)
    assert len({answer.timing for answer in answers}) == 3
    assert len({answer.text for answer in answers}) == 1
    ask(mocker, "R2")
    assert [answer.timing for answer in ask(Mocker(Answers(), pace=pace))] == [answer.timing for answer in answers]
    assert ask(mocker, "R3", 1)[0].timing == ask(Mocker(Answers(), pace=pace), "R3", 1)[0].timing


async def test_answers_depend_on_record_system_round_and_seed_only():
    def ask(record="R1", system="You match.", rounds=0, seed=0, agent="a"):
        messages = [ChatMessage("system", system), ChatMessage("user", f"This is {record}.")]
        messages += [ChatMessage("assistant", "no"), ChatMessage("user", f"{record} again")] * rounds
        chat = ChatRequest("m", tuple(messages), CallContext("x", "y", agent))
        return MockModel(Answers(), seed=seed).complete(chat)

    text = (await ask()).text
    assert (await ask(agent="b")).text == text
    others = [await ask(record="R2"), await ask(system="Other."), await ask(rounds=1), await ask(seed=1)]
    assert len({text, *(other.text for other in others)}) == 5


async def test_instant_and_whole():
    completion = await MockModel(Answers()).complete(request())
    assert completion.finish == "stop"
    assert not completion.usage.estimated
    assert completion.text.count("word") == 60
    assert (completion.model, completion.value) == ("m1", None)


async def test_cut_at_the_json_and_estimated():
    whole = await MockModel(Answers()).complete(request())
    cut = await MockModel(Answers()).complete(request(), StopAtObject)
    assert cut.text == whole.text[: whole.text.rindex("}") + 1]
    assert (cut.finish, cut.value["id"]) == ("cut", "R1")
    assert cut.usage == estimate_usage(request().messages, cut.text)


@pytest.mark.parametrize("stop", [None, StopAtObject])
async def test_pacing_changes_only_the_time(stop):
    clock = FakeClock()
    paced = await MockModel(Answers(), pace=Pace(0.6, 0.02), clock=clock).complete(request(), stop)
    instant = await MockModel(Answers()).complete(request(), stop)
    assert (paced.text, paced.usage, paced.value) == (instant.text, instant.usage, instant.value)
    assert paced.first_token_seconds == pytest.approx(0.6)
    answer = Mocker(Answers()).answer(request().messages, {})
    tokens = tokens_to_json_end(answer) if stop else len(answer.tokens)
    assert paced.seconds == pytest.approx(0.6 + 0.02 * (tokens - 1))


async def test_errors_are_the_workloads():
    texts = [(await MockModel(Answers(), errors=0.5).complete(request(f"R{n}"))).text for n in range(60)]
    assert 10 < texts.count("I cannot tell.") < 50


async def test_first_who_finds_a_record_answers():
    class Nobody(Answers):
        def record_id(self, messages):
            return ""

    assert (await MockModel([Nobody(), Answers()]).complete(request())).text
    with pytest.raises(RequestError, match="record R1, matches, matcher: the mock finds no record"):
        await MockModel([Nobody()]).complete(request())


async def test_options_that_end_an_answer():
    model = MockModel(Answers())
    short = await model.complete(request(max_tokens=5))
    assert (short.finish, short.usage.output_tokens) == ("length", 5)
    assert (await model.complete(request(stop=["```json"]))).text.endswith("\n")
    assert "{" not in (await model.complete(request(stop="```json"))).text


def test_estimates_count_bytes():
    assert [count_text(text) for text in ("", "a", "abcd", "abcde", "中文", "\ud800")] == [0, 1, 1, 2, 2, 1]


def test_faults_from_words():
    faults = Faults.parse("429=0.3, 500=0.05,cut=0.05,retry-after=2,for=20")
    assert faults == Faults({"429": 0.3, "500": 0.05, "cut": 0.05}, 2.0, 20.0)
    assert Faults.parse("") == Faults()


def test_phases_of_faults_from_words():
    last = Faults({"503": 1.0}, 1.0, 10.0)
    assert Faults.parse("429=0.3,retry-after=2,for=20;503=1,for=10") == Faults({"429": 0.3}, 2.0, 20.0, last)
    assert Faults.parse("429=0.3,for=20; for=5; 503=1,for=10;") == Faults(
        {"429": 0.3}, 1.0, 20.0, Faults({}, 1.0, 5.0, last)
    )


def test_phases_follow_each_other():
    faults = Faults.parse("429=1,retry-after=2,for=20;for=5;503=1,retry-after=3,for=10")
    drawn = [(at, faults.draw(7, 1, at)) for at in (0.0, 20.0, 20.1, 25.0, 25.1, 35.0, 35.1)]
    assert [kind for _, kind in drawn] == ["429", "429", "", "", "503", "503", ""]
    assert [faults.at(at).retry_after for at, _ in drawn] == [2.0, 2.0, 1.0, 1.0, 3.0, 3.0, 3.0]


@pytest.mark.parametrize(
    "spec",
    ["429", "429=2", "429=-0.1", "999=0.1", "boom=0.1", "cut=0.6,stall=0.6", "for=x", "200=1",
             "429=0.1;503=1", "429=0.1,for=3;;503=1", "429=0.1,for=3;503=2"],
)  # fmt: skip
def test_faults_that_are_none(spec):
    with pytest.raises(ConfigError, match="faults"):
        Faults.parse(spec)


def test_faults_are_drawn_by_seed_and_count():
    faults = Faults.parse("429=0.3,cut=0.1,for=20")
    drawn = [faults.draw(7, n, 1.0) for n in range(5000)]
    assert drawn == [faults.draw(7, n, 2.0) for n in range(5000)]
    assert drawn != [faults.draw(8, n, 1.0) for n in range(5000)]
    assert drawn.count("429") == pytest.approx(1500, rel=0.1)
    assert drawn.count("cut") == pytest.approx(500, rel=0.15)
    assert {faults.draw(7, n, 20.1) for n in range(100)} == {""}
    assert check_kind("503")
    assert not check_kind("5x3")
