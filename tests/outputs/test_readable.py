"""Frames and texts of the kit as a notebook shows them; to Python they are as any other."""

from __future__ import annotations

import pandas as pd

import codebook as cb
from codebook.codings.database import RowCounts
from codebook.outputs.readable import ReadableFrame, ReadableText
from codebook.scheme import describe_variables, parse_codebook

FRAME = pd.DataFrame(
    {
        "label": ["<b>", "c"],
        "share": [0.123456789, 1.139415e-14],
        "n_units": [1204, 7],
        "n_gold": pd.array([9, None], dtype="Int64"),
        "last": pd.to_datetime(["2026-01-02 03:04:05.123456+00:00", None]),
    }
)


def test_a_frame_shows_itself_rounded_ranged_right_and_without_an_index():
    shown = ReadableFrame(FRAME)._repr_html_()
    for part in ("&lt;b&gt;", "<td class=n>1,204</td>", "2026-01-02 03:04<", "<th class=n>n_units</th>"):
        assert part in shown
    for part in ("NaT", "&lt;NA&gt;", "0.1234", "e-14", "03:04:05", "<th>0</th>"):
        assert part not in shown
    assert ReadableFrame(FRAME).equals(FRAME)
    assert type(ReadableFrame(FRAME).head(1)) is pd.DataFrame


def test_what_notebooks_show_of_the_kit_is_readable():
    book = parse_codebook(
        "name: b\nunit: u\nvariables:\n- {name: t, question: Q, kind: single, level: nominal, categories: [x, y]}"
    )
    table = pd.DataFrame({"unit_id": ["1"], "coder": ["m"], "variable": ["t"], "label": ["x"]})
    for frame in (describe_variables(book), cb.codings.count_labels(table, book), cb.report.list_outputs("none")):
        assert isinstance(frame, ReadableFrame)


def test_a_text_stands_in_paragraphs_and_counts_in_words():
    text = ReadableText("We coded 9 units. [Say which.]\n\nAll.")
    assert text._repr_html_() == "<p>We coded 9 units. <mark>[Say which.]</mark></p><p>All.</p>"
    assert repr(text) == str(text) == "We coded 9 units. [Say which.]\n\nAll."
    assert repr(RowCounts({"topics": 1, "entities": 1204})) == "topics: 1 row; entities: 1,204 rows"
