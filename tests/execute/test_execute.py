import ast
import json
import os
import re
import sys
from pathlib import Path

import pytest
from tiny_notebooks import write_notebook

from codebook.errors import ExecutionError, ParameterError
from codebook.execute import (
    Parameter,
    check_parameters,
    execute_notebook,
    read_parameters,
    run_notebook,
    run_study,
    write_html,
)
from codebook.execute.study import StepResult
from codebook.execute.study_plan import plan_study
from codebook.ground.secrecy import is_keylike, looks_like_key, names_key, remove_secrets, secrets_in
from codebook.scaffold import make_study

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
KEY = "sk-" + "aB3" * 9


def copy_notebooks(project: Path, **names: str) -> None:
    (project / "notebooks").mkdir()
    for name, source in names.items():
        (project / "notebooks" / f"{name}.ipynb").write_bytes((NOTEBOOKS / f"{source}.ipynb").read_bytes())


def read_outputs(path: Path) -> str:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "".join("".join(output.get("text", "")) for cell in cells for output in cell.get("outputs", []))


# reading the parameters cell


def test_parameters_are_read_with_type_default_and_help():
    assert read_parameters(NOTEBOOKS / "passes.ipynb") == {
        "run": Parameter("run", "str", "tiny", "folder of the run"),
        "seed": Parameter("seed", "int", 1, "where chance starts"),
        "share": Parameter("share", "float", 0.5, "part of the units"),
        "fast": Parameter("fast", "bool", True, "leave out the slow part"),
        "labels": Parameter("labels", "list[str]", ["a", "b"], "categories"),
    }


def test_a_notebook_without_parameters_has_none():
    assert read_parameters(NOTEBOOKS / "draws.ipynb") == {}


@pytest.mark.parametrize(
    ("line", "mend"),
    [
        ('where: str = "a=b"  # two equals signs', "papermill drops"),
        ("seed: int = 1  # as in seed = 1", "papermill drops"),
        ('tag: str = "#1"  # a hash in the value', "papermill drops"),
        ("seed = 1  # no type", "name: type = literal"),
        ("seed: int  # no value", "name: type = literal"),
        ("seed: dict = {}  # another type", "type one of str, int, float, bool"),
        ("seed: int = 1 + 1  # no literal", "not a whole number"),
        ('seed: int = "1"  # a text', "not a whole number"),
        ("fast: bool = 1  # a number", "not true or false"),
        ("labels: list[str] = [1]  # numbers", "texts with commas"),
        ("labels: list[str] = [", "texts with commas"),
        ("import os", "name: type = literal"),
        ("  seed: int = 1  # indented", "name: type = literal"),
        ("class: str = 'a'  # a word of Python's", "name: type = literal"),
        ("seed: int = 1  # type: int", "begin the help with another word"),
        ("first: int = 2  # again", "declared twice"),
    ],
)
def test_a_line_of_another_form_is_refused_with_its_place(project, line, mend):
    path = write_notebook(project / "n.ipynb", f"first: int = 1  # fine\n\n# a comment\n{line}")
    with pytest.raises(ParameterError, match=re.escape(mend)) as caught:
        read_parameters(path)
    assert caught.value.faults[0].where == "n.ipynb, parameters cell, line 4"


def test_all_lines_are_judged_at_once(project):
    path = write_notebook(project / "n.ipynb", "a = 1\nb: int = 'x'\nc: int = 1")
    with pytest.raises(ParameterError) as caught:
        read_parameters(path)
    assert len(caught.value.faults) == 2


def test_a_key_as_default_is_refused_and_not_repeated(project):
    path = write_notebook(project / "n.ipynb", f'model: str = "{KEY}"  # m\napi_key: str = "abc"  # k')
    with pytest.raises(ParameterError, match="environment variable") as caught:
        read_parameters(path)
    assert len(caught.value.faults) == 2
    assert KEY not in str(caught.value)
    assert "abc" not in str(caught.value)


def test_two_parameters_cells_are_refused(project):
    path = write_notebook(project / "n.ipynb", "a: int = 1")
    notebook = json.loads(path.read_text())
    notebook["cells"].append({**notebook["cells"][0], "id": "other"})
    path.write_text(json.dumps(notebook))
    with pytest.raises(ParameterError, match="keep one"):
        read_parameters(path)


@pytest.mark.parametrize("content", ["{", '{"cells": 1}', '{"worksheets": []}', "[]"])
def test_a_file_that_is_no_notebook_is_named(project, content):
    (project / "n.ipynb").write_text(content)
    with pytest.raises(ParameterError, match=r"n\.ipynb: this is not a notebook"):
        read_parameters(project / "n.ipynb")


