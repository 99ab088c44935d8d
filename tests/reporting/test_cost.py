from __future__ import annotations

import socket
import threading
from decimal import Decimal

import genai_prices
import pytest

from igent.reporting.cost import _rates, price
from igent.types import Usage


def test_a_known_model_has_its_list_price():
    assert price(Usage(1_000_000, 1_000_000), "gpt-4o-mini") == Decimal("0.75")
    assert price(Usage(2_000, 0), "gpt-4o") == Decimal("0.005")
    assert price(Usage(), "gpt-4o") == 0


@pytest.mark.parametrize("model", ["", "m1", "mock", "my-own-model", "gpt-4o-that-is-none"])
def test_an_unknown_model_is_none_and_never_0(model):
    assert price(Usage(1, 1), model) is None


def test_the_endpoint_decides_whose_price_it_is():
    usage = Usage(1_000_000, 0)
    assert price(usage, "gpt-4o-mini", "https://api.openai.com/v1") == Decimal("0.15")
    assert price(usage, "gpt-4o-mini", "http://127.0.0.1:8000/v1") is None


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4o-mini", "claude-sonnet-4-5", "gemini-2.5-pro", "deepseek-chat"])
@pytest.mark.parametrize("usage", [Usage(1, 1), Usage(12_345, 678), Usage(300_000, 5)])
def test_it_is_what_the_library_says(model, usage):
    foreign = genai_prices.Usage(input_tokens=usage.input_tokens, output_tokens=usage.output_tokens)
    assert price(usage, model) == genai_prices.calc_price(foreign, model).total_price


def test_it_needs_no_network_and_starts_no_thread(monkeypatch):
    def refuse(*_args, **_kwargs):
        raise AssertionError("a price was asked for over the network")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    before = threading.active_count()
    _rates.cache_clear()
    assert price(Usage(1000, 1000), "gpt-4o") is not None
    assert threading.active_count() == before


def test_the_table_is_asked_once_a_model():
    _rates.cache_clear()
    for _ in range(50):
        price(Usage(1, 1), "gpt-4o")
        price(Usage(1, 1), "no-such-model")
    assert _rates.cache_info().misses == 2
