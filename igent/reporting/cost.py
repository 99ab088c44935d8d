"""What tokens cost, in US dollars, by the price table that comes with genai-prices.

The table is a module of that package, read at the first price (0.4 s); only its `UpdatePrices`, which igent never
starts, would fetch a newer one. Unknown is None, never 0.
"""

from __future__ import annotations

__all__ = ["price"]

from decimal import Decimal
from functools import lru_cache

import genai_prices
from genai_prices.types import ModelPrice

from igent.types import Usage

_MILLION = Decimal(1_000_000)


def price(usage: Usage, model: str, base_url: str | None = None) -> Decimal | None:
    """US dollars for these tokens of this model; None when the price is not known.

    `base_url` is the endpoint: its own price list counts, and an endpoint that the table does not know (one's own
    server, a gateway) has unknown prices. None: the provider is found by the model's name. Tokens that a provider's
    cache served count in full, for igent does not know them: the true price may be lower. Where prices step up with the
    length of a prompt, or change with the time of day, `usage` is taken for one call, made when this model was first
    priced.
    """
    rates = _rates(model, base_url)
    if rates is None:
        return None
    into, out = rates.input_mtok, rates.output_mtok
    if (usage.input_tokens and into is None) or (usage.output_tokens and out is None):
        return None
    if isinstance(into, Decimal) and isinstance(out, Decimal) and rates.requests_kcount is None:
        return (usage.input_tokens * into + usage.output_tokens * out) / _MILLION
    return rates.calc_price(_foreign(usage))["total_price"]


@lru_cache(maxsize=256)
def _rates(model: str, base_url: str | None) -> ModelPrice | None:
    try:
        found = genai_prices.calc_price(_foreign(Usage()), model, provider_api_url=base_url)
    except LookupError:
        return None
    return found.model_price


def _foreign(usage: Usage) -> genai_prices.Usage:
    return genai_prices.Usage(input_tokens=usage.input_tokens, output_tokens=usage.output_tokens)
