"""Fixed effects after a bar: the same as dummies, however many groups there are."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from codebook.analysis.correction import LabelColumns, correct, make_study
from codebook.errors import StatisticError


def panel(n_units=1200, n_gold=300, n_lands=6) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    study = make_study(n_units, n_gold, effect=0.5, seed=2)
    lands = rng.integers(n_lands, size=n_units)
    return study.assign(land=[f"l{at}" for at in lands], year=rng.integers(3, size=n_units), x=rng.normal(size=n_units))


@pytest.mark.parametrize(
    ("bar", "dummies"),
    [
        ("gold ~ group + x | land", "gold ~ group + x + C(land)"),
        ("x ~ gold | land + year", "x ~ gold + C(land) + C(year)"),
    ],
)
def test_a_bar_gives_what_dummies_give_in_all_three_rows(bar, dummies):
    data = panel()
    data["author"] = np.arange(len(data)) // 4
    columns = LabelColumns(cluster="author")
    absorbed, whole = (correct(data, formula, columns=columns).frame for formula in (bar, dummies))
    names = absorbed["coefficient"].unique()
    assert not any(name.startswith(("C(", "Intercept")) for name in names)
    same = whole[whole["coefficient"].isin(names)].reset_index(drop=True)
    figures = ["estimate", "se", "low", "high", "p"]
    np.testing.assert_allclose(absorbed[figures], same[figures], atol=1e-9)


def test_many_groups_are_absorbed_and_those_without_gold_stay():
    data = panel(300, 200, n_lands=40)
    result = correct(data, "gold ~ x | land")
    rows = result.frame.set_index("source")
    assert rows["estimate"].notna().all()
    fit = smf.ols("predicted ~ x + C(land)", data).fit(cov_type="HC0")
    assert rows["estimate"]["model labels only"] == pytest.approx(fit.params["x"])
    assert rows["se"]["model labels only"] == pytest.approx(fit.bse["x"])
    n_groups, n_with = data["land"].nunique(), data.loc[data["gold"].notna(), "land"].nunique()
    assert f"Fixed effects of land are taken out ({n_groups} groups of the largest, {n_with} with gold)" in result.note


def test_what_never_varies_within_a_group_says_so():
    data = panel().assign(size=lambda frame: frame["land"].str[1:].astype(float))
    rows = correct(data, "gold ~ x + size | land").frame
    assert (rows["reason"] == "size never varies within a group of the fixed effects: leave it out").all()
    assert rows["estimate"].isna().all()


def test_fixed_effects_are_of_the_linear_family_and_not_the_label():
    with pytest.raises(StatisticError, match=r"(?s)need the linear family, here it is logistic.*gold is the label"):
        correct(panel(), "gold ~ x | gold", family="logistic")
