"""Runs of the project set side by side, by their names: versions, prompts, models, codebooks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codebook.files.run_versions import split_version
from codebook.run.verbs import Run, open_exact, open_run

if TYPE_CHECKING:
    from codebook.analysis.core.estimates import Bootstrap
    from codebook.analysis.core.result import Result


def compare_runs(
    runs: str | Sequence[str],
    by: str = "",
    *,
    coders: str | Path = "",
    gold: str = "gold",
    variable: str = "",
    part: str = "dev",
    resample: Bootstrap | None = None,
) -> Result:
    """Set runs side by side on the units that all of them have: how much they agree, what changed, which is better.

    Parameters
    ----------
    runs
        Names of two or more; the others are held against the first. A single name is its newest version, held against
        the version before; beside that version, it is the first.
    by
        "": a row for each run. `cost`: the cost of 1,000 labels of each beside its accuracy, and which runs no other
        beats in both. `label`: which label became which, how often. `unit`: the units whose label changed, with the
        label by each run, the gold and the text. `share`, or a formula such as "n_words ~ label": the share of each
        label, or the regression, by the first run and by the last, and the difference with its interval, of one
        variable.
    coders, gold
        A `coders.yaml` with the labels of people, and who of them is the gold: then accuracy is told, too.
    variable
        One variable; empty for all that the runs share.
    part
        Of a gold sample. Runs are chosen on `dev`; on `test` only once the instrument is final.
    resample
        How the intervals are made; `Bootstrap()` where it is not given.

    Returns
    -------
    Result
        By run: variable, run, model, n_units, n_labelled (by the first run and this one), n_changed (of those), then
        against the first run alpha and percent, of gold accuracy and the paired difference to the first run, each with
        _low and _high; p of McNemar's test; cost (of its answers, whoever asked for them), paid (by itself), both in
        USD, seconds of its jobs; differs, what it has otherwise than the first; reason. By cost: variable, run, model,
        n_labels, cost and cost_per_1000 (USD, 0 where nobody charges, missing where it is unknown), n_gold, accuracy
        with _low and _high, on_frontier, reason why it is not drawn. By label: variable, run, before,
        after, n, share. By unit: variable, unit_id, a column for each run, gold, text.

        By share or formula: that of `changed_findings`.

    Raises
    ------
    RunError
        There is no such run.
    ParameterError
        The runs share no unit or no variable; or a run occurs twice.

    Examples
    --------
    >>> import codebook as cb
    >>> other = cb.plan("codebook.yaml", cb.open_study().open_units(), run="again")
    >>> status = other.submit()
    >>> status = other.collect()
    >>> compare_runs(["topics", "again"], "unit").finding
    'No label differs: topics and again give the same label to all 12 units.'
    """
    from codebook.analysis.core.estimates import Bootstrap
    from codebook.run.comparing import compare_views

    names = [runs] if isinstance(runs, str) else list(runs)
    opened = [_open_beside(name, names) for name in names]
    if len(opened) == 1 and (before := opened[0].before):
        opened.insert(0, before)
    options: dict[str, Any] = {"coders": coders, "gold": gold, "variable": variable, "part": part}
    return compare_views(opened, by, **options, resample=resample or Bootstrap())


def _open_beside(name: str, names: Sequence[str]) -> Run:
    """The run of a name as a list of runs shows it: `topics` beside `topics.v2`, its newest, is the first version."""
    run = open_run(name)
    is_bare = split_version(run.name)[0] == name
    return open_exact(name) if is_bare and run.name != name and run.name in names else run
