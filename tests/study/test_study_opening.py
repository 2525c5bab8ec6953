"""study.yaml is read in one place: what is not given is as in the study, and what is given goes before it."""

import re

import pandas as pd
import pytest

import codebook as cb
from codebook.errors import ParameterError, RunError

BOOK = """\
name: coal
version: "1"
unit: a headline
variables:
  - {name: topic, question: "Which?", kind: single, level: nominal, categories: [coal, wind]}
"""
STUDY = """\
study: coal debate
codebook: instrument.yaml
units: posts.csv
id_column: nr
text_column: post
where: {split: [a, b]}
coders: people.yaml
models: m1, m2
settings: {temperature: 0}
provider: azure
steps: [codebook]
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setenv("CODEBOOK_PROJECT", str(tmp_path))
    monkeypatch.delenv("CODEBOOK_STUDY", raising=False)
    (tmp_path / "instrument.yaml").write_text(BOOK)
    posts = pd.DataFrame({"nr": ["1", "2", "3"], "post": ["coal", "wind", "coal"], "split": ["a", "b", "c"]})
    posts.assign(ann=["coal", "wind", "coal"], ben=["coal", "coal", "coal"]).to_csv(tmp_path / "posts.csv", index=False)
    (tmp_path / "people.yaml").write_text("coders:\n  - {file: posts.csv, unit: nr, columns: [ann, ben]}\n")
    (tmp_path / "study.yaml").write_text(STUDY)
    return tmp_path


def test_what_is_empty_is_as_in_the_study(project):
    study = cb.open_study(run="", units="", context_columns=[], draws=0, cap=0.0)
    assert (study.run, study.facts.units, study.facts.models) == ("coal-debate", "posts.csv", ["m1", "m2"])
    assert [unit.unit_id for unit in study.open_units()] == ["1", "2"]
    assert study.asking()["settings"] == {"temperature": 0}
    assert study.asking()["options"] == {"provider": "azure"}
    assert "from study.yaml" in repr(study)


def test_what_is_given_goes_before_the_study(project):
    study = cb.open_study(where=["split: c"], engine="openai_live", settings={"temperature": 1})
    assert [unit.unit_id for unit in study.open_units()] == ["3"]
    assert (study.asking()["engine"], study.asking()["settings"]) == ("openai_live", {"temperature": 1})


def test_the_service_block_reaches_the_run(project):
    (project / "study.yaml").write_text(
        STUDY + "service: {requests_per_shard: 1, poll_s: [2, 30], priority: 3}\nnotify: [failed, late]\n"
    )
    study = cb.open_study(engine="openai_batch", model="m", provider="compatible", base_url="http://127.0.0.1:1/v1")
    wanted = cb.run.Service(requests_per_shard=1, poll_s=(2, 30), priority=3, notify=("failed", "late"))
    assert study.service == wanted
    run = study.plan()
    assert run.service == wanted
    assert [job.requests for job in run.status().jobs] == [1, 1]


def test_runs_are_listed_under_the_name_of_their_study(project):
    (project / "study.yaml").write_text(STUDY.replace("provider: azure\n", ""))
    run = cb.open_study().plan()
    assert cb.run.summarise_runs()["study"].tolist() == ["coal debate"]
    assert cb.run.list_jobs(study="coal debate")["run"].tolist() == ["coal-debate"]
    record = run.folder.record_path.read_bytes()
    assert cb.open_study().plan().record["study"] == "coal debate"
    assert run.folder.record_path.read_bytes() == record


def test_faults_of_the_service_block_are_told_with_their_lines(project):
    (project / "study.yaml").write_text(STUDY + "service:\n  timeout_s: soon\n  atempts: 3\nnotify: [dnoe]\n")
    with pytest.raises(ParameterError) as told:
        cb.open_study()
    said = str(told.value)
    assert "study.yaml, line 13: 'soon' cannot be taken. To mend: write a number of at least 1." in said
    assert "study.yaml, line 14: it is no setting of the service. To mend: did you mean 'attempts'?" in said
    assert "did you mean 'done'?" in said


def test_without_a_file_the_arguments_are_enough(project):
    (project / "study.yaml").unlink()
    study = cb.open_study(codebook="instrument.yaml", units="posts.csv", id_column="nr", text_column="post", run="one")
    run = study.plan()
    assert run.name == "one"
    assert run.submit().sentence.startswith("3 asked")
    assert "no study.yaml" in repr(study)


def test_people_alone_need_no_run(project):
    codings = cb.open_study().codings()
    assert set(codings.people) == {"ann", "ben"}
    assert "Run 'coal-debate' is not there yet: these are the labels of coders.yaml alone." in codings.notes
    assert cb.reliability(codings).frame["n_units"].unique().tolist() == [2], "where keeps two"
    with pytest.raises(RunError, match="coal-debatte"):
        cb.open_study(run="coal-debatte").codings()


def test_a_run_of_another_study_is_read_without_these_coders(project):
    (project / "other.yaml").write_text(BOOK.replace("name: coal", "name: wind", 1))
    units = cb.read_units("posts.csv", id_column="nr", text_column="post")
    cb.plan("other.yaml", units, run="other")
    cb.plan("instrument.yaml", units, run="mine")
    assert cb.open_study(run="mine").coders == "people.yaml"
    assert cb.open_study(run="other").coders == ""
    assert cb.open_study(run="coal-debate-pilot").coders == "people.yaml"
    assert cb.open_study(run="other", coders="people.yaml").coders == "people.yaml"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("study: s\ncodboek: a.yaml\n", "line 2: codboek: has no place here. To mend: did you mean 'codebook'?"),
        (
            "study: s\nunits: a.csv\nparameters: {units: b.csv}\n",
            "line 3: `units` stands at study.yaml, line 2 already",
        ),
        (
            "study: s\ndraws: many\n",
            "line 2: draws: 'many' stands there, and a whole number is expected. To mend: write a",
        ),
        (
            "study: s\nservice: [a]\n",
            "line 2: service: a list stands there, and keys with values are expected. To mend",
        ),
        ("- study\n", "line 1: the file: a list stands there, and keys with values are expected. To mend: write it as"),
        ("study: s\nrun:\ta\n", "line 2: a tab stands here or in the line above, and YAML knows blanks only. To mend"),
        ("study: s\n---\nstudy: t\n", "line 2: a second document begins here, with `---`. To mend: take that line out"),
        ("study: s\nmodel: sk-%s\n" % ("aB3" * 9), "line 2: parameter `model` looks like a key"),
    ],
)
def test_a_faulty_file_is_told_with_its_line(project, text, said):
    (project / "study.yaml").write_text(text)
    with pytest.raises(ParameterError, match=re.escape(said)):
        cb.open_study()


def test_a_name_that_is_no_fact_is_told(project):
    with pytest.raises(ParameterError, match="did you mean 'units'"):
        cb.open_study(unit="a.csv")
    (project / "study.yaml").write_text("study: s\nparameters: {units: posts.csv, seed: 3}\n")
    assert cb.open_study().facts.units == "posts.csv"
