"""How much larger than itself a packed file may become: more than that is no data, and fills a memory or a disk."""

from __future__ import annotations

MAX_BYTES = 2_000_000_000
"""Of a part of a file when it is unfolded; a million rows of long texts have a quarter of that."""
MAX_RATIO = 200
"""How many times its size something over `SMALL_BYTES` may become. Texts become 5 to 30 times as long."""
SMALL_BYTES = 50_000_000


def say_growth(n_bytes: int, n_packed: int, *, at_least: bool = False) -> str:
    """Say that something grows beyond measure when it is unfolded; "" where it does not.

    Examples
    --------
    >>> say_growth(60_000_000, 100_000)
    'it unfolds to 60 MB, 600 times its size; 200 times are read'
    >>> say_growth(60_000_000, 1_000_000), say_growth(1_000_000, 1_000)
    ('', '')
    """
    ratio = n_bytes / max(1, n_packed)
    if n_bytes <= SMALL_BYTES or ratio <= MAX_RATIO:
        return ""
    more = "more than " * at_least
    return f"it unfolds to {more}{n_bytes / 1e6:,.0f} MB, {ratio:,.0f} times its size; {MAX_RATIO} times are read"
