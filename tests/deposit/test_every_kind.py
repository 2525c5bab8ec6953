"""Whatever a study asks, and however it went: it is deposited, and comes again elsewhere without key and service."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from fakes.fake_openai import FakeOpenAI
from fakes.service import serve
from fakes.task_answers import answer
from tiny_notebooks import write_notebook

import codebook as cb
from codebook.deposit import verify_deposit, write_deposit
from codebook.dialects import write_reply
from codebook.errors import RunError
from codebook.execute import StudyResult
from codebook.paths import runs_folder

DATA = Path(__file__).parents[2] / "data"
LABELS = [{"name": "coal", "definition": "Mines."}, {"name": "wind", "definition": "Wind power."}]
TOPIC = {"name": "topic", "question": "About what?", "kind": "single", "level": "nominal", "categories": LABELS}
TOPICS = TOPIC | {"name": "topics", "kind": "multi"}
FORCE = {"name": "force", "question": "How forceful?", "kind": "rating", "level": "ordinal", "minimum": 1, "maximum": 5}
OPEN = "import codebook as cb\nstudy = cb.open_study(run=run)\n"
ASK = f"{OPEN}study.plan().submit()\nstudy.open_run().collect()\n"
COLLECT = f"{OPEN}planned = study.open_run()\nplanned.collect()\n"
REPORT = "cb.study.report_study(study)\n"
SHARES = {"ask": ASK, "shares": f"{COLLECT}cb.label_shares(study.codings()).save()\n{REPORT}"}
TRANSCRIPTS = {"ask": f"{ASK}study.open_run().transcripts().write(text=True).save()\n{REPORT}"}
RECORDS = {
    "ask": f"""{ASK}
topics, entities = (study.open_run().records(name) for name in ("topics", "entities"))
topics.by_unit("topic", 90).save()
cb.codings.count_quotes(topics, entities).save()
cb.resolve_entities(entities.mentions("mention")).spellings.save("entities_by_name")
{REPORT}"""
}
NAMES = """
import codebook as cb
names, options = cb.codings.read_names("names.csv", about="names"), {"base_url": cb.open_study().facts.base_url}
model = "text-embedding-3-small"
vectors = cb.embed_texts(
    names.texts, run="coal", engine="openai_batch", model=model, dimensions=64, options=options
)
resolution = cb.resolve_entities(names.with_vectors(vectors))
resolution.entities.save()
resolution.review.save()
"""
GRID = {
    "ask": f"{OPEN}study.grid.plan()\nstudy.grid.submit()\n",
    "multiverse": f"""{OPEN}
study.grid.collect()
codings = study.grid.codings()
study.grid.multiverse(codings).save()
study.grid.stability(codings, resample=cb.Bootstrap(20, seed=1)).save("grid_stability")
{REPORT}""",
}
SECOND = {
    "ask": ASK,
    "second": f"""{COLLECT}
