"""Do coders mark the same spans with the same types? Krippendorff's alphas for unitizing (2016)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import name_some, raise_faults
from codebook.analysis.core.estimates import Bootstrap, percentile_interval, say_figure
from codebook.analysis.core.estimates import resample as draw_replicates
from codebook.analysis.core.forest import keep_order, plot_estimates
from codebook.analysis.core.patterns import ALIKE, APART
from codebook.analysis.core.result import Facts, Result
from codebook.analysis.core.scales import Floats, UnitLike
from codebook.errors import Fault
from codebook.ground.quantities import places_of, say_count, say_percent

_ABOUT = "The agreement on spans cannot be computed."
_COLUMNS = ("coefficient", "type", "value", "low", "high", "covered", "n_units", "n_coders", "n_spans", "reason")
_TITLES = {
    "u_alpha": "marked and typed alike (u-alpha)",
    "binary_u_alpha": "marked or not (|u-alpha)",
    "cu_alpha": "types where both marked (cu-alpha)",
    "ku_alpha": "this type where both marked ((k)u-alpha)",
}
_NOTE = (
    "Alpha of Krippendorff, Mathet, Bouvry and Widlöcher (2016): lengths of text take the place of units. u-alpha is "
    "the agreement on places and types together, |u-alpha on what is marked and what is not, cu-alpha on the types "
    "where two coders marked the same text, (k)u-alpha on one type there. Covered: the share of the text that the "
    "figure is computed from."
)
_QUANTITY = "Krippendorff's α for unitizing"
_Span = tuple[int, int, int]
GAP = 0


@dataclass(frozen=True)
class SpanSums:
    """The sums of each text from which all alphas are computed; unmarked text is type 0, the gap.

    `met` (n_texts, n_types, n_types) is how long two coders gave the one type and the other, each pair both ways, by
    one less than the text's coders; `alone` (n_texts, n_types) what a segment would share with itself; `alone_met` the
    same for the parts of spans that another coder marked, too.
    """

    types: tuple[str, ...]
    met: Floats
    alone: Floats
    alone_met: Floats

    @classmethod
    def of(cls, types: tuple[str, ...], texts: Sequence[Sequence[Sequence[_Span]]]) -> SpanSums:
        """The sums of texts, each given by the segments of its coders."""
        shape = (len(texts), len(types))
        sums = cls(types, np.zeros((*shape, len(types))), np.zeros(shape), np.zeros(shape))
        for at, segments in enumerate(texts):
            _add_text(sums, at, segments)
        return sums


def span_agreement(
    spans: pd.DataFrame,
    units: Mapping[str, str | int] | Iterable[UnitLike],
    *,
    asked: pd.DataFrame | None = None,
    type_column: str = "type",
    resample: Bootstrap = Bootstrap(),
) -> Result:
    """Do several coders mark the same spans, and with the same types?

    Parameters
    ----------
    spans
        One row per span: unit_id, coder, start, end (the first character after it) and the type, such as the records of
        a list of several coders (`Run.records` of each, joined by `pd.concat`). Spans of one coder do not overlap.
    units
        The units, or the text (or its length in characters) by unit_id.
    asked
        Who coded what, columns unit_id and coder: a coder who marked nothing in a text is known by this alone. None
        says that all coders of `spans` coded all units.
    type_column
        Where the frame has no such column, spans are untyped.

    Returns
    -------
    Result
        `coefficient` (u_alpha, binary_u_alpha, cu_alpha, and ku_alpha of each type), type, value, low, high (over
        texts), covered (share of the text), n_units, n_coders, n_spans, reason.

    Raises
    ------
    StatisticError
        Missing columns, spans outside their text, that overlap, or of units that are not here: all at once.

    Examples
    --------
    Three coders of a text of 60 characters, Krippendorff (2019), figure 12.11; printed .510 for u-alpha, and (computed
    from rounded parts) .413 for ``|u-alpha`` and .724 for cu-alpha; types 1, 5 and 6 agree, 2, 3 and 4 do not.

    >>> marked = {"Alex": [(0, 7, 1), (7, 13, 2), (30, 32, 5), (32, 37, 6), (37, 44, 6), (44, 60, 7)]}
    >>> marked |= {"Paul": [(0, 7, 1), (7, 13, 3), (13, 21, 5), (32, 44, 6)]}
    >>> marked |= {"Suzan": [(0, 7, 1), (7, 13, 4), (13, 21, 5), (32, 37, 6), (37, 41, 6), (41, 44, 6)]}
    >>> rows = [("t", coder, *span) for coder, spans in marked.items() for span in spans]
    >>> spans = pd.DataFrame(rows, columns=["unit_id", "coder", "start", "end", "type"])
    >>> span_agreement(spans, {"t": 60}).frame["value"].round(3).tolist()
    [0.51, 0.414, 0.726, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0, nan]
    """
    texts = units if isinstance(units, Mapping) else {unit.unit_id: unit.text for unit in units}
    lengths = {str(unit): text if isinstance(text, int) else len(text) for unit, text in texts.items()}
    raise_faults(_ABOUT, _check(spans, lengths, asked))
    coders = _read_coders(spans, lengths, asked)
    named = spans.assign(kind=spans[type_column].astype(str) if type_column in spans else "span")
    sums = add_spans(named, lengths, coders)
    frame = pd.DataFrame(list(_list_rows(sums, named, coders, resample)), columns=list(_COLUMNS))
    n_units, names = int(frame["n_units"].iloc[0]), frame["coefficient"].map(_TITLES)
    names = names.where(frame["type"] == "", frame["type"] + ": (k)u-alpha")
    shown = frame.assign(agreement=names, covered=[say_percent(share) for share in frame["covered"]])
    rows = frame.assign(name=keep_order(names))
    facts = Facts(n_units, int(frame["n_coders"].iloc[0]), bootstrap=resample, resampled="texts")
    once = sum(len(names) < 2 for names in coders.values())
    left = [f"Left aside: {say_count(once, 'text')} with fewer than two coders."] if once else []
    return Result(
        frame,
        "span_agreement",
        "Agreement on spans",
        "reliability",
        facts,
        _say(frame, places_of(n_units)),
        (_NOTE, *left),
        shown[["agreement", "value", "low", "high", "covered", "n_spans", "reason"]],
        partial(plot_estimates, rows, references=(0.667, 0.8), quantity=_QUANTITY, note=facts.interval),
    )


def _check(spans: pd.DataFrame, lengths: Mapping[str, int], asked: pd.DataFrame | None) -> list[Fault]:
    wanted: dict[str, tuple[pd.DataFrame, tuple[str, ...]]] = {"spans": (spans, ("unit_id", "coder", "start", "end"))}
    wanted |= {} if asked is None else {"asked": (asked, ("unit_id", "coder"))}
    for where, (frame, columns) in wanted.items():
        if absent := [name for name in columns if name not in frame]:
            return [Fault(where, f"no column {name_some(absent)}", f"pass a frame with {', '.join(columns)}")]
    if not lengths:
        return [Fault("units", "there are none", "pass the units, or their texts by unit_id")]
    ids = spans["unit_id"].astype(str)
    faults = [
        Fault(
            "spans", f"column {column!r} holds several: {name_some(spans[column].unique())}", "choose the rows of one"
        )
        for column in ("draw", "variable", "list")
        if column in spans and spans[column].nunique() > 1
    ]
    if strange := sorted(set(ids) - set(lengths)):
        faults.append(Fault("spans", f"{name_some(strange)} are not among the units", "pass all units that were coded"))
    ends, most = spans["end"], ids.map(lengths)
    ordered = spans.sort_values(["unit_id", "coder", "start"], kind="stable")
    before = ordered.groupby(["unit_id", "coder"])["end"].transform(lambda place: place.cummax().shift())
    outside = spans["start"].isna() | ends.isna() | (spans["start"] < 0) | (ends > most) | (ends <= spans["start"])
    if (outside & most.notna()).any():
        mend = "leave out quotes that their text does not hold; `end` is the first character after the span"
        faults.append(Fault("spans", f"{int(outside.sum()):,} do not lie within their text", mend))
    elif len(over := ordered.loc[ordered["start"] < before, "unit_id"]):
        mend = "keep one of them, or ask type by type: spans[spans['type'] == 'PER']"
        faults.append(Fault("spans", f"spans of one coder overlap in {name_some(sorted(set(over.astype(str))))}", mend))
    if asked is not None:
        coded = set(zip(asked["unit_id"].astype(str), asked["coder"].astype(str), strict=True))
        if lost := {pair[0] for pair in zip(ids, spans["coder"].astype(str), strict=True) if pair not in coded}:
            faults.append(Fault("asked", f"it lacks coders with spans in {name_some(sorted(lost))}", "add them"))
    return faults


def _read_coders(
    spans: pd.DataFrame, lengths: Mapping[str, int], asked: pd.DataFrame | None
) -> dict[str, tuple[str, ...]]:
    """Who coded each unit."""
    if asked is None:
        every = tuple(sorted(spans["coder"].astype(str).unique()))
        return dict.fromkeys(lengths, every)
    groups = asked["coder"].astype(str).groupby(asked["unit_id"].astype(str))
    by_unit = {str(unit): tuple(sorted(set(names))) for unit, names in groups}
    return {unit: by_unit.get(unit, ()) for unit in lengths}


def add_spans(spans: pd.DataFrame, lengths: Mapping[str, int], coders: Mapping[str, Sequence[str]]) -> SpanSums:
    """The sums of each text with two or more coders."""
    types = ("", *sorted(spans["kind"].unique()))
    code = {name: at for at, name in enumerate(types)}
    marked: dict[tuple[str, str], list[_Span]] = {}
    columns = (spans[name] for name in ("unit_id", "coder", "start", "end", "kind"))
    for unit, coder, start, end, kind in zip(*columns, strict=True):
        marked.setdefault((str(unit), str(coder)), []).append((int(start), int(end), code[kind]))
    return SpanSums.of(
        types,
        [
            [_with_gaps(marked.get((unit, coder), []), lengths[unit]) for coder in coders[unit]]
            for unit in lengths
            if len(coders[unit]) > 1
        ],
    )


def _with_gaps(spans: Sequence[_Span], length: int) -> list[_Span]:
    """The spans of a text in order, with what lies between them."""
    segments, place = list[_Span](), 0
    for start, end, kind in sorted(spans):
        segments += [(place, start, GAP)] * (start > place) + [(start, end, kind)]
        place = end
    return segments + [(place, length, GAP)] * (length > place)


def _add_text(sums: SpanSums, at: int, segments: Sequence[Sequence[_Span]]) -> None:
    """Add what the coders of one text share; a gap has no parts of its own: each of its characters is one unit."""
    others = len(segments) - 1
    for i, mine in enumerate(segments):
        for start, end, kind in mine:
            sums.alone[at, kind] += (end - start) ** 2 if kind != GAP else end - start
        for theirs in (theirs for j, theirs in enumerate(segments) if j != i):
            both = [0] * len(mine)
            for place, kind, other, length in _intersect(mine, theirs):
                sums.met[at, kind, other] += length / others
                both[place] += length if GAP not in (kind, other) else 0
            for (_, _, kind), length in zip(mine, both, strict=True):
                sums.alone_met[at, kind] += length**2 / others


def _intersect(mine: Sequence[_Span], theirs: Sequence[_Span]) -> Iterator[tuple[int, int, int, int]]:
    """Parts that two segmentations share: the place of the segment, both types, and the length."""
    first, second = 0, 0
    while first < len(mine) and second < len(theirs):
        (start, end, kind), (from_, to, other) = mine[first], theirs[second]
        if (length := min(end, to) - max(start, from_)) > 0:
            yield first, kind, other, length
        first, second = (first + 1, second) if end <= to else (first, second + 1)


def unitizing_alphas(weights: Floats, sums: SpanSums) -> Floats:
    """u-alpha, |u-alpha, cu-alpha and the (k)u-alpha of each type, for any weights of the texts.

    Expected coincidences of types c and k are l (l_c l_k - [c = k] a_c) / (l^2 - sum a), with l the lengths and a the
    squared lengths of the segments (equations 4 and 10).

    `weights`: of the texts, shape (n_draws, n_texts).

    Returned: shape (n_draws, 3 + n_types).
    """
    n_types = len(sums.types)
    met = (weights @ sums.met.reshape(len(sums.met), -1)).reshape(-1, n_types, n_types)
    expected = _expect(met, weights @ sums.alone)
    whole = [_lack(met), _lack(expected)]
    binary = [met[:, GAP, 1:].sum(axis=1), expected[:, GAP, 1:].sum(axis=1)]
    typed = met[:, 1:, 1:]
    by_chance = _expect(typed, (weights @ sums.alone_met)[:, 1:])
    types = [_lack(typed), _lack(by_chance)]
    columns = [_alpha(*pair) for pair in (whole, binary, types)]
    for at in range(n_types - 1):
        observed, chance = typed[:, at].sum(axis=1), by_chance[:, at].sum(axis=1)
        share = _divide(observed - typed[:, at, at], observed)
        columns.append(_alpha(share, _divide(chance - by_chance[:, at, at], chance)))
    return np.stack(columns, axis=1)


def _expect(met: Floats, alone: Floats) -> Floats:
    """Expected coincidences of shape (n_draws, n_types, n_types), from the observed ones and the squared segments."""
    lengths = met.sum(axis=2)
    total = lengths.sum(axis=1)
    chance = lengths[:, :, None] * lengths[:, None, :]
    places = np.arange(met.shape[1])
    chance[:, places, places] -= alone
    return np.asarray(chance * _divide(total, total**2 - alone.sum(axis=1))[:, None, None])


def _lack(coincidences: Floats) -> Floats:
    """What is off the diagonal."""
    return np.asarray(coincidences.sum(axis=(1, 2)) - np.trace(coincidences, axis1=1, axis2=2))


def _alpha(observed: Floats, expected: Floats) -> Floats:
    return 1 - _divide(observed, expected)


def _divide(part: Floats, whole: Floats) -> Floats:
    return np.asarray(np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 1e-12))


def _list_rows(
    sums: SpanSums, spans: pd.DataFrame, coders: Mapping[str, Sequence[str]], bootstrap: Bootstrap
) -> Iterator[dict[str, Any]]:
    n_texts, named = len(sums.met), spans["kind"].value_counts()
    values = unitizing_alphas(np.ones((1, n_texts)), sums)[0] if n_texts else np.full(3 + len(sums.types), math.nan)
    drawn = bootstrap.replicates and n_texts > 1
    draws = _draw_replicates(sums, spans, coders, bootstrap) if drawn else np.empty((0, len(values)))
    total, lengths, typed = sums.met.sum(), sums.met.sum(axis=(0, 2)), sums.met[:, 1:, 1:].sum(axis=0)
    covered = [1.0, 1.0, typed.sum() / max(total, 1), *(typed.sum(axis=1) / np.maximum(lengths[1:], 1))]
    twice = {name for names in coders.values() if len(names) > 1 for name in names}
    heads = [(name, "") for name in _TITLES if name != "ku_alpha"] + [("ku_alpha", each) for each in sums.types[1:]]
    for at, (name, kind) in enumerate(heads):
        known = draws[:, at] if values[at] == values[at] else draws[:0, at]
        interval = percentile_interval(known, bootstrap.confidence, values[at], freedom=n_texts - 1)
        reason = _find_reason(values[at], n_texts, len(sums.types) - 1, name)
        few = "no interval: there is only one text" if n_texts == 1 and bootstrap.replicates else ""
        yield {
            **{"coefficient": name, "type": kind, "value": float(values[at])},
            **{"low": interval.low, "high": interval.high, "covered": float(covered[at])},
            **{"n_units": n_texts, "n_coders": len(twice)},
            **{"n_spans": int(named.get(kind, 0)) if kind else len(spans)},
            "reason": reason or few or (interval.reason if bootstrap.replicates else ""),
        }


def _draw_replicates(
    sums: SpanSums, spans: pd.DataFrame, coders: Mapping[str, Sequence[str]], bootstrap: Bootstrap
) -> Floats:
    """The alphas in replicates of the texts, (replicates, n), with room for what was not seen."""
    unseen, priors = _see_unseen(sums, spans, coders)
    wide = SpanSums(
        sums.types,
        *(np.concatenate([getattr(each, name) for each in (sums, unseen)]) for name in ("met", "alone", "alone_met")),
    )
    times = np.repeat([1, 0], [len(sums.met), len(priors)])
    prior = np.append(np.zeros(len(sums.met)), priors)
    settings = {"replicates": bootstrap.replicates, "seed": bootstrap.seed}
    return draw_replicates(times, lambda weights: unitizing_alphas(weights, wide), prior=prior, **settings)


def _see_unseen(sums: SpanSums, spans: pd.DataFrame, coders: Mapping[str, Sequence[str]]) -> tuple[SpanSums, Floats]:
    """Texts that could have come, and how many of each a replicate is given beforehand (`unseen_answers`).

    They are of mean length, with one span of a type. In some all coders mark it, in others one does not, or gives it
    another type.
    """
    n_types, several = len(sums.types) - 1, [len(names) for names in coders.values() if len(names) > 1]
    size = int(np.bincount(several).argmax())
    lengths = (spans["end"] - spans["start"]).groupby(spans["kind"]).median()
    whole = round(float(sums.met.sum()) / max(sum(several), 1))
    texts, priors = [], []
    for at, kind in enumerate(sums.types[1:], start=1):
        long = max(1, int(lengths[kind]))
        other = [(0, long, at % n_types + 1)] if n_types > 1 else []
        every = [(0, long, at)]
        apart = [[], other] if other else [[]]
        for first, share in [(every, ALIKE), *((each, APART / len(apart)) for each in apart)]:
            texts.append([_with_gaps(each, max(whole, long)) for each in (first, *[every] * (size - 1))])
            priors.append(share / n_types)
    return SpanSums.of(sums.types, texts), np.array(priors)


def _find_reason(value: float, n_texts: int, n_types: int, name: str) -> str:
    """Why a figure is undefined; empty where it is not."""
    if not math.isnan(value):
        return ""
    if not n_texts:
        return "no text was coded by two coders"
    if name in ("cu_alpha", "ku_alpha"):
        return "there is one type only" if n_types < 2 else "no two coders marked the same text with different types"
    return "all coders marked nothing, or everything"


def _say(frame: pd.DataFrame, places: int) -> str:
    first, binary, types = frame.head(3).to_dict("records")
    sizes = (
        f"{say_count(first['n_coders'], 'coder')}, {say_count(first['n_units'], 'text')}, {first['n_spans']:,} spans"
    )
    if math.isnan(first["value"]):
        return f"The agreement on spans is undefined: {first['reason']} ({sizes})."
    marked = say_figure(binary, "value", places)
    of_types = (
        f"; types where both marked {say_figure(types, 'value', places)}" if types["value"] == types["value"] else ""
    )
    return f"u-alpha of spans {say_figure(first, 'value', places)}: marked or not {marked}{of_types} ({sizes})."
