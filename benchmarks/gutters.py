"""Two columns in prints that the reader was not set on: error rates by gutter, resolution and skew.

    nice python benchmarks/gutters.py                      # a few minutes
    nice python benchmarks/gutters.py --dpi 200 --slope 2  # one resolution, one skew

A page is drawn, read as a scan, and held against its text. "order" is the character error rate of the text as it was
read, "words" the share of its words that were read, wherever they stand: where these are right and the order is not,
columns were missed. Fonts are those of the Debian packages lmodern and fonts-noto-core.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections import Counter
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from drawn_pages import as_part, draw_columns

from codebook.analysis import character_error_rate
from codebook.engines.embedded.pages.page_reader import read_pages

PRINTS = {
    "Latin Modern Roman 10": ("/usr/share/texmf/fonts/opentype/public/lm/lmroman10-regular.otf", 10.0),
    "Noto Sans 9": ("/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf", 9.0),
    "Latin Modern Mono 10": ("/usr/share/texmf/fonts/opentype/public/lm/lmmono10-regular.otf", 10.0),
}
GUTTERS = (1, 2, 5, 15)
"""In mm."""
LINES = 18
"""Of a column. With fewer, blanks of 1 or 2 mm may stand above one another by chance, and are left alone."""


def measure(name: str, gutter: float, dpi: int, slope: float) -> dict[str, object]:
    """One page: what was drawn, and what was read of it."""
    path, points = PRINTS[name]
    image, truth = draw_columns(Path(path), points, gutter, dpi=dpi, slope=slope, lines=LINES)
    (page,) = read_pages([as_part(image)])
    read = page.text.split()
    wanted = Counter(truth.split())
    words = (wanted & Counter(read)).total() / wanted.total()
    order = character_error_rate(" ".join(read), truth)
    return {"print": name, "gutter": gutter, "dpi": dpi, "slope": slope, "order": order, "words": words}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dpi", type=int, nargs="*", default=[150, 300])
    parser.add_argument("--slope", type=float, nargs="*", default=[0.7], help="in degrees")
    asked = parser.parse_args()
    rows = []
    for case in itertools.product(PRINTS, GUTTERS, asked.dpi, asked.slope):
        rows.append(measure(*case))
        print(*rows[-1].values(), sep="\t", flush=True)
    frame = pd.DataFrame(rows)
    worst = frame.pivot_table(index=["print", "dpi"], columns="gutter", values="order", aggfunc="max")
    print(f"\nlargest character error rate over skews of {asked.slope} degrees, by gutter in mm")
    print(worst.round(3).to_string())
    print(f"\nover .03: {(frame['order'] >= 0.03).sum()} of {len(frame)} pages")


if __name__ == "__main__":
    main()
