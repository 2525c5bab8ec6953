"""A deposit replays wherever it lies; what was changed, lost or must not be told is found, and where."""

from __future__ import annotations

import gzip
import re
import shutil
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import docx
import orjson
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner
from tiny_notebooks import write_notebook

import codebook as cb
from codebook.cli import main
from codebook.deposit import Deposited, verify_deposit, write_deposit
from codebook.deposit.deposit_layout import write_digests
from codebook.deposit.leak_search import Traces, read_text_lines
from codebook.deposit.withheld_texts import make_withholding
from codebook.errors import MissingExtraError, ParameterError, RecordError
from codebook.execute import StudyResult
from codebook.files.digests import digest_of
from codebook.files.lines import read_lines
from codebook.ground.personal import name_person
from codebook.paths import runs_folder
from codebook.scheme import parse_codebook
from codebook.tasks import Classify

ARCHIVE = Path(__file__).parents[2] / "data" / "archive"
SAVE = """
from dataclasses import replace
import codebook as cb
study = cb.open_study(run=run)
replace(cb.validity(study.codings(), resample=cb.Bootstrap(200, seed=1)), figure=None).save()
"""
KEY = "sk-proj-" + "a1B2c3D4" * 4


@pytest.fixture(scope="module")
def archived(tmp_path_factory) -> Path:
    """The shipped archive; its study of headlines makes one table, in one notebook, undrawn."""
    folder = tmp_path_factory.mktemp("archived") / "study"
    shutil.copytree(ARCHIVE, folder)
    for path in ("study.yaml", "topics.yaml", "topics_coders.yaml", "sentences.csv", "llm_replies.csv", "runs/topics"):
        shutil.rmtree(folder / path) if (folder / path).is_dir() else (folder / path).unlink()
    write_notebook(folder / "notebooks" / "01_validity.ipynb", 'run: str = ""  # the run', SAVE)
    study = yaml.safe_load((folder / "headlines.yaml").read_text()) | {"notebooks": "notebooks", "steps": ["validity"]}
    (folder / "study.yaml").write_text(yaml.safe_dump(study))
    (folder / "headlines.yaml").unlink()
    outputs = folder / "runs" / "headlines" / "outputs"
    shutil.rmtree(outputs)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CODEBOOK_PROJECT", str(folder))
        cb.adopt("runs/headlines")
        exec(SAVE, {"run": ""})
        (folder / "runs" / "ledger.db").unlink()
    return folder


@pytest.fixture
def study(archived, tmp_path, monkeypatch) -> Path:
    """A copy of it, to be changed; its steps run in this process, since a kernel takes seconds."""
    folder = tmp_path / "study"
    shutil.copytree(archived, folder)
    monkeypatch.setenv("CODEBOOK_PROJECT", str(folder))

    def run_here(path: Path, **_: object) -> StudyResult:
        with monkeypatch.context() as patch:
            patch.setenv("CODEBOOK_STUDY", str(path))
            exec(SAVE, {"run": ""})
        return StudyResult("done", 0, (), runs_folder())

    monkeypatch.setattr("codebook.execute.replaying.run_study", run_here)
    return folder


@pytest.fixture(scope="module")
def made(archived, tmp_path_factory) -> Path:
    """A deposit of it, whose tables were not rebuilt."""
    out = tmp_path_factory.mktemp("made") / "headlines"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CODEBOOK_PROJECT", str(archived))
        return write_deposit(cb.open_study(), replay=False, title="Sixty headlines", out=out).folder


@pytest.fixture
def folder(study, made, tmp_path) -> Path:
    """A copy of the deposit, to be changed, with its zip beside."""
    shutil.copy(made.with_name("headlines.zip"), tmp_path)
    return Path(shutil.copytree(made, tmp_path / "headlines"))


def deposit(**options: Any) -> Deposited:
    return write_deposit(cb.open_study(), tell=lambda line: None, **options)