@pytest.mark.parametrize(
    "line",
    [
        "a: int = -3  # below zero",
        "a: float = 1e-3  # small",
        "a:float=.5 # tight",
        "a: str = ''  # none",
        'a: str = "it\'s, [a] (b): c\\n"  # marks',
        "a: str = 'é 漢 😀'  # signs",
        "a: list[str] = []  # none",
        "a: list[str] = ['x', \"y, z\"]  # list",
        "a: bool = False",
        "a_1: str = 'x'  #  spaces around  ",
    ],
)
def test_papermill_sees_what_we_see(project, line):
    papermill = pytest.importorskip("papermill")
    path = write_notebook(project / "n.ipynb", f"# first\n{line}\nlast: int = 1  # l")
    ours = read_parameters(path)
    theirs = papermill.inspect_notebook(str(path))
    assert list(theirs) == list(ours)
    for name, parameter in ours.items():
        assert theirs[name]["inferred_type_name"] == parameter.type
        assert ast.literal_eval(theirs[name]["default"]) == parameter.default
        assert theirs[name]["help"] == parameter.help


# what is given

DECLARED = {
    "run": Parameter("run", "str", "tiny"),
    "seed": Parameter("seed", "int", 1),
    "share": Parameter("share", "float", 0.5),
    "fast": Parameter("fast", "bool", True),
    "labels": Parameter("labels", "list[str]", []),
    "max_tokens": Parameter("max_tokens", "int", 10),
}


def test_text_is_converted_by_the_declared_type():
    given = {"run": "5", "seed": "5", "share": "1", "fast": "False", "labels": "a, b c,", "max_tokens": "100"}
    values = check_parameters(DECLARED, given)
    assert values == {"run": "5", "seed": 5, "share": 1.0, "fast": False, "labels": ["a", "b c"], "max_tokens": 100}
    assert [type(value) for value in values.values()] == [str, int, float, bool, list, int]


def test_values_of_the_right_type_are_taken_as_they_are():
    given = {"seed": 5, "share": 1, "fast": False, "labels": ["a, b"]}
    assert check_parameters(DECLARED, given) == given
    assert check_parameters(DECLARED, {"labels": '["a, b", c]'}) == {"labels": ["a, b", "c"]}


@pytest.mark.parametrize(
    ("name", "value", "mend"),
    [
        ("seed", "5.5", "give a whole number"),
        ("seed", "", "give a whole number"),
        ("seed", True, "give a whole number"),
        ("share", "half", "give a number"),
        ("fast", "1", "give true or false"),
        ("fast", "yes", "give true or false"),
        ("run", 5, "give a text"),
        ("labels", [1], "texts with commas"),
        ("labels", "[a, [b]]", "texts with commas"),
        ("labels", "[a", "texts with commas"),
    ],
)
def test_a_wrong_type_is_refused(name, value, mend):
    with pytest.raises(ParameterError, match=mend):
        check_parameters(DECLARED, {name: value})


def test_an_unknown_parameter_is_refused_with_the_nearest_and_all():
    with pytest.raises(ParameterError, match=r"did you mean `seed`.*run, seed, share, fast, labels"):
        check_parameters(DECLARED, {"sede": 1})


def test_all_faults_are_named_at_once():
    with pytest.raises(ParameterError) as caught:
        check_parameters(DECLARED, {"sede": 1, "seed": "x", "run": KEY})
    assert len(caught.value.faults) == 3
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "value",
    [
        KEY,
        "use " + KEY + " please",
        "sk-" + "proj-" + "x1Y2" * 10,
        "gh" + "p_" + "a1B2" * 9,
        "h" + "f_" + "abcdEFGH" * 4,
        "AK" + "IA" + "ABCDEFGH12345678",
        "xo" + "xb-" + "123456789012-abc",
        "Bea" + "rer " + "abcdefghijk",
        "https://" + "ann:pass@example.org/v1",
        "ey" + "J" + "hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.sig",
        "Ab3dEf6hIj9lMn2pQr5tUv8xYz1bCd4fGh7jKl0n",
    ],
)
def test_what_looks_like_a_key_is_refused_and_never_repeated(value):
    with pytest.raises(ParameterError, match="environment variable") as caught:
        check_parameters(DECLARED, {"run": value, "labels": [value]})
    assert value not in str(caught.value)
    assert len(caught.value.faults) == 2


