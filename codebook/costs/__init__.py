"""Tokens and money: counted before, read off the replies after, and held under a cap in between.

In come request lines and replies; out go tokens and US dollars. Prices come from the project's `prices.yaml`, else from
the list inside genai-prices; nothing is fetched, and what is not known is None, never 0. Open `estimate.py` first, then
`prices.py`.
"""

from codebook.costs.bodies import count_image, count_request, find_uncounted
from codebook.costs.cap import check_cap, say_saving
from codebook.costs.estimate import Estimate, estimate_shards
from codebook.costs.prices import Rates, find_rates, read_prices
from codebook.costs.tokens import find_counter
from codebook.costs.usage import Usage, read_usage, say_tokens

__all__ = [
    "Estimate",
    "Rates",
    "Usage",
    "check_cap",
    "count_image",
    "count_request",
    "estimate_shards",
    "find_counter",
    "find_rates",
    "find_uncounted",
    "read_prices",
    "read_usage",
    "say_saving",
    "say_tokens",
]
