"""`make archive`: what data/archive holds beside the raw replies is made again, after a figure was mended.

A study that has no recorded run there is run once with the embedded engine; of one that has, the replies stay.
"""

import os
import shutil
import tempfile
from pathlib import Path

from codebook.execute import replay_study, run_study
from codebook.files.lines import digest_file
from codebook.outputs.entries import read_outputs

DATA = Path(__file__).parents[2] / "data"
ARCHIVE = DATA / "archive"
STUDIES = {"topics": "study.yaml", "headlines": "headlines.yaml"}
KEPT = (".csv", ".md", ".tex")
"""Endings of outputs that the archive holds: tables and texts; pictures and documents are made from them."""


def make_archive() -> None:
    for name, study in STUDIES.items():
        with tempfile.TemporaryDirectory() as folder:
            runs, home = Path(folder, "runs"), ARCHIVE / "runs" / name
            runs.mkdir()
            if home.is_dir():
                replay = replay_study(home, study, out=runs)
                print(replay)
                if replay.study.state != "done":
                    raise SystemExit(f"{name} is not rebuilt to its end: the archive stays as it was.")
            else:
                os.environ |= {"CODEBOOK_PROJECT": str(ARCHIVE), "CODEBOOK_RUNS": str(runs)}
                run_study(study)
                os.environ.pop("CODEBOOK_RUNS")
            _keep(runs / name, home)
    _sum_up()


def _keep(source: Path, home: Path) -> None:
    """Put a run into the archive, without what is made again and takes room."""
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(source, home, ignore=shutil.ignore_patterns(".lock", "work", "notebooks", "exports", "report.html"))
    made = {file for entry in read_outputs(home / "outputs") for file in entry.files}
    for file in made:
        if not file.endswith(KEPT):
            (home / "outputs" / file).unlink()


def _sum_up() -> None:
    """Write the checksums of the archive, after those of the other folders."""
    sums = DATA / "checksums.sha256"
    lines = [line for line in sums.read_text().splitlines() if "  archive/" not in line]
    files = sorted(path for path in ARCHIVE.rglob("*") if path.is_file())
    lines += [f"{digest_file(path)}  {path.relative_to(DATA).as_posix()}" for path in files]
    sums.write_text("\n".join(sorted(lines, key=lambda line: line.split("  ", 1)[1])) + "\n")


if __name__ == "__main__":
    make_archive()
