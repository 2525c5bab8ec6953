"""The finding of a grid under each specification: the regression, agreement and validity, and what is said of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from codebook.analysis.against_gold.validity_tables import validity
from codebook.analysis.core.codings import RANDOM, Codings
from codebook.analysis.core.estimates import Bootstrap
from codebook.analysis.correction.finding_changes import CORRECTED, NAIVE
from codebook.analysis.correction.inputs import LabelColumns
from codebook.analysis.correction.regression import correct
from codebook.analysis.reliability.agreement_tables import reliability
from codebook.analysis.robustness.specification_curve import summarise_specifications
from codebook.analysis.robustness.specification_drawing import name_choices
from codebook.ground.quantities import format_figure, say_count, say_percent
from codebook.study.grid_settings import GridSettings

if TYPE_CHECKING:
    import pandas as pd

_QUIET = Bootstrap(0)


def set_beside(frame: pd.DataFrame, by: str) -> pd.DataFrame:
    """One row for each specification: agreement, accuracy, and the estimates with intervals, naive and corrected."""
    named = name_choices(frame).set_index("specification")
    held = ["agreement", "accuracy"]
    shown = named.groupby(level=0)[["model", "prompt", "aggregation", *held]].first()
    for source in named[by].unique() if by else [""]:
        part = named[named[by] == source] if by else named
        called = {NAIVE: "naive", CORRECTED: "corrected"}.get(source, "estimate")
        figures = part[["estimate", "low", "high"]].set_axis([called, f"{called}_low", f"{called}_high"], axis=1)
        shown = shown.join(figures)
    if by:  # naive and corrected side by side, and behind them what would part them on a page
        shown = shown[[*shown.columns.drop(held), *held]]
    shown = shown.rename(columns={"prompt": "codebook", "aggregation": "labels"}).reset_index(drop=True)
    return shown.drop(columns=["accuracy"] if shown["accuracy"].isna().all() else [])


def say_agreement(frame: pd.DataFrame, by: str = "") -> Iterator[str]:
    """Say where the estimates lie, and how many agree with the main one in sign, and in sign and significance.

    Examples
    --------
    >>> import pandas as pd
    >>> print(*say_agreement(pd.DataFrame({"estimate": [1.0, 2, -1], "significant": [1.0, 0, 1]})))
    Over 3 specifications the estimate is 1.00 at the median, from −1.00 to 2.00; 67 % are significant. With the main \
