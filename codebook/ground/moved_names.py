"""Public names that got another place: who calls one, as a copied notebook does, is told what to write."""

MOVED = {"run.estimate_whole": "study.estimate_costs(pilot, units)", "ask_now": "plan(..., at_once=True)"}
"""Name behind `cb.` that is gone, and what takes its place."""


def say_moved(name: str) -> str:
    """What to write in place of a name that moved; empty of one that did not.

    Examples
    --------
    >>> say_moved("run.estimate_whole")
    'cb.run.estimate_whole moved: write cb.study.estimate_costs(pilot, units)'
    >>> say_moved("plan")
    ''
    """
    return f"cb.{name} moved: write cb.{MOVED[name]}" if name in MOVED else ""
