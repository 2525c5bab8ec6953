"""The verbs of a run, on an engine whose answers and jobs are ordered by the tests."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import orjson
import pandas as pd
import pytest
from fakes.scripted import MODEL, Scripted, asked_lines, make_book, register, result_ids

from codebook.codings import count_coverage, read_table
from codebook.dialects import fence, read_prompt
from codebook.errors import (
    BusyError,
    ParameterError,
    PendingError,
    RecordError,
    ReplayError,
    RunError,
    UnitsError,
)
from codebook.files.lines import digest_file, read_lines
from codebook.ground.whys import WHYS
from codebook.ledger import Ledger
from codebook.records import CHAT, RESPONSES, Unit
from codebook.run import Run, RunStatus, cost_history, list_runs, open_run, plan
from codebook.sampling import draw_gold
from codebook.scheme import Codebook
from codebook.shards import Cuts, check_shard
from codebook.units import read_units

TOPIC = make_book("topic")
PLAIN = [Unit(f"u{n}", f"Sentence number {n} about coal.") for n in range(10)]
BAD = {
    "refuse": "refused",
    "filter": "refused",
    "truncate": "truncated",
    "outside": "invalid",
    "notjson": "invalid",
    "empty": "invalid",
    "400": "failed",
    "500": "failed",
    "expired": "expired",
    "drop": "absent",
}
MIXED = [*PLAIN, *(Unit(f"bad {order}", f"Orders: [{order}]") for order in BAD), Unit("nothing", " \n")]


@pytest.fixture(autouse=True)
def _engine(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch)


def plan_run(
    project: Path, units: Iterable[Unit] = PLAIN, book: Codebook = TOPIC, run: str = "one", **options: Any
) -> Run:
    return plan(book, list(units), run=run, **{"engine": "scripted", **options})


def finish(run: Run) -> pd.DataFrame:
    run.submit()
    run.collect()
    return run.table()


def mark(run: Run, name: str) -> Path:
    run.folder.work.mkdir(parents=True, exist_ok=True)
    marker = run.folder.work / name
    marker.touch()
    return marker


def count_whys(table: pd.DataFrame) -> dict[str, int]:
    return Counter(table["why"].fillna(""))


def check_sums(run: Run) -> RunStatus:
    """Status, table, coverage and `run.json` must tell the same, in every state of a run."""
    status, table = run.status(), run.table()
    counts = count_coverage(table)
    assert status.n_rows == len(table) == counts["asked"].sum()
    for name, whys in status.counts.items():
        rows = table[table["variable"] == name]
        assert {why: n for why, n in whys.items() if n} == count_whys(rows), name
        total = counts[counts["variable"] == name].sum(numeric_only=True)
        assert total["asked"] == total["labelled"] + sum(total[why] for why in WHYS) == len(rows)
        assert f"{len(rows):,} asked = " in str(status)
    assert "<script" not in status._repr_html_()
    return status


def snapshot(project: Path) -> dict[str, Any]:
    """All that a repeated verb may not change: rows of the ledger, and the files of all runs by their digests."""
    with sqlite3.connect(project / "runs" / "ledger.db") as db:
        names = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = {name: db.execute(f"SELECT * FROM {name}").fetchall() for name in names}
    db.close()
    files = {
        path.relative_to(project).as_posix(): digest_file(path)
        for path in sorted((project / "runs").rglob("*"))
        if path.is_file() and not path.name.endswith(".lock") and "ledger.db" not in path.name
    }
    return {"rows": rows, "files": files}


# --- every state sums


def test_every_why_appears_and_coverage_sums_in_every_state(project: Path) -> None:
    run = plan_run(project, MIXED, cuts=Cuts(n_requests=8))
    assert check_sums(run).counts["topic"] == {"pending": 20, "absent": 1}
    assert run.status().advice == "Next: codebook submit one."

    hang = mark(run, "hang")
    run.submit()
    assert check_sums(run).n_pending == 20
    with pytest.raises(PendingError, match=r"20 of 21 answers .* Next: codebook collect one, now or later"):
        run.collect()
    assert check_sums(run).n_pending == 20
    assert run.collect(partial=True).n_pending == 20
    assert count_whys(read_table(run.folder.table_path)) == {"pending": 20, "absent": 1}

    hang.unlink()
    status = run.collect()
    table = run.table().set_index("unit_id")
    assert {unit_id: table.loc[f"bad {unit_id}", "why"] for unit_id in BAD} == BAD
    assert table["label"].notna().sum() == len(PLAIN) == status.counts["topic"][""]
    assert table.loc["nothing", ["why", "detail"]].tolist() == ["absent", "the text is empty"]
    assert table.loc["bad outside", "raw"] == '{"label":"chess"}'
    assert "'chess' is not in the codebook" in table.loc["bad outside", "detail"]
    assert table.loc["bad 400", "detail"] == "400: as the text orders"
    assert check_sums(run).done
    assert "retry asks exactly those again" in status.advice


@pytest.mark.parametrize("url", [CHAT, RESPONSES])
def test_all_kinds_of_variables_through_to_the_table(project: Path, url: str) -> None:
    run = plan_run(project, PLAIN, make_book(), url=url)
    table = finish(run)
    assert check_sums(run).n_rows == 30
    assert table["label"].notna().all()
    assert set(table["model"]) == {MODEL}
    assert set(table["coder"]) == {f"{MODEL}@{run.codebook.digest[:8]}"}
    by_variable = {name: set(rows["label"]) for name, rows in table.groupby("variable")}
    assert by_variable["topic"] <= {"coal", "sports", "travel", "unclear"}
    assert by_variable["tone"] <= {"-1", "0", "1"}
    for label in by_variable["frames"]:
        chosen = orjson.loads(label)
        assert chosen == [name for name in ("moral", "conflict", "economy") if name in chosen]
    assert read_table(run.folder.table_path).equals(table)


def test_the_units_lines_and_places_join_whatever_order_the_answers_came_in(project: Path) -> None:
    """The engine hands its result files out in reversed order, some lines twice, some that nobody asked for."""
    plain = finish(plan_run(project, PLAIN, run="plain")).set_index("unit_id")["label"]
    odd = [Unit("twice", "Say [twice]"), Unit("stranger", "Say [stranger]")]
    run = plan_run(project, [*reversed(PLAIN), *odd], make_book("topic", "tone"), run="odd")
    table = finish(run)
    topics = table[table["variable"] == "topic"].set_index("unit_id")["label"]
    assert topics[plain.index].equals(plain)
    assert check_sums(run).done
    events = [what for _, verb, what in run.record["answered"]["events"] if verb == "collect"]
    assert any("1 line answers nothing that was asked, such as nobody.asked" in what for what in events), events


def test_each_variable_has_one_coder_by_one_name_where_several_models_answer(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = Scripted._answer_one

    def answer_as_two(self: Scripted, line: dict[str, Any]) -> Any:
        result = answer(self, line)
        if isinstance(result, dict) and result["response"] and "model" in result["response"]["body"]:
            result["response"]["body"]["model"] = f"scripted-{line['custom_id'].partition('.')[0]}"
        return result

    monkeypatch.setattr(Scripted, "_answer_one", answer_as_two)
    units = [Unit("a", "Coal."), Unit("b", "Gas."), Unit("c", "[500] Wind."), Unit("d", " "), Unit("e", "[400] Oil.")]
    run = plan(make_book("topic", "tone"), units, run="one", engine="scripted")
    run.submit()
    run.collect()
    table = run.table()
    assert Counter(table["why"].fillna("")) == {"": 4, "failed": 4, "absent": 2}
    for name in ("topic", "tone"):
        assert set(table.loc[table["variable"] == name, "coder"].str.partition("@")[0]) == {f"scripted-{name}"}
        covered = run.coverage().frame
        assert list(covered.loc[covered["variable"] == name, "coder"]) == [f"scripted-{name}"]
    sample = draw_gold(run.codings().of("topic"), 5, "by_label")
    assert {"(absent)", "(failed)"} < set(sample.frame["stratum"]), "no label is a stratum, too"
    costs = cost_history("model")
    assert sorted(costs["model"]) == ["scripted-tone", "scripted-topic"]
    assert costs["answers"].sum() == 8, "those that failed stand with a name"


def test_a_job_that_expired_keeps_what_it_answered(project: Path) -> None:
    run = plan_run(project, PLAIN)
    expire = mark(run, "expire")
    run.submit()
    status = run.collect()
    assert status.jobs[0].state == "expired"
    assert check_sums(run).counts["topic"] == {"": 3, "expired": 7}
    kept = run.table().dropna(subset="label")
    expire.unlink()
    assert run.retry() == 7
    finish(run)
    assert check_sums(run).counts["topic"] == {"": 10}
    after = run.table()
    assert after.set_index("unit_id").loc[kept["unit_id"], "label"].tolist() == kept["label"].tolist()
    assert len(asked_lines(run.folder.path)) == len(set(asked_lines(run.folder.path))) == 10


def test_a_job_that_failed_as_a_whole_can_be_collected_and_retried(project: Path) -> None:
    run = plan_run(project, PLAIN)
    fail = mark(run, "fail")
    run.submit()
    status = run.collect()
    assert status.counts["topic"] == {"failed": 10}
    assert set(run.table()["detail"]) == {"token_limit_exceeded: too many tokens are enqueued"}
    fail.unlink()
    assert run.retry() == 10
    finish(run)
    assert check_sums(run).counts["topic"] == {"": 10}


def test_a_job_whose_work_folder_is_lost_is_failed_and_can_be_retried(project: Path) -> None:
    run = plan_run(project, PLAIN)
    run.submit()
    for path in run.folder.work.iterdir():
        path.unlink()
    assert run.collect().counts["topic"] == {"failed": 10}
    assert "knows no job" in run.table().loc[0, "detail"]
    assert run.retry() == 10
    finish(run)
    assert check_sums(run).counts["topic"] == {"": 10}


# --- repeating verbs


def _plan(run: Run) -> Any:
    return plan_run(run.folder.runs.parent, MIXED, make_book("topic", "frames"), draws=2, cuts=Cuts(n_requests=30))


VERBS: dict[str, Callable[[Run], Any]] = {
    "plan": _plan,
    "submit": lambda run: run.submit(),
    "status": lambda run: run.status(poll=True),
    "collect": lambda run: run.collect(),
    "partial": lambda run: run.collect(partial=True),
    "cancel": lambda run: run.cancel(),
    "table": lambda run: run.table(),
}


def test_repeating_verbs_in_any_order_changes_nothing_that_is_done(project: Path) -> None:
    run = plan_run(project, MIXED, make_book("topic", "frames"), draws=2, cuts=Cuts(n_requests=30))
    planned = snapshot(project)
    for verb in ("plan", "status", "table", "plan"):
        VERBS[verb](run)
    assert snapshot(project) == planned
    run.submit()
    submitted = snapshot(project)
    for verb in ("submit", "plan", "status", "submit", "table"):
        VERBS[verb](run)
    assert snapshot(project) == submitted
    run.collect()
    collected = snapshot(project)
    orders = ("collect", "submit", "plan", "cancel", "status", "partial", "cancel", "collect", "submit", "table")
    for verb in (*orders, *reversed(orders)):
        VERBS[verb](open_run("one"))
        assert snapshot(project) == collected, verb
    assert max(Counter(result_ids(run.folder.path)).values()) == 1


def test_collect_before_submit_loses_nothing(project: Path) -> None:
    run = plan_run(project, PLAIN)
    with pytest.raises(PendingError, match=r"Next: codebook submit one\."):
        run.collect()
    finish(run)
    assert check_sums(run).done


# --- retry


def test_retry_asks_exactly_the_chosen_and_good_labels_stay(project: Path) -> None:
    units = [
        *PLAIN,
        Unit("once", "[500 once]"),
        Unit("always", "[500]"),
        Unit("no", "[refuse]"),
        Unit("gone", "[drop]"),
    ]
    run = plan_run(project, units, cuts=Cuts(n_requests=4))
    before = finish(run).set_index("unit_id")
    n_asked = len(asked_lines(project))

    assert run.retry() == 3
    assert run.retry() == 0
    assert "Next: codebook submit one." in str(check_sums(run))
    after = finish(run).set_index("unit_id")
    again = [line.split(".")[1] for line in asked_lines(project)[n_asked:]]
    assert sorted(again) == ["always", "gone", "once"]
    assert after.loc["once", "label"] in TOPIC.variables[0].labels
    assert after["why"].dropna().to_dict() == {"always": "failed", "no": "refused", "gone": "absent"}
    assert after.loc["always", "detail"] == "500: as the text orders"
    good = before.index[before["label"].notna()]
    assert after.loc[good, ["label", "request_id", "batch_id"]].equals(
        before.loc[good, ["label", "request_id", "batch_id"]]
    )
    assert check_sums(run).counts["topic"] == {"": 11, "failed": 1, "refused": 1, "absent": 1}

    assert run.retry(["refused"]) == 1
    finish(run)
    assert check_sums(run).counts["topic"]["refused"] == 1


def test_a_text_that_comes_again_shards_later_is_asked_once_in_a_new_project_and_in_a_used_one(project: Path) -> None:
    units = [*(Unit(f"u{n}", f"Sentence number {n}.") for n in range(300)), Unit("again", "Sentence number 7.")]
    for name, n_asked in (("one", 300), ("two", 0)):
        run = plan_run(project, units, run=name, cuts=Cuts(n_requests=100))
        assert sum(len(list(read_lines(path))) for path in run.folder.shards.glob("*.jsonl")) == n_asked
        labels = finish(run).set_index("unit_id")["label"]
        assert labels["again"] == labels["u7"]


def test_retry_of_what_cannot_be_retried_lists_what_can(project: Path) -> None:
    run = plan_run(project, PLAIN)
    with pytest.raises(ParameterError, match=r"'pending'.*use failed, expired, cancelled, absent, refused"):
        run.retry(["pending"])


def test_retry_copies_questions_that_other_runs_asked_under_the_same_name(project: Path) -> None:
    """Unit 1 has another text in the second run; the third waits for both of its questions, and both fail."""
    first = plan_run(project, [Unit("1", "[500] first")], run="first")
    second = plan_run(project, [Unit("1", "[500] second")], run="second")
    hanging = [mark(run, "hang") for run in (first, second)]
    first.submit()
    second.submit()
    third = plan_run(project, [Unit("1", "[500] second"), Unit("9", "[500] first")], run="third")
    assert not third.status().jobs
    for hang in hanging:
        hang.unlink()
    first.collect()
    second.collect()
    assert third.retry() == 2
    (shard,) = third.folder.shards.iterdir()
    assert [line["custom_id"].split(".")[1] for line in read_lines(shard)] == ["9", "1"]
    finish(third)
    for run in (first, second, third):
        assert set(check_sums(run).counts["topic"]) == {"failed"}


def test_retry_needs_the_old_shard_unchanged(project: Path) -> None:
    run = plan_run(project, [Unit("1", "[500]")])
    finish(run)
    (shard,) = run.folder.shards.iterdir()
    shard.write_bytes(shard.read_bytes().replace(b"[500]", b"[503]"))
    before = snapshot(project)["rows"]
    with pytest.raises(RecordError, match="restore it from a backup"):
        run.retry()
    assert snapshot(project)["rows"] == before


# --- cancel


def test_cancel_before_submit_gives_up_and_retry_takes_it_up_again(project: Path) -> None:
    run = plan_run(project, MIXED, cuts=Cuts(n_requests=8))
    status = run.cancel()
    assert check_sums(run).counts["topic"] == {"cancelled": 20, "absent": 1}
    assert [job.state for job in status.jobs] == ["cancelled"] * 3
    run.submit()
    run.collect()
    assert asked_lines(project) == []
    assert run.retry() == 20
    finish(run)
    assert check_sums(run).counts["topic"][""] == 10


def test_cancel_while_a_job_hangs_keeps_what_it_answered(project: Path) -> None:
    run = plan_run(project, PLAIN)
    hang = mark(run, "hang")
    run.submit()
    run.cancel()
    assert check_sums(run).n_pending == 10
    hang.unlink()
    run.collect()
    assert check_sums(run).counts["topic"] == {"": 10}


def test_cancel_from_elsewhere_during_submit_sends_no_further_shard(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = plan_run(project, PLAIN, cuts=Cuts(n_requests=4))
    answer = Scripted.answer

    def cancel_meanwhile(self: Scripted, lines: list[dict[str, Any]]) -> Any:
        open_run("one").cancel()
        return answer(self, lines)

    monkeypatch.setattr(Scripted, "answer", cancel_meanwhile)
    run.submit()
    run.collect()
    assert len(asked_lines(project)) == 3
    assert check_sums(run).counts["topic"] == {"": 3, "cancelled": 7}


@pytest.mark.parametrize("known", [True, False], ids=["the engine has the job", "it never reached the engine"])
def test_cancel_settles_a_submit_that_was_interrupted(
    project: Path, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    run = plan_run(project, PLAIN)
    with monkeypatch.context() as broken:
        method = "answer" if known else "prepare"
        broken.setattr(Scripted, method, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            run.submit()
    assert run.status().jobs[0].state == "creating"
    run.cancel()
    run.collect()
    assert check_sums(run).counts["topic"] == {"cancelled": 10}
    assert run.submit().counts["topic"] == {"cancelled": 10}
    assert asked_lines(project) == []


# --- units


def test_units_that_cannot_be_asked_are_rows_and_in_no_shard(project: Path) -> None:
    rows = "id,text\n1,Coal.\n2,\n3,  \n4," + "long " * 50 + "\n"
    (project / "texts.csv").write_text(rows, encoding="utf-8")
    source = read_units(project / "texts.csv", id_column="id", text_column="text", max_chars=100)
    run = plan(make_book("topic", "tone"), source, run="one", engine="scripted", draws=2)
    sent = [line["custom_id"] for path in run.folder.shards.iterdir() for line in read_lines(path)]
    assert {name.split(".")[1] for name in sent} == {"1"}
    assert len(sent) == 4
    table = finish(run)
    assert len(table) == 16
    assert check_sums(run).counts["topic"] == {"": 2, "absent": 6}
    details = dict(zip(table["unit_id"], table["detail"], strict=True))
    assert details["2"] == details["3"] == "the text is empty"
    assert "more than max_chars = 100" in details["4"]
    assert run.retry() == 0


def test_equal_texts_are_one_request_and_two_labelled_rows(project: Path) -> None:
    run = plan_run(project, [Unit("a", "Coal is cheap."), Unit("b", "Coal is cheap."), Unit("c", "Other.")])
    table = finish(run).set_index("unit_id")
    assert len(asked_lines(project)) == 2
    assert table["label"].notna().all()
    assert table.loc["a", "label"] == table.loc["b", "label"]
    assert table.loc["a", "custom_id"] != table.loc["b", "custom_id"]


def test_draws_are_asked_each(project: Path) -> None:
    run = plan_run(project, PLAIN, draws=3)
    table = finish(run)
    assert len(set(asked_lines(project))) == 30
    assert table.groupby("unit_id")["draw"].apply(list).tolist() == [[0, 1, 2]] * 10


def test_ids_that_repeat_are_refused(project: Path) -> None:
    with pytest.raises(ParameterError, match="give every unit an id of its own"):
        plan_run(project, [Unit("a", "x"), Unit("a", "y")])
    (project / "texts.csv").write_text("id,text\n1,a\n1,b\n", encoding="utf-8")
    with pytest.raises(UnitsError, match="ids must be unique, texts may repeat"):
        plan(TOPIC, read_units(project / "texts.csv", id_column="id", text_column="text"), engine="scripted")
    assert list_runs(project) == []


@pytest.mark.parametrize(
    ("options", "mend"),
    [
        ({"draws": 0}, "ask each question at least once"),
        ({"limit": -1}, "give 0 for all units"),
        ({"url": "/v1/embeddings"}, "use '/v1/chat/completions' or '/v1/responses'"),
        ({"engine": "scriptd"}, "did you mean 'scripted'"),
        ({"run": "../elsewhere"}, "use letters, digits"),
        ({"units": []}, "check the filter"),
        ({"units": [Unit(" ", "Coal.")]}, "give every unit an id"),
        ({"units": [Unit("1", "half \ud83d")]}, "decode the text anew"),
        ({"cuts": Cuts(n_bytes=100)}, "shorten the unit"),
    ],
)
def test_a_plan_with_faults_says_the_mend(project: Path, options: dict[str, Any], mend: str) -> None:
    with pytest.raises((ParameterError, RecordError), match=mend):
        plan_run(project, **{"units": PLAIN, **options})


def test_shards_are_cut_and_hold_what_a_service_takes(project: Path) -> None:
    run = plan_run(project, PLAIN, make_book(), cuts=Cuts(n_requests=7))
    paths = sorted(run.folder.shards.iterdir())
    assert [sum(1 for _ in read_lines(path)) for path in paths] == [7, 7, 7, 7, 2]
    assert [check_shard(path) for path in paths] == [[]] * 5
    first = next(read_lines(paths[0]))
    assert read_prompt(first["body"], first["url"]).user == fence(PLAIN[0].text)


# --- several runs


def test_one_changed_definition_asks_only_that_variable_again(project: Path) -> None:
    first = plan_run(project, PLAIN, make_book(), run="first")
    before = finish(first).set_index(["variable", "unit_id"])["label"]
    book = make_book()
    tone = book.variable("tone").model_copy(update={"question": "How friendly is it?"})
    changed = book.model_copy(update={"variables": (*book.variables[:2], tone)})
    second = plan_run(project, PLAIN, changed, run="second")
    assert check_sums(second).n_pending == 10
    after = finish(second).set_index(["variable", "unit_id"])["label"]
    assert {name.split(".")[0] for name in asked_lines(second.folder.path)} == {"tone"}
    assert len(asked_lines(second.folder.path)) == 10
    assert after[["topic", "frames"]].equals(before[["topic", "frames"]])


def test_the_questions_of_a_pilot_are_not_asked_again(project: Path) -> None:
    finish(plan_run(project, PLAIN, run="pilot", limit=4))
    full = plan_run(project, PLAIN, run="full")
    finish(full)
    assert check_sums(full).counts["topic"] == {"": 10}
    assert len(asked_lines(project)) == len(set(asked_lines(project))) == 10
    assert len(asked_lines(full.folder.path)) == 6


def test_other_units_under_the_same_name_are_refused(project: Path) -> None:
    plan_run(project, PLAIN).submit()
    before = snapshot(project)
    with pytest.raises(RunError, match=r"planned with other units. To mend: give the new plan a new run name"):
        plan_run(project, PLAIN[:5])
    assert snapshot(project) == before


def test_another_codebook_under_the_same_name_is_refused_and_says_what_differs(project: Path) -> None:
    plan_run(project, PLAIN).submit()
    before = snapshot(project)
    with pytest.raises(RunError, match=r"(?s)What differs:.*(frames|tone).*To mend: give the new plan a new run name"):
        plan_run(project, PLAIN, make_book())
    with pytest.raises(RunError, match=r"(?s)What differs:\n  - draws\nTo mend.*new run name"):
        plan_run(project, PLAIN, draws=2)
    assert snapshot(project) == before


def test_a_run_without_a_name_gets_the_same_one_again(project: Path) -> None:
    first, again = plan_run(project, PLAIN, run=""), plan_run(project, PLAIN, run="")
    assert first.name == again.name
    assert first.name.startswith("debate-scripted-")


def test_a_run_that_waits_for_another_collects_its_answers(project: Path) -> None:
    first = plan_run(project, PLAIN, run="first")
    hang = mark(first, "hang")
    first.submit()
    second = plan_run(project, PLAIN[:5], run="second")
    status = check_sums(second)
    assert status.waits_for == ("first",)
    assert "nothing to send: every question is being asked" in str(status)
    assert status.advice == "Next: submit and collect first, then collect second."
    second.submit()
    with pytest.raises(PendingError, match="5 of 5 answers"):
        second.collect()
    hang.unlink()
    second.collect()
    assert check_sums(second).counts["topic"] == {"": 5}
    assert second.table()["label"].tolist() == first.table()["label"].tolist()[:5]
    assert len(asked_lines(project)) == 10


def test_two_runs_that_wait_for_each_other_both_end(project: Path) -> None:
    units = [Unit("1", "[500] coal"), Unit("2", "Other.")]
    first = plan_run(project, units, run="first", cuts=Cuts(n_requests=1))
    hang = mark(first, "hang-2")
    first.submit()
    first.collect(partial=True)
    second = plan_run(project, units, run="second")
    assert [job.requests for job in second.status().jobs] == [1]
    hanging = mark(second, "hang")
    second.submit()
    assert (first.status().waits_for, second.status().waits_for) == (("second",), ("first",))
    for run in (first, second):
        with pytest.raises(PendingError, match="2 of 2 answers"):
            run.collect()
    hang.unlink()
    hanging.unlink()
    assert first.collect().counts == second.collect().counts == {"topic": {"": 1, "failed": 1}}


# --- damage


def test_a_changed_shard_is_found_before_anything_is_sent(project: Path) -> None:
    run = plan_run(project, PLAIN)
    (shard,) = run.folder.shards.iterdir()
    shard.write_bytes(shard.read_bytes().replace(b"coal", b"gold"))
    with pytest.raises(RecordError, match="restore it from a backup, or plan a new run"):
        run.submit()
    assert asked_lines(project) == []
    assert run.status().jobs[0].state == "planned"
    shard.unlink()
    with pytest.raises(RecordError, match="is gone or was changed"):
        run.submit()


def test_a_result_file_that_is_gone_is_named(project: Path) -> None:
    run = plan_run(project, PLAIN)
    finish(run)
    (result,) = run.folder.results.iterdir()
    result.unlink()
    with pytest.raises(RecordError, match=rf"runs/one/results/{result.name} is gone.*restore it from a backup"):
        run.table()


def test_a_run_folder_that_was_deleted_can_be_planned_again(project: Path) -> None:
    run = plan_run(project, PLAIN)
    for path in sorted(run.folder.path.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    again = plan_run(project, PLAIN)
    assert "its shards were gone; they are written anew" in str(_events(again))
    assert finish(again)["label"].notna().all()


def test_a_run_folder_that_was_deleted_after_it_was_sent_needs_its_shards_no_more(project: Path) -> None:
    run = plan_run(project, [Unit("a", "[500 once] coal"), *PLAIN[:2]])
    finish(run)
    for path in sorted(run.folder.path.rglob("*"), reverse=True):
        if "results" not in path.parts and path.is_file():
            path.unlink()
    again = plan_run(project, [Unit("a", "[500 once] coal"), *PLAIN[:2]])
    assert again.retry() == 1
    assert finish(again)["why"].value_counts().to_dict() == {"failed": 1}  # its marker file was deleted with the rest


def _events(run: Run) -> list[tuple[str, str, str]]:
    with Ledger(run.folder.ledger_path) as ledger:
        return ledger.events(run.name)


def test_a_wrong_name_lists_the_runs(project: Path) -> None:
    with pytest.raises(RunError, match=r"There is no run 'two'. To mend: plan it first"):
        open_run("two")
    plan_run(project, PLAIN)
    with pytest.raises(RunError, match=r"open one of: one\."):
        open_run("two")


@pytest.mark.slow
def test_a_run_that_another_process_holds_is_busy(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codebook.run.folder.WAIT_S", 0.5)
    run = plan_run(project, PLAIN)
    hold = (
        "import sys; from filelock import FileLock\n"
        f"with FileLock({str(run.folder.path / '.lock')!r}):\n    print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        for verb in (run.submit, run.collect, run.retry, lambda: plan_run(project, PLAIN)):
            with pytest.raises(BusyError, match="wait for it to end, then repeat"):
                verb()
        assert run.status().n_pending == 10  # looking is always possible
        assert other.stdin is not None
        other.stdin.close()
        other.wait(300)
    finish(run)


# --- the record


def test_run_json_says_how_the_run_came_to_be(project: Path) -> None:
    run = plan_run(project, MIXED, make_book(), settings={"temperature": 0})
    finish(run)
    record = orjson.loads(run.folder.record_path.read_bytes())
    assert record["run"] == "one"
    assert record["planned_at"].startswith("20")
    assert record["codebook"]["sha256"] == run.codebook.digest
    assert list(record["codebook"]["variables"]) == ["topic", "frames", "tone"]
    assert record["units"]["n"] == len(MIXED)
    assert record["units"]["sha256"] == digest_file(run.folder.units_path)
    expected = {"engine": "scripted", "model": MODEL, "draws": 1, "url": CHAT, "settings": {"temperature": 0}}
    assert record["asked"].items() >= expected.items()
    assert record["software"]["python"].startswith("3.")
    assert {"codebook-kit", "numpy", "pandas"} <= set(record["software"]["packages"])
    assert "git_commit" in record["software"]
    answered = record["answered"]
    assert answered["models"] == [MODEL]
    assert answered["tokens_in"] > 0
    assert answered["first_submitted"] <= answered["last_ended"]
    assert [verb for _, verb, _ in answered["events"]] == ["plan", "submit", "collect"]
    for name in ("codebook.yaml", "units.jsonl", "shards", "results", "table.csv"):
        assert (run.folder.path / name).exists(), name
    assert next(read_lines(next(run.folder.shards.iterdir())))["body"]["temperature"] == 0


# --- replay


@pytest.mark.parametrize("draws", [1, 2])
def test_replay_gives_the_same_labels_row_by_row(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, draws: int
) -> None:
    units = [*(unit for unit in MIXED if "drop" not in unit.unit_id), Unit("copy", PLAIN[0].text)]
    run = plan_run(project, units, make_book(), draws=draws, cuts=Cuts(n_requests=20))
    first = finish(run)
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    monkeypatch.setenv("CODEBOOK_PROJECT", str(fresh))
    again = plan(make_book(), units, run="again", engine="replay", archive=run.folder.path, draws=draws)
    second = finish(again)
    same = ["unit_id", "coder", "variable", "label", "draw", "why", "custom_id", "raw", "request_id"]
    assert second[same].equals(first[same])
    assert check_sums(again).done


def test_replay_names_the_question_that_the_archive_lacks(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = plan_run(project, PLAIN)
    finish(run)
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    monkeypatch.setenv("CODEBOOK_PROJECT", str(fresh))
    more = [*PLAIN, Unit("new", "Never asked.")]
    again = plan(TOPIC, more, run="again", engine="replay", archive=run.folder.path)
    with pytest.raises(ReplayError, match=r"no answer to 1 of 11 requests: topic\.new\.0\..*To mend") as caught:
        again.submit()
    assert len(caught.value.keys) == 1
    assert check_sums(again).n_pending == 11
    again.cancel()
    assert check_sums(again).counts["topic"] == {"cancelled": 11}
