"""The commands in the order of work, against the fake service: exit codes, what is said, and what was paid."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
import yaml
from commands import Command
from fakes.fake_openai import FakeOpenAI
from fakes.scripted import BOOK

import codebook as cb
from codebook.execute.study import StudyResult
from codebook.shards import Cuts

TEXTS = ["coal is good", "the match was lost", "[truncate] a long one", "[refuse] never"]


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeOpenAI]:
    """A service, and a project with a codebook of one variable, four texts and the service as its provider."""
    project = tmp_path / "project"
    (project / "data").mkdir(parents=True)
    monkeypatch.setenv("CODEBOOK_PROJECT", str(project))
    monkeypatch.chdir(project)
    book = yaml.safe_load(BOOK)
    book["variables"] = book["variables"][:1]
    (project / "codebook.yaml").write_text(yaml.safe_dump(book))
    lines = [f"t{number},{text}" for number, text in enumerate(TEXTS, 1)]
    (project / "data" / "texts.csv").write_text("\n".join(["id,text", *lines]) + "\n")
    with FakeOpenAI(tmp_path / "service", auto="at once") as service:
        monkeypatch.setenv("OPENAI_API_KEY", service.key)
        own = {"openai": {"base_url": service.base_url}}
        (project / "providers.yaml").write_text(yaml.safe_dump(own))
        yield service


def test_five_commands_from_a_key_to_a_table(fake: FakeOpenAI, command: Command) -> None:
    asked = ("--model", "gpt-6-luna")
    first = command("preflight", *asked, "-n", "2")
    assert first.exit_code == 0, first.output
    assert "2 asked = 2 labelled" in first.output
    planned = command("plan", "--run", "study", "--engine", "openai_batch", *asked)
    assert planned.exit_code == 0, planned.output
    assert "4 asked = 2 labelled + 2 pending" in planned.output
    assert "to come, as a batch" in planned.output
    assert command("submit", "study", "--cap", "5").exit_code == 0
    done = command("collect", "study")
    assert done.exit_code == 0, done.output
    assert "4 asked = 2 labelled + 1 refused + 1 truncated" in done.output
    assert "cap $5.00" in done.output
    assert fake.n_created == 1
    assert set(fake.billed.values()) == {1}
    assert len(cb.read_table("runs/study/table.csv")) == 4


def test_one_command_plans_sends_waits_and_collects(
    fake: FakeOpenAI, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codebook.run.waiting.sleep", lambda _: None)
    fake.auto = True
    words = ("run", "--run", "study", "--engine", "openai_batch", "--model", "gpt-6-luna", "--cap", "1")
    done = command(*words, "--service", "requests_per_shard=2", "--service", "attempts=1")
    assert done.exit_code == 0, done.output
    assert "to come, as a batch" in done.output, "the cost is said first"
    assert "done 4 of 4" in done.output
    assert "4 asked = 2 labelled + 1 refused + 1 truncated" in done.output
    assert fake.n_created == 2
    assert cb.open_run("study").record["service"] == {"attempts": 1, "requests_per_shard": 2}
    again = command(*words)
    assert (again.exit_code, fake.n_created) == (0, 2)


def test_a_whole_run_ends_with_its_reason(fake: FakeOpenAI, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codebook.run.waiting.sleep", lambda _: None)
    words = ("run", "--run", "study", "--engine", "openai_batch", "--model", "gpt-6-luna")
    capped = command(*words, "--cap", "0.000001")
    assert (capped.exit_code, fake.n_created) == (1, 0)
    assert "cap" in capped.output
    fake.auto = False
    late = command(*words, "--cap", "1", "--service", "max_wait_hours=0")
    assert late.exit_code == 3
    assert "not done after 0 hours" in late.output
    wrong = command(*words, "--service", "poll=3")
    assert (wrong.exit_code, "did you mean 'poll_s'?" in wrong.output) == (1, True)


def test_execute_waits_for_answers_and_goes_on_with_the_steps(
    fake: FakeOpenAI, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codebook.run.waiting.sleep", lambda _: None)
    fake.auto, chosen = True, list[object]()
    command("plan", "--run", "study", "--engine", "openai_batch", "--model", "gpt-6-luna")
    command("submit", "study")

    def run_study(*_: object, only: object, **__: object) -> StudyResult:
        chosen.append(only)
        state, code = ("done", 0) if only else ("pending", 3)
        return StudyResult(state, code, (), Path("runs/study"), left=("collect", "report"))

    monkeypatch.setattr("codebook.execute.run_study", run_study)
    assert command("execute", "study.yaml").exit_code == 3
    done = command("execute", "study.yaml", "--wait")
    assert done.exit_code == 0, done.output
    assert chosen == [None, None, ("collect", "report")]
    assert cb.open_run("study").status().done


def test_a_retry_may_split(fake: FakeOpenAI, command: Command) -> None:
    fake.auto = False
    command("plan", "--run", "study", "--engine", "openai_batch", "--model", "gpt-6-luna")
    command("submit", "study")
    command("cancel", "study", "--yes")
    fake.auto = "at once"
    command("collect", "study")
    command("retry", "study", "--service", "requests_per_shard=1")
    assert [job.requests for job in cb.open_run("study").status().jobs] == [4, 1, 1, 1, 1]


def test_truncated_replies_are_asked_again_with_a_larger_cap(fake: FakeOpenAI, command: Command) -> None:
    command("plan", "--run", "study", "--engine", "openai_batch", "--model", "gpt-6-luna")
    command("submit", "study", "--wait")
    again = command("retry", "study", "--why", "truncated", "--max-tokens", "2000")
    assert "1 question will be asked again" in again.output
    done = command("submit", "study", "--wait")
    assert "4 asked = 3 labelled + 1 refused" in done.output, done.output
    assert fake.n_created == 2


def test_pending_answers_are_exit_code_3_and_a_refused_parameter_is_1(fake: FakeOpenAI, command: Command) -> None:
    fake.auto = False
    command("plan", "--run", "study", "--engine", "openai_batch", "--model", "gpt-6-luna")
    assert command("submit", "study").exit_code == 0
    pending = command("collect", "study")
    assert pending.exit_code == 3
    assert "Nothing is lost" in pending.output
    wrong = command("plan", "--engine", "openai_batch", "--model", "o4-mini", "--set", "temperature=0")
    assert wrong.exit_code == 1
    assert "temperature" in wrong.output


def test_a_cap_keeps_a_shard_from_being_sent(fake: FakeOpenAI, command: Command) -> None:
    command("plan", "--run", "study", "--engine", "openai_batch", "--model", "gpt-6-luna")
    refused = command("submit", "study", "--cap", "0.000001")
    assert refused.exit_code == 1
    assert "Nothing was sent" in refused.output
    assert fake.n_created == 0
    assert command("submit", "study", "--cap", "1").exit_code == 0
    assert fake.n_created == 1


def test_status_costs_and_deletion(fake: FakeOpenAI, command: Command) -> None:
    command("plan", "--run", "study", "--engine", "openai_batch", "--model", "gpt-6-luna")
    command("submit", "study", "--wait")
    status = command("status")
    assert "study" in status.output
    assert "completed" in status.output
    assert "gpt-6-luna-2026-09-01" in command("costs", "--by", "model").output
    assert command("delete-remote", "study", input="n\n").exit_code == 1
    assert command("delete-remote", "study", "--yes").output.startswith("2 files were deleted")
    assert not fake.files


def test_a_missing_key_is_said_with_the_mend(
    fake: FakeOpenAI, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    assert command("plan", "--run", "study", "--engine", "openai_batch", "--model", "gpt-6-luna").exit_code == 0
    refused = command("submit", "study")
    assert refused.exit_code == 1
    assert "export OPENAI_API_KEY" in refused.output
    assert fake.n_created == 0


def test_a_dry_run_sizes_and_prices_and_sends_nothing(fake: FakeOpenAI, command: Command) -> None:
    made = command("plan", "--run", "study", "--engine", "openai_batch", "--model", "gpt-6-luna", "--dry-run")
    assert made.exit_code == 0, made.output
    (row,) = [line.split() for line in made.output.splitlines() if ".jsonl" in line]
    assert "Nothing was sent, and no plan was kept. To send it: the same command without --dry-run, then" in made.output
    assert not Path("runs").exists()
    command("plan", "--run", "study", "--engine", "openai_batch", "--model", "gpt-6-luna")
    shard = next((Path("runs") / "study" / "shards").iterdir())
    assert row[:4] == ["1", shard.name, "4", f"{shard.stat().st_size:,}"]
    assert float(row[6]) == pytest.approx(2 * float(row[7]), rel=0.06), "two digits are shown"
    assert float(row[7]) > 0
    assert row[8] == "0"
    again = command("submit", "study", "--dry-run").output
    assert again.splitlines()[1].split() == row
    assert "Nothing was sent. To send it: codebook submit study" in again
    assert fake.n_created == 0
    assert cb.open_run("study").status().jobs[0].job_id == ""


def test_a_dry_run_of_answered_questions_says_that_nothing_is_left_to_be_sent(
    fake: FakeOpenAI, command: Command
) -> None:
    command("plan", "--run", "first", "--engine", "embedded")
    command("submit", "first")
    again = command("plan", "--run", "second", "--engine", "embedded", "--dry-run")
    assert again.exit_code == 0
    assert "Nothing is left to be sent: every question of run 'second' was asked before." in again.output
    assert "DataFrame" not in again.output


def test_a_dry_run_shows_what_the_service_would_refuse(fake: FakeOpenAI, command: Command) -> None:
    assert command("plan", "--run", "study", "--engine", "openai_batch", "--model", "gpt-6-luna").exit_code == 0
    own = {"openai": {"base_url": fake.base_url, "n_requests": 3}}
    Path("providers.yaml").write_text(yaml.safe_dump(own))
    tried = command("submit", "study", "--dry-run")
    assert tried.exit_code == 1
    assert "too large: 4 requests" in tried.output
    assert "would refuse the shards of run 'study'" in tried.output


def test_cancel_one_shard_or_all(fake: FakeOpenAI, command: Command) -> None:
    units = cb.read_units("data/texts.csv", id_column="id", text_column="text")
    fake.auto = False
    for name in ("one", "two"):
        cuts = Cuts(n_requests=2)
        cb.plan("codebook.yaml", units, run=name, engine="openai_batch", model=f"gpt-6-luna-{name}", cuts=cuts).submit()
    assert [job.running for job in cb.open_run("one").status().jobs] == [True, True]
    assert command("cancel", "one", "--shard", "2", "--yes").exit_code == 0
    assert [job.state for job in cb.open_run("one").status(poll=True).jobs] == ["validating", "cancelling"]
    wrong = command("cancel", "one", "--shard", "7", "--yes")
    assert (wrong.exit_code, "use one of 1, 2" in wrong.output) == (1, True)
    assert command("cancel", "--yes").exit_code == 2
    assert command("cancel", "--all", "--yes").exit_code == 0
    jobs = [job for name in ("one", "two") for job in cb.open_run(name).status(poll=True).jobs]
    assert [job.state for job in jobs] == ["cancelling"] * 4
    fake.auto = "at once"
    jobs = [job for name in ("one", "two") for job in cb.open_run(name).status(poll=True).jobs]
    assert [job.state for job in jobs] == ["cancelled"] * 4
    assert command("cancel", "--all", "--yes").output.strip() == "Nothing is under way."


def test_r47_one_dead_job_keeps_no_other_from_being_stopped(fake: FakeOpenAI, command: Command) -> None:
    units = cb.read_units("data/texts.csv", id_column="id", text_column="text")
    fake.auto = False
    for name in ("one", "two"):
        cb.plan(
            "codebook.yaml",
            units,
            run=name,
            engine="openai_batch",
            model=f"gpt-6-luna-{name}",
            cuts=Cuts(n_requests=2),
        ).submit()
    dead = cb.open_run("one").status().jobs[0].job_id
    fake.forget(dead)
    refused = command("cancel", "--all", "--yes")
    assert refused.exit_code == 1
    assert dead in refused.output
    assert "one" in refused.output
    assert "--give-up" in refused.output
    fake.auto = "at once"
    others = [job for name in ("one", "two") for job in cb.open_run(name).status(poll=True).jobs if job.job_id != dead]
    assert [job.state for job in others] == ["cancelled"] * 3
    given_up = command("cancel", "one", "--give-up", "--yes")
    assert given_up.exit_code == 0
    assert "may still be billed" in given_up.output
    assert cb.open_run("one").status().jobs[0].collected


def test_r09_a_guessed_encoding_is_told_recorded_and_never_paid_for(fake: FakeOpenAI, command: Command) -> None:
    texts = Path("data/texts.csv")
    texts.write_bytes(f"{texts.read_text()}t9,Köln und Zürich\n".encode("cp1252"))
    plan = ("plan", "--model", "gpt-6-luna", "--engine", "openai_batch", "--run", "paid")
    for words in (plan, (*plan, "--dry-run"), ("preflight", "--model", "gpt-6-luna")):
        refused = command(*words)
        assert refused.exit_code == 1
        assert "Nothing is paid for texts whose encoding is a guess" in refused.output
        assert '`form: ["encoding: cp1252"]` in study.yaml, or `--form encoding=cp1252`' in refused.output
    assert fake.n_created == 0
    free = command("plan", "--run", "free")
    assert free.exit_code == 0
    assert "WARNING   cp1252 is a guess" in free.stderr
    assert command("check").output.count("WARNING   guessed encoding") == 1
    known = orjson.loads(Path("runs/free/run.json").read_bytes())["units"]["encoding"]
    assert (known["name"], known["guessed"]) == ("cp1252", True)
    assert command(*plan, "--form", "encoding=cp1252").exit_code == 0
    known = orjson.loads(Path("runs/paid/run.json").read_bytes())["units"]["encoding"]
    assert known == {"name": "cp1252", "how": "given", "guessed": False}


def test_r17_what_is_wrong_with_the_header_is_mended_as_told(fake: FakeOpenAI, command: Command) -> None:
    texts = Path("data/texts.csv")
    texts.write_text(f"Answers of 2020\n{texts.read_text()}")
    told = command("check")
    assert told.exit_code == 1
    assert "`--form skip_rows=1`" in told.output
    assert command("check", "--form", "skip_rows=1").exit_code == 0
    texts.write_text("sep=|\nid|text\n1|a, b\n")
    assert command("check", "--form", "delimiter=|").exit_code == 0


@pytest.mark.parametrize("given", ["temperature=[", "seed=!!python/none", "x={[1]: 2}"])
def test_r13_a_setting_that_cannot_be_read_is_told(fake: FakeOpenAI, command: Command, given: str) -> None:
    told = command("plan", "--run", "one", "--model", "gpt-6-luna", "--engine", "openai_batch", "--set", given)
    assert told.exit_code == 1
    assert f"--set {given.partition('=')[0]}" in told.output
    assert "Traceback" not in told.output


def test_r27_table_says_what_a_spreadsheet_would_run(fake: FakeOpenAI, command: Command) -> None:
    texts = Path("data/texts.csv")
    texts.write_text(f"{texts.read_text()}=1+1,coal\n")
    assert command("plan", "--run", "one").exit_code == 0
    assert command("submit", "one").exit_code == 0
    assert "1 cell of 1 row begins with =" in command("collect", "one").output
    assert "To be safe: write .xlsx, or `--quote-formulas`" in command("table", "one", "t.csv").output
    assert "formula" not in command("table", "one", "t.csv", "--quote-formulas").output
    assert '"\'=1+1"' in Path("t.csv").read_text()
    assert "formula" in command("table", "one", "wide.csv", "--wide").output
    assert "formula" not in command("table", "one", "wide.csv", "--wide", "--quote-formulas").output


# --- where texts and key go


def test_r03_every_command_that_sends_says_where_texts_and_key_go(fake: FakeOpenAI, command: Command) -> None:
    said = f"texts and the key OPENAI_API_KEY go to {fake.base_url.removesuffix('/v1')}"
    asked, planned = ("--model", "gpt-6-luna"), ("--run", "study", "--engine", "openai_batch")
    for words in (
        ("preflight", *asked, "-n", "1"),
        ("plan", *planned, *asked),
        ("plan", *planned, *asked, "--dry-run"),
        ("submit", "study", "--dry-run"),
        ("submit", "study"),
    ):
        assert said in command(*words).output, words
    assert "go to" not in command("plan", "--run", "offline").output


def test_r03_a_moved_provider_gets_nothing_before_the_person_says_yes(
    fake: FakeOpenAI, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODEBOOK_CONFIG", str(tmp_path / "settings"))
    Path("providers.yaml").write_text("openai: {base_url: 'https://gateway.invalid/v1'}")
    asked = ("--run", "study", "--engine", "openai_batch", "--model", "gpt-6-luna")
    assert "nobody confirmed: nothing is sent before `codebook trust gateway.invalid`" in command("plan", *asked).output
    for words in (("submit", "study"), ("preflight", "--model", "gpt-6-luna")):
        refused = command(*words)
        assert refused.exit_code == 1
        assert "the key OPENAI_API_KEY would go to https://gateway.invalid" in refused.output
    assert command("trust").output == "No host is confirmed.\n"
    assert command("trust", "gateway.invalid", input="n\n").exit_code != 0
    assert command("trust", "gateway.invalid", input="y\n").output.endswith("https://gateway.invalid is confirmed.\n")
    assert command("trust").output == "https://gateway.invalid\n"
    assert "(confirmed on this machine)" in command("status", "study").output
    assert command("trust", "gateway.invalid", "--forget").output == "gateway.invalid is not confirmed any more.\n"


def test_r03_plain_http_is_refused_before_anything_is_written(fake: FakeOpenAI, command: Command) -> None:
    asked = ("--run", "study", "--engine", "openai_batch", "--model", "m", "--base-url", "http://203.0.113.9/v1")
    refused = command("plan", *asked)
    assert refused.exit_code == 1
    assert "plain http" in refused.output
    assert not Path("runs").exists()


KEY = "sk-proj-" + "Zq7Xw2Lk9Vb4" * 3


@pytest.mark.parametrize(
    "words",
    [
        ("--set", f"api_key={KEY}"),
        ("--set", "api_key=hunter2-and-more"),
        ("--set", f"user={KEY}"),
        ("--set", f"metadata={{note: [{KEY}]}}"),
        ("--set", "extra_headers={api-key: hunter2-and-more}"),
        ("--model", KEY),
        ("--base-url", f"https://api.openai.com/v1?api-key={KEY}"),
        ("--base-url", "https://api.openai.com/v1?key=hunter2-and-more"),
        ("--base-url", "https://me:hunter2-and-more@api.openai.com/v1"),
    ],
)
@pytest.mark.parametrize("engine", ["openai_batch", "embedded"])
def test_r25_a_key_as_a_value_is_refused_before_anything_is_written(
    words: tuple[str, ...], engine: str, fake: FakeOpenAI, command: Command
) -> None:
    asked = {"--model": "gpt-6-luna"} | {} if words[0] != "--model" else {}
    for name in (("plan", "--engine", engine), ("preflight",)):
        refused = command(*name, *(part for pair in asked.items() for part in pair), *words)
        assert refused.exit_code == 1, refused.output
        assert "environment" in refused.output
        assert KEY not in refused.output
        assert "hunter2" not in refused.output
    written = [path for path in Path().rglob("*") if path.is_file()]
    assert not [path for path in written if b"hunter2" in path.read_bytes() or KEY.encode() in path.read_bytes()]
    assert not list(Path().glob("runs/*/run.json"))
    assert fake.requests == []


def test_r25_what_a_variable_keeps_secret_is_refused_whatever_it_looks_like(
    fake: FakeOpenAI, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLUSTER_TOKEN", "hunter2-and-more")
    monkeypatch.setenv("SECRETS_DIR", str(Path.cwd()))
    for words in (("--set", "user=hunter2-and-more"), ("--set", "metadata={note: [by hunter2-and-more]}")):
        refused = command("plan", "--engine", "openai_batch", "--model", "gpt-6-luna", *words)
        assert (refused.exit_code, "looks like a key" in refused.output) == (1, True), words
        assert "hunter2" not in refused.output
    assert not list(Path().glob("runs/*/run.json"))
    units = str(Path("data/texts.csv").resolve())
    assert command("plan", "--engine", "openai_batch", "--model", "gpt-6-luna", "--units", units).exit_code == 0


def test_r25_names_and_values_that_only_sound_like_keys_are_taken(fake: FakeOpenAI, command: Command) -> None:
    words = ("--set", "max_completion_tokens=200", "--set", "prompt_cache_key=study-of-coal", "--set", "user=ann")
    model = "Mixtral-8x7B-Instruct-v01-GPTQ-4bit-128g-actorder-True"
    options = ("--provider", "vllm", "--base-url", "http://127.0.0.1:9/v1")
    done = command("plan", "--engine", "openai_batch", "--model", "gpt-6-luna", *words)
    assert done.exit_code == 0, done.output
    assert command("plan", "--engine", "openai_live", "--model", model, *options).exit_code == 0


def test_check_tells_every_fault_once_and_ends_with_one(fake: FakeOpenAI, command: Command) -> None:
    Path("coders.yaml").write_text("coders:\n  - {file: nobody.csv, unit: id, colums: [ann]}\n")
    refused = command("check", "--coders", "coders.yaml", "--engine", "openai_batch", "--set", "model=gpt-6-luna")
    assert refused.exit_code == 1
    assert refused.output.count("did you mean `columns`?") == 1
    assert "model: is needed and missing" in refused.output
    assert "faults; nothing may be sent." in refused.output
    assert fake.n_created == 0
    assert not Path("runs").exists()


def test_check_reads_a_list_of_labels_as_a_codebook(fake: FakeOpenAI, command: Command) -> None:
    Path("labels.csv").write_text("label\npro\ncontra\n")
    asked = command("check", "--codebook", "labels.csv")
    assert asked.exit_code == 1
    assert "kind, level, question are not given" in asked.output
    line = "labels.csv; kind: single; level: nominal; question: What is the text about?"
    assert f'"{line}"' in asked.output
    done = command("check", "--codebook", line)
    assert done.exit_code == 0
    assert "2 of 2 categories have no definition ('pro', 'contra')" in done.output


def test_freeze_marks_codebook_and_prompt_as_final_once(fake: FakeOpenAI, command: Command) -> None:
    assert "is marked as final" in command("freeze").output
    again = command("freeze")
    assert again.exit_code == 0
    assert "was marked as final before, and has not changed" in again.output
    assert "marked as final on" in command("check").output
    book = Path("codebook.yaml")
    book.write_text(book.read_text().replace("unit: ", "unit: not "))
    assert "was changed since: unit: " in command("check").output
    assert "is marked as final" in command("freeze").output
