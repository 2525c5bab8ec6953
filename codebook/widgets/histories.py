"""Runs, errors and costs of the project as tables in words: of all that their frames hold, what a person looks at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from codebook.ground.quantities import say_percent, show_usd
from codebook.ground.whys import WHYS
from codebook.outputs.templating import render
from codebook.run import cost_history, list_errors, summarise_runs
from codebook.widgets.board_tables import DIM, BoardTable, Cell, in_words, say_cost
from codebook.widgets.phrases import is_missing, say_number, say_time

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False)
class HistoryView:
    """A frame of the project that shows its main columns in words; `frame` has every column and digit.

    Examples
    --------
    >>> import codebook as cb
    >>> view = cb.widgets.show_runs()
    >>> view.frame["run"].tolist()
    ['topics']
    """

    frame: pd.DataFrame
    table: BoardTable

    def __repr__(self) -> str:
        return self.table.text()

    def _repr_html_(self) -> str:
        return render("board.html.j2", html=self.table.html(), style=True)


def show_runs(run: str = "") -> HistoryView:
    """Show the runs of the project, or one with its versions: what was asked, how it ended and what it cost.

    `frame` is that of `summarise_runs`.

    Examples
    --------
    >>> import codebook as cb
    >>> show_runs().frame["run"].tolist()
    ['topics']
    """
    runs = summarise_runs(run=run)
    return HistoryView(runs, runs_table(runs))


def show_errors(run: str = "", *, limit: int = 20) -> HistoryView:
    """Show the commonest reasons why an answer is not a label; `frame` is that of `list_errors`.

    Examples
    --------
    >>> import codebook as cb
    >>> len(show_errors().frame)
    0
    """
    errors = list_errors(run=run, limit=limit)
    return HistoryView(errors, errors_table(errors))


def show_costs(by: str = "day", *, run: str = "") -> HistoryView:
    """Show what was paid by day, engine, model or run; `frame` is that of `cost_history`.

    Examples
    --------
    >>> import codebook as cb
    >>> show_costs("engine").frame["answers"].tolist()
    [12]
    """
    costs = cost_history(by, run=run)
    return HistoryView(costs, costs_table(costs))


def runs_table(runs: pd.DataFrame, n_rows: int | None = None) -> BoardTable:
    """Return the table of runs, the first `n_rows` of them."""
    first = runs.head(len(runs) if n_rows is None else n_rows)
    heads = ["run", "answered by", "asked", "labelled", "without a label", "tokens", "cost", "answers per hour"]
    rows = [_run_row(row) for row in first.to_dict("records")]
    count = f" ({len(first)} newest of {len(runs):,})" if len(first) < len(runs) else ""
    numbers = ("asked", "labelled", "tokens", "cost", "answers per hour")
    return BoardTable(f"Runs{count}", [*heads, "last answer"], rows, numbers, "No run yet.")


def _run_row(run: Mapping[Any, Any]) -> list[Cell]:
    success = "" if is_missing(run["success_rate"]) else f"{say_percent(run['success_rate'], 1)} of what ended"
    return [
        in_words(run["run"], "name", below=run["study"]),
        in_words(run["models"] or run["model"], "name", below=run["engine"]),
        in_words(say_number(run["asked"]), "n"),
        in_words(say_number(run["labelled"]), "n", below=success),
        in_words(", ".join(f"{run[why]:,} {why}" for why in WHYS if run[why]), "name"),
        _tokens(run),
        _with_share(say_cost(run), run["cost_per_label"]),
        in_words(say_number(run["items_per_hour"]), "n"),
        in_words(say_time(run["last_ended"])),
    ]


def _tokens(row: Mapping[Any, Any]) -> Cell:
    """Tokens in and out; nothing where no reply tells them."""
    if is_missing(row["tokens_in"]) or not row["tokens_in"]:
        return Cell()
    return in_words(f"{say_number(row['tokens_in'])} in", "n", below=f"{say_number(row['tokens_out'])} out")


def _with_share(cost: Cell, per_label: Any) -> Cell:
    """What was paid, and of it a label."""
    return (
        cost
        if is_missing(per_label)
        else Cell([*cost.lines, [(f"{show_usd(per_label, about=True)} per label", DIM)]], cost.kind)
    )


def errors_table(errors: pd.DataFrame) -> BoardTable:
    """Return the commonest reasons why an answer is no label."""
    heads = ["number", "share", "why", "message", "runs", "for example"]
    rows = [
        [
            in_words(say_number(row["n"]), "n", below=f"{row['n_final']:,} final" if row["n_final"] else ""),
            in_words(say_percent(row["share"], 1), "n"),
            in_words(row["why"]),
            in_words(row["detail"], "w"),
            in_words(say_number(row["runs"]), "n"),
            in_words(row["example"], "id"),
        ]
        for row in errors.to_dict("records")
    ]
    return BoardTable("Commonest errors" if rows else "Errors", heads, rows, ("number", "share", "runs"), "None.")


def costs_table(costs: pd.DataFrame) -> BoardTable:
    """Return what was paid, in a row for each day, engine, model or run."""
    by = str(costs.columns[0])
    heads = [by, "answers", "labelled", "tokens", "cost", "saved by batches"]
    rows = [
        [
            in_words(f"{row[by].day} {row[by]:%b %Y}" if by == "day" else str(row[by]), "" if by == "day" else "name"),
            in_words(say_number(row["answers"]), "n"),
            in_words(say_number(row["labelled"]), "n"),
            _tokens(row),
            _with_share(say_cost(row | {"unpriced": row["n_unpriced"]}), row["cost_per_label"]),
            in_words(show_usd(row["saved"], about=True), "n"),
        ]
        for row in costs.to_dict("records")
    ]
    return BoardTable(f"Costs by {by}", heads, rows, heads[1:], "There are no answers yet.")