cb.open_run("coal-second").collect()
cb.study.compare_second(study, by="label").save()
cb.label_shares(study.codings()).save()
{REPORT}""",
}
Make = Callable[[Path, FakeOpenAI], dict[str, str]]


def begin(project: Path, fake: FakeOpenAI, steps: dict[str, str], *variables: dict[str, Any], **facts: Any) -> None:
    """Write a small study of eight sentences; what asks a model is a step that declares who answers."""
    book = {"name": "coal", "version": "1", "unit": "one sentence", "variables": list(variables or [TOPIC])}
    (project / "codebook.yaml").write_text(yaml.safe_dump(book))
    texts = [f"t{n},Sentence {n} about coal that is long enough to be told from all others.\n" for n in range(8)]
    (project / "texts.csv").write_text("id,text\n" + "".join(texts))
    for number, (name, code) in enumerate(steps.items(), start=1):
        declared = 'run: str = ""  # the run' + '\nengine: str = ""  # who answers' * (name == "ask")
        write_notebook(project / "notebooks" / f"{number:02}_{name}.ipynb", declared, code)
    study = {"study": "coal", "codebook": "codebook.yaml", "units": "texts.csv", "id_column": "id"}
    study |= {"engine": "openai_batch", "model": "gpt-6-luna", "base_url": fake.base_url} | facts
    study |= {"notebooks": "notebooks", "steps": list(steps)}
    (project / "study.yaml").write_text(yaml.safe_dump({name: value for name, value in study.items() if value}))


def make(steps: dict[str, str], run: str = "") -> dict[str, str]:
    for code in steps.values():
        exec(code, {"run": run})
    return steps


def images(project: Path, fake: FakeOpenAI) -> dict[str, str]:
    photos = sorted((DATA / "clothing_images" / "images").iterdir())[:6]
    (project / "photos").mkdir()
    for path in photos:
        shutil.copy(path, project / "photos")
    begin(project, fake, SHARES, units="photos", id_column="")
    return make(SHARES)


def documents(project: Path, fake: FakeOpenAI) -> dict[str, str]:
    begin(
        project,
        fake,
        TRANSCRIPTS,
        {"name": "text", "kind": "transcription", "tables": True},
        units="scans",
        id_column="",
    )
    (project / "scans").mkdir()
    for path in (DATA / "scanned_pages").glob("address_179*"):
        shutil.copy(path, project / "scans")
    make(TRANSCRIPTS)
    written = pd.read_csv(project / "runs" / "coal" / "outputs" / "transcripts.csv")["file"]
    assert written.str.startswith("runs/coal/transcripts/address_179").all()
    return TRANSCRIPTS


def extraction(project: Path, fake: FakeOpenAI) -> dict[str, str]:
    """Topics and entities of two texts a day."""
    begin(project, fake, RECORDS, form={"group_column": "day"}, codebook="lists.yaml")
    shutil.copy(DATA / "entities_wikigold" / "codebook.yaml", project / "lists.yaml")
    table = pd.read_csv(project / "texts.csv")
    table.assign(day=[f"day{n // 2}" for n in range(len(table))]).to_csv(project / "texts.csv", index=False)
    return make(RECORDS)


def vectors(project: Path, fake: FakeOpenAI) -> dict[str, str]:
    columns = {"id_column": "mention_id", "text_column": "name", "model": ""}
    begin(project, fake, {"ask": NAMES}, {"name": "vectors", "kind": "embedding"}, units="names.csv", **columns)
    names = ["Niger", "NIGER", "Niger (the)", "Nigeria", "Nigeria, Federal Republic", "France"]
    pd.DataFrame({"mention_id": [f"m{n}" for n in range(6)], "name": names}).to_csv(project / "names.csv", index=False)
    return make({"ask": NAMES})


def grid(project: Path, fake: FakeOpenAI) -> dict[str, str]:
    """Several labels and a rating, of two models, each asked three times."""
    models = [{"name": "luna", "model": "gpt-6-luna"}, {"name": "sol", "model": "gpt-6-sol"}]
    finding = {"variable": "topics", "label": "coal", "formula": "n_words ~ label"}
    begin(project, fake, GRID, TOPICS, FORCE, grid={"models": models, "draws": 3, "finding": finding})
    return make(GRID)


def live(project: Path, fake: FakeOpenAI) -> dict[str, str]:
    begin(project, fake, SHARES, TOPICS, FORCE, engine="openai_live")
    return make(SHARES)


def losses(project: Path, fake: FakeOpenAI) -> dict[str, str]:
    """Answers that are refused, cut, invalid, late, lost, given twice or once more."""
    begin(project, fake, SHARES)
    orders = ["refuse", "truncate", "outside", "notjson", "500 once", "expired", "drop", "twice", "400", "500", "empty"]
    texts = [f"t{n},Sentence {n} about coal [{order}].\n" for n, order in enumerate(orders)]
    (project / "texts.csv").write_text("id,text\n" + "".join(texts) + "t20,A good one.\nt21,Another.\n")
    fake.fault("files.content", "truncate", n=300)
    run = cb.open_study().plan()
    for _ in range(2):
        run.submit()
        run.collect(partial=True)
        run.retry()
    return make(SHARES)


def versions(project: Path, fake: FakeOpenAI) -> dict[str, str]:
    """The codebook was changed after the first version was answered."""
    begin(project, fake, SHARES, TOPIC, FORCE)
    make(SHARES)
    book = project / "codebook.yaml"
    book.write_text(book.read_text().replace("Mines.", "Mines and miners."))
    return make(SHARES)


def second(project: Path, fake: FakeOpenAI) -> dict[str, str]:
    """What one model refused was asked of another, which answers."""

    def answer_all(line: dict[str, Any]) -> dict[str, Any] | None:
        model, said = line["body"]["model"], '{"label":"wind"}'
        named = {"request_id": "r", "usage": (100, 9)}
        return write_reply(line["url"], f"{model}-2026-09-01", said, **named) if model == "gpt-6-sol" else None

    fake.answerer.reply = answer_all
    begin(project, fake, SECOND)
    path = project / "texts.csv"
    path.write_text(path.read_text().replace("Sentence 1", "[refuse] One").replace("Sentence 2", "[outside] Two"))
    make({"ask": ASK})
    other = cb.study.plan_second(cb.open_study(), model="gpt-6-sol")
    other.submit()
    make(SECOND)
    assert cb.open_run("coal-second").table()["label"].tolist() == ["wind", "wind"]
    return SECOND


KINDS = [images, documents, extraction, vectors, grid, live, losses, versions, second]
QUICK = [(documents, "include"), (losses, "include"), (grid, "include"), (second, "digest")]
"""Those that hold most of what went wrong before; the others take as long together as a study takes."""


def list_kinds() -> Iterator[Any]:
    for kind in KINDS:
        for texts in ("include", "digest"):
            marks = [] if (kind, texts) in QUICK else [pytest.mark.slow]
            yield pytest.param(kind, texts, marks=marks, id=f"{kind.__name__}-{texts}")


@pytest.fixture
def fake(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeOpenAI]:
    with serve(project, monkeypatch, reply=answer) as service:
        yield service


@pytest.mark.parametrize(("kind", "texts"), tuple(list_kinds()))
def test_a_study_of_every_kind_is_deposited_and_comes_again(
    kind: Make, texts: str, project: Path, fake: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its tables come again to the byte; without texts those of the deposit, which have other labels nowhere."""
    steps = kind(project, fake)
    was, n_asked, rebuilt = read_tables(project), len(fake.requests), list[dict[str, bytes]]()
    saved = read_outputs(project)
    for name in was:
        assert cb.open_run(name).table()["label"].notna().any(), (
            f"{name} has labels, so that there is something to lose"
        )
    monkeypatch.delenv("OPENAI_API_KEY")

    def run_here(path: Path, *, overrides: dict[str, str], only: Any = None, **_: object) -> StudyResult:
        with monkeypatch.context() as patch:
            patch.setenv("CODEBOOK_STUDY", str(path))
            make({name: steps[name] for name in only or steps}, overrides.get("run", ""))
        rebuilt.append(read_tables(runs_folder().parent, runs_folder().name))
        return StudyResult("done", 0, (), runs_folder())

    monkeypatch.setattr("codebook.execute.replaying.run_study", run_here)
    deposited = write_deposit(cb.open_study(), texts=texts, tell=lambda line: None, out=project / "out")
    place = Path(shutil.move(deposited.folder, project / "elsewhere"))
    for name in ("runs", "study.yaml", "notebooks"):
        path = project / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    monkeypatch.delenv("CODEBOOK_PROJECT")
    monkeypatch.chdir(place.parent)
    verified, there = verify_deposit(place), read_tables(place)
    assert verified.faults == ()
    assert len(rebuilt) == 2 * bool(deposited.about.steps)
    assert there.keys() == was.keys() == set(deposited.about.runs)
    for tables in rebuilt[1:]:
        assert tables
        assert tables.items() <= there.items()
    for name, table in there.items():
        assert table == was[name] or (texts == "digest" and labels_of(table, kind) == labels_of(was[name], kind))
    if texts == "include":
        assert read_outputs(place) == saved != {}
    elif deposited.about.steps:
        newest = "coal.v2" if kind is versions else "coal"
        others = dict(read_outputs(place, newest).items() - saved.items())
        assert {Path(name).stem for name in others} <= {"checklist", "guideline"}, "they tell of the record as it is"
        assert read_outputs(place, newest).keys() == {each for each in saved if f"/{newest}/" in each} != set()
    assert len(fake.requests) == n_asked


