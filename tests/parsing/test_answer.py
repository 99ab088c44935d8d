"""The stop condition and the reading of whole texts: the first value that the caller accepts."""

from igent.parsing.answer import Answer, AnswerStop, read_answer
from igent.parsing.events import Field
from igent.types import StopCondition


def is_match(value: object) -> bool:
    return isinstance(value, dict) and "id" in value


def test_the_stop_condition_stops_at_the_first_accepted_value() -> None:
    text = 'E.g. {"no": 1} [1]. Answer: {"id": 7, "why": "x"} and {"id": 8}'
    fields: list[Field] = []
    stop: StopCondition = AnswerStop(is_match, fields.append)
    fed = 0
    for fed, character in enumerate(text, 1):  # noqa: B007
        if stop.feed(character):
            break
        assert (stop.value, stop.end) == (None, 0)
    assert text[:fed].endswith('"x"}')
    assert (stop.value, stop.end) == ({"id": 7, "why": "x"}, fed)
    assert [field.path for field in fields] == [("no",), ("id",), ("why",)]
    assert stop.feed('{"id": 9}')
    assert stop.value == {"id": 7, "why": "x"}


def test_the_end_is_that_of_the_value_not_of_the_piece() -> None:
    stop = AnswerStop(is_match)
    assert stop.feed('{"id": 7} bye {"id": 8}')
    assert stop.end == len('{"id": 7}')


def test_the_first_accepted_value_is_the_answer() -> None:
    assert read_answer('[1] {"id": 1}, {"id": 2}', is_match) == Answer({"id": 1}, 13, True, "")


def test_the_last_rejected_value_with_an_object_is_shown() -> None:
    answer = read_answer('{"a": 1} [{"b": 2}] see [1] [[]]', is_match)
    assert (answer.value, answer.end, answer.accepted) == ([{"b": 2}], 19, False)
    assert "not of the form" in answer.problem


def test_a_cut_off_answer_behind_a_rejected_one_is_told() -> None:
    answer = read_answer('Form: {"a": 0}\n{"id": 1, "b": {"id": 2}', is_match)
    assert (answer.value, answer.accepted) == ({"a": 0}, False)
    assert "begun at line 2, column 1 is never closed" in answer.problem


def test_without_a_value_the_problem_says_why() -> None:
    assert read_answer("", is_match) == Answer(
        None, 0, False, "There is no JSON object or array in the answer; give one."
    )
    assert read_answer("see [1]", is_match).problem == "There is no JSON object in the answer; give one."
    assert "cut off" in read_answer('{"id": 1', is_match).problem
    assert "line 1, column 8" in read_answer('{"id": None}', is_match).problem
