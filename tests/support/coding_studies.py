"""A small study that people code: texts, a codebook with one question, and who codes what."""

from __future__ import annotations

from collections.abc import Sequence

from codebook.coding.assignments import assign, write_assignment
from codebook.records import Unit
from codebook.scheme import parse_codebook

TOPICS = ("sports", "politics", "weather")
BOOK = f"""
name: topics
unit: a post
instructions: Read the whole post.
variables:
  - name: topic
    question: What is the post about?
    kind: single
    level: nominal
    categories: [{", ".join(f"{{name: {name}, definition: All about {name}.}}" for name in TOPICS)}]
    abstain: [unclear]
"""


def make_coding_study(
    n_units: int, coders: Sequence[str] = ("ann", "ben"), units: Sequence[Unit] = (), folder: str = "coding"
) -> None:
    """Assign units to coders, all to all, in the project's folder."""
    posts = units or [Unit(f"u{n}", f"Post number {n} is about a match on a rainy day.") for n in range(n_units)]
    write_assignment(assign(posts, coders), parse_codebook(BOOK), posts, folder=folder)
