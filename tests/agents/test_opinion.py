"""What critics say, in JSON or in plain words."""

import pytest

from igent.agents.opinion import is_opinion, read_opinion


@pytest.mark.parametrize(
    ("value", "approved"),
    [
        ({"verdict": "approved", "feedback": "fine"}, True),
        ({"verdict": " Rejected ", "feedback": "S1 is lower"}, False),
        ([{"approved": False, "feedback": "no"}], False),
        ({"approved": True}, True),
    ],
)
def test_json_verdicts(value, approved):
    assert is_opinion(value)
    opinion = read_opinion("whatever APPROVED", value)
    assert opinion.approved is approved


@pytest.mark.parametrize("value", [None, 1, {}, {"verdict": "maybe"}, {"verdict": 1}, [], [{"approved": "yes"}]])
def test_other_values_are_no_verdict(value):
    assert not is_opinion(value)


@pytest.mark.parametrize(
    ("text", "approved"),
    [
        ("APPROVED", True),
        ("I approve of this.", True),
        ("REJECTED: the supplier is wrong", False),
        ("This is not approved.", False),
        ("First I rejected it, then approved it", False),
        ("Approved.", True),
        ("The draft is approved.\nAll prices are right.", True),
        ("Verdict: APPROVED", True),
        ("Everything checks out, APPROVE", True),
        ("I would say APPROVED if the price were right", None),
        ("This can't be approved: the price is wrong.", None),
        ("Approved once the price is mended.", None),
        ("It would be approved if S1 were chosen", None),
        ('{"verdict": "approved", "feedb', None),
        ('{"verdict": "unsure", "feedback": "APPROVED before"}', None),
        ("Looks odd to me", None),
        ("", None),
        ("disapproved-by-word-boundary", None),
    ],
)
def test_plain_words(text, approved):
    assert read_opinion(text, None).approved is approved


def test_feedback_is_kept():
    assert read_opinion("", {"verdict": "rejected", "feedback": "S1"}).feedback == "S1"
    assert read_opinion("REJECTED: S1", None).feedback == "REJECTED: S1"
    assert read_opinion("", {"verdict": "rejected", "issues": ["a", "b"]}).feedback == "['a', 'b']"
