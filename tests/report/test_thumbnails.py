"""Thumbnails: images beside label and gold, everything inside the page, nothing in it that a browser would run."""

import re
from base64 import b64decode
from io import BytesIO
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from codebook.analysis.core.codings import Codings
from codebook.analysis.core.scales import VariableSpec
from codebook.codings import make_table
from codebook.records import Unit, UnitFile
from codebook.report import read_outputs, show_images, write_report
from codebook.report.views.image_grid import SIDE, grid_html, is_grid
from codebook.run import plan
from codebook.units import read_images

ROOT = Path(__file__).parents[2]
DATA = ROOT / "data" / "clothing_images"
EVIL = "<script>alert(1)</script>&\"'"


@pytest.fixture(scope="module")
def units() -> list[Unit]:
    return list(read_images(DATA / "labels.csv", image_column="image", image_folder=DATA / "images"))[:6]


@pytest.fixture
def table(units: list[Unit]) -> pd.DataFrame:
    given = ["t-shirt", "outwear", "skirt", None, "hat", EVIL]
    meant = ["t-shirt", "pants", "skirt", "shoes", "skirt", "hat"]
    rows = [
        {
            "unit_id": unit.unit_id,
            "coder": coder,
            "variable": "garment",
            "label": label,
            "why": None if label else "refused",
        }
        for coder, labels in (("gold", meant), ("model", given))
        for unit, label in zip(units, labels, strict=True)
    ]
    return make_table(rows)


def codings_of(table: pd.DataFrame, gold: str = "gold") -> Codings:
    return Codings(table, [VariableSpec("garment", "nominal", sorted(table["label"].dropna().unique()))], gold=gold)


def images_in(html: str) -> list[Image.Image]:
    found = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', html)
    return [Image.open(BytesIO(b64decode(data))) for data in found]


def test_each_image_stands_beside_its_label_and_the_gold(table, units):
    grid = show_images(codings_of(table), units)
    assert grid.frame["verdict"].tolist() == ["right", "wrong", "right", "wrong", "wrong", "wrong"]
    html = grid._repr_html_()
    pictures = images_in(html)
    assert len(pictures) == 6
    assert all(max(picture.size) == SIDE for picture in pictures)
    assert "gold: pants" in html
    assert html.count("as the gold") == 2
    assert "no label (refused)" in html
    assert grid.finding == "6 of 6 units; 2 of 6 labels are the gold's."
    assert "data:image" not in repr(grid)


def test_no_text_of_the_data_is_run_or_opens_a_tag(table, units):
    named = [Unit(EVIL, "", files=units[0].files), *units[1:]]
    odd = table.assign(unit_id=table["unit_id"].replace(units[0].unit_id, EVIL))
    html = show_images(codings_of(odd), named)._repr_html_()
    assert "<script" not in html
    assert html.count("&lt;script&gt;") == 2
    forged = show_images(codings_of(table, ""), units).frame.assign(
        image='data:image/jpeg;base64,"><script>alert(1)</script>'
    )
    assert "<script" not in grid_html(forged)
    elsewhere = forged.assign(image="https://example.org/a.jpg")
    assert "<img" not in grid_html(elsewhere)


def test_only_so_many_units_and_only_the_wrong_ones(table, units):
    assert show_images(codings_of(table), units, n=2).frame["unit_id"].tolist() == [unit.unit_id for unit in units[:2]]
    wrong = show_images(codings_of(table), units, only="wrong")
    assert wrong.frame["gold"].tolist() == ["pants", "shoes", "skirt", "hat"]
    assert wrong.finding == "4 of 6 units, wrong ones only; 2 of 6 labels are the gold's."


def test_without_gold_the_labels_are_shown_alone(table, units):
    grid = show_images(codings_of(table[table["coder"] == "model"], ""), units)
    assert grid.finding == "6 of 6 units."
    assert "gold" not in grid_html(grid.frame)


def test_what_cannot_be_shown_says_so(table, units, tmp_path):
    (tmp_path / "cut.jpg").write_bytes(b"\xff\xd8\xff")
    files = [
        (),
        (UnitFile(str(tmp_path / "cut.jpg"), "image"),),
        (UnitFile(str(tmp_path / "gone.jpg"), "image"),),
        (UnitFile("https://example.org/a.jpg", "image"),),
        (UnitFile("a.pdf", "pdf"),),
        (*units[0].files, *units[1].files),
    ]
    odd = [Unit(unit.unit_id, "", files=some) for unit, some in zip(units, files, strict=True)]
    html = show_images(codings_of(table, ""), odd)._repr_html_()
    for said in ("no image", "cannot be shown", "an address", "pdf", "(1 of 2)"):
        assert said in html
    assert len(images_in(html)) == 1


def test_the_report_shows_the_thumbnails(tmp_path, monkeypatch):
    (tmp_path / "study.yaml").write_text("")
    monkeypatch.setenv("CODEBOOK_PROJECT", str(tmp_path))
    source = read_images(
        DATA / "labels.csv", image_column="image", image_folder=DATA / "images", where={"label": "hat"}
    )
    run = plan(DATA / "codebook.yaml", source, run="hats", limit=3)
    run.submit()
    run.collect()
    grid = show_images(run.codings(DATA / "coders.yaml"), run.units())
    grid.save(title="Hats")
    (entry,) = read_outputs(tmp_path / "runs" / "hats" / "outputs")
    saved = pd.read_csv(tmp_path / "runs" / "hats" / "outputs" / "thumbnails.csv", keep_default_na=False)
    assert list(saved) == ["unit_id", "label", "why", "gold", "verdict", "image", "n_images"]
    assert is_grid(entry.printed["columns"])
    assert entry.title == "Hats"
    page = write_report("hats").read_text()
    assert len(images_in(page)) == 3
    assert "base64" not in re.sub(r'src="[^"]*"', "", page)
    assert "everyday objects" in page