def test_a_key_of_every_maker_is_known_in_a_text():
    heads = (
        "sk- sk_ pk- pk_ rk- rk_ gsk_ hf_ r8_ xai- npm_ dapi glpat- nvapi- pplx- ghp_ gho_ ghu_ ghs_ ghr_ github_pat_"
    )
    keys = [
        f"{head}{'a1B2' * 9}" for head in [*heads.split(), "xoxb-", "AIza", "bearer ", "Bearer ", "eyJhbGciOiJIUz."]
    ]
    keys += [f"{head}ABCDEFGH12345678" for head in ("AKIA", "ASIA")]
    assert [key for key in keys if not is_keylike(f"the key is {key}.")] == []


@pytest.mark.parametrize(
    "value",
    [
        "data/topics_sib200_en/codebook.yaml",
        "data/task-lists-of-the-ministry/units.csv",
        "gpt-5-mini-2026-01-01",
        "a" * 64,
        "0f" * 32,
        "https://example.org:8000/v1",
        "Please code the following texts by topic, 2 coders each.",
        "risk-averse-and-other-long-words-of-a-folder-name",
    ],
)
def test_ordinary_values_are_no_keys(value):
    assert not looks_like_key(value)


@pytest.mark.parametrize("name", ["api_key", "apiKey", "OPENAI_API_KEY", "token", "hf_token", "secret", "db_password"])
def test_a_name_that_asks_for_a_key_is_refused_with_any_value(name):
    declared = {name: Parameter(name, "str", "")}
    with pytest.raises(ParameterError, match="environment variable") as caught:
        check_parameters(declared, {name: "hunter2"})
    assert "hunter2" not in str(caught.value)
    assert check_parameters(declared, {name: ""}) == {name: ""}


@pytest.mark.parametrize("name", ["max_tokens", "n_tokens", "key_column", "monkey", "keys", "keyword", "id_key"])
def test_names_that_only_sound_like_it_are_fine(name):
    assert not names_key(name)


# executing one notebook


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """A folder with executed copies of two notebooks, for tests that only read them; and the cells that were heard."""
    folder = tmp_path_factory.mktemp("executed")
    heard: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CODEBOOK_PROJECT", str(folder))
        execute_notebook(NOTEBOOKS / "passes.ipynb", {"seed": 2}, out=folder / "passes.ipynb", on_cell=heard.append)
        execute_notebook(NOTEBOOKS / "draws.ipynb", out=folder / "draws.ipynb")
    return folder, heard


def test_a_notebook_runs_in_the_project_with_this_python_from_any_folder(project, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere" / "kernels" / "python3"
    elsewhere.mkdir(parents=True)
    foreign = {"argv": ["/bin/false"], "display_name": "Foreign", "language": "python"}
    (elsewhere / "kernel.json").write_text(json.dumps(foreign))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "elsewhere"))
    monkeypatch.chdir(tmp_path)
    out = project / "runs" / "r" / "a {brace}.ipynb"
    execution = execute_notebook(NOTEBOOKS / "shows_place.ipynb", out=out)
    assert execution.state == "done"
    assert read_outputs(out).split() == [str(project), sys.executable]
    assert json.loads(out.read_text())["metadata"]["papermill"]["output_path"] == "runs/r/a {brace}.ipynb"


def test_the_kernel_named_in_the_notebook_does_not_matter(project):
    execute_notebook(NOTEBOOKS / "foreign_kernel.ipynb", out=project / "out.ipynb")
    assert read_outputs(project / "out.ipynb").strip() == sys.executable


def test_parameters_arrive_typed_and_hostile_text_arrives_exact(project, capfd):
    text = "it's \"quoted\" \\ back\u2028slash\n{brace} é 😀 '''"
    given = {"run": text, "seed": "9", "share": "2", "fast": "false", "labels": [text, ""]}
    execute_notebook(NOTEBOOKS / "passes.ipynb", given, out=project / "out.ipynb")
    assert ast.literal_eval(read_outputs(project / "out.ipynb")) == [text, 9, 2.0, False, [text, ""]]
    assert capfd.readouterr() == ("", ""), "a kernel that starts should say nothing"


def test_nothing_runs_when_a_parameter_is_wrong(project):
    with pytest.raises(ParameterError, match="did you mean `seed`"):
        execute_notebook(NOTEBOOKS / "passes.ipynb", {"sedd": "1"}, out=project / "out.ipynb")
    assert not (project / "out.ipynb").exists()


