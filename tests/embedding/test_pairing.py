import random
from array import array

import pytest

from igent.embedding import pairing
from igent.embedding.directions import Directions
from igent.embedding.pairing import Near, PairIndex
from igent.embedding.wording import Wording
from igent.errors import InternalError

MEASURES = ["cosine", "wording", "hybrid"]


def unit(*values):
    length = sum(value * value for value in values) ** 0.5
    return array("f", [value / length for value in values])


def some(count, seed=1, size=32):
    chance = random.Random(seed)
    return [unit(*(chance.gauss(0, 1) for _ in range(size))) for _ in range(count)]


def texts(count, seed=1):
    chance = random.Random(seed)
    words = [f"{a}{b}{c}" for a in "abcd" for b in "eio" for c in "rst"]
    return [" ".join(chance.choices(words, k=8)) for _ in range(count)]


def brute(left, right, k, threshold=-1.0):
    found = [round(min(1.0, max(-1.0, sum(a * b for a, b in zip(left, other, strict=True)))), 6) for other in right]
    order = sorted((-similarity, place) for place, similarity in enumerate(found) if similarity >= threshold)
    return [(place, -similarity) for similarity, place in order[:k]]


def test_the_nearest_by_cosine():
    right = [unit(1, 0), unit(1, 1), unit(-1, 0), unit(0, 1)]
    index = PairIndex(right, [], "cosine")
    found = index.nearest(unit(1, 0), "", 3)
    assert found == [Near(0, 1.0), Near(1, 0.707107), Near(3, 0.0)]
    assert index.nearest(unit(1, 0), "", 9, 0.5) == found[:2]
    assert index.nearest(unit(1, 0), "", 9)[-1] == (2, -1.0)
    assert len(index) == 4


@pytest.mark.parametrize("count", [3, 200, 5000])
def test_as_brute_force_does(count):
    left, right = some(3, 2), some(count)
    index = PairIndex(right, [], "cosine")
    for one in left:
        for k, threshold in ((5, -1.0), (1000, 0.1)):
            wanted = brute(one, right, k, threshold)
            found = index.nearest(one, "", k, threshold)
            assert [near.position for near in found] == [place for place, _ in wanted]
            assert [near.similarity for near in found] == pytest.approx([value for _, value in wanted], abs=1.1e-6)


def test_the_threshold_itself_is_enough():
    index = PairIndex([unit(1, 1)], [], "cosine")
    similarity = index.nearest(unit(1, 0), "", 1)[0].similarity
    assert index.nearest(unit(1, 0), "", 1, similarity)
    assert not index.nearest(unit(1, 0), "", 1, similarity + 1e-6)


def test_among_equals_the_earlier_comes_first():
    right = [unit(0, 1), *[unit(1, 0)] * 300]
    index = PairIndex(right, [], "cosine")
    assert [near.position for near in index.nearest(unit(1, 0), "", 200)] == list(range(1, 201))


@pytest.mark.parametrize("measure", MEASURES)
def test_one_or_many_is_the_same_to_the_last_bit(measure, monkeypatch):
    left, right = some(12, 2, 256), some(4200, 3, 256)
    left_texts, right_texts = texts(12, 2), texts(4200, 3)
    index = PairIndex(right, right_texts, measure)
    many = list(index.nearest_each(left, left_texts, 50))
    assert many == [index.nearest(one, text, 50) for one, text in zip(left, left_texts, strict=True)]
    monkeypatch.setattr(pairing, "_CELLS", 13_000)  # three rows a block
    assert many == list(index.nearest_each(left, left_texts, 50))


def test_cosines_do_not_depend_on_the_block():
    left, right = some(50, 2, 256), some(300, 3, 256)
    whole = Directions(right).cosines(left)
    for i, one in enumerate(left[:5]):
        assert (Directions(right[7:8]).cosines([one])[0][0]) == whole[i][7]


