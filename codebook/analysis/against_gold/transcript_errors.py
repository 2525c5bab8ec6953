"""How well documents were transcribed: character error rate and word recall against known texts."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import raise_faults
from codebook.analysis.core.drawing import dress_axes, legend_above, literal, new_figure, say_in_picture, wrap
from codebook.analysis.core.estimates import Bootstrap, percentile_interval, say_figure
from codebook.analysis.core.estimates import resample as draw_replicates
from codebook.analysis.core.result import Facts, Result
from codebook.errors import Fault
from codebook.ground.joins import Sides, join_faults, join_ids, tell_strays
from codebook.ground.quantities import format_figure, say_count
from codebook.outputs.figure_style import BASELINE, GRID, MODEL, Figure, house_style
from codebook.outputs.figure_style import NOTE as NOTE_TYPE

if TYPE_CHECKING:
    from codebook.analysis.core.scales import Floats

ALL = "all documents"
_ROW_MM = 7.4
_MOST_DRAWN = 18
"""Documents that a figure has room for."""
_TITLE = "Transcripts against the known texts"
_NO_TRUTH = "No document has a known text: nothing to compare."
_COLUMNS = (
    *("document", "n_characters", "n_words", "n_edits", "cer", "cer_low", "cer_high"),
    *("word_recall", "recall_low", "recall_high", "why"),
)
NOTE = (
    "Character error rate: edits by characters of the known text, white space folded. Word recall: share of its words "
    "that the transcript has. The last row is of all documents with a transcript together."
)
_DOCUMENTS = Sides("transcripts", "among the documents of the truth", "the truth")


def fold(text: str) -> str:
    """Return a text in Unicode's form NFC, each run of white space as one space, none at the ends.

    Examples
    --------
    >>> fold("  Dear\\n\\nSir\\t!")
    'Dear Sir !'
    """
    return " ".join(unicodedata.normalize("NFC", text).split())


def character_error_rate(transcript: str, truth: str) -> float:
    """Return the character error rate: edits that make the truth out of the transcript, by characters of the truth.

    Edits are insertions, deletions and substitutions of one code point (Levenshtein 1966), counted after `fold` of
    both. It is 1 minus the character accuracy of the ISRI tests (Rice, Jenkins & Nartker 1996), and can exceed 1. Of
    an empty truth it is 0 where the transcript is empty too, and undefined (NaN) otherwise.

    References
    ----------
    Levenshtein, V. I. (1966). Binary codes capable of correcting deletions, insertions, and reversals. Soviet Physics
    Doklady, 10(8), 707-710.
    Rice, S. V., Jenkins, F. R., & Nartker, T. A. (1996). The fifth annual test of OCR accuracy. ISRI TR-96-01.

    Examples
    --------
    >>> character_error_rate("kitten", "sitting")  # Levenshtein distance 3 of 7 characters
    0.42857142857142855
    >>> character_error_rate("one  two", "one two")
    0.0
    """
    n_edits, n_characters = count_edits(transcript, truth)
    if not n_characters:
        return 0.0 if not n_edits else float("nan")
    return n_edits / n_characters


def count_edits(transcript: str, truth: str) -> tuple[int, int]:
    """Return (edits, characters of the truth), both of the folded texts."""
    from rapidfuzz.distance import Levenshtein

    folded = fold(truth)
    return int(Levenshtein.distance(fold(transcript), folded)), len(folded)


def word_recall(transcript: str, truth: str) -> float:
    """Return the share of the truth's words that the transcript has, wherever they stand.

    Words are what white space parts, compared to the letter; a word that the truth has n times counts n times at most.
    The order of columns therefore does not matter, as it does for the character error rate. NaN without words.

    Examples
    --------
    >>> word_recall("the cat and cat", "the cat sat on the cat")
    0.5
    """
    n_right, n_words = count_words(transcript, truth)
    return n_right / n_words if n_words else float("nan")


def count_words(transcript: str, truth: str) -> tuple[int, int]:
    """Return (words of the truth that the transcript has, words of the truth)."""
    words = Counter(fold(truth).split())
    return (Counter(fold(transcript).split()) & words).total(), words.total()


def transcript_accuracy(
    transcripts: Mapping[str, str],
    truth: Mapping[str, str],
    *,
    floors: Mapping[str, float] | None = None,
    other: str = "to compare",
    resample: Bootstrap = Bootstrap(2000),
) -> Result:
    """Character error rate and word recall of each document with a known text, and of all of them.

    The last row is of all documents together (edits and characters summed), with percentile intervals from resampling
    documents: they hold for documents like these, so that few documents give wide ones. One document is no sample of
    its own characters, so it has no interval; nor have documents that are all alike, such as without any error.

    Parameters
    ----------
    transcripts, truth
        Texts by name of the document. A document without truth is left out, and counted; one without a transcript has
        NaN, says so in `why`, and is not in the last row.
    floors
        Character error rates by document to compare with, of the program `other`: hollow diamonds of the figure.

    Returns
    -------
    Result
        A row per document of `truth`, in its order, and the last row: `document n_characters n_words n_edits cer
        cer_low cer_high word_recall recall_low recall_high why`. Without any known text it is empty, and says so.

    Raises
    ------
    StatisticError
        There is no document with a truth and a transcript.

    Examples
    --------
    >>> truth = {"a": "Dear Sir", "b": "Yours"}
    >>> transcript_accuracy({"a": "Dear Sit", "b": "Yours"}, truth).frame[["document", "cer", "word_recall"]].round(3)
            document    cer  word_recall
    0              a  0.125        0.500
    1              b  0.000        1.000
    2  all documents  0.077        0.667
    """
    result = Result(pd.DataFrame(columns=list(_COLUMNS)), "transcript_accuracy", _TITLE, "validity")
    if not truth:
        return replace(result, facts=Facts(nothing=_NO_TRUTH), finding=_NO_TRUTH)
    join = join_ids(transcripts, truth)
    faults = join_faults(join, "transcripts", _DOCUMENTS, "name both alike")
    if not join.n_ids:
        faults.append(Fault("transcripts", "there is none", "transcribe the documents of the truth"))
    raise_faults("The transcripts cannot be compared.", faults)
    rows = [_compare(name, transcripts.get(name), text) for name, text in truth.items()]
    frame = pd.DataFrame([*rows, _sum_up(rows, resample)]).drop(columns="n_right")
    n_read = sum(not row["why"] for row in rows)
    about = Facts(n_read, bootstrap=resample, resampled="documents", joins=tuple(tell_strays(join, _DOCUMENTS)))
    return replace(
        result,
        frame=frame,
        facts=about if frame["cer_low"].notna().any() else replace(about, bootstrap=None, resampled=""),
        finding=_say_accuracy(frame.iloc[-1], n_read),
        remarks=(NOTE, f"Dots: these transcripts. Diamonds: {other}.") if floors else (NOTE,),
        table=_print(frame),
        figure=lambda: _draw(frame, floors or {}, other, resample.sentence),
    )


def _say_accuracy(row: pd.Series[Any], n_read: int) -> str:
    printed = _print(row.to_frame().T).iloc[0]
    errors, recall = (say_figure(printed, name, 3, kind="share") for name in ("cer", "word_recall"))
    many = f"{say_count(n_read, 'document')} of {int(row['n_characters']):,} characters"
    return f"Of {many} the character error rate is {errors}, the word recall {recall}."


def _print(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame for a paper."""
    renamed = frame.rename(columns={"recall_low": "word_recall_low", "recall_high": "word_recall_high"})
    return renamed.drop(columns="n_words")