@pytest.mark.parametrize("parameters", [{}, {"seed": 4}])
def test_a_failing_cell_is_shown_with_number_source_and_cause_and_the_copy_is_kept(project, parameters):
    with pytest.raises(ExecutionError, match="division by zero") as caught:
        execute_notebook(NOTEBOOKS / "fails.ipynb", parameters, out=project / "out.ipynb")
    assert (caught.value.cell, caught.value.source) == (4, "units = 1 / (seed - seed)")
    assert "\x1b" not in str(caught.value)
    assert "----> 1 units" in caught.value.cause
    assert read_outputs(project / "out.ipynb") == "before\n"
    assert "Stopped at cell 4: ZeroDivisionError" in (project / "out.ipynb").read_text()
    assert "An Exception was encountered" not in (project / "out.ipynb").read_text()
    assert "\\u001b" not in (project / "out.ipynb").read_text()


def test_an_error_of_the_kit_is_shown_without_a_traceback(project):
    with pytest.raises(ExecutionError) as caught:
        execute_notebook(NOTEBOOKS / "fails_kindly.ipynb", out=project / "out.ipynb")
    assert caught.value.cause == "units.csv: no column `id`. To mend: name the column."


@pytest.mark.slow
def test_outstanding_answers_are_no_failure(project):
    execution = execute_notebook(NOTEBOOKS / "waits.ipynb", out=project / "out.ipynb")
    assert (execution.state, execution.message) == ("pending", "3 of 10 answers are outstanding.")
    first = json.loads((project / "out.ipynb").read_text())["cells"][0]
    assert "Not finished yet: 3 of 10" in first["source"]
    assert "An Exception was encountered" not in (project / "out.ipynb").read_text()


def test_a_notebook_that_leaves_early_has_not_passed(project):
    with pytest.raises(ExecutionError, match="take out the call of exit"):
        execute_notebook(NOTEBOOKS / "leaves_early.ipynb", out=project / "out.ipynb")


@pytest.mark.slow
def test_time_is_bounded(project):
    with pytest.raises(ExecutionError, match=r"give it more \(timeout\)") as caught:
        execute_notebook(NOTEBOOKS / "sleeps.ipynb", out=project / "out.ipynb", timeout_s=3)
    assert caught.value.source.endswith("time.sleep(60)")
    assert "Stopped: The time" in (project / "out.ipynb").read_text()


def test_a_kernel_that_dies_is_a_failure_with_its_cell(project):
    with pytest.raises(ExecutionError, match="try a smaller pilot") as caught:
        execute_notebook(NOTEBOOKS / "dies.ipynb", out=project / "out.ipynb")
    assert caught.value.cell == 2


def test_the_cells_are_heard_as_they_start_by_the_numbers_of_the_notebook(executed):
    _, heard = executed
    assert heard == [1, 2, 2, 3]  # the second 2 is the cell of the given parameters


def test_a_figure_is_in_the_copy_though_the_environment_names_another_backend(executed):
    folder, _ = executed
    assert os.environ["MPLBACKEND"] == "Agg"
    assert "image/png" in (folder / "draws.ipynb").read_text()


def test_run_notebook_takes_short_names_and_passes_the_run(project):
    copy_notebooks(project, **{"03_draws": "draws", "01_passes": "passes"})
    execution = run_notebook("passes", {"seed": "2"}, run="mine")
    assert execution.path == project / "runs" / "mine" / "notebooks" / "01_passes.ipynb"
    assert execution.path.with_suffix(".html").is_file()
    assert ast.literal_eval(read_outputs(execution.path))[:2] == ["mine", 2]
    with pytest.raises(ParameterError, match=r"did you mean `passes`.*passes, draws"):
        run_notebook("pases")


def test_a_copy_is_kept_with_the_run_of_the_study_where_none_is_named(project):
    write_notebook(project / "notebooks" / "16_asks.ipynb", 'run: str = ""  # the run, empty as in the study', "1")
    (project / "study.yaml").write_text("study: a debate\nrun: debate\n")
    assert run_notebook("asks").path == project / "runs" / "debate" / "notebooks" / "16_asks.ipynb"


# secrets


