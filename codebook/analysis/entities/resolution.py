"""One door to entity resolution: names in, and out come entities, how good they are, and what a person must decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import pandas as pd

from codebook.analysis.core.codings import Codings
from codebook.analysis.core.estimates import Bootstrap
from codebook.analysis.core.result import Facts, Result
from codebook.analysis.entities.blocking import Blocking, candidate_pairs
from codebook.analysis.entities.combine import PairModel, combine_scores, fit_pairs, mean_weights
from codebook.analysis.entities.curve import choose_threshold, pair_curve
from codebook.analysis.entities.evaluation import REPLICATES, compare_ways, evaluate_clusters, evaluate_links
from codebook.analysis.entities.linking import DECISIONS
from codebook.analysis.entities.mention_links import LinkRules, link_mentions
from codebook.analysis.entities.name_lists import Names
from codebook.analysis.entities.review import apply_adjudication, grey_pairs, review_table
from codebook.analysis.entities.scores import BASELINE, score_pairs
from codebook.errors import ParameterError
from codebook.ground.quantities import say_count

_UNKNOWN = "No truth is known of these names: weights and thresholds are guesses, and nothing says how good they are."


def resolve_entities(
    names: Names,
    *,
    rules: LinkRules | None = None,
    blocking: Blocking | None = None,
    compare: Mapping[str, str] | Sequence[str] | None = None,
    hints: str = "",
    precision: float = 0.0,
    resample: Bootstrap = REPLICATES,
) -> Resolution:
    """Find which names stand for the same entity: pairs, their scores, the threshold, and who is whom.

    Where the truth of the names is known, half of the entities choose weights and threshold and the other half test
    them; else the scores are averaged and the thresholds are those of `rules`.

    Parameters
    ----------
    rules
        When names are one entity, and when a person decides.
    blocking
        Which pairs are looked at.
    compare, hints
        Columns that are compared too, as in `score_pairs`; `compare` may also be texts such as "price: number".
    precision
        Least precision of the threshold, on the half it is chosen on. Where no threshold has it, the one with the
        largest F1 is taken, and a note of `Resolution.threshold` says so.
    resample
        Of the entities; its seed also splits them in halves.

    Examples
    --------
    >>> mentions = pd.DataFrame({"mention_id": ["a", "b", "c"], "name": ["Niger (the)", "NIGER", "France"]})
    >>> resolution = resolve_entities(Names(mentions))
    >>> resolution.frame[["name", "canonical", "decision"]].to_numpy().tolist()
    [['Niger (the)', 'NIGER', 'matched'], ['NIGER', 'NIGER', 'matched'], ['France', 'France', 'new']]
    """
    rules = rules or LinkRules()
    scores = score_pairs(candidate_pairs(names, blocking), names, compare=_read_compare(compare), hints=hints)
    if names.truth is None:
        scores = combine_scores(scores)
        return Resolution(names, scores, rules, link_mentions(names, scores, rules), resample=resample)
    model = fit_pairs(scores, names.truth, seed=resample.seed)
    scores = combine_scores(scores, model)
    one_to_one = rules.one_to_one
    curve = pair_curve(scores, names.truth, one_to_one=one_to_one, resample=resample, folder=names.outputs)
    curve = replace(curve, title=names.entitle(curve.title))
    if rules.accept is None:
        accept, remark = _choose(curve.frame, precision)
        rules, curve = replace(rules, accept=accept), replace(curve, remarks=(*curve.remarks, *remark))
    return Resolution(names, scores, rules, link_mentions(names, scores, rules), model, curve, resample)


def _read_compare(compare: Mapping[str, str] | Sequence[str] | None) -> Mapping[str, str]:
    if compare is None or isinstance(compare, Mapping):
        return compare or {}
    return {column.strip(): way.strip() for column, _, way in (text.rpartition(":") for text in compare)}


def _choose(curve: pd.DataFrame, precision: float) -> tuple[float, tuple[str, ...]]:
    """The threshold, and what is to be said of it."""
    try:
        accept = choose_threshold(curve, precision=precision)
    except ParameterError:
        rows = curve[(curve["score"] == "score") & (curve["half"] == "choose") & (curve["n_pairs"] > 0)]
        most, accept = rows["precision"].max(), choose_threshold(curve)
        return accept, (
            f"No threshold has a precision of {precision:g} on the half it is chosen on (at most {most:.2f}): names "
            f"are matched from a score of {accept:g} on, where F1 is largest.",
        )
    if not precision:
        return accept, ()
    return accept, (
        f"Names are matched from a score of {accept:g} on: the best F1 with a precision of {precision:g} or more.",
    )


@dataclass(frozen=True, repr=False)
class Resolution:
    """What was decided of each name, and what it was decided by.

    `frame` is that of `link_mentions`, `scores` that of `combine_scores`; `rules` have the threshold that was taken.
    `model` and `curve` are there where the truth is known.
    """

    names: Names
    scores: pd.DataFrame
    rules: LinkRules
    frame: pd.DataFrame
    model: PairModel | None = None
    curve: Result | None = None
    resample: Bootstrap = REPLICATES

    @property
    def weights(self) -> Result:
        """How much each score says: weights of the model, or of the mean where no pair is labelled."""
        if self.model is None:
            mean = pd.Series(mean_weights(self.scores))
            table, finding = pd.DataFrame({"score": mean.index, "weight": mean.to_numpy()}), _UNKNOWN
        else:
            table = self.model.table()
            pairs = f"{say_count(self.model.n_same, 'pair')} of one entity and {self.model.n_different:,} of two"
            finding = f"The weights are those of a logistic regression on {pairs}, from one half of the entities."
        return self._result(table, "pair_weights", "Weights of the scores", finding)

    @property
    def threshold(self) -> Result:
        """Precision, recall and F1 over the threshold, with the figure."""
        return self.curve or self._nothing("pair_curve", "Precision, recall and F1 by threshold")

    @property
    def entities(self) -> Result:
        """Each name with its entity, its decision, and the runner-up."""
        note = ("One row per name; a name in review has no entity until a person decides.",)
        table = self.frame[["name", "canonical", "decision", "score", "runner_up", "why"]]
        return replace(self._result(self.frame, "entities", "Names and entities", f"{self}"), remarks=note, table=table)

    @cached_property
    def evaluation(self) -> Result:
        """Links (with a list) or clusters against the truth, beside what shared words alone would get."""
        listed = self.names.entities is not None
        if self.names.truth is None or self.curve is None:
            return self._nothing("links" if listed else "clusters", "Entities against the truth")
        judge = evaluate_links if listed else evaluate_clusters
        words = self.scores.assign(score=self.scores[BASELINE])
        least = replace(self.rules, accept=choose_threshold(self.curve.frame, BASELINE), review=None, ask=False)
        ways = {"all scores": self.frame, "shared words (baseline)": link_mentions(self.names, words, least)}
        truth = self.names.truth
        results = {way: judge(frame, truth, half="test", resample=self.resample) for way, frame in ways.items()}
        result = compare_ways(results, self.names.outputs)
        return replace(result, title=self.names.entitle(result.title))

    @property
    def review(self) -> Result:
        """The names that were left to a person, each with the two entities that fit best and why it is open."""
        frame = review_table(self.frame)
        title, n_open = "For a person", int(frame["n_mentions"].sum())
        if not n_open:
            return self._nothing("review", title, "No name is left to a person.")
        names, verb = say_count(len(frame), "different name"), "is" if len(frame) == 1 else "are"
        finding = f"{names} ({say_count(n_open, 'mention')}) {verb} left to a person."
        note = ("One row per form that was left open, with the two entities that fit best.",)
        table = frame[["name", "why", "candidate", "score", "runner_up", "runner_up_score", "n_mentions"]]
        return replace(self._result(frame, "review", title, finding), remarks=note, table=table)

    def grey_pairs(self, low: float = 0.05, columns: Sequence[str] = ()) -> Result:
        """The pairs of the names in review, as units for a coder; `judged` takes the labels back.

        Parameters
        ----------
        low
            Least score.
        columns
            Of both tables, shown beside the names.
        """
        frame = grey_pairs(self.scores, self.names, resolved=self.frame, low=low, columns=columns)
        note = ("A coder, person or model, may judge these pairs: they are units of a codebook.",)
        result = self._result(frame, "grey_pairs", "Pairs to be judged", f"Open: {say_count(len(frame), 'pair')}.")
        return replace(result, remarks=note, table=frame[["text", "score"]])

    @property
    def spellings(self) -> Result:
        """The entities by the number of names that they go by, those with most names first."""
        known = self.frame.dropna(subset="canonical")
        names = known.groupby("canonical")["name"]
        forms = names.agg(lambda part: "; ".join(sorted(set(part))))
        table = pd.DataFrame({"n_forms": names.nunique(), "n_mentions": names.size(), "forms": forms})
        frame = table.sort_values(["n_forms", "n_mentions"], ascending=False, kind="stable").reset_index()
        finding = f"{len(frame):,} entities, {(frame['n_forms'] > 1).sum():,} of them by more than one name."
        return self._result(frame, "spellings", "Entities by their names", finding)

    def judged(self, labels: Codings | pd.DataFrame, variable: str = "same") -> Resolution:
        """The resolution with what coders said of `grey_pairs`: a pair that is the same is one entity."""
        scores = apply_adjudication(self.scores, labels, variable=variable)
        return replace(self, scores=scores, frame=link_mentions(self.names, scores, self.rules))

    def __repr__(self) -> str:
        counts = self.frame["decision"].value_counts().reindex(list(DECISIONS), fill_value=0)
        words = {"matched": "matched", "new": "new", "review": "left to a person"}
        parts = ", ".join(f"{counts[decision]:,} {word}" for decision, word in words.items())
        return f"{say_count(len(self.frame), 'name')}: {parts}."

    def _result(self, frame: pd.DataFrame, name: str, title: str, finding: str) -> Result:
        title, outputs = self.names.entitle(title), self.names.outputs
        return Result(frame, name, title, "entities", Facts(len(frame)), finding, outputs=outputs)

    def _nothing(self, name: str, title: str, reason: str = _UNKNOWN) -> Result:
        return replace(self._result(pd.DataFrame(), name, title, reason), facts=Facts(nothing=reason))
