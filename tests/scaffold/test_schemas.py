"""The schemas that ship are those of the models: they take every yaml that ships and refuse what its reader refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from commands import Command
from jsonschema import Draft7Validator

from codebook.scaffold.schemas import dump_schema, make_schemas

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "codebook" / "templates" / "schemas"
RECORDS = {"name": "names", "kind": "records", "fields": [{"name": "person"}]}
KINDS = {"codebook": ("codebook*", "embedding"), "coders": ("coders", "students"), "study": ("study",)}


def validator(name: str) -> Draft7Validator:
    return Draft7Validator(orjson.loads((SHIPPED / f"{name}.json").read_bytes()))


def shipped_yamls() -> list[tuple[str, Path]]:
    found = [
        (kind, path) for kind, names in KINDS.items() for name in names for path in ROOT.glob(f"data/*/{name}.yaml")
    ]
    found += [(kind, ROOT / "codebook" / "templates" / "study" / f"{kind}.yaml") for kind in KINDS]
    return [*found, *(("study", path) for path in [ROOT / "study.yaml", *(ROOT / "studies").glob("*.yaml")])]


def test_the_schemas_that_ship_are_up_to_date() -> None:
    made = make_schemas()
    assert {path.stem for path in SHIPPED.glob("*.json")} == made.keys()
    old = [name for name, schema in made.items() if (SHIPPED / f"{name}.json").read_bytes() != dump_schema(schema)]
    assert not old, "write them: python -m codebook.scaffold.schemas codebook/templates/schemas"


@pytest.mark.parametrize(("name", "path"), shipped_yamls(), ids=lambda each: str(each).rpartition("/")[2])
def test_every_yaml_that_ships_is_valid_as_texts_and_as_an_editor_reads_it(name: str, path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for value in (yaml.load(text, yaml.BaseLoader), yaml.safe_load(text)):
        assert not [error.message for error in validator(name).iter_errors(value)]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("codebook", {"name": "a", "unit": "b", "variables": [{"name": "c", "kind": "single", "levle": 1}]}, "'levle'"),
        ("codebook", {"name": "a b", "unit": "b", "variables": [{"name": "c", "kind": "single"}]}, "does not match"),
        ("coders", {"coders": [{"file": "a.csv", "unit": "id", "colums": {}}]}, "'colums'"),
        ("coders", {"coders": [{"unit": "id"}]}, "'file' is a required property"),
        ("study", {"study": "s", "run": "r", "steps": ["codebook"], "stepz": []}, "'stepz'"),
        ("providers", {"mine": {"base_ulr": "https://a.example"}}, "not valid"),
        ("prices", {"as_of": "2026-11-01", "models": {"m": {"output": 1}}}, "'input' is a required property"),
    ],
)
def test_an_editor_shows_a_slip_while_it_is_written(name: str, value: dict[str, Any], said: str) -> None:
    assert any(said in error.message for error in validator(name).iter_errors(value))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("codebook", {"name": "a", "unit": "b", "version": 2, "variables": [RECORDS]}),
        ("coders", {"coders": [{"file": "a.csv", "unit": "id", "columns": ["a", "b"], "skip": 99, "skip_rows": 2}]}),
        ("providers", {"mine": {"base_url": "https://a.example/v1", "n_enqueued": {"m": 2000000}}, "groq": None}),
        ("prices", {"as_of": "2026-11-01", "models": {"m": {"input": 0.1, "output": "0.5"}}}),
    ],
)
def test_what_the_reader_takes_is_no_slip(name: str, value: dict[str, Any]) -> None:
    assert not [error.message for error in validator(name).iter_errors(value)]


def test_each_yaml_of_a_new_study_names_its_schema_by_a_path_that_is_there(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    command("new", "s")
    for name in KINDS:
        first = (tmp_path / "s" / f"{name}.yaml").read_text().splitlines()[0]
        assert first.startswith("# yaml-language-server: $schema=")
        assert (tmp_path / "s" / first.partition("=")[2]).read_bytes() == (SHIPPED / f"{name}.json").read_bytes()
