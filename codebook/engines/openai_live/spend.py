"""What the answers cost so far, and the cap that no call may cross."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from codebook.errors import BudgetError
from codebook.ground.quantities import show_usd

Price = Callable[[Mapping[str, Any]], float | None]
"""The price of a reply's body in US dollars, or None where it is not known."""


class Spend:
    """A running sum of prices.

    Parameters
    ----------
    price
        Prices a reply's body; None where nobody asks what is spent.
    cap
        US dollars that may be spent.

    Examples
    --------
    >>> spend = Spend(price=lambda body: 0.25, cap=1.0)
    >>> spend.room
    1.0
    >>> spend.add({}), spend.room, str(spend)
    (None, 3.0, '$0.25')
    """

    def __init__(self, price: Price | None = None, cap: float | None = None) -> None:
        self.price, self.cap = price, cap
        self.usd, self.n_priced, self.n_unpriced, self.dearest = 0.0, 0, 0, 0.0

    def add(self, body: Mapping[str, Any]) -> None:
        """Count an answer."""
        cost = self.price(body) if self.price else None
        if cost is None:
            self.n_unpriced += 1
        else:
            self.usd, self.n_priced = self.usd + float(cost), self.n_priced + 1
            self.dearest = max(self.dearest, float(cost))

    @property
    def left(self) -> float:
        """What is left of the cap; an answer of unknown price is taken to be as dear as the dearest."""
        return math.inf if self.cap is None else self.cap - self.usd - self.n_unpriced * self.dearest

    @property
    def room(self) -> float:
        """How many calls may be open: what is left of the cap by the mean price so far; infinite without a cap.

        One call at a time until the first price is known.
        """
        if self.cap is None:
            return math.inf
        if not self.n_priced:
            return float(self.cap > 0)
        mean = self.usd / self.n_priced
        return self.left // mean if mean else math.inf

    def check(self) -> BudgetError | None:
        """Return the error that stops the job: no room is left, or the cap cannot be watched."""
        if self.cap is None:
            return None
        if self.n_unpriced and not self.n_priced:
            return BudgetError(
                f"the price of an answer is not known, so the cap of {show_usd(self.cap)} cannot be kept. Answers "
                "so far are kept. To mend: add the model to prices.yaml, or leave out the cap; where the service does "
                "not tell tokens, only the latter helps."
            )
        if self.room >= 1:
            return None
        return BudgetError(
            f"{self} are spent, and one more answer could cross the cap of {show_usd(self.cap)}. Answers so far are "
            "kept. To mend: raise the cap and submit again; it goes on where it stopped."
        )

    def __str__(self) -> str:
        unknown = f"{self.n_unpriced} of unknown price"
        if not self.n_unpriced:
            return show_usd(self.usd)
        return f"{show_usd(self.usd)} and {unknown}" if self.n_priced else "price unknown"
