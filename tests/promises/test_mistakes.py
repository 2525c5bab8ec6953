"""Typical mistakes of a person who begins: each ends in words that name the place, what was expected and the mend."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import krippendorff
import pandas as pd
import pytest
from click.testing import CliRunner

import codebook as cb
from codebook.cli import main
from codebook.errors import CodebookError

Slip = Callable[[Path], object]


def nothing(folder: Path) -> None:
    """The slip is in the command."""


def change(name: str, old: str, new: str) -> Slip:
    def slip(folder: Path) -> None:
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    return slip


def texts(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "data" / "texts.csv", dtype=str)


def rewrite(edit: Callable[[pd.DataFrame], pd.DataFrame], **form: str) -> Slip:
    return lambda folder: edit(texts(folder)).to_csv(folder / "data" / "texts.csv", index=False, **form)


def with_numbers(folder: Path) -> None:
    """Ids as numbers, and a coder whose file made decimal numbers of them."""
    numbered = texts(folder).assign(id=[str(number) for number in range(1501, 1513)])
    numbered.to_csv(folder / "data" / "texts.csv", index=False)
    add_coder(folder, numbered["id"] + ".0", numbered["gold"])


def add_coder(folder: Path, ids: pd.Series, labels: pd.Series) -> None:
    pd.DataFrame({"id": ids, "ann": labels}).to_csv(folder / "data" / "ann.csv", index=False)
    with (folder / "coders.yaml").open("a") as file:
        file.write("  - {file: data/ann.csv, unit: id, columns: [ann]}\n")


def with_typo(folder: Path) -> None:
    table = texts(folder)
    add_coder(folder, table["id"], table["gold"].str.replace("sports", "sprots"))


def as_workbook(folder: Path, sheet: str, above: int) -> None:
    with pd.ExcelWriter(folder / "data" / "texts.xlsx", engine="openpyxl") as book:
        if sheet:
            pd.DataFrame({"note": ["of 2024"]}).to_excel(book, sheet_name="Info", index=False)
        texts(folder).to_excel(book, sheet_name=sheet or "A", index=False, startrow=above)
        if above:
            book.sheets["A"].cell(1, 1).value = "Survey of 2024"
    change("study.yaml", "data/texts.csv", "data/texts.xlsx")(folder)


def as_labels(folder: Path) -> None:
    (folder / "labels.csv").write_text("label\neconomy\nhealth\nsports\n")
    change("study.yaml", "codebook: codebook.yaml", "codebook: labels.csv")(folder)


SECRET = "sk-" + "aB3" * 12
BATCH = change("study.yaml", "# engine: openai_batch", "engine: openai_batch")
TWIN = '    categories:\n      - name: sport\n        definition: "Sports: matches, races, teams and players."\n'

SLIPS: dict[str, tuple[Slip, str, int, str]] = {
    "no codebook": (lambda folder: (folder / "codebook.yaml").unlink(), "check", 1, "There is no codebook at"),
    "id column": (
        change("study.yaml", "column: id", "column: Id"),
        "check",
        1,
        "'Id', which is named by `id_column` (--id)",
    ),
    "text column": (change("study.yaml", "column: text", "column: txt"), "check", 1, "did you mean 'text'?"),
    "key of a codebook": (
        change("codebook.yaml", "definition:", "defintion:"),
        *("check", 1, "codebook.yaml, line 17: `defintion` is not a field here. To mend: did you mean `definition`?"),
    ),
    "no level": (change("codebook.yaml", "    level: nominal\n", ""), "check", 1, "write `level:` and one of nominal"),
    "path of the texts": (change("study.yaml", "texts.csv", "text.csv"), "check", 1, "data/text.csv: no such file"),
    "label of a coder": (with_typo, "check", 1, "`rename: {'sprots': 'sports'}`"),
    "column of a coder": (change("coders.yaml", "gold: gold", "gold: golden"), "check", 1, "no column 'golden'"),
    "ids as decimals": (with_numbers, "check", 1, "`ids: near`"),
    "an id twice": (
        rewrite(lambda table: pd.concat([table, table.head(1)])),
        *("check", 1, "texts.csv, 'h01': duplicate id (1). To mend: ids must be unique"),
    ),
    "an empty text": (
        rewrite(lambda table: table.assign(text=["", *table["text"][1:]])),
        *("check", 0, "NOT SENT  empty text: 1 (h01)"),
    ),
    "key of a study": (change("study.yaml", "text_column", "textcolumn"), "check", 1, "did you mean 'text_column'?"),
    "a colon in a text": (
        change("codebook.yaml", '"The economy: companies', "The economy: companies"),
        *("check", 1, "a colon followed by a space starts a new key. To mend: put the text in quotes"),
    ),
    "an indent": (
        change("study.yaml", "coders: c", "  coders: c"),
        *("check", 1, "study.yaml, line 9: the line is indented further than the one above it"),
    ),
    "an old code page": (
        lambda folder: (folder / "data" / "texts.csv").write_bytes("id,text,gold\n1,Größe,health\n".encode("cp1252")),
        *("check", 0, "or `--form encoding=cp1252`"),
    ),
    "semicolons": (rewrite(lambda table: table, sep=";"), "check", 0, "12 units to send"),
    "the second sheet": (lambda folder: as_workbook(folder, "Texte", 0), "check", 1, "`--form sheet=Texte`"),
    "a title above the table": (lambda folder: as_workbook(folder, "", 3), "check", 1, "`--form skip_rows=3`"),
    "no run": (nothing, "submit my-study", 1, "There is no run 'my-study'. To mend: plan it first."),
    "a name almost": (lambda folder: cb.open_study().plan(), "status my-stud", 1, "did you mean 'my-study'?\n"),
    "nothing to open": (change("study.yaml", "run: my-study", "run: none"), "open", 1, "No run is named"),
    "nothing to report": (change("study.yaml", "run: my-study", "run: none"), "report", 1, "No run is named"),
    "a report of no run": (nothing, "report my-stud", 1, "There is no run 'my-stud'"),
    "a parameter": (nothing, "execute study.yaml -p replicats=50", 1, "did you mean `replicates`?"),
    "a step": (nothing, "execute study.yaml --only validty", 1, "did you mean `validity`?"),
    "a notebook": (nothing, "execute 06_relability", 1, "did you mean `reliability`?"),
    "a command": (nothing, "collectt my-study", 2, "Did you mean 'collect'?"),
    "a key in the study": (change("study.yaml", "# cap: 5.0", f"api_key: {SECRET} #"), "check", 1, "OPENAI_API_KEY"),
    "an engine": (change("study.yaml", "# engine: openai_batch", "engine: openai_bach"), "check", 1, "'openai_batch'?"),
    "no model": (BATCH, "check", 1, "name the model to ask"),
    "no key": (BATCH, "check", 1, "The API key OPENAI_API_KEY is not set"),
    "a batch of twelve": (BATCH, "check", 1, "a batch of 12 requests saves cents"),
    "the gold's name": (change("study.yaml", "gold: gold", "gold: Gold"), "check", 1, "gold: 'Gold' is not among"),
    "labels for a codebook": (as_labels, "check", 1, '"labels.csv; kind: single; level: nominal; question:'),
    "a study in a study": (nothing, "new .", 1, "nothing was written. To mend: choose another folder"),
    "a column to choose by": (nothing, "plan --where Language=en", 1, "there is no column 'Language'"),
    "a name of a form": (nothing, "check --form encodng=utf-8", 1, "did you mean 'encoding'?"),
    "draws": (nothing, "plan --draws -1", 1, "ask each question at least once"),
    "a file for a run": (nothing, "status data/texts.csv", 1, "cannot name a folder"),
    "no coders": (change("study.yaml", "coders: coders.yaml", "coders: coder.yaml"), "check", 1, "coder.yaml: no such"),
    "a category twice": (change("codebook.yaml", "    categories:\n", TWIN), "check", 0, "share most of their words"),
}


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("CODEBOOK_PROJECT", "CODEBOOK_STUDY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(main, ["new", "my-study"]).exit_code == 0
    monkeypatch.chdir(tmp_path / "my-study")
    return tmp_path / "my-study"


@pytest.mark.parametrize("name", SLIPS)
def test_a_slip_ends_in_words_with_place_and_mend(name: str, study: Path) -> None:
    slip, command, code, words = SLIPS[name]
    slip(study)
    done = CliRunner().invoke(main, command.split())
    assert (done.exit_code, words in done.output) == (code, True), done.output
    assert "Traceback" not in done.output
    assert SECRET not in done.output
    assert done.output.count(words) == 1, "said once"


def test_a_path_where_units_are_wanted_is_said(study: Path) -> None:
    with pytest.raises(CodebookError, match="open them first: `read_units"):
        cb.plan("codebook.yaml", "data/texts.csv")  # type: ignore[arg-type]


def test_one_column_is_no_agreement_and_two_with_gaps_are(study: Path) -> None:
    frame = pd.DataFrame({"ann": [1, 2, 2, None, 1], "ben": [1.0, 2.0, 1.0, 2.0, None]})
    assert "nothing to compare" in cb.reliability(frame[["ann"]], level="nominal").finding
    alpha = krippendorff.alpha(frame.to_numpy(float).T, level_of_measurement="nominal")
    assert cb.reliability(frame, level="nominal").frame["value"].tolist()[0] == pytest.approx(alpha, abs=1e-12)