def test_values_of_secret_variables_are_taken_out_of_the_copy_and_the_error(project, monkeypatch):
    secret = "wxyz-" + "1234-" + "<&'>-9876"
    monkeypatch.setenv("STUDY_API_KEY", secret)
    with pytest.raises(ExecutionError, match=r"refused: \[removed: STUDY_API_KEY\]") as caught:
        execute_notebook(NOTEBOOKS / "tells_secret.ipynb", {"fail": True}, out=project / "out.ipynb")
    write_html(project / "out.ipynb", project / "out.html")
    for text in (str(caught.value), (project / "out.ipynb").read_text(), (project / "out.html").read_text()):
        assert "9876" not in text
        assert "[removed: STUDY_API_KEY]" in text


def test_which_variables_hold_secrets():
    secret = "value-of-some-length"
    names = ["OPENAI_API_KEY", "HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "PGPASSWORD", "MY_KEY_2"]
    others = ["TOKENIZERS_PARALLELISM", "KEYBOARD", "PATH", "KEYNOTE"]
    assert set(secrets_in(dict.fromkeys(names + others, secret))) == set(names)
    assert secrets_in({"API_KEY": "short"}) == {}


def test_longer_secrets_are_removed_first():
    secrets = {"A_KEY": "12345678", "B_KEY": "1234567890"}
    assert remove_secrets("is 1234567890", secrets) == "is [removed: B_KEY]"


SECRETS = {
    "DATABASE_URL": "postgres://reader:p%40ss-of-db-77@db.example:5432/study",
    "GITHUB_PAT": "pat-of-some-length-1234",
    "MY_CREDS": "creds-of-some-length",
    "PASSPHRASE": "four words for nobody",
    "API_PASS": "hunt3r",
    "PGPASS": "pgpass-of-some-length",
    "SESSION_COOKIE": "cookie-of-some-length",
    "PLAIN_NAME": "ghp_" + "a1B2c3D4" * 4,
    "MY_GATEWAY_API_KEY": "gateway-of-some-length",
}
ORDINARY = {
    "HOME": "/home/researcher",
    "USER": "researcher",
    "PATH": "/usr/bin:/bin",
    "LANG": "en_GB.UTF-8",
    "PWD": "/home/researcher/study",
    "SHELL": "/bin/bash",
    "VERBOSE_KEY": "true",
    "N_KEYS": "1",
    "DEFAULT_TOKEN": "12345",
    "STUDY_PASSWORD": "researcher",
    "COMPASS_URL": "https://example.org/v1",
}


def test_r26_secrets_are_known_by_name_and_by_value_and_ordinary_values_are_not():
    found = secrets_in({**SECRETS, **ORDINARY})
    assert {name.split(",")[0] for name in found} == set(SECRETS)
    shown = remove_secrets("\n".join({**SECRETS, **ORDINARY}.values()), found).splitlines()
    assert shown[: len(SECRETS)] == [f"[removed: {name}]" for name in SECRETS]
    assert shown[len(SECRETS) :] == list(ORDINARY.values())
    assert "ss-of-db" not in remove_secrets("by itself: p%40ss-of-db-77, p@ss-of-db-77", found)


def test_r26_executed_notebooks_keep_no_value_of_a_secret_variable(project, monkeypatch):
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    names = repr(list(SECRETS))
    path = write_notebook(
        project / "tells.ipynb",
        "",
        f"import os, json, urllib.parse\nheld = [os.environ[name] for name in {names}]",
        "print(*held, json.dumps(held), repr(held), urllib.parse.quote(held[0], safe=''))",
        "from IPython.display import HTML\nHTML('<p>' + '</p><p>'.join(held) + '</p>')",
        "held",
        "raise ValueError(f'refused: {held}')",
    )
    with pytest.raises(ExecutionError) as caught:
        execute_notebook(path, out=project / "out.ipynb")
    write_html(project / "out.ipynb", project / "out.html")
    pieces = [*SECRETS.values(), "p@ss-of-db-77", "p%40ss-of-db-77"]
    for text in (str(caught.value), (project / "out.ipynb").read_text(), (project / "out.html").read_text()):
        assert "[removed: GITHUB_PAT]" in text
        assert [piece for piece in pieces if piece in text] == []


def test_a_study_without_a_run_names_the_steps_that_need_one(project):
    text = "study: s\nrun: none\nnotebooks: notebooks\nsteps: [submit, report]\n"
    study = write_study(project, text)
    write_notebook(project / "notebooks" / "03_submit.ipynb", 'run: str = ""', "1")
    with pytest.raises(ParameterError) as caught:
        run_study(study, out=pytest.fail)
    for name in ("03_submit", "02_report"):
        assert f"{name} needs a run, and the study says `run: none`. To mend: name a run, or take" in str(caught.value)


def test_r25_a_study_holds_no_key_in_the_options_of_an_engine(project):
    text = 'study: s\nrun: r\nparameters: {labels: ["provider: openai", "api_key: hunter2"]}\nsteps: [passes]\n'
    with pytest.raises(
        ParameterError, match=r"study.yaml, line 3: parameter `labels.api_key` looks like a key"
    ) as caught:
        run_study(write_study(project, text), out=pytest.fail)
    assert "hunter2" not in str(caught.value)


# the page


def test_the_page_needs_no_network_and_runs_no_script(project):
    execute_notebook(NOTEBOOKS / "shows_hostile_text.ipynb", out=project / "out.ipynb")
    page = write_html(project / "out.ipynb", project / "page.html").read_text(encoding="utf-8")
    assert not re.search(r"""(?:src|href|action|data)\s*=\s*["']?\s*(?:https?:)?//""", page, re.IGNORECASE)
    assert not re.search(r"url\(|@import|<script|<link|<iframe|https?://", page, re.IGNORECASE)
    policy = re.search(r'<meta content="([^"]*)" http-equiv="Content-Security-Policy"', page)
    assert policy is not None
    assert "default-src 'none'" in policy[1]
    assert "script-src" not in policy[1]
    assert page.index("Content-Security-Policy") < page.index("<style")
    frame = page[page.index("dataframe") : page.index("</table>")]
    assert "<img" not in frame
    assert "&lt;img src=x onerror=alert(1)&gt;" in frame
    assert "<title>Shows hostile text</title>" in page
    assert page.count('<details class="code">') == 3


def test_the_page_shows_the_parameters_and_folds_the_code(executed, project):
    folder, _ = executed
    page = write_html(folder / "passes.ipynb", project / "page.html").read_text(encoding="utf-8")
    assert page.count("<summary>parameters</summary>") == page.count('<details class="code" open') == 2
    assert page.count('<details class="code"><summary>code</summary>') == 1


def test_figures_are_inside_the_page(executed, project):
    folder, _ = executed
    page = write_html(folder / "draws.ipynb", project / "page.html").read_text(encoding="utf-8")
    assert 'src="data:image/png;base64,' in page


# a study

STUDY = """\
study: small
run: first
parameters: {seed: 3}
steps:
  - passes
  - notebook: report
    parameters: {title: A report}
"""


def write_study(project: Path, text: str = STUDY) -> Path:
    copy_notebooks(
        project, **{"01_passes": "passes", "02_report": "writes_report", "03_waits": "waits", "04_fails": "fails"}
    )
    (project / "study.yaml").write_text(text, encoding="utf-8")
    return project / "study.yaml"


def test_a_study_runs_its_steps_and_names_its_report(project):
    lines: list[str] = []
    result = run_study(write_study(project), overrides={"share": "0.25"}, out=lines.append)
    folder = project / "runs" / "first"
    assert (result.state, result.exit_code, result.folder) == ("done", 0, folder)
    assert [step.name for step in result.steps] == ["passes", "report"]
    assert sorted(path.name for path in (folder / "notebooks").iterdir()) == [
        "01_passes.html",
        "01_passes.ipynb",
        "02_report.html",
        "02_report.ipynb",
    ]
    assert ast.literal_eval(read_outputs(folder / "notebooks" / "01_passes.ipynb"))[:3] == ["first", 3, 0.25]
    assert result.report == folder / "report.html"
    assert result.report.read_text() == "A report"
    assert lines[-1] == "report: runs/first/report.html"
    assert re.fullmatch(r"  01 passes +[\d.]+ s  done", lines[1])


def test_a_study_can_run_some_of_its_steps_in_another_run(project):
    lines: list[str] = []
    result = run_study(write_study(project), overrides={"run": "second"}, only=["passes"], out=lines.append)
    assert (result.folder.name, len(result.steps), result.report) == ("second", 1, None)


def test_r33_a_study_that_was_cut_notes_what_no_step_uses(project):
    text = "study: s\nrun: r\nparameters: {seed: 3, title: A report, bins: 10, dev_share: .2}\nsteps: [passes]\n"
    lines: list[str] = []
    result = run_study(write_study(project, text), overrides={"replicates": "200"}, out=lines.append)
    assert result.state == "done"
    assert lines[1:4] == [
        "  note: study.yaml, line 3: `bins` is used by none of these steps",
        "  note: study.yaml, line 3: `dev_share` is used by none of these steps",
        "  note: command line: `replicates` is used by none of these steps",
    ]


def test_r33_what_no_notebook_of_the_chain_knows_stays_a_fault(project):
    text = "study: s\nrun: r\nparameters: {codersz: a.yaml, sed: 3, coders: sk-%s}\nsteps: [passes]\n" % ("aB3" * 9)
    with pytest.raises(ParameterError) as caught:
        run_study(write_study(project, text), overrides={"replicatez": "200"}, out=pytest.fail)
    said = [fault.problem + "; " + fault.mend for fault in caught.value.faults]
    assert "`coders` looks like a key" in said[0]
    assert "`codersz`; did you mean `coders`?" in said[1]
    assert "`sed`; did you mean `seed`?" in said[2]
    assert "`replicatez`; did you mean `replicates`?" in said[3]


@pytest.mark.parametrize("steps", ["[codebook]", "[submit, collect]", "[codebook, pilot, submit, collect]"])
def test_r33_the_template_may_be_cut_to_any_steps(tmp_path, monkeypatch, steps):
    make_study(tmp_path / "study")
    monkeypatch.setenv("CODEBOOK_PROJECT", str(tmp_path / "study"))
    path = tmp_path / "study" / "study.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(f"{text.partition('steps:')[0]}steps: {steps}\n", encoding="utf-8")
    for notebook in (tmp_path / "study" / "notebooks").glob("0[5-7]*.ipynb"):
        notebook.unlink()  # who needs no coders may throw them away
    plan = plan_study(path, {})
    assert len(plan.steps) == len(steps.split(","))
    assert not plan.notes  # what the study says once need not be used by every step


def test_a_notebook_copied_by_an_earlier_kit_is_told_what_to_write_before_anything_runs(tmp_path, monkeypatch):
    make_study(tmp_path / "study")
    monkeypatch.setenv("CODEBOOK_PROJECT", str(tmp_path / "study"))
    pilot = tmp_path / "study" / "notebooks" / "02_pilot.ipynb"
    text = pilot.read_text(encoding="utf-8")
    pilot.write_text(text.replace("cb.study.estimate_costs(", "cb.run.estimate_whole("), encoding="utf-8")
    mend = r"02_pilot\.ipynb, cell \d+: cb\.run\.estimate_whole is gone\. To mend: write cb\.study\.estimate_costs"
    with pytest.raises(ParameterError, match=mend):
        plan_study(tmp_path / "study" / "study.yaml", {})


def test_a_study_stops_at_outstanding_answers_and_says_what_to_do(project):
    lines: list[str] = []
    result = run_study(write_study(project, "study: s\nrun: r\nsteps: [waits, passes]\n"), out=lines.append)
    assert (result.state, result.exit_code, len(result.steps)) == ("pending", 3, 1)
    assert result.left == ("waits", "passes")
    assert lines[-1] == "3 of 10 answers are outstanding.\nTo go on: run the same command again later."


def test_a_study_stops_at_a_failure_and_shows_the_cell(project):
    lines: list[str] = []
    result = run_study(write_study(project, "study: s\nrun: r\nsteps: [fails, passes]\n"), out=lines.append)
    assert (result.state, result.exit_code, len(result.steps)) == ("failed", 1, 1)
    assert "notebooks/04_fails.ipynb, cell 4 failed.\n    units = 1 / (seed - seed)" in lines[-1]
    assert "division by zero" in lines[-1]
    assert "runs/r/notebooks/01_fails.ipynb" in lines[-1]
    assert "papermill" not in lines[-1]
    assert result.steps[0].html.is_file()


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ("study: s\nrun: r\n", "line 1", "steps: field required"),
        ("study: s\nrun: r\nsteps: []\n", "line 3", "steps"),
        ("study: s\nrun: r\nstep: x\nsteps: [passes]\n", "line 3", "step: has no place here"),
        ("study: s\nrun: ../r\nsteps: [passes]\n", "line 2", "name a folder"),
        ("study: s\nrun: r\nsteps:\n  - pases\n", "line 4", "did you mean `passes`"),
        ("study: s\nrun: r\nsteps:\n  - passes\n  - notebook: waits\n    x: 1\n", "line 6", "has no place here"),
        ("study: s\nrun: r\nparameters:\n  sed: 1\nsteps: [passes]\n", "line 4", "did you mean `seed`"),
        ("study: s\nrun: r\nparameters: {seed: x}\nsteps: [passes]\n", "line 3", "give a whole number"),
        ("study: s\nrun: r\nparameters: {run: x}\nsteps: [passes]\n", "line 3", "write it at the top"),
        ("study: s\nrun: r\nrun: q\nsteps: [passes]\n", "line 3", "occurs twice here"),
        (
            "study: s\nrun: r\nsteps:\n  - notebook: waits\n    parameters:\n      seed: 1\n",
            "line 6",
            "03_waits.ipynb does not declare",
        ),
        ("study: s\nrun: [r\nsteps: [passes]\n", "line 3", "not YAML"),
        ("just a text", "line 1", "the file"),
        ("", "line 1", "study: field required. To mend: add it: the name of the study"),
    ],
)
def test_a_faulty_study_is_refused_with_line_and_mend(project, text, where, message):
    with pytest.raises(ParameterError, match=re.escape(message)) as caught:
        run_study(write_study(project, text), out=pytest.fail)
    assert [fault.where for fault in caught.value.faults if message in str(fault)] == [f"study.yaml, {where}"]
    assert not (project / "runs").exists()


