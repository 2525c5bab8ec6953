"""How many of something, in words."""

from __future__ import annotations


def say_count(n: int, noun: str, plural: str = "") -> str:
    """Say how many of something.

    Examples
    --------
    >>> say_count(1, "job"), say_count(2000, "job"), say_count(2, "person", "people")
    ('1 job', '2,000 jobs', '2 people')
    """
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def is_or_are(n: int) -> str:
    """The verb of a number of things.

    Examples
    --------
    >>> is_or_are(1), is_or_are(0)
    ('is', 'are')
    """
    return "is" if n == 1 else "are"
