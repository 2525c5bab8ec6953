"""The data that come with the kit: unchanged, explained, licensed, small, and about nobody in person."""

import csv
import re
from pathlib import Path

import pytest

from codebook.files.lines import digest_file

DATA = Path(__file__).parents[2] / "data"
FOLDERS = (
    "archive",
    "clothing_images",
    "coal_debate",
    "econ_headlines",
    "entities_wikigold",
    "er_country_names",
    "er_dblp_acm",
    "er_us_legislators",
    "narrative_frames",
    "relations_multilabel",
    "scanned_pages",
    "topics_sib200_en",
)
OURS = {
    "adjudication.yaml",
    "codebook.yaml",
    "codebook_brief.yaml",
    "coders.yaml",
    "students.yaml",
    "embedding.yaml",
    "published.csv",
    "waves.yaml",
}
MAX_BYTES = 8_000_000
SUMS = dict(line.split("  ", 1)[::-1] for line in (DATA / "checksums.sha256").read_text().splitlines())


@pytest.mark.parametrize("name", SUMS)
def test_a_file_is_as_it_came(name):
    assert digest_file(DATA / name) == SUMS[name], f"data/{name} was changed: take it from the last commit"


def test_every_file_from_elsewhere_has_a_checksum():
    found = {
        path.relative_to(DATA).as_posix()
        for folder in FOLDERS
        for path in (DATA / folder).rglob("*")
        if path.is_file() and (path.name not in OURS or folder == "archive") and not path.name.startswith(".")
    }
    assert found == set(SUMS)


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_says_source_licence_and_citation(folder):
    readme = (DATA / folder / "README.md").read_text(encoding="utf-8")
    for said in ("- Source: ", "Licence: ", "- Cite: "):
        assert said in readme, f"data/{folder}/README.md lacks the line `{said}...`"
    if "LICENSE.txt" in readme:
        assert (DATA / folder / "LICENSE.txt").stat().st_size > 500
    assert f"]({folder}/README.md)" in (DATA / "README.md").read_text(encoding="utf-8")


def test_data_stay_small():
    assert sum(path.stat().st_size for path in DATA.rglob("*") if path.is_file()) < MAX_BYTES


@pytest.mark.parametrize("path", sorted(DATA.rglob("*.csv")), ids=lambda path: path.relative_to(DATA).as_posix())
def test_a_table_holds_nothing_personal(path):
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = list(csv.reader(file))
    assert {len(row) for row in rows} == {len(header)}, "rows differ in length"
    personal = {"ip", "ip_address", "email", "e_mail", "mail", "worker_id", "workerid", "city", "region", "latitude"}
    assert not personal & {name.strip().lower() for name in header}
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"[\w.+-]+@[\w-]+\.[a-z]{2,}", text), "an e-mail address"
    assert not re.search(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])", text), "an IP address"
