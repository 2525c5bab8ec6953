"""Images beside their labels: a grid of thumbnails for a notebook and for the report, with everything inside."""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from codebook.analysis.core.codings import Codings
from codebook.analysis.core.result import Facts, Result
from codebook.files.pictures import PictureError, open_picture
from codebook.ground.quantities import say_count
from codebook.outputs.templating import render
from codebook.paths import resolve_path
from codebook.records import Unit, UnitFile
from codebook.visible import spell_block

SIDE = 128
"""The longer side of a thumbnail, in pixels."""
_JPEG = "data:image/jpeg;base64,"
_COLUMNS = {"label", "n images"}


@dataclass(frozen=True, repr=False)
class ImageGrid(Result):
    """Thumbnails beside label and gold, as a notebook shows them; `frame` holds what is shown, pictures included."""

    def __repr__(self) -> str:
        return spell_block(f"{self.finding}\n{self.frame.drop(columns='image').to_string(index=False, na_rep='')}")

    def _repr_html_(self) -> str:
        return render("images.html.j2", sentence=self.finding, cards=_cards(self.frame))


def show_images(codings: Codings, units: Iterable[Unit], *, coder: str = "", n: int = 24, only: str = "") -> ImageGrid:
    """Show images beside their labels, and beside the gold where there is one.

    Of a unit with several images the first is shown. A blue bar marks a label that is the gold's, an orange one
    another; the words under the image say the same.

    Parameters
    ----------
    codings
        Of one variable, or of several: then of their first.
    units
        The units with their files, such as `run.units()`.
    coder
        Whose labels; empty for the first who is not the gold.
    n
        At most so many units, the first in the codings.
    only
        "right" or "wrong" keeps the units whose label is, or is not, the gold's.

    Examples
    --------
    >>> from PIL import Image
    >>> import tempfile; folder = tempfile.TemporaryDirectory()
    >>> Image.new("RGB", (8, 8)).save(f"{folder.name}/shirt.png")
    >>> from codebook.units import read_images
    >>> units = list(read_images(folder.name))
    >>> from codebook.analysis.core.examples import make_table
    >>> from codebook.analysis.core.scales import VariableSpec
    >>> table = make_table("garment", {"ann": ["shirt"]}).assign(unit_id=units[0].unit_id)
    >>> show_images(Codings(table, [VariableSpec("garment", "nominal", ["shirt", "coat"])]), units)
    1 of 1 unit.
      unit_id label why gold verdict  n_images
    shirt.png shirt                          1
    >>> folder.cleanup()
    """
    rows = _beside_gold(codings.of(codings.variables[0].name), coder)
    part = rows[rows["verdict"] == only] if only else rows
    frame = part.head(n).copy()
    wanted = set(frame["unit_id"])
    files = {unit.unit_id: unit.files for unit in units if unit.unit_id in wanted}
    frame["image"] = [_thumbnail(files.get(unit_id, ())) for unit_id in frame["unit_id"]]
    frame["n_images"] = [len(files.get(unit_id, ())) for unit_id in frame["unit_id"]]
    frame = frame.reset_index(drop=True)
    return ImageGrid(
        frame,
        "thumbnails",
        "Images beside label and gold",
        "images",
        Facts(len(rows)),
        _say(rows, frame, only),
        table=frame.drop(columns="image"),
        outputs=codings.outputs,
    )


def is_grid(columns: Iterable[str]) -> bool:
    """Whether a saved table, by its columns as they are printed, is a grid of images."""
    return {name.casefold() for name in columns} >= _COLUMNS


def grid_html(frame: pd.DataFrame) -> str:
    """Return the grid as HTML. Every text is escaped; an image is shown only if it is a JPEG inside the page."""
    return render("image_cards.html.j2", cards=_cards(frame))


def _cards(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """What the template shows of each row."""
    cards = []
    for row in frame.to_dict("records"):
        card: dict[str, Any] = {str(name): _text(value) for name, value in row.items()}
        card["label"] = card["label"] or f"no label ({card['why']})"
        card |= {"n_images": int(float(row["n_images"])), "is_jpeg": card["image"].startswith(_JPEG)}
        cards.append(card)
    return cards


def _text(value: Any) -> str:
    return "" if value is None or value != value else str(value)


def _beside_gold(codings: Codings, coder: str) -> pd.DataFrame:
    """unit_id, label, why, gold, verdict of one coder, first draw."""
    table, gold = codings.frame, codings.gold
    who = coder or str(next((name for name in table["coder"] if name != gold), gold))
    rows = table[table["draw"] == 0]
    mine = rows.loc[rows["coder"] == who, ["unit_id", "label", "why"]]
    theirs = rows[(rows["coder"] == gold) & rows["label"].notna()] if gold else rows.head(0)
    golden = dict(zip(theirs["unit_id"], theirs["label"], strict=True))
    mine = mine.assign(gold=[golden.get(unit_id, "") for unit_id in mine["unit_id"]])
    verdicts = [_judge(label, meant) for label, meant in zip(mine["label"], mine["gold"], strict=True)]
    return mine.assign(verdict=verdicts)


def _judge(label: Any, gold: str) -> str:
    if not gold:
        return ""
    return "right" if label == gold else "wrong"


def _say(rows: pd.DataFrame, shown: pd.DataFrame, only: str) -> str:
    judged = rows[rows["verdict"] != ""]
    n_right = int((judged["verdict"] == "right").sum())
    sentence = f"{len(shown):,} of {say_count(len(rows), 'unit')}" + (f", {only} ones only" if only else "")
    return f"{sentence}; {n_right:,} of {len(judged):,} labels are the gold's." if len(judged) else f"{sentence}."


def _thumbnail(files: tuple[UnitFile, ...]) -> str:
    """The first image as a small JPEG inside a page, or words in its place."""
    if not files:
        return "no image"
    if files[0].kind != "image":
        return files[0].kind
    try:
        picture = open_picture(resolve_path(files[0].path).read_bytes(), SIDE)
    except (PictureError, OSError):
        return "an address" if "://" in files[0].path else "cannot be shown"
    picture.thumbnail((SIDE, SIDE))
    room = io.BytesIO()
    picture.save(room, "JPEG", quality=80)
    return f"{_JPEG}{b64encode(room.getvalue()).decode()}"