def test_allowed_is_asked_in_order_and_only_until_k_are_found():
    right = some(2000)
    index = PairIndex(right, [], "cosine")
    one = unit(*([1.0] * 32))
    order = [near.position for near in index.nearest(one, "", 2000)]
    asked = []

    def third(position):
        asked.append(position)
        return len(asked) % 3 == 0

    found = index.nearest(one, "", 100, allowed=third)
    assert asked == order[:300]
    assert [near.position for near in found] == order[2:300:3]
    assert index.nearest(one, "", 5, allowed=lambda _: False) == []


def test_many_are_told_apart_in_allowed():
    index = PairIndex([unit(1, 0), unit(0, 1)], [], "cosine")
    found = list(index.nearest_each([unit(1, 0)] * 2, [], 2, allowed=lambda i, j: i == j))
    assert [[near.position for near in row] for row in found] == [[0], [1]]


def test_wording_knows_what_is_rare():
    index = PairIndex([], ["the red lamp x200", "the red lamp z900", "the red sofa", "the blue sofa"], "wording")
    assert index.nearest(array("f"), "The RED lamp Z900!", 4)[0] == Near(1, 1.0)
    assert [near.position for near in index.nearest(array("f"), "z-900 lamp", 2)] == [1, 0]
    assert index.nearest(array("f"), "qqq", 1) == [Near(0, 0.0)]
    assert index.nearest(array("f"), "", 1, 0.1) == []


def test_hybrid_is_what_it_says():
    right, words = [unit(1, 0), unit(0, 1), unit(-1, 0)], ["red lamp", "red sofa", "red lamp"]
    shared = Wording(words).similarities("red lamp")
    found = dict(PairIndex(right, words).nearest(unit(1, 1), "red lamp", 3))
    cosines = [0.5**0.5, 0.5**0.5, 0.0]
    for place, cosine in enumerate(cosines):
        assert found[place] == pytest.approx(1 - (1 - cosine) * (1 - shared[place] ** 0.5), abs=1e-6)
    assert found[0] == 1.0


def test_hybrid_finds_the_part_code_and_the_paraphrase():
    right, words = [unit(1, 0.1), unit(0.1, 1)], ["camera dscw120", "camera dscw130"]
    index = PairIndex(right, words)
    assert index.nearest(unit(1, 1), "sony dscw130 pink", 1)[0].position == 1
    assert index.nearest(unit(1, 0), "photo apparatus", 1)[0].position == 0


@pytest.mark.parametrize("measure", MEASURES)
def test_nothing_to_find(measure):
    index = PairIndex([], [], measure)
    assert index.nearest(unit(1, 0), "a", 5) == []
    assert list(PairIndex([unit(1, 0)], ["a"], measure).nearest_each([], [], 5)) == []
    assert PairIndex([unit(1, 0)], ["a"], measure).nearest(unit(1, 0), "a", 0) == []


def test_a_vector_without_direction_is_near_nothing():
    right = [array("f", [0, 0]), array("f"), unit(1, 0)]
    index = PairIndex(right, [], "cosine")
    assert index.nearest(unit(1, 0), "", 3) == [Near(2, 1.0), Near(0, 0.0), Near(1, 0.0)]
    for blank in (array("f", [0, 0]), array("f")):
        assert [near.similarity for near in index.nearest(blank, "", 3)] == [0.0] * 3


@pytest.mark.parametrize("bad", [array("f", [3, 4]), unit(1, 1, 1), array("f", [float("nan"), 0])])
def test_vectors_of_another_kind_are_an_error(bad):
    with pytest.raises(InternalError, match="an embedding of"):
        PairIndex([unit(1, 0), unit(0, 1)], [], "cosine").nearest(bad, "", 1)
    with pytest.raises(InternalError, match="an embedding of"):
        PairIndex([unit(1, 0), array("f", [3, 4])], [], "cosine")


def test_texts_and_vectors_belong_together():
    with pytest.raises(InternalError, match="2 embeddings for 1 texts"):
        PairIndex([unit(1, 0)] * 2, ["a"])
