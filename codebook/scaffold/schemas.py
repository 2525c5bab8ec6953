"""JSON schemas of the yaml files that people write, for editors: made from the models that read these files.

The kit reads most of them as texts, so a schema takes a number or a truth value where the model has a text, and one
text where it has a list. What fields get wrong together only the reader says (`codebook check`).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from functools import partial
from inspect import ismethod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from codebook.files.lines import write_whole

if TYPE_CHECKING:
    from pydantic import BaseModel

Schema = dict[str, Any]
_SCALAR = ["string", "number", "boolean", "null"]
_LOOSE: Mapping[str, Any] = {"string": _SCALAR, "integer": ["integer", "string"], "number": ["number", "string"]}
_LOOSE = {**_LOOSE, "boolean": ["boolean", "string"]}
_ATTRIBUTE = re.compile(r"^(\w[\w, ]*?)(?: : .*)?\n((?: {4}.*\n?)+)", re.MULTILINE)


def make_schemas() -> dict[str, Schema]:
    """Return the schema of each file by its name: codebook, coders, study, providers, prices."""
    from codebook.codings.coder_files.coding_source import CodingSource
    from codebook.costs.prices import PriceFile
    from codebook.engines.service.providers import Provider
    from codebook.scheme.model import Codebook
    from codebook.study.study_file import study_model

    made: dict[str, Callable[[], Schema]] = {
        "codebook": lambda: _loosen_variable(_make(Codebook)),
        "coders": lambda: _list_under("coders", _make(CodingSource)),
        "study": lambda: _short_steps(_make(study_model())),
        "providers": lambda: _by_name(_make(Provider)),
        "prices": partial(_make, PriceFile),
    }
    draft = "http://json-schema.org/draft-07/schema#"
    return {name: {"$schema": draft, "title": f"{name}.yaml", **make()} for name, make in made.items()}


def write_schemas(folder: Path) -> None:
    """Write the schemas as files of a folder, each with the name of what it describes."""
    for name, schema in make_schemas().items():
        write_whole(folder / f"{name}.json", dump_schema(schema))


def dump_schema(schema: Schema) -> bytes:
    """A schema as its file holds it."""
    return orjson.dumps(schema) + b"\n"


def _make(model: type[BaseModel]) -> Schema:
    """The schema of a model, with the words of its docstring at its fields, and as loose as its reader."""
    schema = model.model_json_schema(schema_generator=_generator())
    for part in (schema, *schema.get("$defs", {}).values()):
        _describe(part)
    loose = _loosen(schema)
    assert isinstance(loose, dict)
    return {name: value for name, value in loose.items() if name != "title"}


def _generator() -> Any:
    from pydantic.json_schema import GenerateJsonSchema

    class Loose(GenerateJsonSchema):
        """Takes a text, or a list of texts, wherever a reader makes the right thing of one."""

        def function_before_schema(self, schema: Any) -> Schema:
            inner: Schema = super().function_before_schema(schema)
            if ismethod(schema["function"]["function"]):  # a validator of a whole model, which fills in what is missing
                return inner
            listed = [{"type": "array", "items": {"type": _SCALAR}}] if schema["schema"]["type"] == "dict" else []
            return {"anyOf": [inner, {"type": _SCALAR}, *listed]}

    return Loose


def _loosen(part: Any) -> Any:
    """The same schema with every plain type as loose as its reader, and without what an editor does not show."""
    if isinstance(part, list):
        return [_loosen(each) for each in part]
    if not isinstance(part, dict):
        return part
    loose = {
        name: _loosen(value) for name, value in part.items() if name != "default" or value not in ("", [], {}, None)
    }
    if isinstance(part.get("type"), str) and "enum" not in part and "const" not in part:
        loose["type"] = _LOOSE.get(part["type"], part["type"])
    if part.get("format") == "date":
        del loose["format"]  # an editor may read a date as such
    if "properties" in part:
        loose["properties"] = {name: _without_title(each) for name, each in loose["properties"].items()}
    return loose


def _without_title(part: Schema) -> Schema:
    return {name: value for name, value in part.items() if name != "title"}


def _describe(schema: Schema) -> None:
    """Put what a docstring says of its attributes at the fields of the schema."""
    head, _, attributes = schema.get("description", "").partition("Attributes\n----------\n")
    schema["description"] = " ".join(head.split())
    for names, words in _ATTRIBUTE.findall(attributes):
        for name in names.split(", "):
            if field := schema["properties"].get(name):
                field["description"] = " ".join(words.split()).replace("`", "")


def _loosen_variable(schema: Schema) -> Schema:
    """What goes without saying for variables that choose from no list of labels; records may have `fields`."""
    from codebook.scheme.model import KINDS

    variable = schema["$defs"]["Variable"]
    variable["required"] = ["name", "kind"]
    variable["properties"]["kind"] = {"anyOf": [{"enum": list(KINDS)}, {"type": "string"}]}
    variable["properties"]["fields"] = schema["$defs"]["RecordList"]["properties"]["fields"]
    return schema


def _short_steps(schema: Schema) -> Schema:
    """A step may be given by its name alone."""
    steps = schema["properties"]["steps"]
    steps["items"] = {"anyOf": [steps["items"], {"type": "string"}]}
    return schema


def _list_under(name: str, entry: Schema) -> Schema:
    entries = {name: {"type": "array", "items": entry}}
    return {"type": "object", "additionalProperties": False, "required": [name], "properties": entries}


def _by_name(record: Schema) -> Schema:
    """Records under names that a person chooses; the name is no field."""
    del record["properties"]["name"]
    rest = {name: value for name, value in record.items() if name != "required"}
    return {"type": "object", "additionalProperties": {"anyOf": [rest, {"type": "null"}]}}


if __name__ == "__main__":
    write_schemas(Path(sys.argv[1]))
