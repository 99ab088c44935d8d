"""Two ways to add up similarities by wording: fast for few texts, small for many, the same to the last bit."""

import random

import numpy as np
import pytest

from igent.embedding import wording
from igent.embedding.wording import Wording

PHRASES = ["the employer", "shall contribute", "3 percent", "of pay", "vesting", "age 21", "entry date", "loan"]


@pytest.mark.parametrize("texts", [0, 1, 60])
def test_few_and_many_texts_are_added_up_alike(texts, monkeypatch):
    chance = random.Random(5)
    some = [" ".join(chance.choices(PHRASES, k=chance.randint(0, 40))) for _ in range(texts)]
    index, asked = Wording(some), [*some, "", "qqq zzz", "contributes 3 percent"]
    at_once = [index.similarities(text) for text in asked]
    monkeypatch.setattr(wording, "_FEW", -1)
    in_turns = [index.similarities(text) for text in asked]
    assert all(np.array_equal(one, other) for one, other in zip(at_once, in_turns, strict=True))
    assert all(found.dtype == np.float64 and found.shape == (texts,) for found in at_once)
