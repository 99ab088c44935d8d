"""Recall of the pair phase, as it measures by default: on public data where they are there, and on provisions."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import pair_recall

    return pair_recall


@pytest.mark.parametrize("name", ["Abt-Buy", "Amazon-Google"])
@pytest.mark.parametrize("harder", [False, True])
def test_nine_of_ten_partners_are_among_the_five_nearest(bench, name, harder):
    if not (bench.DATA / name).is_dir():
        pytest.skip("the public matching data are not here")
    pairs = bench.read_pairs(bench.DATA / name, harder=harder)
    assert len(pairs.true) > 200
    assert bench.DEFAULT == "hybrid"
    assert bench.recalls(pairs)[5] >= 0.90


def test_a_threshold_of_0_70_tells_provisions_apart(bench):
    groups = bench.provision_similarities("hybrid")
    above = {name: sum(value >= 0.70 for value in values) / len(values) for name, values in groups.items()}
    assert above["true partner"] >= 0.80
    assert above["another of a compatible type"] <= 0.20
    assert above["of another type"] <= 0.05
