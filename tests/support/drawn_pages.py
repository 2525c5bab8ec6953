"""Pages in two justified columns, drawn in any print, with any gutter, resolution and skew."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from codebook.records import FilePart

TEXT = Path(__file__).parents[2] / "data" / "scanned_pages" / "address_1800_scan.txt"
PAPER, INK = 248, 20


def draw_columns(
    font: Path, points: float, gutter: float, *, dpi: int = 200, slope: float = 0, lines: int = 18
) -> tuple[Image.Image, str]:
    """A page of two columns of 60 mm with so many mm between them, and its text. `slope` turns it, in degrees."""
    letters, mm = ImageFont.truetype(str(font), round(points * dpi / 72)), dpi / 25.4
    wide, step, edge, apart = 60 * mm, points * 1.25 * dpi / 72, 20 * mm, gutter * mm
    rows: list[list[str]] = [[]]
    for word in TEXT.read_text(encoding="utf-8").split():
        if rows[-1] and letters.getlength(" ".join([*rows[-1], word])) > wide:
            rows.append([])
        rows[-1].append(word)
    rows = rows[: 2 * lines]
    page = Image.new("L", (round(2 * wide + apart + 2 * edge), round(lines * step + 2 * edge)), PAPER)
    draw = ImageDraw.Draw(page)
    for place, row in enumerate(rows):
        x, y = edge + (place // lines) * (wide + apart), edge + (place % lines) * step
        space = (wide - sum(map(letters.getlength, row))) / max(1, len(row) - 1)
        for word in row:
            draw.text((x, y), word, font=letters, fill=INK)
            x += letters.getlength(word) + space
    return page.rotate(slope, Image.Resampling.BICUBIC, expand=True, fillcolor=PAPER), " ".join(map(" ".join, rows))


def as_part(image: Image.Image) -> FilePart:
    """A picture as a file of a request."""
    room = BytesIO()
    image.convert("RGB").save(room, "PNG")
    return FilePart("image", "page.png", "image/png", room.getvalue())