def test_all_faults_of_a_study_are_named_before_anything_runs(project):
    text = f"study: s\nrun: r\nparameters: {{sed: 1, share: x, labels: [{KEY}]}}\nsteps: [passes, waits]\n"
    write_notebook(project / "bad.ipynb", "x = 1")
    with pytest.raises(ParameterError) as caught:
        run_study(write_study(project, text), overrides={"fsat": "true", "seed": "x"}, only=["wait"], out=pytest.fail)
    assert len(caught.value.faults) == 6
    assert KEY not in str(caught.value)
    assert not (project / "runs").exists()


def test_a_notebook_with_a_bad_parameters_cell_stops_the_study_first(project):
    path = write_study(project, "study: s\nrun: r\nsteps: [passes, bad]\n")
    write_notebook(project / "notebooks" / "05_bad.ipynb", "x = 1")
    with pytest.raises(ParameterError, match=r"notebooks/05_bad\.ipynb, parameters cell, line 1"):
        run_study(path, out=pytest.fail)


def test_a_study_that_is_not_there_is_named(project):
    with pytest.raises(ParameterError, match=r"other\.yaml: there is no such file"):
        run_study("other.yaml")


def test_a_study_of_another_project_is_refused(project, tmp_path, monkeypatch):
    write_study(project)
    monkeypatch.delenv("CODEBOOK_PROJECT")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ParameterError, match="change to its folder first"):
        run_study("project/study.yaml")
    monkeypatch.chdir(project / "notebooks")
    assert run_study("../study.yaml", only=["passes"], out=lambda line: None).folder == project / "runs" / "first"


