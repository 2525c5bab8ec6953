"""Labels for a column of texts in one call."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from fakes.scripted import MODEL, register

import codebook as cb
from codebook.errors import ParameterError, SchemeError
from codebook.run import list_runs

LABELS = {"coal": "It is about mining.", "sports": "It is about a game."}


@pytest.fixture(autouse=True)
def _scripted(monkeypatch: pytest.MonkeyPatch, project: Path) -> None:
    register(monkeypatch)


def test_three_lines_from_a_column_of_texts_to_labels(project: Path) -> None:
    frame = pd.DataFrame({"text": ["A text on coal.", "Another on coal.", " "]}, index=[7, 3, 5])
    labels = cb.label(frame["text"], LABELS, engine="scripted", model=MODEL)
    assert labels.index.tolist() == [7, 3, 5]
    assert labels.columns.tolist() == ["label", "why"]
    assert set(labels["label"].dropna()) <= set(LABELS)
    assert labels["why"].tolist() == ["", "", "absent"]
    assert len(list_runs()) == 1
    assert cb.label(frame["text"], LABELS, engine="scripted", model=MODEL).equals(labels)
    assert len(list_runs()) == 1


def test_what_was_refused_has_its_reason(project: Path) -> None:
    labels = cb.label(["[refuse] no", "coal"], LABELS, engine="scripted", model=MODEL, run="mine")
    assert labels["why"].tolist() == ["refused", ""]
    assert labels["label"].isna().tolist() == [True, False]


def test_twice_the_same_index_is_a_fault_and_so_are_draws(project: Path) -> None:
    texts = pd.Series(["a", "b"], index=[1, 1])
    with pytest.raises(ParameterError, match=r"index is not unique.*reset_index(.|\n)*several labels"):
        cb.label(texts, LABELS, draws=2)


def test_other_texts_are_labelled_by_the_same_labels(project: Path) -> None:
    first = cb.label(["A text on coal."], LABELS, engine="scripted", model=MODEL)
    cb.label(["Another on coal.", "A third."], LABELS, engine="scripted", model=MODEL)
    assert len(list_runs()) == 2
    assert cb.label(["A text on coal."], LABELS, engine="scripted", model=MODEL).equals(first)
    assert len(list_runs()) == 2


@pytest.mark.parametrize("texts", ["hello", pd.DataFrame({"text": ["hello"]})])
def test_texts_are_one_column(project: Path, texts: pd.Series) -> None:
    with pytest.raises(ParameterError, match="pass one column of texts"):
        cb.label(texts, LABELS, engine="scripted", model=MODEL)


def test_what_is_no_text_and_labels_that_make_no_codebook_are_refused_in_their_words() -> None:
    with pytest.raises(ParameterError, match=r"texts: 2 of 3 are no texts, such as 1\."):
        cb.label([1, 2.5, None], LABELS)
    with pytest.raises(SchemeError, match="labels: it has only 1"):
        cb.label(["a text"], {"coal": "It is about mining."})
    with pytest.raises(SchemeError, match="label 'sports': `definition` is a list"):
        cb.label(["a text"], {"coal": "It is about mining.", "sports": ["a game"]})  # type: ignore[dict-item]