def move(deposited: Deposited, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The deposit somewhere else, where nothing of the study is."""
    place = tmp_path / "elsewhere" / "another name"
    place.parent.mkdir()
    shutil.move(deposited.folder, place)
    shutil.rmtree(tmp_path / "study")
    monkeypatch.delenv("CODEBOOK_PROJECT")
    monkeypatch.delenv("CODEBOOK_STUDY", raising=False)
    monkeypatch.chdir(place.parent)
    return place


def texts_of(study: Path) -> list[str]:
    return [line["text"] for line in read_lines(study / "runs" / "headlines" / "units.jsonl")]


def all_bytes(folder: Path) -> bytes:
    """All files of a folder; of packed ones their parts."""
    raw = []
    for path in folder.rglob("*"):
        if path.suffix in (".docx", ".xlsx"):
            with zipfile.ZipFile(path) as packed:
                raw += [packed.read(name) for name in packed.namelist()]
        elif path.is_file():
            raw.append(path.read_bytes())
    return b"\n".join(raw)


def set_anew(table: Path) -> None:
    """A Word file as another state of the kit sets it: other bytes, the same figures."""
    word, manifest = table.with_suffix(".docx"), table.with_name("manifest.json")
    old = digest_of(word).encode()
    word.write_bytes(word.read_bytes() + b" ")
    manifest.write_bytes(manifest.read_bytes().replace(old, digest_of(word).encode()))


def test_a_lacking_part_of_the_kit_is_said_before_anything_is_made_anew(study, monkeypatch):
    """It was said after the replay: an hour's work was gone then."""
    monkeypatch.setitem(sys.modules, "rocrate.rocrate", None)
    told: list[str] = []
    with pytest.raises(MissingExtraError, match=r"pip install 'codebook-kit\[deposit\]'"):
        write_deposit(tell=told.append)
    assert not told
    assert not (study / "deposit").exists()


def test_a_deposit_that_lies_elsewhere_gives_the_same_tables_and_tells_what_is_set_otherwise(
    study, tmp_path, monkeypatch
):
    set_anew(study / "runs" / "headlines" / "outputs" / "validity_by_coder.csv")
    deposited, files = deposit(), "headlines/outputs/validity_by_coder.docx"
    assert deposited.remarks == (f"Drawn or set otherwise by this state of the kit, with the same figures: {files}.",)
    assert deposited.about.seconds is not None
    place = move(deposited, tmp_path, monkeypatch)
    verified = verify_deposit(place)
    assert (verified.faults, verified.passes, verified.setting) == ((), True, deposited.remarks[0])
    assert f"LOOK      {verified.setting}" in str(verified)
    assert verified.seconds is not None
    assert f"{verified.n_files} files are listed" in str(verified)


def test_the_zip_is_the_folder_and_is_verified_as_it_is(folder, tmp_path):
    assert verify_deposit(tmp_path / "headlines.zip", replay=False).faults == ()
    with zipfile.ZipFile(tmp_path / "headlines.zip") as packed:
        names = {name.removeprefix("headlines/") for name in packed.namelist()}
    assert names == {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_what_was_changed_lost_added_or_is_a_key_is_found_with_its_place(folder):
    table = folder / "runs" / "headlines" / "table.csv"
    table.write_bytes(table.read_bytes().replace(b'"1"', b'"0"', 1))
    (folder / "codebook" / "econ.qdc").unlink(missing_ok=True)
    gone = next((folder / "codebook").iterdir())
    gone.unlink()
    (folder / "new.txt").write_text("new")
    (folder / "more.csv.gz").write_bytes(gzip.compress(f"id,text\n1,{KEY}\n".encode()))
    with (folder / "study.yaml").open("a") as file:
        file.write(f"# {KEY}\n")
    verified = verify_deposit(folder, replay=False)
    wheres = {fault.where: fault.problem for fault in verified.faults}
    n = len((folder / "study.yaml").read_text().splitlines())
    assert wheres["runs/headlines/table.csv"].startswith("it was changed")
    assert wheres[f"codebook/{gone.name}"] == "it is missing"
    assert wheres["new.txt"].startswith("it was added")
    assert wheres[f"study.yaml, line {n}"] == "something looks like a key (it is not shown)"
    assert wheres["more.csv.gz, line 2"] == "something looks like a key (it is not shown)"
    assert KEY not in str(verified)
    result = CliRunner().invoke(main, ["verify", str(folder), "--no-replay"])
    assert result.exit_code == 1
    assert "WRONG     new.txt: it was added" in result.output


def test_a_changed_reply_is_found_by_its_figures_even_where_digests_were_made_anew(folder):
    (results,) = (folder / "runs" / "headlines" / "results").glob("*.jsonl")
    results.write_bytes(results.read_bytes().replace(b'\\"1\\"', b'\\"-1\\"', 1))
    write_digests(folder)
    verified = verify_deposit(folder)
    problems = [fault.problem for fault in verified.faults if fault.where == "replay"]
    figures = [each for each in problems if "validity_by_coder.csv, row 1 (coder embedded" in each]
    assert any("mcc_low: 0." in each and " -> " in each for each in figures), problems[:9]


def eights_of(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.casefold())
    return {tuple(words[at : at + 8]) for at in range(len(words) - 7)}


@pytest.mark.parametrize("texts", ["digest", "redact"])
def test_texts_that_stay_here_stand_nowhere_and_the_tables_are_the_same(study, texts, tmp_path, monkeypatch):
    before = (study / "runs" / "headlines" / "outputs" / "validity_by_coder.csv").read_bytes()
    known = texts_of(study)
    deposited = deposit(texts=texts)
    raw = all_bytes(deposited.folder)
    assert [text for text in known if text.encode() in raw] == []
    assert find_eights(deposited.folder, known) == set()
    assert (b'"text":"sha256:' in raw) == (texts == "digest")
    place = move(deposited, tmp_path, monkeypatch)
    assert (place / "runs" / "headlines" / "outputs" / "validity_by_coder.csv").read_bytes() == before
    assert verify_deposit(place).faults == ()
    withheld = pd.read_csv(place / "withheld.csv", dtype=str).set_index("file")
    assert "students.csv" in withheld.index
    assert withheld["sha256"].notna().all() == (texts == "digest")
    assert any(each.startswith("asking a model again") for each in deposited.about.left_out)


def find_eights(folder: Path, units: list[str]) -> set[str]:
    """Names of the files in which eight words of a unit stand in a row."""
    eights = set().union(*map(eights_of, units))
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.name for path in files if eights & eights_of(" ".join(line for _, line in read_text_lines(path)))}


def test_examples_of_the_codebook_that_are_units_are_withheld_everywhere(study):
    units = texts_of(study)
    book = yaml.safe_load((study / "econ.yaml").read_text())
    book["variables"][0]["categories"][0]["examples"] = [
        {"text": units[0], "why": f"It says: {units[3]}"},
        "Good news.",
    ]
    for path in (study / "econ.yaml", study / "runs" / "headlines" / "codebook.yaml"):
        path.write_text(yaml.safe_dump(book))
    run = study / "runs" / "headlines" / "run.json"
    was = cb.read_codebook(study / "econ.yaml").digest
    record = orjson.loads(run.read_bytes())
    run.write_bytes(orjson.dumps(record | {"codebook": record["codebook"] | {"sha256": was}}))
    folder = deposit(texts="redact", replay=False).folder
    assert find_eights(folder, units) == set()
    copies = [folder / "econ.yaml", folder / "codebook" / "econ.yaml", folder / "runs" / "headlines" / "codebook.yaml"]
    (digest,) = {cb.read_codebook(path).digest for path in copies}
    examples = cb.read_codebook(copies[0]).variables[0].categories[0].examples
    assert [each.text == "Good news." for each in examples] == [False, True]
    assert f"models are called @{digest[:8]} here and @{was[:8]} in the study" in (folder / "README.md").read_text()
    notebook = study / "notebooks" / "01_validity.ipynb"
    notebook.write_text(notebook.read_text().replace("import codebook", f"# {units[1]}\\nimport codebook"))
    with pytest.raises(ParameterError, match=r"01_validity\.ipynb, line \d+: it holds words of a unit's text"):
        deposit(texts="redact", replay=False)


@pytest.mark.slow
def test_a_private_study_names_its_coders_by_pseudonyms_everywhere(study, tmp_path, monkeypatch):
    monkeypatch.setenv("CODEBOOK_PSEUDONYM_KEY", "a key of the tests")
    (study / "study.yaml").write_text((study / "study.yaml").read_text() + "private: true\n")
    coders = pd.read_csv(study / "students.csv", dtype=str)
    coders["coder"] = coders["coder"].map(lambda name: f"Erika-{name}")
    coders.to_csv(study / "students.csv", index=False)
    deposited = deposit()
    assert b"Erika" not in all_bytes(deposited.folder)
    labels = pd.read_csv(deposited.folder / "data" / "labels_of_people.csv", dtype=str)
    names = set(labels["coder"]) - {"gold"}
    assert any(text.encode() in all_bytes(deposited.folder) for text in texts_of(study))  # texts may leave
    assert names == {name_person(name) for name in coders["coder"]}  # the same person is the same in every deposit
    place = move(deposited, tmp_path, monkeypatch)
    assert verify_deposit(place).faults == ()


def test_every_table_is_described_and_frictionless_agrees(folder):
    import frictionless

    package = orjson.loads((folder / "datapackage.json").read_bytes())
    tables = {path.relative_to(folder).as_posix() for path in folder.rglob("*.csv")}
    assert {resource["path"] for resource in package["resources"]} == tables
    report = frictionless.validate(str(folder / "datapackage.json"))
    assert report.valid, report.flatten(["place", "type", "note"])
    (table,) = (each for each in package["resources"] if each["path"] == "runs/headlines/table.csv")
    fields = {field["name"]: field for field in table["schema"]["fields"]}
    assert fields["label"]["description"].startswith("The label")


def test_the_crate_names_every_file_and_every_run(folder):
    from rocrate.rocrate import ROCrate

    crate = ROCrate(str(folder))
    named = {entity.id for entity in crate.data_entities} - {"./"}
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert named == there - {"ro-crate-metadata.json", "manifest-sha256.txt"}
    assert crate.name == "Sixty headlines"
    assert crate.root_dataset["license"].id == "#licence"
    (action,) = [each for each in crate.contextual_entities if each.type == "CreateAction"]
    assert action["instrument"]["name"] == "embedded-use-minilm-1"
    assert {"name", "url", "version"} <= action["instrument"].properties().keys()  # as the validator of RO-Crate asks
    assert action["result"].id == "runs/headlines/table.csv"


def test_the_readme_is_filled_and_what_a_person_wrote_stays(study):
    folder = deposit().folder
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert "codebook execute study.yaml --replay runs/headlines" in readme
    assert "- [x] <10 minutes" in readme
    assert "| `headlines.csv` | what is coded |" in readme
    assert "[Say where the units come from" in readme
    assert "`notebooks/01_validity.ipynb` | `runs/headlines/outputs/validity_by_coder.csv`" in readme
    for place in ("README.md", "paper/figure_of_mine.txt"):
        (folder / place).write_text("mine", encoding="utf-8")
    for _ in range(2):  # the second one after these words were deposited
        deposit(replay=False)
        assert (folder / "README.md").read_text(encoding="utf-8") == "mine"
        assert (folder / "paper" / "figure_of_mine.txt").read_text(encoding="utf-8") == "mine"
    citation = yaml.safe_load((folder / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()


def test_the_codebook_lies_there_for_people_and_programs(made, study):
    folder = made / "codebook"
    book = cb.open_study().codebook
    assert cb.read_codebook(folder / f"{book.name}.yaml").digest == book.digest
    assert (folder / f"{book.name}.qdc").read_text().startswith("<?xml")
    texts = [each.text for each in docx.Document(str(folder / f"{book.name}.docx")).paragraphs]
    assert texts[0] == f"Codebook {book.name}, version {book.version}"


def test_a_key_in_the_study_is_refused_and_nothing_is_written(study):
    with (study / "headlines.csv").open("a") as file:
        file.write(f'99,x,"the key is {KEY}",0\n')
    with pytest.raises(ParameterError, match=r"headlines\.csv, line 62: something looks like a key") as caught:
        deposit(replay=False)
    assert KEY not in str(caught.value)
    assert not (study / "deposit" / "headlines").exists()
    assert list((study / "deposit").glob(".*")) == []


def test_files_that_are_gone_or_lie_elsewhere_are_named_at_once(study, tmp_path):
    (tmp_path / "away.csv").write_text("headline_id,headline_en\n")
    (study / "econ_coders.yaml").unlink()
    opened = cb.open_study(units=str(tmp_path / "away.csv"), coders="econ_coders.yaml")
    with pytest.raises(ParameterError, match="lies outside of the study's folder") as caught:
        write_deposit(opened, replay=False)
    assert "econ_coders.yaml: no such file" in str(caught.value)


@pytest.mark.parametrize("place", ["units.jsonl", "shards/*.jsonl", "results/*.jsonl"])
def test_an_edited_run_is_not_deposited(study, place):
    (path,) = (study / "runs" / "headlines").glob(place)
    path.write_bytes(path.read_bytes() + b"\n")
    for more in ({}, {"texts": "digest"}):
        with pytest.raises(RecordError, match=rf"runs/headlines/.*{path.name} was changed since it was written"):
            deposit(replay=False, **more)


def test_tables_that_do_not_come_again_are_not_deposited(study):
    outputs = study / "runs" / "headlines" / "outputs" / "validity_by_coder.csv"
    manifest, old = outputs.with_name("manifest.json"), digest_of(outputs).encode()
    outputs.write_text(outputs.read_text().replace("60", "61"))
    manifest.write_bytes(manifest.read_bytes().replace(old, digest_of(outputs).encode()))
    with pytest.raises(ParameterError, match="does not give the same tables again"):
        deposit()


def test_personal_data_is_told_by_line_and_needs_a_reason(study):
    table = pd.read_csv(study / "headlines.csv", dtype=str)
    table.loc[4, "medium"] = "write to erika@example.org or call +49 30 1234567"
    table.to_csv(study / "headlines.csv", index=False)
    deposited = deposit(replay=False)
    (remark,) = deposited.remarks
    assert remark.startswith("headlines.csv, line 6: something looks like an e-mail address (it is not shown)")
    assert "erika" not in str(deposited)
    (fault,) = verify_deposit(deposited.folder, replay=False).faults
    assert (fault.where, fault.mend.count("`e-mail address: the reason`")) == ("headlines.csv, line 6", 1)

    with (study / "study.yaml").open("a") as file:
        file.write("personal_data:\n  e-mail address: It is that of a newspaper.\n")
    deposited = deposit(replay=False)
    assert deposited.remarks == ()
    assert "- e-mail address: It is that of a newspaper." in (deposited.folder / "README.md").read_text()
    verified = verify_deposit(deposited.folder, replay=False)
    assert "REASON    e-mail address: 1 line of 1 file; It is that of a newspaper." in str(verified)
    assert verified.passes
    with (deposited.folder / "headlines.csv").open("a") as file:
        file.write("77,otto@example.org\n")
    faults = verify_deposit(deposited.folder, replay=False).faults
    assert [fault.where for fault in faults] == ["headlines.csv", "headlines.csv, lines 6, 62"]


@pytest.mark.parametrize(("pair", "problem"), [("e-mail: mine", "is not a kind"), ("IP address:", "has no reason")])
def test_a_reason_for_personal_data_names_its_kind(study, pair, problem):
    result = CliRunner().invoke(main, ["deposit", "--no-replay", "--personal-data", pair])
    assert result.exit_code == 1
    assert problem in result.output


def test_the_command_writes_a_deposit_and_says_what_is_left_to_do(study):
    result = CliRunner().invoke(main, ["deposit", "--no-replay", "--texts", "redact", "--out", "out"])
    assert result.exit_code == 0, result.output
    assert "LEFT OUT  asking a model again" in result.output
    assert "report are not here: the replay makes them, and it was left out (--no-replay)" in result.output
    assert (study / "out" / "deposit.json").is_file()
    assert (study / "out.zip").is_file()
    refused = CliRunner().invoke(main, ["deposit", "--no-replay", "--out", "notebooks"])
    assert refused.exit_code == 1
    assert "the folder holds something other than a deposit" in refused.output
    assert "This is not a deposit" in CliRunner().invoke(main, ["verify", "notebooks"]).output


def test_records_keep_their_choices_and_none_of_their_words():
    book = cb.read_codebook(ARCHIVE.parent / "entities_wikigold" / "codebook.yaml")
    hold = make_withholding("redact", book, Traces.of(()))
    label = '{"entities":[{"mention":"Killing Joke","type":"ORG"}]}'
    (record,) = orjson.loads(hold.label(label))["entities"]
    assert record["type"] == "ORG"
    assert record["mention"].startswith("withheld-")
    assert hold.label(label) == hold.reply(label)  # so that the table is that of the replies


@pytest.mark.parametrize(
    "reply", ['{"label":"coal","label":"wind"}', '{"label":"coal"}\x1e{"label":"wind"}', "Coal, I think."]
)
def test_a_reply_that_is_no_answer_is_none_without_its_words(reply):
    """Of a field that stands twice the last one was an answer where texts are withheld."""
    book = parse_codebook(BOOK)
    question, hold = Classify(book, book.variables[0]), make_withholding("redact", book, Traces.of(()))
    assert question.read_label(hold.reply('{"label":"coal"}')).label == "coal"
    assert question.read_label(reply).why == question.read_label(hold.reply(reply)).why == "invalid"


BOOK = """name: coal
unit: one sentence
variables:
  - name: topic
    question: What is it about?
    kind: single
    level: nominal
    categories: [{name: coal, definition: Mines.}, {name: wind, definition: Wind power.}]
"""
MEASURE = """
from dataclasses import replace
import codebook as cb
study = cb.open_study(run=run)
study.open_run().collect()
codings = study.codings()
for result in (cb.validity(codings, resample=cb.Bootstrap(50, seed=1)), cb.prevalence(codings)):
    replace(result, figure=None).save()
cb.write_report(study.run)
"""


@pytest.fixture
def paid(project, fake, monkeypatch) -> Path:
    """A paid run with options of a command, its gold drawn by chance and coded without a word of it in study.yaml."""
    (project / "codebook.yaml").write_text(BOOK)
    texts = [f"t{n},Sentence {n} about coal that is long enough to be told from all others.\n" for n in range(12)]
    (project / "texts.csv").write_text("id,text\n" + "".join(texts))
    write_notebook(project / "notebooks" / "01_measure.ipynb", 'run: str = ""  # the run', MEASURE)
    facts = {"study": "coal", "codebook": "codebook.yaml", "units": "texts.csv", "id_column": "id", "gold": "ann"}
    (project / "study.yaml").write_text(yaml.safe_dump({**facts, "notebooks": "notebooks", "steps": ["measure"]}))
    who = {"engine": "openai_batch", "model": "gpt-6-luna", "base_url": fake.base_url}
    study = cb.open_study(**who)
    for run in (study.pilot(3), study.plan()):
        run.submit()
        run.collect()
    sample = cb.draw_gold(study.codings(), 8, "random", seed=1)
    cb.sampling.write_gold_sample(sample, study.folder / "gold_sample.jsonl")
    study.with_coding(coders=("ann",), sample=str(study.folder / "gold_sample.jsonl")).assign()
    with cb.coding.open_session("ann") as session:
        for number, _ in enumerate(session):
            session.label("coal" if number % 3 else "wind")
    study.freeze()
    replace(cb.prevalence(study.codings()), figure=None).save()  # before the validity, which the step saves first
    exec(MEASURE, {"run": ""})
    monkeypatch.delenv("OPENAI_API_KEY")

    def run_here(path: Path, *, overrides: dict[str, str], **_: object) -> StudyResult:
        with monkeypatch.context() as patch:
            patch.setenv("CODEBOOK_STUDY", str(path))
            exec(MEASURE, {"run": overrides.get("run", "")})
        return StudyResult("done", 0, (), runs_folder())

    monkeypatch.setattr("codebook.execute.replaying.run_study", run_here)
    return project


@pytest.mark.parametrize("texts", ["include", "digest"])
def test_a_paid_study_with_a_gold_sample_and_people_who_coded_is_deposited_and_replays(paid, texts):
    """The labels of people, the sample with its chances and what was frozen come along; an address of this machine is
    nobody's; and the order in which results were saved is no difference."""
    deposited = deposit(texts=texts)
    place = deposited.folder
    assert (place / "runs" / "coal" / "gold_sample.jsonl").is_file()
    assert (place / "freezes.jsonl").is_file()
    assert (place / "coding" / "logs" / "ann.jsonl").is_file() == (texts == "include")
    assert verify_deposit(place, tell=lambda line: None).faults == ()


def test_an_output_that_no_step_makes_is_named_before_a_deposit(paid):
    replace(cb.label_shares(cb.open_study().codings()), figure=None).save()
    cb.write_report("coal")
    with pytest.raises(
        ParameterError, match="no step makes label_shares: name the notebooks that did among the `steps`"
    ):
        deposit()
