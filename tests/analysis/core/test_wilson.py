"""Intervals and tests of counts, against a second implementation."""

import pytest
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

from codebook.analysis.against_gold.coder_comparison import _mcnemar
from codebook.analysis.core.standard_errors import wilson_interval


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
@pytest.mark.parametrize(("n_right", "n"), [(0, 20), (1, 20), (9, 10), (20, 20), (126.9, 141), (500, 100_000)])
def test_wilsons_interval_is_that_of_statsmodels(n_right: float, n: int, confidence: float) -> None:
    theirs = proportion_confint(n_right, n, alpha=1 - confidence, method="wilson")
    assert wilson_interval(n_right, n, confidence) == pytest.approx(theirs, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("counts", [(1, 0), (3, 9), (6, 6), (12, 12), (40, 11), (0, 30)])
@pytest.mark.parametrize("exact", [True, False])
def test_mcnemars_test_is_that_of_statsmodels(counts: tuple[int, int], exact: bool) -> None:
    only_a, only_b = counts
    theirs = mcnemar([[0, only_a], [only_b, 0]], exact=exact, correction=False).pvalue
    assert _mcnemar(only_a, only_b, exact=exact) == pytest.approx(theirs, rel=1e-12)
