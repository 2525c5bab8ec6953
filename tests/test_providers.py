"""Records of providers: those of the kit, those of a project, and addresses that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from codebook.engines.service import PROVIDERS, find_provider
from codebook.errors import ParameterError


def test_a_projects_own_record_corrects_the_kits(project: Path) -> None:
    (project / "providers.yaml").write_text(
        "openai: {n_enqueued: {gpt-4o: 90000}}\nmine: {base_url: 'https://a.example/v1'}\n"
    )
    assert find_provider("openai").enqueued("gpt-4o-2024-08-06") == 90_000
    assert find_provider("openai").discount == PROVIDERS["openai"].discount
    assert find_provider("mine").discount is None
    assert find_provider("mine", "http://127.0.0.1:9/v1").base_url == "http://127.0.0.1:9/v1"


def test_every_fault_of_the_file_is_told_at_once(project: Path) -> None:
    (project / "providers.yaml").write_text("a: {colour: red, discount: 7}\nb: 5\n")
    with pytest.raises(ParameterError) as caught:
        find_provider("openai")
    said = str(caught.value)
    assert [part in said for part in ("a, colour", "a, discount", "providers.yaml, b")] == [True] * 3


@pytest.mark.parametrize(
    ("name", "address", "mend"),
    [
        ("opnai", "", "did you mean 'openai'"),
        ("azure", "", "give base_url="),
        ("openai", "https://me:secret-word@a.example/v1", "keep it out"),
        ("openai", "a.example/v1", "write https://host/v1"),
    ],
)
def test_what_cannot_be_reached_is_refused_before_anything_is_written(
    project: Path, name: str, address: str, mend: str
) -> None:
    with pytest.raises(ParameterError, match=mend) as caught:
        find_provider(name, address)
    assert "secret-word" not in str(caught.value)
