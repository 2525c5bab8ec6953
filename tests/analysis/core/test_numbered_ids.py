"""From the tidy table to integers: ids and coders are numbered as pandas numbers them, in less memory."""

import numpy as np
import pandas as pd
import pytest

from codebook.analysis.core import counts
from codebook.analysis.core.counts import number_ids, read_codes
from codebook.analysis.core.examples import make_table


@pytest.mark.parametrize("hash_of", [hash, len, lambda text: 0], ids=["its hash", "few hashes", "one hash"])
@pytest.mark.parametrize("missing", [False, True])
def test_ids_are_numbered_as_pandas_numbers_them_also_where_hashes_are_alike(monkeypatch, hash_of, missing):
    monkeypatch.setattr(counts, "hash", hash_of, raising=False)
    monkeypatch.setattr(counts, "LONG", 100)
    rng = np.random.default_rng(1)
    texts = [*(f"u{n}" for n in rng.permutation(300)), *(f"u{n}" for n in rng.integers(0, 300, 100))]
    ids = pd.Series([*texts, *[None] * missing], dtype="str")
    numbers, units = number_ids(ids)
    expected, names = pd.factorize(ids)
    assert numbers.tolist() == expected.tolist()
    assert list(units) == list(names)


@pytest.mark.parametrize("coders", [["ann", "cem"], ["cem", "ben"], ["ben"], None])
def test_codes_of_some_coders_are_those_of_a_table_of_theirs(coders):
    table = make_table("v", {"ann": list("xyx"), "ben": ["y", None, "x"], "cem": list("yyy")})
    about = {"variable": "v", "level": "nominal", "labels": ["x", "y"]}
    part = table if coders is None else table[table["coder"].isin(coders)]
    chosen, alone = read_codes(table, coders=coders, **about), read_codes(part, **about)
    for name in ("unit", "coder", "code", "why", "units", "coders", "whys"):
        assert list(getattr(chosen, name)) == list(getattr(alone, name)), name