def test_texts_in_a_study_stay_as_they_are_written(project):
    text = "study: s\nrun: r\nparameters: {labels: [no, 010, 1e3, 2020-01-01], share: 010}\nsteps: [passes]\n"
    result = run_study(write_study(project, text), out=lambda line: None)
    assert ast.literal_eval(read_outputs(result.steps[0].notebook))[2:] == [
        10.0,
        True,
        ["no", "010", "1e3", "2020-01-01"],
    ]


def test_a_step_that_makes_a_version_leaves_the_copies_of_the_old_one(project, monkeypatch):
    """Copies and report of the steps before it go with the new version; those of the old one are as they were."""
    copy_notebooks(project, one="passes", two="passes", three="passes")
    runs, lines = project / "runs", []

    def run_step(step, folder, timeout_s, study):
        copy = folder / "notebooks" / f"{step.number:02d}_{step.name}.ipynb"
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(word)
        copy.with_suffix(".html").write_text(word)
        (folder / "report.html").write_text(word)
        if step.name == "two":
            (runs / name).mkdir(exist_ok=True)
            (runs / name / "run.json").write_text("{}")
        return StepResult(step.name, "done", 0, copy, copy.with_suffix(".html")), ""

    monkeypatch.setattr("codebook.execute.study._run_step", run_step)
    path = project / "study.yaml"
    path.write_text("study: s\nrun: r\nsteps: [one, two, three]\n")
    for word, name in (("old", "r"), ("new", "r.v2")):
        result = run_study(path, out=lines.append)
        copies = [file.read_text() for file in sorted((runs / name / "notebooks").iterdir())]
        assert copies == [word] * 6
        assert [step.notebook.parent.parent.name for step in result.steps] == [name] * 3
        assert (result.folder.name, result.report.read_text()) == (name, word)
    assert [file.read_text() for file in sorted((runs / "r" / "notebooks").iterdir())] == ["old"] * 6
    assert any("r.v2 is the next version of r, which stays" in line for line in lines)
