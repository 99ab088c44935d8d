"""A small size of tests/killer.py: kill -9 at random moments on one run against a foreign server that fails at random.
IGENT_NIGHTLY=1 runs 500 records and 50 kills, with three seeds."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from killer import torment

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kill -9")
NIGHTLY = os.environ.get("IGENT_NIGHTLY") == "1"  # noqa: TID251


@pytest.mark.parametrize("seed", [1, 2, 3] if NIGHTLY else [1])
def test_killed_again_and_again_nothing_is_lost_doubled_or_oversold(tmp_path: Path, seed: int):
    size = {"records": 500, "kills": 50} if NIGHTLY else {"records": 60, "kills": 5, "longest": 2.0}
    found = torment(tmp_path, seed=seed, **size)
    assert not found.problems, found.problems[:10]
    assert found.kills == size["kills"]
    assert found.kills > found.early_kills, "every kill came before the run had begun"
    assert found.settled_before, "nothing was settled before the last kill: nothing could be lost"
    assert {"429", "500", "nonsense"} & set(found.faults)
