"""One door to units of every kind: the path and `form` say which, and what is not known is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from codebook.errors import UnitsError
from codebook.units import GroupSource, UnitSource, open_units, read_form
from codebook.units.documents import DocumentSource
from codebook.units.image_source import FolderImages, TableImages

DATA = Path(__file__).parents[2] / "data"


def test_each_kind_is_told_by_its_path_or_form(tmp_path: Path) -> None:
    table = tmp_path / "posts.csv"
    table.write_text("id,thread,text,photo\n7,a,Coal?,one.jpg\n9,a,No coal.,two.jpg\n")
    columns = {"id_column": "id", "text_column": "text"}
    assert isinstance(open_units(table, **columns), UnitSource)
    assert isinstance(open_units(table, **columns, form=["group_column: thread"]), GroupSource)
    posts = open_units(table, **columns, form={"image_column": "photo", "group_column": "thread"})
    assert isinstance(posts, TableImages)
    assert [len(found.places) for found in posts.find()] == [2]
    assert isinstance(open_units(DATA / "clothing_images" / "images"), FolderImages)
    for path in (DATA / "scanned_pages", DATA / "scanned_pages" / "*.pdf"):
        documents = open_units(path, form=["pages: 2-", "as: images"])
        assert isinstance(documents, DocumentSource)
        assert (documents.first, documents.way) == (2, "images")
    assert len(list(open_units(DATA / "scanned_pages" / "address_1800_scan.pdf").with_skips())) == 1


def test_a_folder_of_images_and_pdfs_cannot_be_told(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"")
    (tmp_path / "b.JPG").write_bytes(b"")
    with pytest.raises(UnitsError, match=r"1 PDF and 1 image.*/\*.pdf"):
        open_units(tmp_path)


def test_what_says_nothing_about_the_units_is_named_all_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,text\n1,x\n")
    with pytest.raises(UnitsError) as caught:
        open_units(tmp_path / "a.csv", id_column="id", text_column="text", form=["page: 3", "max_char: 5"])
    assert "there is no setting 'page' for texts" in str(caught.value)
    assert "did you mean 'max_chars'?" in str(caught.value)
    with pytest.raises(UnitsError, match="write name: value"):
        read_form(["pages"])
    with pytest.raises(UnitsError, match="no such file"):
        open_units(tmp_path / "nowhere")
