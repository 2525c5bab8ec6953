"""Two folders of outputs: each figure or sentence that differs is named by file, row and column."""

from pathlib import Path

import pandas as pd
import pytest

from codebook.outputs.entries import OutputEntry
from codebook.outputs.output_differences import Difference, compare_files, compare_outputs
from codebook.outputs.saving import put_text, save_block

FRAME = pd.DataFrame({"coder": ["ann", "ben"], "alpha": [0.71, 0.8], "n": [10, 12]})


def save(
    folder: Path, frame: pd.DataFrame = FRAME, finding: str = "Alpha is .71.", text: str = "One. Two. Three."
) -> Path:
    folder.mkdir()
    save_block(folder, OutputEntry("alpha", "result", "reliability", "Alpha", finding=finding), frame)
    put_text(folder, text, OutputEntry("methods", "text", "methods", "Methods"))
    return folder


def test_the_same_outputs_differ_in_nothing(tmp_path):
    same = compare_outputs(save(tmp_path / "a"), save(tmp_path / "b"))
    assert (same.rows, same.n_same) == ((), 6)
    assert next(same.sentences()) == "6 files are the same to the byte; no figure or sentence differs."


def test_a_figure_and_a_sentence_are_named_with_before_and_after(tmp_path):
    other = FRAME.assign(alpha=[0.71, 0.79])
    found = compare_outputs(save(tmp_path / "a"), save(tmp_path / "b", other, "Alpha is .70.", "One. 2. Three."))
    assert found.rows == (
        Difference("outputs/alpha", "", "finding", "Alpha is .71.", "Alpha is .70."),
        Difference("outputs/alpha.csv", "row 2 (coder ben)", "alpha", "0.8", "0.79"),
        Difference("outputs/methods.md", "sentence 2", "", "Two.", "2."),
    )
    assert found.frame.columns.tolist() == ["file", "row", "column", "before", "after"]


def test_rows_and_columns_that_came_or_went_are_told(tmp_path):
    other = pd.DataFrame({"coder": ["ben", "cem"], "alpha": [0.8, 0.5], "kappa": [0.1, 0.2]})
    rows = compare_outputs(save(tmp_path / "a"), save(tmp_path / "b", other)).rows
    assert [(each.row, each.column, each.before, each.after) for each in rows] == [
        ("", "n", "there", "gone"),
        ("", "kappa", "gone", "there"),
        ("row 1 (coder ann)", "", "there", "gone"),
        ("row 3 (coder cem)", "", "gone", "there"),
    ]


def test_what_a_person_changed_or_left_out_is_said_and_not_compared(tmp_path):
    before, after = save(tmp_path / "a"), save(tmp_path / "b", text="Other.")
    (before / "methods.md").write_text("One. Filled in by hand.\n")
    (before / "alpha.xlsx").unlink()
    (before / "alpha.docx").unlink()
    (after / "alpha.docx").write_bytes(b"another program")
    found = compare_outputs(before, after)
    assert (found.rows, found.by_hand, found.n_listed) == ((), ("outputs/methods.md",), 2)
    assert "Of 2 more files the archive holds the SHA-256 alone, as of pictures: 1 is made again with it." in " ".join(
        found.sentences()
    )
    assert found.redrawn == ("outputs/alpha.docx",)


def test_a_file_that_is_set_otherwise_while_its_figures_are_the_same_is_told_so(tmp_path):
    before, after = save(tmp_path / "a"), save(tmp_path / "b")
    (after / "alpha.tex").write_text("another font")
    found = compare_outputs(before, after)
    assert (found.rows, found.set_anew) == ((), ("outputs/alpha.tex",))
    said = "Drawn or set otherwise by this state of the kit, with the same figures: outputs/alpha.tex."
    assert list(found.sentences())[1:] == [said]
    assert (found + found).set_anew == ("outputs/alpha.tex",) * 2


def test_a_table_that_is_printed_otherwise_is_a_difference_though_its_data_are_the_same(tmp_path):
    before, after = save(tmp_path / "a"), save(tmp_path / "b")
    (after / "alpha.tex").write_text("other numbers")
    manifest = after / "manifest.json"
    manifest.write_text(manifest.read_text().replace('".71"', '".70"'))
    found = compare_outputs(before, after)
    (row,) = found.rows
    assert (row.file, row.row, row.column, found.set_anew) == ("outputs/alpha", "row 1", "as printed", ())
    assert (row.before, row.after) == ("ann | .71 | 10", "ann | .70 | 10")


def test_outputs_of_one_side_are_no_difference_of_figures(tmp_path):
    after = save(tmp_path / "b")
    (tmp_path / "a").mkdir()
    found = compare_outputs(tmp_path / "a", after)
    assert (found.rows, found.fresh, found.unmade) == ((), ("alpha", "methods"), ())


@pytest.mark.parametrize(("first", "second"), [("a,b\n1,2\n1,2\n", "a,b\n1,2\n1,3\n"), ("a,b\n1,2\n", "a,b\n1,3\n")])
def test_rows_without_a_name_are_told_by_their_number(tmp_path, first, second):
    (tmp_path / "x.csv").write_text(first)
    (tmp_path / "y.csv").write_text(second)
    (row,) = compare_files(tmp_path / "x.csv", tmp_path / "y.csv", "x.csv").rows
    assert (row.row, row.column, row.before, row.after) == (f"row {first.count('2')}", "b", "2", "3")
