"""The naive variants still fit the code, so that tests/mutants.py, which takes minutes, shows what it is to show.
IGENT_NIGHTLY=1 makes them."""

from __future__ import annotations

import os

import pytest
from mutants import areas, main, misfit, read


@pytest.mark.parametrize("area", areas())
def test_each_variant_can_be_made_and_its_test_is_there(area: str):
    wrong = {mutation["what"]: said for mutation in read(area) if (said := misfit(mutation))}
    assert not wrong
    assert all(mutation["promise"] and mutation["what"] for mutation in read(area))


@pytest.mark.skipif(os.environ.get("IGENT_NIGHTLY") != "1", reason="takes minutes")  # noqa: TID251
@pytest.mark.parametrize("area", areas())
def test_each_variant_is_noticed(area: str):
    assert main([area]) == 0
