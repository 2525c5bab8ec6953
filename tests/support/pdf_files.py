"""PDFs written by hand for the tests: pages with a text layer, an encrypted one, and files that are none."""

from __future__ import annotations

from collections.abc import Sequence

_LOCK = b"/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <%s> /U <%s> >> /ID [<00><00>]" % (b"1f" * 32, b"2e" * 32)
_PLACES = {0: b"1 0 0 1 72 760", 90: b"0 1 -1 0 82 72", 180: b"-1 0 0 -1 523 82", 270: b"0 -1 1 0 513 770"}


def write_pdf(pages: Sequence[Sequence[str]], *, encrypted: bool = False, rotate: int = 0) -> bytes:
    """A PDF whose pages hold these lines, 14 points apart, in a font that every reader has.

    With `rotate` the lines are written turned to the left, and the page is shown turned back.
    """
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b""]
    kids = []
    for lines in pages:
        shown = b"".join(b"(%s) Tj T* " % _escape(line) for line in lines)
        content = b"BT /F1 11 Tf 14 TL %s Tm %sET" % (_PLACES[rotate], shown)
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
        font = b"<< /F1 << /Type /Font /Subtype /Type1 /BaseFont /Times-Roman >> >>"
        page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R /Resources << /Font %s >> %s>>"
        objects.append(page % (len(objects), font, b"/Rotate %d " % rotate if rotate else b""))
        kids.append(b"%d 0 R" % len(objects))
    objects[1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (b" ".join(kids), len(kids))
    return _assemble(objects, _LOCK if encrypted else b"")


def draw_pdf(content: str, font: str = "Helvetica") -> bytes:
    """A PDF of one page, 400 by 200 points, on which this is drawn; its font is F."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [4 0 R] /Count 1 >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content.encode()),
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 200] /Contents 3 0 R /Resources << /Font << /F "
        b"<< /Type /Font /Subtype /Type1 /BaseFont /%s >> >> >> >>" % font.encode(),
    ]
    return _assemble(objects, b"")


def _escape(line: str) -> bytes:
    return line.encode("cp1252").replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")


def _assemble(objects: Sequence[bytes], lock: bytes) -> bytes:
    data, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    trailer = b"trailer\n<< /Size %d /Root 1 0 R %s >>\n" % (len(objects) + 1, lock)
    start = b"startxref\n%d\n%%%%EOF\n" % len(data)
    return data + b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table) + trailer + start
