"""Annotations of CVAT, "CVAT for images 1.1": tags of an image, and boxes and other forms in pixels."""

from __future__ import annotations

from codebook.exchange.collector import Collector
from codebook.exchange.export_source import ExportSource
from codebook.exchange.reading import MODEL, UNKNOWN_CODER, Reading, ReadOptions
from codebook.files.xml_text import Element, parse_xml

TITLE = "CVAT for images"
TAG = "tag"
_BOX = ("xtl", "ytl", "xbr", "ybr")
_ELLIPSE = ("cx", "cy", "rx", "ry")
_MASK = ("left", "top", "width", "height")


def looks_like(source: ExportSource) -> bool:
    """Whether it is XML with annotations of images."""
    return source.head.lstrip().startswith("<") and "<annotations>" in source.head and "<image " in source.head


def read_export(source: ExportSource, options: ReadOptions) -> Reading:
    """Read the tags of an image as one set, and each form as a row with its corners; nobody is named in such a file."""
    root = parse_xml(source.first.read_bytes(), source.name)
    out = Collector("cvat", TITLE, [source.name], options, tells_absence=False)
    coder = options.coder_name or UNKNOWN_CODER
    out.mark_set(TAG)
    for image in root.all("image"):
        _add_image(image, coder, out)
    for track in root.all("track"):
        out.record()
        out.set_aside(f"a track of a video ({track.get('label')})")
    return out.finish()


def _add_image(image: Element, coder: str, out: Collector) -> None:
    unit, tags = image.get("name"), list(image.all(TAG))
    for who, some in ((coder, [each for each in tags if not _is_model(each)]), (MODEL, list(filter(_is_model, tags)))):
        if some:
            out.record()
            status = "prediction" if who == MODEL else "coded"
            note = "; ".join(filter(None, map(_say_attributes, some)))
            out.add(unit, who, TAG, [each.get("label") for each in some], status=status, note=note)
    for form in image.children:
        if form.name != TAG:
            out.record()
            who, status, quote = (MODEL, "prediction", "") if _is_model(form) else (coder, "coded", _say_place(form))
            note = _say_attributes(form)
            out.add(unit, who, form.name, form.get("label"), status=status, quote=quote, note=note)
    if not image.children:
        out.add_unmarked(unit, coder, "annotation")


def _is_model(element: Element) -> bool:
    """Whether a model drew it; what a model drew and a person changed is the person's."""
    return element.get("source").lower() == "auto"


def _say_attributes(element: Element) -> str:
    return "; ".join(f"{each.get('name')} = {each.text}" for each in element.all("attribute"))


def _say_place(element: Element) -> str:
    """The corners of a form in pixels, as short as they can be written.

    Examples
    --------
    >>> _say_place(Element("box", {"xtl": "10.50", "ytl": "20.00", "xbr": "100.25", "ybr": "200.00"}))
    '10.5,20,100.25,200'
    """
    if element.get("points"):
        return element.get("points")
    names = next((names for names in (_BOX, _ELLIPSE, _MASK) if element.get(names[0])), ())
    return ",".join(f"{float(element.get(name)):g}" for name in names)