one 67 % agree in sign, 33 % in sign and significance.
    >>> print(*say_agreement(pd.DataFrame({"estimate": [1.0], "significant": [0.0]})))
    Over 1 specification the estimate is 1.00, and not significant.
    """
    for source, part in frame.groupby(by, sort=False) if by else [("", frame)]:
        known = part[part["estimate"].notna()]
        whose = {NAIVE: f"From {NAIVE}: over", CORRECTED: "Corrected: over"}.get(str(source), "Over")
        if not len(known):
            yield f"{whose} {say_count(len(part), 'specification')} no estimate is defined."
            continue
        summary = summarise_specifications(known).iloc[0]
        figures = [summary[name] for name in ("median", "lowest", "highest")]
        middle, low, high = (format_figure(figure, 2, "amount") for figure in figures)
        if source == CORRECTED and len(known) > 1 and known["estimate"].max() - known["estimate"].min() < 1e-9:
            yield f"Corrected, it is {middle} under each: every unit has a gold label, and gold alone counts."
            continue
        if len(known) == 1:
            word = {1.0: ", and significant", 0.0: ", and not significant"}.get(known["significant"].iloc[0], "")
            yield f"{whose} 1 specification the estimate is {middle}{word}."
            continue
        signs = known["estimate"] * known["estimate"].iloc[0] > 0
        both = signs & (known["significant"] == known["significant"].iloc[0])
        sure, agree, wholly = map(say_percent, (summary["share_significant"], signs.mean(), both.mean()))
        yield (
            f"{whose} {len(known):,} specifications the estimate is {middle} at the median, from {low} to {high}; "
            f"{sure} are significant. With the main one {agree} agree in sign, {wholly} in sign and significance."
        )


class GridFinding:
    """The finding of a grid, as `specifications` asks it: the regression with agreement and validity beside it."""

    def __init__(self, codings: Codings, settings: GridSettings) -> None:
        self.settings, self.label = settings, settings.label or next(iter(codings.variable.labels or ("",)))
        self.gold = codings.frame[codings.frame["coder"] == codings.gold]
        every = codings.frame["unit_id"].nunique()
        if codings.sample is None and self.gold.loc[self.gold["label"].notna(), "unit_id"].nunique() == every:
            codings = codings.with_sample(RANDOM)
        self.corrects = codings.sample is not None and len(self.gold) > 0
        self.by = "source" if self.corrects else ""
        self.codings = codings.with_word_counts() if "n_words" in settings.formula else codings
        self.name = codings.name_label(self.label)
        self.title = f"{self.name}, {settings.formula}"
        self._main: pd.DataFrame | None = None

    def __call__(self, labels: pd.DataFrame) -> pd.DataFrame:
        """Return the estimate from the labels of one specification: naive, and corrected where it can be."""
        rows = self._of_run(labels)
        figures = {**self._agree(rows), **self._hold_against_gold(rows)}
        return self._regress(rows, labels).assign(**figures, quantity=self.quantity)

    @property
    def term(self) -> str:
        """The coefficient that is looked at: the first on the right-hand side."""
        return self.settings.formula.partition("~")[2].split("+")[0].split("|")[0].strip() or "Intercept"

    @property
    def quantity(self) -> str:
        """What the estimate is, in words."""
        outcome = self.settings.formula.partition("~")[0].strip()
        outcome = {"n_words": "number of words", "label": f"share of {self.name}"}.get(outcome, outcome)
        if self.settings.formula.partition("~")[2].strip() == "label":
            return f"{outcome}: units with {self.name} less those without"
        return f"{outcome}: coefficient of {self.name if self.term == 'label' else self.term}"

    def _of_run(self, labels: pd.DataFrame, coder: str = "labels") -> pd.DataFrame:
        variable = self.codings.variable.name
        why = labels["label"].isna().map({True: "absent", False: None})
        return labels[["unit_id", "label"]].assign(coder=coder, variable=variable, draw=0, why=why)

    def _beside(self, *frames: pd.DataFrame, models: Sequence[str] = ("labels",)) -> Codings:
        import pandas as pd

        return replace(self.codings, frame=pd.concat(frames, ignore_index=True), models=tuple(models))

    def _agree(self, rows: pd.DataFrame) -> Mapping[str, float]:
        """Alpha with the labels of the main specification."""
        if self._main is None:
            self._main = rows.assign(coder="main")
            return {"agreement": 1.0}
        both = self._beside(self._main, rows, models=("main", "labels"))
        table = reliability(replace(both, gold="", sample=None), coefficients=["alpha"], resample=_QUIET).frame
        return {"agreement": float(table["value"].iloc[0])}

    def _hold_against_gold(self, rows: pd.DataFrame) -> Mapping[str, float]:
        names = {"accuracy": "accuracy", "macro_f1": "macro_f1", "gold_alpha": "alpha"}
        if not len(self.gold):
            return dict.fromkeys(names, float("nan"))
        table = validity(self._beside(rows, self.gold), "labels", resample=_QUIET).frame
        return {name: float(table[column].iloc[0]) if len(table) else float("nan") for name, column in names.items()}

    def _regress(self, rows: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
        if self.corrects:
            frame = correct(self._beside(rows, self.gold), self.settings.formula, label=self.label).frame
        else:
            frame = self._fit_naively(labels)
        sources = [NAIVE, CORRECTED] if self.corrects else [NAIVE]
        chosen = frame[(frame["coefficient"] == self.term) & frame["source"].isin(sources)]
        wanted = ["source", "estimate", "low", "high", "p", "n", "reason"]
        return chosen[wanted if self.corrects else wanted[1:]].reset_index(drop=True)

    def _fit_naively(self, labels: pd.DataFrame) -> pd.DataFrame:
        """The regression on the model's labels as if they were right: as `correct` fits it beside gold."""
        known = labels[labels["label"].notna()].set_index("unit_id")
        data = known.join(self.codings.by_unit).reset_index()
        data["label"] = (data["label"] == self.label).astype(float)
        columns = LabelColumns("label", "predicted")
        return correct(data.assign(predicted=data["label"], prob=1.0), self.settings.formula, columns=columns).frame
