"""Hold a run under its cap, in US dollars, before money is spent; and amounts as people read them."""

from __future__ import annotations

import math

from codebook.errors import BudgetError, Fault, ParameterError
from codebook.ground.quantities import say_percent, show_usd


def check_cap(cap: float | None, spent: float, reserved: float, wanted: float | None) -> None:
    """Refuse what would take a run over its cap; all numbers are US dollars.

    Parameters
    ----------
    cap
        What may be spent at most; None is no cap.
    spent, reserved
        What answers cost so far, and what jobs that run now may cost.
    wanted
        What is to be sent next; None where its price is not known.

    Raises
    ------
    BudgetError
        The sum would be above the cap, or cannot be known. Nothing has been sent.
    ParameterError
        A number is negative or no number.

    Examples
    --------
    >>> check_cap(1.0, 0.7, 0.2, 0.1)
    >>> check_cap(1.0, 0.7, 0.2, 0.2)
    Traceback (most recent call last):
    codebook.errors.BudgetError: ...
    """
    if cap is None:
        return
    _check_numbers({"cap": cap, "spent": spent, "reserved": reserved, "wanted": wanted or 0.0})
    known = f"cap {show_usd(cap)}, spent {show_usd(spent)}, reserved for running jobs {show_usd(reserved)}"
    if wanted is None:
        raise BudgetError(
            f"The run has a cap, but what comes next has no known price: {known}, wanted unknown. Nothing was sent. "
            "To mend: add the model to prices.yaml beside study.yaml, or take the cap away."
        )
    total = math.fsum((spent, reserved, wanted))
    if round(total - cap, 9) > 0:  # a billionth of a dollar is rounding, not money
        raise BudgetError(
            f"Going on would cost more than the cap: {known}, wanted {show_usd(wanted)}, together {show_usd(total)}. "
            f"Nothing was sent. To mend: raise the cap to at least {show_usd(total)}, or plan fewer units."
        )


def say_saving(live: float | None, batch: float | None) -> str:
    """Say what a batch saves; empty where a price is not known, or nothing is saved.

    Examples
    --------
    >>> say_saving(0.04, 0.02), say_saving(0.04, None)
    ('as a batch it saves $0.02, 50 % of the live price', '')
    """
    if not live or batch is None or batch >= live:
        return ""
    return f"as a batch it saves {show_usd(live - batch)}, {say_percent(1 - batch / live)} of the live price"


def _check_numbers(numbers: dict[str, float]) -> None:
    faults = [
        Fault(name, f"{value!r} is no amount of money", "give US dollars, 0 or more")
        for name, value in numbers.items()
        if math.isnan(value) or value < 0
    ]
    ParameterError.raise_any("The cap cannot be checked.", faults)