def _compare(name: str, transcript: str | None, truth: str) -> dict[str, object]:
    """The row of one document."""
    nan, there, text = float("nan"), transcript is not None, transcript or ""
    (n_edits, n_characters), (n_right, n_words) = count_edits(text, truth), count_words(text, truth)
    return {
        "document": name,
        "n_characters": n_characters,
        "n_words": n_words,
        "n_edits": n_edits if there else nan,
        "n_right": n_right if there else nan,
        "cer": character_error_rate(text, truth) if there else nan,
        "cer_low": nan,
        "cer_high": nan,
        "word_recall": n_right / n_words if there and n_words else nan,
        "recall_low": nan,
        "recall_high": nan,
        "why": "" if there else "no transcript",
    }


def _sum_up(rows: list[dict[str, object]], bootstrap: Bootstrap) -> dict[str, object]:
    """The row of all documents that have a transcript."""
    there = [row for row in rows if not row["why"]]
    names = ["n_edits", "n_characters", "n_right", "n_words"]
    counts = pd.DataFrame(there)[names].to_numpy(dtype=float)
    totals = counts.sum(axis=0)

    def shares(weights: Floats) -> Floats:
        edits, characters, right, words = (weights @ counts).T
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.stack([edits / characters, right / words], axis=1)

    row: dict[str, object] = {name: int(total) for name, total in zip(names, totals, strict=True)}
    row |= {"document": ALL, "why": ""}
    values = shares(np.ones((1, len(counts))))[0]
    for place, (name, value) in enumerate(zip(("cer", "word_recall"), values, strict=True)):
        row[name] = float(value)
        low, high = f"{name.removeprefix('word_')}_low", f"{name.removeprefix('word_')}_high"
        row[low] = row[high] = float("nan")
        if len(counts) > 1 and bootstrap.replicates:
            times = np.ones(len(counts), dtype=np.int64)
            draws = draw_replicates(times, shares, replicates=bootstrap.replicates, seed=bootstrap.seed)[:, place]
            interval = percentile_interval(draws, bootstrap.confidence, value, freedom=len(counts) - 1)
            if interval.low < interval.high:
                row[low], row[high] = interval.low, interval.high
            else:
                row["why"] = "no interval: the documents do not differ"
    return row


