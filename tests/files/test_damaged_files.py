"""Damaged files and odd values: whatever somebody brings, what comes out is an error of the kit's own."""

from __future__ import annotations

import datetime as dt
import io
import os
import random
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from click.testing import CliRunner

from codebook.cli import main
from codebook.codings import read_coders
from codebook.costs.prices import read_prices
from codebook.engines.replay import read_archive
from codebook.engines.service.families import _parse as read_families
from codebook.engines.service.providers import _parse as read_providers
from codebook.errors import CodebookError
from codebook.execute.study_plan import plan_study
from codebook.records import Unit
from codebook.run import plan
from codebook.scheme import parse_codebook, read_codebook
from codebook.units import check_units, read_units

DATA = Path(__file__).parents[2] / "data"
ROWS = [("id", "text", "day"), ("1", "Kohle für Köln", dt.date(2020, 1, 2)), ("2", "no coal", None), (3, "", None)]
CODEBOOK = """\
name: coal
unit: one text
variables:
  - name: stance
    question: Which stance?
    kind: single
    level: nominal
    categories:
      - {name: pro, definition: for it}
      - {name: contra, definition: "against it", examples: [no coal]}
    abstain: [unclear]
"""
CODERS = "coders:\n  - file: labels.csv\n    unit: id\n    columns: {ann: stance}\n    where: {day: [a, b]}\n"
PRICES = "as_of: 2026-11-01\nmodels:\n  gpt-6: {input: 0.1, output: 0.5}\n"
PROVIDERS = "mine:\n  base_url: http://localhost:1/v1\n  key: MY_KEY\n  n_enqueued: {gpt-6: 2000000}\n"
FAMILIES = "as_of: 2026-11-01\nfamilies:\n  gpt-6: {effort: low}\nshutdown:\n  2027-01-02: [gpt-6]\n"
STUDY = "study: coal\nrun: one\nparameters: {seed: 1}\nsteps:\n  - codebook\n  - notebook: reliability\n"


def make_workbook() -> bytes:
    book = openpyxl.Workbook()
    for row in ROWS:
        book.active.append(row)
    book.active["D1"], book.active["D2"] = "sum", "=1+1"
    room = io.BytesIO()
    book.save(room)
    return room.getvalue()


def make_parquet() -> bytes:
    return bytes(pd.DataFrame(ROWS[1:], columns=ROWS[0]).astype(str).to_parquet(index=False))


def make_lines() -> bytes:
    return '{"id": "1", "text": "Köln \\ud83d\\ude00", "more": [1, {"a": null}]}\n{"id": 2.0, "text": "b"}\n'.encode()


def make_csv() -> bytes:
    return 'id,text\n1,"Kohle, für Köln"\n2,"a\nb"\n3,\n'.encode()


def damage(data: bytes, dice: random.Random) -> bytes:
    """Cut, change, double, insert or drop some bytes."""
    start = dice.randrange(len(data))
    end = min(len(data), start + dice.choice((1, 1, 2, 8, 60)))
    new = dice.choice(
        (b"", b"\0", b"\xff", b"<", b"&", b'"', b"[", b"{", b"\n", b"99999999999", b"-1", b": ", b"*a", b"&a", b"\xc3")
    )
    changed = bytes(byte ^ (1 << dice.randrange(8)) for byte in data[start:end])
    return dice.choice(
        (
            data[:start],
            data[:start] + data[end:],
            data[:start] + new + data[start:],
            data[:start] + new + data[end:],
            data[:start] + changed + data[end:],
            data[:end] + data[start:],
        )
    )


def damage_workbook(data: bytes, dice: random.Random) -> bytes:
    """Damage the archive, or one part of it, or leave a part out."""
    if dice.random() < 0.3:
        return damage(data, dice)
    room = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(room, "w") as new:
        hit, gone = dice.choice(old.namelist()), dice.random() < 0.1
        for name in old.namelist():
            part = old.read(name)
            if name != hit:
                new.writestr(name, part)
            elif not gone:
                new.writestr(name, damage(part, dice))
    return room.getvalue()


def read_texts(path: Path) -> None:
    units = read_units(path, id_column="id", text_column="text")
    str(check_units(units))
    list(units.with_skips())


def try_to_read(read: Callable[[Path], object], path: Path) -> list[str]:
    """Read a file; return what the kit's error says, if there is one. Any other error ends the test."""
    try:
        read(path)
    except CodebookError as error:
        return [str(error)]
    return []


