"""Snapshots as HTML tables and as plain text. Every text is escaped: names, notes and answers may hold anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from codebook.ground.quantities import say_count, say_percent, show_usd
from codebook.outputs.templating import render
from codebook.run.state import say_counts
from codebook.visible import spell_block
from codebook.widgets.board_tables import DIM, BoardTable, Cell, in_words, say_cost
from codebook.widgets.histories import errors_table, runs_table
from codebook.widgets.phrases import is_missing, kind_of_state, say_number, say_span, say_time, say_zone
from codebook.widgets.snapshot import Snapshot

if TYPE_CHECKING:
    import pandas as pd

N_ROWS = 50
"""So many jobs are shown at first."""
_N_RUNS = 20
_MEANINGS = {"planned": "never sent", "waiting": "waits for room", "completed": "ended"}
WIDTH, HEIGHT = 240, 56
_GAP, _WIDEST = 1.5, 60.0


def board_html(snapshot: Snapshot) -> str:
    """Return a snapshot as one page of tables."""
    jobs = jobs_table(snapshot.sorted()).html()
    parts = (as_of_html(snapshot), facts_html(snapshot), jobs, history_html(snapshot))
    return wrap("".join(parts), style=True)


def wrap(html: str, *, style: bool = False) -> str:
    """Return HTML that takes the look of a board, with its style or where that is on the page already."""
    return render("board.html.j2", html=html, style=style)


def as_of_html(snapshot: Snapshot) -> str:
    """Say when the snapshot was taken and whether the services were reached."""
    faults = [*(f"{run}: {message}" for run, message in snapshot.unreached.items()), *snapshot.unknown]
    notes = [(say_as_of(snapshot), ""), *((fault, "cb-note cb-warn") for fault in faults)]
    return render("board_words.html.j2", notes=notes)


def note_html(words: str, *, kind: str) -> str:
    """Return what is said above the buttons, with its class."""
    return wrap(render("board_words.html.j2", notes=[(words, kind)]))


def say_as_of(snapshot: Snapshot) -> str:
    """Say when the snapshot was taken, in words."""
    if not snapshot.polled:
        source = "from the ledger; no service was asked"
    elif snapshot.unreached:
        source = f"not reached for {say_count(len(snapshot.unreached), 'run')}: the last known state is shown"
    else:
        source = "every running job was asked" if snapshot.n_running else "no job is running, so no service was asked"
    return f"as of {snapshot.as_of.astimezone():%H:%M:%S} ({say_zone()}), {source}"


def facts_html(snapshot: Snapshot) -> str:
    """Return the totals: jobs by what they need, rates, speed and money."""
    title, lines, status = "", list[str](), snapshot.status
    if status is not None:
        title = f"{status.run}: {status.engine}, {status.model}"
        lines = [f"{name}: {say_counts(counts, status.n_packs)}" for name, counts in status.counts.items()]
        lines += [f"waits for answers to questions asked by {', '.join(status.waits_for)}"] * bool(status.waits_for)
        lines.append(status.advice)
    return render("board_facts.html.j2", title=title, words="\n".join(lines), facts=list_facts(snapshot))


def list_facts(snapshot: Snapshot) -> list[tuple[str, str]]:
    """Return (name, value) of each total."""
    jobs, runs = snapshot.jobs, snapshot.runs
    kinds = [kind_of_state(*row) for row in jobs[["state", "collected"]].itertuples(index=False, name=None)]
    names = {"unsent": "never sent", "waits": "wait for room", "runs": "running", "fetch": "to collect"}
    facts = [(name, f"{kinds.count(kind):,}") for kind, name in names.items() if kinds.count(kind)]
    facts.append(("jobs in all", f"{len(jobs):,}"))
    if finished := runs["finished"].sum():
        errors = (runs["error_rate"] * runs["finished"]).sum()
        facts += [
            ("labelled", say_percent(runs["labelled"].sum() / finished, 1)),
            ("no answer", say_percent(errors / finished, 1)),
        ]
    if len(runs) and runs["items_per_hour"].notna().any():
        newest = "" if snapshot.status else ", newest run"
        facts.append((f"answers per hour{newest}", say_number(runs["items_per_hour"].dropna().iloc[0])))
    facts += _money_facts(runs)
    if runs["reserved"].sum() > 0:
        facts.append(("reserved", show_usd(runs["reserved"].sum(), about=True)))
    return facts


def _money_facts(runs: pd.DataFrame) -> list[tuple[str, str]]:
    """What was paid, for how many answers the price is unknown, and what a label cost."""
    cost, n_labels, n_unpriced = runs["cost"].sum(min_count=1), runs["n_priced_labels"].sum(), runs["unpriced"].sum()
    facts = []
    if not is_missing(cost) and (cost or not n_unpriced):
        per_label = cost / n_labels if n_labels else None
        facts = [("paid", show_usd(cost, about=True)), ("cost per label", show_usd(per_label, about=True))]
    return facts + [("answers of unknown price", say_number(n_unpriced))] * bool(n_unpriced)


def jobs_table(snapshot: Snapshot, n_rows: int = N_ROWS) -> BoardTable:
    """Return the table of jobs, the first `n_rows` of them."""
    jobs = snapshot.jobs.head(n_rows)
    heads = ["run", "shard", "state", "answered", "made", "end", "cost", "engine, model", "job id", "note"]
    rows = [_job_row(row) for row in jobs.to_dict("records")]
    count = f" ({len(jobs):,} of {len(snapshot.jobs):,} shown)" if len(jobs) < len(snapshot.jobs) else ""
    none = "There are no jobs. Plan and submit a run, or choose other jobs."
    return BoardTable(f"Jobs{count}", heads, rows, ("shard", "cost"), none)


def _job_row(job: Mapping[Any, Any]) -> list[Cell]:
    state = job["state"]
    meaning = "late" if job["late"] else _MEANINGS.get(state, "")
    if state == "completed":
        meaning = "" if job["collected"] else "to collect"
    marked = [(state, f"cb-state cb-{kind_of_state(state, job['collected'])}"), (" ", ""), (meaning, DIM)]
    failed = f", {job['failed']:,} failed" if job["failed"] else ""
    return [
        in_words(job["run"], "name"),
        in_words(str(job["shard"]), "n"),
        Cell([marked]),
        Cell([[(f"{job['done']:,} of {job['requests']:,}{failed}", "")]], meter=job["share_done"]),
        _made(job),
        _end(job),
        say_cost(job),
        in_words(job["engine"], "name", below=job["model"]),
        in_words(job["job_id"], "id"),
        in_words(job["note"], "w"),
    ]


def _made(job: Mapping[Any, Any]) -> Cell:
    if is_missing(job["created"]):
        return Cell()
    age = "the clock was set back since" if is_missing(job["age"]) else f"{say_span(job['age'])} ago"
    return in_words(say_time(job["created"]), below=age)


def _end(job: Mapping[Any, Any]) -> Cell:
    """When a job ended or is expected to, by what, when it expires, and how long it waited and was worked on."""
    spans = (("queued", job["queued"]), ("worked on", job["worked"]))
    took = ", ".join(f"{name} {say_span(span)}" for name, span in spans if not is_missing(span))
    if not is_missing(job["ended"]):
        return in_words(f"ended {say_time(job['ended'])}", below=took)
    if not job["expected_from"]:
        return Cell()
    expires = f"expires {say_time(job['expires'])}" if not is_missing(job["expires"]) else ""
    unknown = is_missing(job["expected_end"])
    first = [] if unknown else [[(f"expected {say_time(job['expected_end'])}", "")]]
    rest = [f"{'' if unknown else 'by '}{job['expected_from']}", expires, took]
    return Cell([*first, *([(words, DIM)] for words in rest if words)])


def history_html(snapshot: Snapshot) -> str:
    """Return runs, commonest errors and small charts."""
    runs = runs_table(snapshot.runs, _N_RUNS).html() if len(snapshot.runs) else ""
    return plots_html(snapshot) + runs + errors_table(snapshot.errors).html()


def plots_html(snapshot: Snapshot) -> str:
    """Return the history as small charts: answers a day, cost a day, success by run."""
    days, runs = snapshot.days.tail(60), snapshot.runs.iloc[::-1].tail(40)
    names = [f"{day.day} {day:%b}" for day in days["day"]]
    ended = runs[runs["success_rate"].notna()]
    charts = [
        draw_bars("answers per day", names, list(days["answers"]), [say_number(n) for n in days["answers"]]),
        draw_bars("cost per day", names, list(days["cost"]), [show_usd(value, about=True) for value in days["cost"]]),
    ]
    if snapshot.status is None:
        rates, speeds = list(ended["success_rate"]), list(ended["items_per_hour"])
        charts.append(
            draw_bars("labelled, by run", list(ended["run"]), rates, [say_percent(rate, 1) for rate in rates])
        )
        charts.append(
            draw_bars("answers per hour, by run", list(ended["run"]), speeds, [say_number(n) for n in speeds])
        )
    return render("board_charts.html.j2", charts=[chart for chart in charts if chart])


def board_text(snapshot: Snapshot) -> str:
    """Return a snapshot as plain text."""
    facts = ", ".join(f"{name} {value}" for name, value in list_facts(snapshot))
    unreached = (f"{run}: {message}" for run, message in snapshot.unreached.items())
    lines = [say_as_of(snapshot), *unreached, *snapshot.unknown, facts]
    if snapshot.status is not None:
        lines.append(str(snapshot.status))
    lines.append(jobs_table(snapshot.sorted()).text())
    if (n_more := len(snapshot.jobs) - N_ROWS) > 0:
        lines.append(f"... {n_more:,} more")
    return spell_block("\n".join(lines))


def draw_bars(title: str, names: Sequence[str], values: Sequence[float], says: Sequence[str]) -> str:
    """Return a chart of one bar for each value, with what each says on hovering, and the most; '' for fewer than two.

    Parameters
    ----------
    names, values, says
        (n,) each; a value that is missing has no bar.

    Examples
    --------
    >>> chart = draw_bars("answers per day", ["1 Nov", "2 Nov"], [10.0, 30.0], ["10", "30"])
    >>> chart.count("<rect"), "answers per day" in chart
    (2, True)
    """
    known = [(n, value) for n, value in enumerate(values) if value == value]
    if len(known) < 2:
        return ""
    most = max(value for _, value in known) or 1.0
    step = min(_WIDEST, WIDTH / len(values))
    heights = [(n, max(1.0, value / most * (HEIGHT - 2))) for n, value in known]
    bars = [(n * step, HEIGHT - 1 - height, height, f"{names[n]}: {says[n]}") for n, height in heights]
    return render(
        "board_bars.html.j2",
        title=title,
        top=says[max(known, key=lambda pair: pair[1])[0]],
        label=f"{title}: {', '.join(f'{names[n]} {says[n]}' for n, _ in known[-12:])}",
        bars=bars,
        bar_width=max(0.8, step - _GAP),
        size=(WIDTH, HEIGHT, max(120, step * len(values))),
        ends=[names[0], *names[1:][-1:]],
    )
