"""Each fault of `docs/robustness.md` has a test that bears its number."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
NUMBERS = [
    int(n) for n in re.findall(r"^\| R(\d+) \|", (TESTS.parent / "docs/robustness.md").read_text(), re.MULTILINE)
]
TESTED = {
    int(n) for file in TESTS.rglob("test_*.py") for n in re.findall(r"def test_r(\d\d)_", file.read_text("utf-8"))
}


@pytest.mark.parametrize("number", NUMBERS)
def test_each_fault_has_a_test_of_its_number(number: int) -> None:
    assert number in TESTED, f"R{number} of docs/robustness.md has no test named test_r{number:02}_..."


def test_the_list_has_no_gap_and_no_stranger() -> None:
    assert list(range(1, len(NUMBERS) + 1)) == NUMBERS
    assert set(NUMBERS) >= TESTED