@house_style()
def _draw(frame: pd.DataFrame, floors: Mapping[str, float], other: str, note: str) -> Figure:
    """Character error rate of each document, first on top, and beside it that of another program."""
    n_read = int((frame["document"] != ALL).sum())
    worst = frame.iloc[:-1].sort_values("cer", ascending=False, kind="stable").head(_MOST_DRAWN).index
    frame = frame[frame.index.isin([*worst, frame.index[-1]])]
    rows = list(frame["document"])
    figure = new_figure("middle", 26 + _ROW_MM * len(rows))
    axes = figure.subplots()
    heights = np.arange(len(rows), dtype=float)
    values = frame[["cer", "cer_low", "cer_high"]].to_numpy(dtype=float)
    others = np.array([floors.get(name, np.nan) for name in rows], dtype=float)
    axes.hlines(heights, values[:, 0], others, color=GRID, linewidth=1.2, zorder=1)
    axes.hlines(heights, values[:, 1], values[:, 2], color=MODEL, zorder=2)
    if floors:
        axes.plot(others, heights, "D", color=BASELINE, markerfacecolor="white", label=other)
    axes.plot(values[:, 0], heights, "o", color=MODEL, label="transcripts", zorder=3)
    for height, value in zip(heights, values[:, 0], strict=True):
        at, text = (0.0, "undefined") if np.isnan(value) else (value, format_figure(value, 3, "share"))
        axes.annotate(text, (at, height), xytext=(0, 4), textcoords="offset points", ha="center", fontsize=NOTE_TYPE)
    dress_axes(axes, "character error rate", grid="x")
    axes.set_yticks(heights, [wrap(row, 34) for row in rows])
    top = np.nanmax([0.02, *values[:, [0, 2]].ravel(), *others])
    axes.set(xlim=(-0.04 * top, 1.08 * top), ylim=(len(rows) - 0.4, -0.7))
    axes.spines["left"].set_visible(False)
    if floors:
        legend_above(axes)
    drawn = f", the {_MOST_DRAWN} with most errors drawn" if n_read > _MOST_DRAWN else ""
    bar = f" Bar: {note}" if np.isfinite(values[:, 1]).any() else ""
    say_in_picture(figure, f"{say_count(n_read, 'document')}{drawn}.{bar}")
    return literal(figure)