@pytest.mark.parametrize(
    ("name", "make", "spoil", "n"),
    [
        ("t.xlsx", make_workbook, damage_workbook, 250),
        ("t.parquet", make_parquet, damage, 150),
        ("t.jsonl", make_lines, damage, 250),
        ("t.csv", make_csv, damage, 250),
    ],
)
def test_r13_damaged_units_are_told_in_words(
    tmp_path: Path, name: str, make: Callable[[], bytes], spoil: Callable[[bytes, random.Random], bytes], n: int
) -> None:
    dice, whole, path = random.Random(13), make(), tmp_path / name
    said = []
    for _ in range(n):
        path.write_bytes(spoil(whole, dice))
        said += try_to_read(read_texts, path)
    assert 0 < len(said) < n
    assert all("To mend: " in message for message in said)


def yaml_readers(folder: Path) -> Iterator[tuple[str, str, Callable[[Path], object]]]:
    book = parse_codebook(CODEBOOK)
    (folder / "labels.csv").write_text("id,stance,day\n1,pro,a\n", encoding="utf-8")
    yield "codebook.yaml", CODEBOOK, read_codebook
    yield "coders.yaml", CODERS, lambda path: read_coders(path, book)
    yield "prices.yaml", PRICES, read_prices
    yield "providers.yaml", PROVIDERS, lambda path: read_providers.__wrapped__(path, 0)
    yield "families.yaml", FAMILIES, read_families
    yield "study.yaml", STUDY, lambda path: plan_study(path, {})


def test_r13_damaged_yaml_files_are_told_in_words(project: Path) -> None:
    dice = random.Random(13)
    for name, text, read in yaml_readers(project):
        said = []
        for _ in range(120):
            (project / name).write_bytes(damage(text.encode(), dice))
            said += try_to_read(read, project / name)
        assert 0 < len(said) < 120 or name == "study.yaml"  # whose notebooks are not there
        assert all("To mend: " in message for message in said)


@pytest.mark.slow
def test_r13_a_damaged_ledger_is_told_in_words_by_every_command(project: Path) -> None:
    book = parse_codebook(CODEBOOK)
    plan(book, [Unit(f"u{number}", f"text {number}") for number in range(40)], run="one")
    path, dice = project / "runs" / "ledger.db", random.Random(13)
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    whole, said = path.read_bytes(), []
    for number in range(75):
        for beside in project.glob("runs/ledger.db-*"):
            beside.unlink()
        path.write_bytes(damage_pages(whole, dice))
        words = (["status"], ["status", "one"], ["table", "one"], ["costs"], ["cancel", "one", "--yes"])[number % 5]
        done = CliRunner().invoke(main, words)
        assert isinstance(done.exception, SystemExit | None), words
        assert "Traceback" not in done.output
        said += [done.stderr] if done.exit_code else []
    assert len(said) > 20
    assert sum("codebook adopt runs/RUN" in one or "codebook adopt runs/one" in one for one in said) == len(said)


def damage_pages(data: bytes, dice: random.Random) -> bytes:
    """Cut a ledger, blank or scramble a part of it, or flip many bits."""
    changed, start = bytearray(data), dice.randrange(len(data))
    match dice.randrange(4):
        case 0:
            return data[:start]
        case 1:
            changed[start : start + 4096] = bytes(4096)
        case 2:
            changed[start : start + 100] = dice.randbytes(100)
        case _:
            for _ in range(200):
                changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
    return bytes(changed)


@pytest.mark.parametrize("unit", [Unit(float("nan"), "a"), Unit("u1", float("nan")), Unit(None, "a"), Unit(7, "a")])
def test_r29_units_of_a_frame_have_texts_as_ids(project: Path, unit: Unit) -> None:
    with pytest.raises(CodebookError, match=r"its id or its text is not a text.*leave out rows where one is missing"):
        plan(parse_codebook(CODEBOOK), [unit], run="one")


@pytest.mark.parametrize("value", [{1: 2}, {"a": {True: 1}}, {1, 2}, b"x", object()])
def test_r13_a_setting_that_is_no_json_is_told(project: Path, value: object) -> None:
    with pytest.raises(CodebookError, match=r"`x` cannot be sent.*give texts, numbers"):
        plan(parse_codebook(CODEBOOK), [Unit("u1", "a")], run="one", settings={"x": value})


def test_r24_an_archive_reads_files_only(tmp_path: Path) -> None:
    for kind in ("shards", "results"):
        (tmp_path / kind).mkdir()
        os.mkfifo(tmp_path / kind / "pipe.jsonl")
    with pytest.raises(CodebookError, match="holds no results"):
        read_archive(tmp_path, tmp_path / "work")
