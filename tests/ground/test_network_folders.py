"""Folders that other machines share are known by what is mounted, and what they cannot do is said once."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from codebook.ground import network_folders
from codebook.ground.network_folders import name_network, name_synced
from codebook.ledger import Ledger


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that the list of mounts says is another machine's."""
    mounts, folder = tmp_path / "mounts", tmp_path / "on the server"
    (folder / "local").mkdir(parents=True)
    rows = [("/dev/sda1", "/", "ext4"), ("server:/home", folder, "nfs4"), ("/dev/sdb1", folder / "local", "xfs")]
    lines = (f"{source} {str(place).replace(' ', chr(92) + '040')} {kind} rw 0 0\n" for source, place, kind in rows)
    mounts.write_text("".join(lines))
    monkeypatch.setattr(network_folders, "_MOUNTS", mounts)
    monkeypatch.setattr(network_folders, "_told", set())
    return folder


def test_a_network_folder_is_known_and_what_is_mounted_inside_it_is_not(shared: Path) -> None:
    assert name_network(shared / "project") == "nfs4, server:/home"
    assert name_network(shared / "local" / "project") == ""
    assert name_network(shared.parent) == ""
    assert name_synced(Path("/home/ann/Dropbox (uni)/study")) == "Dropbox (uni)"
    assert name_synced(Path("/home/ann/study")) == ""


def test_a_ledger_on_a_network_folder_keeps_the_journal_that_works_there_and_says_so_once(
    shared: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = shared / "runs" / "ledger.db"
    with caplog.at_level(logging.WARNING, logger="codebook"):
        for _ in range(2):
            with Ledger(path) as ledger:
                ledger.start_run("one", "digest", "replay")
                assert ledger._db.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
        "The project lies in a network folder (nfs4, server"
    ]
    with Ledger(shared / "local" / "runs" / "ledger.db") as ledger:
        assert ledger._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
