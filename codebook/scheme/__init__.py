"""The instrument: a codebook of variables and categories, read and checked from one file.

In comes `codebook.yaml` or a list of labels; out comes a `Codebook`, or every fault at once with its line. Open
`model.py` first (what a file may say), then `codebook_opening.py`.
"""

from codebook.scheme.codebook_changes import Change, CodebookChanges, compare_codebooks, diff_codebooks
from codebook.scheme.codebook_file import parse_codebook, write_codebook
from codebook.scheme.codebook_opening import read_codebook, read_label_list
from codebook.scheme.model import Category, Codebook, Example, RecordField, RecordList, Variable
from codebook.scheme.qdc_files import write_qdc
from codebook.scheme.rendering import describe_variables, render_html, render_markdown

__all__ = [
    "Category",
    "Change",
    "Codebook",
    "CodebookChanges",
    "Example",
    "RecordField",
    "RecordList",
    "Variable",
    "compare_codebooks",
    "describe_variables",
    "diff_codebooks",
    "parse_codebook",
    "read_codebook",
    "read_label_list",
    "render_html",
    "render_markdown",
    "write_codebook",
    "write_qdc",
]
