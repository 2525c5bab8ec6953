"""Seconds of processor of a whole study: kernels forked from one process, beside kernels that are each started anew.

    python benchmarks/chain.py              # 200 rows, eight notebooks, the two ways in turn

Counted is the command with all that it starts. A first run pays for the answers of the embedded engine, a repeated
one only for reading them again; tables and figures are the same both ways, which is checked.
"""

from __future__ import annotations

import argparse
import csv
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

TOPICS = Path(__file__).parents[1] / "data" / "topics_sib200_en"
ANEW = "import codebook.execute.kernels as kernels; kernels._can_fork = lambda: False"
RUN = "from codebook.__main__ import main; main()"


def make_study(folder: Path, n_rows: int, steps: str) -> Path:
    """A new study of the kit's own, with texts of the topics in place of its example, and some of its steps."""
    subprocess.run([sys.executable, "-m", "codebook", "new", str(folder)], check=True, stdout=subprocess.DEVNULL)
    with (TOPICS / "texts.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))[:n_rows]
    with (folder / "data" / "texts.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text", "gold"])
        writer.writerows([row["text_id"], row["text"], row["topic"]] for row in rows)
    (folder / "codebook.yaml").write_bytes((TOPICS / "codebook.yaml").read_bytes())
    if steps:
        study = folder / "study.yaml"
        lines = [line for line in study.read_text(encoding="utf-8").splitlines() if not line.startswith("steps:")]
        study.write_text("\n".join([*lines, f"steps: [{steps}]", ""]), encoding="utf-8")
    return folder


def measure(folder: Path, before: str) -> float:
    """Seconds of processor of one `codebook execute`."""
    start = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-c", f"{before}\n{RUN}", "execute", "study.yaml"]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    end = resource.getrusage(resource.RUSAGE_CHILDREN)
    return end.ru_utime - start.ru_utime + end.ru_stime - start.ru_stime


def read_figures(folder: Path) -> dict[str, bytes]:
    """The data and pictures of all figures."""
    outputs = next((folder / "runs").glob("*/outputs/manifest.json")).parent
    skipped = ("checklist", "guideline")  # they name digests of files with times in them
    return {p.name: p.read_bytes() for p in outputs.iterdir() if p.suffix in (".csv", ".png") and p.stem not in skipped}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--steps", default="", help="with commas; all where none is named")
    parser.add_argument("--no-repeat", dest="repeat", action="store_false", help="the first run alone")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        ways = {"anew": (Path(place, "anew", "study"), ANEW), "forked": (Path(place, "forked", "study"), "")}
        for folder, _ in ways.values():
            folder.parent.mkdir()
            make_study(folder, options.rows, options.steps)
        for name in ("first run", *(["repeated"] if options.repeat else [])):
            seconds = {way: measure(folder, before) for way, (folder, before) in ways.items()}
            ratio = seconds["forked"] / seconds["anew"]
            print(f"{name}: anew {seconds['anew']:.1f} s, forked {seconds['forked']:.1f} s, ratio {ratio:.2f}")
        anew, forked = (read_figures(folder) for folder, _ in ways.values())
        different = sorted(name for name in {*anew, *forked} if anew.get(name) != forked.get(name))
        if different:
            raise SystemExit(f"The two ways do not give the same figures: {', '.join(different)}.")


if __name__ == "__main__":
    main()
