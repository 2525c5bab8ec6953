"""Snapshots as HTML tables and as plain text. Every text is escaped: names, notes and answers may hold anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from codebook.run.state import say_counts
from codebook.visible import escape_block, spell_block
from codebook.widgets.phrases import (
    is_missing,
    kind_of_state,
    say_count,
    say_number,
    say_share,
    say_span,
    say_time,
    say_usd,
    say_zone,
)
from codebook.widgets.snapshot import Snapshot

if TYPE_CHECKING:
    import pandas as pd

N_ROWS = 50
"""So many jobs are shown at first."""
_N_RUNS = 20
_MEANINGS = {"planned": "never sent", "waiting": "waits for room", "completed": "ended"}
Cell = tuple[str, str]  # the class of a cell, and its HTML
STYLE = """<style>
.cb-board { font-family: var(--jp-ui-font-family, system-ui, sans-serif); font-size: 13px; line-height: 1.4;
  color: var(--jp-ui-font-color1, #1b1b1b); }
.cb-board h4 { margin: 12px 0 4px; font-size: 13px; font-weight: 600; }
.cb-board table { border-collapse: collapse; margin: 0; font-size: 12px; width: auto; border: 0; }
.cb-board .cb-scroll { overflow-x: auto; max-height: 420px; overflow-y: auto; }
.cb-board th, .cb-board td { text-align: left; vertical-align: top; padding: 3px 8px 3px 0; white-space: nowrap;
  border: 0; border-bottom: 1px solid var(--jp-border-color2, #e0e0e0); background: none;
  color: var(--jp-ui-font-color1, #1b1b1b); }
.cb-board th { position: sticky; top: 0; font-weight: 600; background: var(--jp-layout-color0, #fff); z-index: 1;
  border-bottom: 1px solid var(--jp-border-color0, #9e9e9e); }
.cb-board th.n, .cb-board td.n { text-align: right; font-variant-numeric: tabular-nums; }
.cb-board td.w { white-space: normal; min-width: 10em; max-width: 32em; overflow-wrap: anywhere; }
.cb-board td.id { white-space: normal; min-width: 16em; max-width: 24em; overflow-wrap: anywhere;
  font-family: var(--jp-code-font-family, monospace); font-size: 11px; }
.cb-board .cb-dim, .cb-board .cb-ends, .cb-board figcaption span { color: var(--jp-ui-font-color2, #616161); }
.cb-board .cb-state { border-left: 4px solid var(--jp-border-color0, #9e9e9e); padding-left: 6px; }
.cb-board .cb-runs { border-color: var(--jp-brand-color1, #1976d2); }
.cb-board .cb-fetch, .cb-board .cb-waits { border-color: var(--jp-warn-color1, #f57c00); }
.cb-board .cb-done { border-color: var(--jp-success-color1, #388e3c); }
.cb-board .cb-bad { border-color: var(--jp-error-color1, #d32f2f); }
.cb-board .cb-meter { display: inline-block; width: 52px; height: 7px; margin-right: 6px;
  background: var(--jp-layout-color3, #bdbdbd); vertical-align: 1px; }
.cb-board .cb-meter i { display: block; height: 100%; background: var(--jp-brand-color1, #1976d2); }
.cb-board .cb-facts { display: flex; flex-wrap: wrap; gap: 2px 22px; margin: 6px 0; padding: 0; }
.cb-board .cb-facts div { display: flex; flex-direction: column; }
.cb-board .cb-facts b { font-size: 15px; font-weight: 600; }
.cb-board .cb-plots { display: flex; flex-wrap: wrap; gap: 8px 28px; }
.cb-board figure { margin: 0; } .cb-board figcaption { font-size: 12px; margin-bottom: 2px; }
.cb-board svg rect { fill: var(--jp-brand-color1, #1976d2); }
.cb-board svg line { stroke: var(--jp-border-color0, #9e9e9e); stroke-width: 1; }
.cb-board .cb-ends { display: flex; justify-content: space-between; font-size: 11px; }
.cb-board .cb-note { border-left: 4px solid var(--jp-brand-color1, #1976d2); padding: 4px 10px; margin: 4px 0;
  white-space: pre-wrap; overflow-wrap: anywhere; background: var(--jp-layout-color2, #eee); }
.cb-board .cb-warn { border-color: var(--jp-error-color1, #d32f2f); }
.cb-board .cb-lines { white-space: pre-wrap; margin: 4px 0; }
</style>"""
WIDTH, HEIGHT = 240, 56
_GAP, _WIDEST = 1.5, 60.0


def board_html(snapshot: Snapshot, n_rows: int = N_ROWS) -> str:
    """Return a snapshot as one page of tables."""
    parts = (as_of_html(snapshot), facts_html(snapshot), jobs_html(snapshot, n_rows), history_html(snapshot))
    return STYLE + wrap("".join(parts))


def wrap(html: str) -> str:
    """Return HTML that takes the look of a board, where `STYLE` is on the page; mathematics is not looked for in it."""
    return f'<div class="cb-board tex2jax_ignore mathjax_ignore">{html}</div>'


def as_of_html(snapshot: Snapshot) -> str:
    """Say when the snapshot was taken and whether the services were reached."""
    said = f"<div>{escape_block(say_as_of(snapshot))}</div>"
    faults = [*(f"{run}: {message}" for run, message in snapshot.unreached.items()), *snapshot.unknown]
    return said + "".join(f'<div class="cb-note cb-warn">{escape_block(fault)}</div>' for fault in faults)


def say_as_of(snapshot: Snapshot) -> str:
    """Say when the snapshot was taken, in words."""
    if not snapshot.polled:
        asked = "from the ledger; no service was asked"
    elif snapshot.unreached:
        asked = f"not reached for {say_count(len(snapshot.unreached), 'run')}: the last known state is shown"
    else:
        asked = "every running job was asked" if snapshot.n_running else "nothing runs, so nothing had to be asked"
    return f"as of {snapshot.as_of.astimezone():%H:%M:%S} ({say_zone()}), {asked}"


def facts_html(snapshot: Snapshot) -> str:
    """Return the totals: jobs by what they need, rates, speed and money."""
    facts = "".join(
        f"<div><b>{escape_block(value)}</b>{escape_block(name)}</div>" for name, value in list_facts(snapshot)
    )
    if snapshot.status is None:
        return f'<div class="cb-facts">{facts}</div>'
    status = snapshot.status
    lines = [f"{name}: {say_counts(counts, status.n_packs)}" for name, counts in status.counts.items()]
    lines += [f"waits for answers that were asked by {', '.join(status.waits_for)}"] * bool(status.waits_for)
    said = escape_block("\n".join([*lines, status.advice]))
    return (
        f'<h4>{escape_block(f"{status.run}: {status.engine}, {status.model}")}</h4><div class="cb-lines">{said}</div>'
        + (f'<div class="cb-facts">{facts}</div>')
    )


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
            ("labelled", say_share(runs["labelled"].sum() / finished)),
            ("no answer", say_share(errors / finished)),
        ]
    if len(runs) and runs["items_per_hour"].notna().any():
        newest = "" if snapshot.status else ", newest run"
        facts.append((f"answers an hour{newest}", say_number(runs["items_per_hour"].dropna().iloc[0])))
    facts += _money_facts(runs)
    if runs["reserved"].sum() > 0:
        facts.append(("reserved", say_usd(runs["reserved"].sum())))
    return facts


def _money_facts(runs: pd.DataFrame) -> list[tuple[str, str]]:
    """What was paid, for how many answers the price is unknown, and what a label cost."""
    cost, n_labels, n_unpriced = runs["cost"].sum(min_count=1), runs["n_priced_labels"].sum(), runs["unpriced"].sum()
    facts = []
    if not is_missing(cost) and (cost or not n_unpriced):
        per_label = cost / n_labels if n_labels else None
        facts = [("paid", say_usd(cost)), ("cost a label", say_usd(per_label))]
    return facts + [("answers of unknown price", say_number(n_unpriced))] * bool(n_unpriced)


def jobs_html(snapshot: Snapshot, n_rows: int = N_ROWS) -> str:
    """Return the table of jobs, the first `n_rows` of them."""
    shown = snapshot.jobs.head(n_rows)
    if shown.empty:
        return "<h4>Jobs</h4><div>None. Plan and submit a run, or choose other jobs.</div>"
    heads = ["run", "shard", "state", "answered", "made", "end", "cost", "engine, model", "job id", "note"]
    rows = (_job_row(row) for row in shown.to_dict("records"))
    count = f" ({len(shown):,} of {len(snapshot.jobs):,} shown)" if len(shown) < len(snapshot.jobs) else ""
    return f"<h4>Jobs{count}</h4>" + table_html(heads, rows, numbers=("shard", "cost"))


def _job_row(job: Mapping[Any, Any]) -> list[Cell]:
    state = job["state"]
    meaning = "late" if job["late"] else _MEANINGS.get(state, "")
    if state == "completed":
        meaning = "" if job["collected"] else "to collect"
    said = f' <span class="cb-dim">{escape_block(meaning)}</span>' if meaning else ""
    return [
        ("", escape_block(job["run"])),
        ("n", str(job["shard"])),
        ("", f'<span class="cb-state cb-{kind_of_state(state, job["collected"])}">{escape_block(state)}</span>{said}'),
        ("", _answered(job)),
        ("", _made(job)),
        ("", _end(job)),
        ("n", _cost(job)),
        ("", f'{escape_block(job["engine"])}<br><span class="cb-dim">{escape_block(job["model"])}</span>'),
        ("id", escape_block(job["job_id"])),
        ("w", escape_block(job["note"])),
    ]


def _answered(job: Mapping[Any, Any]) -> str:
    meter = f'<span class="cb-meter"><i style="width:{100 * job["share_done"]:.0f}%"></i></span>'
    failed = f", {job['failed']:,} failed" if job["failed"] else ""
    return f"{meter}{job['done']:,} of {job['requests']:,}{failed}"


def _made(job: Mapping[Any, Any]) -> str:
    if is_missing(job["created"]):
        return ""
    age = "the clock was put back since" if is_missing(job["age"]) else f"{say_span(job['age'])} ago"
    return f'{say_time(job["created"])}<br><span class="cb-dim">{age}</span>'


def _end(job: Mapping[Any, Any]) -> str:
    if not is_missing(job["ended"]):
        return f'ended {say_time(job["ended"])}<span class="cb-dim">{_took(job)}</span>'
    if not job["expected_from"]:
        return ""
    expires = f"<br>expires {say_time(job['expires'])}" if not is_missing(job["expires"]) else ""
    expires += _took(job)
    if is_missing(job["expected_end"]):
        return f'<span class="cb-dim">{escape_block(job["expected_from"])}{expires}</span>'
    rests = f"by {escape_block(job['expected_from'])}{expires}"
    return f'expected {say_time(job["expected_end"])}<br><span class="cb-dim">{rests}</span>'


def _took(job: Mapping[Any, Any]) -> str:
    """How long a job waited and was worked on, as far as the service says so."""
    spans = (("queued", job["queued"]), ("worked on", job["worked"]))
    known = [f"{name} {say_span(span)}" for name, span in spans if not is_missing(span)]
    return f"<br>{', '.join(known)}" if known else ""


def _cost(job: Mapping[Any, Any]) -> str:
    if is_missing(job["cost"]) and not is_missing(job["reserved"]):
        return f'{say_usd(job["reserved"])}<br><span class="cb-dim">reserved</span>'
    return _say_cost(job)


def _say_cost(row: Mapping[Any, Any]) -> str:
    """What is known to be paid, and how many answers are not in it."""
    if not row["unpriced"]:
        return say_usd(row["cost"])
    unknown = f"{say_number(row['unpriced'])} of unknown price"
    return f'{say_usd(row["cost"])}<br><span class="cb-dim">and {unknown}</span>' if row["cost"] else unknown


def history_html(snapshot: Snapshot) -> str:
    """Return runs, commonest errors and small charts."""
    return plots_html(snapshot) + runs_html(snapshot) + errors_html(snapshot.errors)


def runs_html(snapshot: Snapshot) -> str:
    """Return the table of runs."""
    runs = snapshot.runs.head(_N_RUNS)
    if runs.empty:
        return ""
    heads = ["run", "study", "asked", "labelled", "success", "no answer", "pending", "answers an hour"]
    heads += ["tokens in", "tokens out", "cost", "cost a label", "answered by"]
    rows = (_run_row(row) for row in runs.to_dict("records"))
    count = f" ({len(runs)} newest of {len(snapshot.runs):,})" if len(runs) < len(snapshot.runs) else ""
    return f"<h4>Runs{count}</h4>" + table_html(heads, rows, numbers=tuple(heads[2:-1]))


def _run_row(run: Mapping[Any, Any]) -> list[Cell]:
    numbers = [
        say_number(run["asked"]),
        say_number(run["labelled"]),
        say_share(run["success_rate"]),
        say_share(run["error_rate"]),
        say_number(run["pending"]),
        say_number(run["items_per_hour"]),
        say_number(run["tokens_in"]),
        say_number(run["tokens_out"]),
        _say_cost(run),
        say_usd(run["cost_per_label"]),
    ]
    texts = [("", escape_block(run["run"])), ("", escape_block(run["study"]))]
    return [*texts, *(("n", number) for number in numbers), ("", escape_block(run["models"] or run["model"]))]


def errors_html(errors: pd.DataFrame) -> str:
    """Return the commonest reasons why an answer is no label."""
    if errors.empty:
        return "<h4>Errors</h4><div>None.</div>"
    rows = (
        [
            ("n", say_number(row["n"])),
            ("n", say_share(row["share"])),
            ("", escape_block(row["why"])),
            ("n", say_number(row["status"])),
            ("w", escape_block(row["detail"])),
            ("n", say_number(row["runs"])),
            ("id", escape_block(row["example"])),
        ]
        for row in errors.to_dict("records")
    )
    heads = ["number", "share", "why", "status", "detail", "runs", "for example"]
    return "<h4>Commonest errors</h4>" + table_html(heads, rows, numbers=("number", "share", "status", "runs"))


def plots_html(snapshot: Snapshot) -> str:
    """Return the history as small charts: answers a day, cost a day, success by run."""
    days, runs = snapshot.days.tail(60), snapshot.runs.iloc[::-1].tail(40)
    names = [f"{day.day} {day:%b}" for day in days["day"]]
    ended = runs[runs["success_rate"].notna()]
    charts = [
        draw_bars("answers a day", names, list(days["answers"]), [say_number(n) for n in days["answers"]]),
        draw_bars("cost a day", names, list(days["cost"]), [say_usd(value) for value in days["cost"]]),
    ]
    if snapshot.status is None:
        rates, speeds = list(ended["success_rate"]), list(ended["items_per_hour"])
        charts.append(draw_bars("labelled, by run", list(ended["run"]), rates, [say_share(rate) for rate in rates]))
        charts.append(draw_bars("answers an hour, by run", list(ended["run"]), speeds, [say_number(n) for n in speeds]))
    drawn = "".join(charts)
    return f'<h4>History</h4><div class="cb-plots">{drawn}</div>' if drawn else ""


def table_html(heads: Sequence[str], rows: Iterable[Sequence[Cell]], numbers: Sequence[str] = ()) -> str:
    """Return a table without its empty columns; the cells are HTML already, the heads are not."""
    body = list(rows)
    kept = [n for n in range(len(heads)) if any(row[n][1] not in ("", "–") for row in body)]
    head = "".join(f'<th{" class=n" * (heads[n] in numbers)} scope="col">{escape_block(heads[n])}</th>' for n in kept)
    lines = "".join(f"<tr>{''.join(_cell(row[n]) for n in kept)}</tr>" for row in body)
    return f'<div class="cb-scroll"><table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table></div>'


def _cell(cell: Cell) -> str:
    kind, html = cell
    return f"<td class={kind}>{html}</td>" if kind else f"<td>{html}</td>"


def board_text(snapshot: Snapshot, n_rows: int = N_ROWS) -> str:
    """Return a snapshot as plain text."""
    facts = ", ".join(f"{name} {value}" for name, value in list_facts(snapshot))
    unreached = (f"{run}: {message}" for run, message in snapshot.unreached.items())
    lines = [say_as_of(snapshot), *unreached, *snapshot.unknown, facts]
    if snapshot.status is not None:
        lines.append(str(snapshot.status))
    columns = [
        "run",
        "shard",
        "state",
        "requests",
        "done",
        "failed",
        "created",
        "ended",
        "expected_end",
        "cost",
        "job_id",
    ]
    jobs = snapshot.jobs.head(n_rows)[columns]
    times = {name: [say_time(moment) for moment in jobs[name]] for name in ("created", "ended", "expected_end")}
    jobs = jobs.assign(**times, cost=[say_usd(value) for value in jobs["cost"]])
    lines.append(jobs.to_string(index=False) if len(jobs) else "no jobs")
    if len(jobs) < len(snapshot.jobs):
        lines.append(f"... {len(snapshot.jobs) - len(jobs):,} more")
    return spell_block("\n".join(lines))


def draw_bars(title: str, names: Sequence[str], values: Sequence[float], says: Sequence[str]) -> str:
    """Return a chart of one bar for each value, with what each says on hovering, and the most; '' for fewer than two.

    Parameters
    ----------
    names, values, says
        (n,) each; a value that is missing has no bar.

    Examples
    --------
    >>> chart = draw_bars("answers a day", ["1 Nov", "2 Nov"], [10.0, 30.0], ["10", "30"])
    >>> chart.count("<rect"), "answers a day" in chart
    (2, True)
    """
    known = [(n, value) for n, value in enumerate(values) if value == value]
    if len(known) < 2:
        return ""
    most = max(value for _, value in known) or 1.0
    step = min(_WIDEST, WIDTH / len(values))
    bars = "".join(_bar(n * step, step - _GAP, value / most, f"{names[n]}: {says[n]}") for n, value in known)
    top = says[max(known, key=lambda pair: pair[1])[0]]
    last = f"<span>{escape_block(names[-1])}</span>" if len(names) > 1 else ""
    ends = f'<div class="cb-ends" style="width:{max(120, step * len(values)):.0f}px">'
    label = escape_block(f"{title}: {', '.join(f'{names[n]} {says[n]}' for n, _ in known[-12:])}")
    return (
        f'<figure class="cb-plot"><figcaption>{escape_block(title)} <span>most: {escape_block(top)}</span></figcaption>'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="{label}">'
        f'{bars}<line x1="0" y1="{HEIGHT - 0.5}" x2="{WIDTH}" y2="{HEIGHT - 0.5}"/></svg>'
        f"{ends}<span>{escape_block(names[0])}</span>{last}</div></figure>"
    )


def _bar(x: float, width: float, share: float, says: str) -> str:
    height = max(1.0, share * (HEIGHT - 2))
    place = f'x="{x:.1f}" y="{HEIGHT - 1 - height:.1f}" width="{max(0.8, width):.1f}" height="{height:.1f}"'
    return f"<rect {place}><title>{escape_block(says)}</title></rect>"
