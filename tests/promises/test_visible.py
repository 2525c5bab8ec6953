"""No display lets a text steer the terminal: escapes and signs that turn the direction are spelt out everywhere."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner
from fakes.scripted import make_book, register

from codebook import errors
from codebook.cli import main
from codebook.codings import show_table
from codebook.errors import Fault
from codebook.execute import run_study
from codebook.records import Unit
from codebook.report.views.image_grid import ImageGrid
from codebook.report.views.page_view import PageView
from codebook.report.views.span_view import show_spans
from codebook.run import Run, open_run, plan
from codebook.scheme import parse_codebook
from codebook.units import check_units, read_units
from codebook.visible import spell_block
from codebook.widgets.board_pages import board_html, board_text
from codebook.widgets.snapshot import take_snapshot

EVIL = "\x1b[31mred\x1b]0;title\x07 \x9b2J \x08\x7f \u202eturned"
SPELT = r"\x1b[31mred\x1b]0;title\x07 \x9b2J \x08\x7f \u202eturned"
BAD = frozenset(chr(code) for code in (*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F))) - {"\n", "\t"}
CODEBOOK = Path(__file__).parents[2] / "codebook"


def check_seen(*shown: str, spelt: bool = True) -> None:
    for text in shown:
        assert [sign for sign in text if sign in BAD] == []
        assert (r"\x1b[31mred" in text) == spelt, text


@pytest.fixture
def evil(project: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run whose units, texts and notes hold escapes."""
    register(monkeypatch)
    units = [Unit(f"{EVIL}{n}", f"[{order}] {EVIL}") for n, order in enumerate(("", "refuse", "500"))]
    run = plan(make_book("topic"), units, run="evil", engine="scripted")
    run.submit()
    run.collect(partial=True)
    record = run.folder.read_record()
    record["warnings"] = [f"a note {EVIL}"]
    run.folder.write_record(record)
    return open_run("evil")


def test_r35_spans_pages_and_pictures_show_no_escape() -> None:
    spans = pd.DataFrame({"unit_id": [EVIL], "start": [0], "end": [4], "type": [EVIL]})
    page = PageView(EVIL, b"", f"{EVIL} word", ("word",))
    row = {"unit_id": EVIL, "label": EVIL, "gold": EVIL, "image": EVIL, "verdict": "wrong", "n_images": 1}
    grid = ImageGrid(pd.DataFrame([row]), "thumbnails", "Images", finding=EVIL)
    for view in (show_spans([Unit(EVIL, EVIL)], spans), show_spans([Unit(EVIL, EVIL)], spans, spans), page):
        check_seen(repr(view), view._repr_html_())
    check_seen(repr(grid), grid._repr_html_())


def test_r35_codebooks_tables_reports_and_boards_show_no_escape(evil: Run) -> None:
    book = parse_codebook(
        'name: b\nunit: "a \\x1b[31mred \\x9b"\nvariables:\n'
        "- {name: v, question: What is it, kind: single, level: nominal, categories: [a, b]}\n"
    )
    check_seen(book._repr_html_())
    table = show_table(evil.table())
    check_seen(repr(table), table._repr_html_(), str(evil.status()), evil.status()._repr_html_())
    snapshot = take_snapshot()
    check_seen(board_text(snapshot), board_html(snapshot), spelt=False)


def test_r35_the_check_of_units_shows_no_escape(project: Path) -> None:
    path = project / "texts.csv"
    path.write_text(f'id,text\n"{EVIL}",x\n"{EVIL}",y\n')
    check_seen(str(check_units(read_units(path, id_column="id", text_column="text"))))


def test_r35_errors_of_every_kind_quote_no_escape() -> None:
    check_seen(str(Fault(EVIL, EVIL, EVIL)))
    for kind in vars(errors).values():
        if isinstance(kind, type) and issubclass(kind, errors.CodebookError):
            made: Callable[..., Exception] = kind
            given: tuple[Any, ...] = (EVIL,)
            if kind is errors.MissingExtraError:
                given = (EVIL, "x")
            elif kind is errors.ExecutionError:
                given = (EVIL, 1, EVIL, EVIL)
            check_seen(str(made(*given)))


@pytest.mark.parametrize(
    "words", [("status",), ("status", "evil"), ("collect", "evil", "--partial"), ("costs",), ("table", "evil")]
)
def test_r35_commands_print_no_escape(evil: Run, words: tuple[str, ...]) -> None:
    done = CliRunner().invoke(main, list(words), color=True)
    assert done.exception is None or isinstance(done.exception, SystemExit)
    check_seen(done.output, spelt=words in (("status", "evil"), ("collect", "evil", "--partial"), ("table", "evil")))


def test_r35_errors_and_studies_print_no_escape(project: Path) -> None:
    done = CliRunner().invoke(main, ["submit", EVIL], color=True)
    assert done.exit_code == 1
    check_seen(done.output)
    (project / "study.yaml").write_text('study: "\\x1b[31mred"\nrun: r\nsteps: [passes]\n')
    notebook = Path(__file__).parents[1] / "notebooks" / "passes.ipynb"
    (project / "notebooks").mkdir()
    (project / "notebooks" / "01_passes.ipynb").write_bytes(notebook.read_bytes())
    said: list[str] = []
    run_study(out=said.append)
    check_seen(said[0])


def test_r35_commands_say_everything_in_one_place() -> None:
    """Else the next message that quotes a text would be a hole."""
    for path in sorted((CODEBOOK / "cli").glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        calls = [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]
        found = [name for name in calls if name in ("print", "click.echo", "click.secho")]
        assert found == ["click.echo"] * (path.name == "options.py"), path.name


def test_r35_html_is_escaped_in_one_place() -> None:
    """By `escape_block`, which spells what is not seen; what shows no text of others may do without."""
    others = {"visible.py", "secrecy.py", "notebook.py", "traces.py"}
    found = [path.name for path in CODEBOOK.rglob("*.py") if "html.escape(" in path.read_text(encoding="utf-8")]
    assert set(found) == others
    assert not [path.name for path in CODEBOOK.rglob("*.py") if "from html import escape" in path.read_text("utf-8")]


def test_r35_what_is_to_be_seen_stays() -> None:
    text = "naïve, 日本語, 🙂, ع \u200f, \ttab\nnext"
    assert spell_block(text) == text
    assert spell_block(EVIL) == SPELT