def read_outputs(project: Path, run: str = "*") -> dict[str, bytes]:
    """The tables that were saved of a run, or of all, by their places."""
    found = project.glob(f"runs/{run}/outputs/*.csv")
    return {path.relative_to(project).as_posix(): path.read_bytes() for path in found}


@pytest.mark.parametrize("run", ["none", ""], ids=["without a run", "with a run that is not there yet"])
def test_labels_of_people_alone_are_no_deposit_and_the_mend_is_said(run: str, project: Path, fake: FakeOpenAI) -> None:
    """That there is no such run was said, and that it should be planned, also where the study says `run: none`."""
    begin(project, fake, {"shares": SHARES["shares"]}, coders="coders.yaml", run=run, engine="", model="", base_url="")
    (project / "coded.csv").write_text("id,anna,ben\n" + "".join(f"t{n},coal,wind\n" for n in range(8)))
    columns = {"anna": "anna", "ben": "ben"}
    coders = {"coders": [{"file": "coded.csv", "unit": "id", "columns": columns}]}
    (project / "coders.yaml").write_text(yaml.safe_dump(coders))
    with pytest.raises(RunError, match="codebook run --run NAME --engine embedded"):
        write_deposit()
    assert not (project / "deposit").exists()


def read_tables(project: Path, runs: str = "runs") -> dict[str, bytes]:
    """The tables of all runs, by their names."""
    return {path.parent.name: path.read_bytes() for path in project.glob(f"{runs}/*/table.csv")}


def labels_of(table: bytes, kind: Make) -> list[tuple[Any, ...]]:
    """Whose label each row is and why it has none; the label, too, where it is none of the coder's own words."""
    named = ["unit_id", "variable", "draw", "why", "batch_id"] + ["label"] * (
        kind not in (documents, extraction, vectors)
    )
    rows = pd.read_csv(BytesIO(table), dtype=str, keep_default_na=False)[named]
    return list(rows.itertuples(index=False, name=None))
