"""Records of providers: those of the kit, those of a project, and addresses that cannot be used."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from fakes.loopback import Call, Loopback, Response

from codebook.engines.service import (
    PROVIDERS,
    Client,
    check_host,
    find_http_fault,
    find_provider,
    forget_host,
    list_trusted,
    say_destination,
    trust_host,
)
from codebook.engines.service.hosts import find_origin
from codebook.errors import EngineError, ParameterError


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


# --- who gets which key


@pytest.fixture
def settings(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a person's settings, outside of the study."""
    folder = project.parent / "settings"
    monkeypatch.setenv("CODEBOOK_CONFIG", str(folder))
    return folder


@pytest.mark.parametrize(
    ("entry", "mend"),
    [
        ("openai: {key: AWS_SECRET_ACCESS_KEY}", "keep the key in OPENAI_API_KEY"),
        ("groq: {key: OPENAI_API_KEY}", "keep the key in GROQ_API_KEY"),
        ("ollama: {key: OPENAI_API_KEY}", "take `key` out"),
        ("mine: {base_url: 'https://a.example/v1', key: OPENAI_API_KEY}", "keep the key in MINE_API_KEY"),
        ("mine: {base_url: 'https://a.example/v1', key: GITHUB_PAT}", "keep the key in MINE_API_KEY"),
        ("OpenAI: {base_url: 'https://a.example/v1'}", "give it another name"),
        ("azure-openai: {base_url: 'https://a.example/v1'}", "give it another name"),
        ("mine: {base_url: 'https://a.example/v1?api-key=hunter2'}", "keep it out"),
        ("mine: {base_url: 'https://me:hunter2@a.example/v1'}", "keep it out"),
    ],
)
def test_r03_a_study_cannot_choose_which_secret_is_sent(project: Path, entry: str, mend: str) -> None:
    (project / "providers.yaml").write_text(entry)
    with pytest.raises(ParameterError, match=mend) as caught:
        find_provider("openai")
    assert "hunter2" not in str(caught.value)


def test_r03_the_key_of_an_own_provider_is_named_after_it(project: Path) -> None:
    (project / "providers.yaml").write_text(
        "my-gateway: {base_url: 'https://a.example/v1'}\nopen: {base_url: 'https://b.example/v1', key: ''}\n"
    )
    assert [find_provider(name).key for name in ("my-gateway", "open", "openai")] == [
        *("MY_GATEWAY_API_KEY", "", "OPENAI_API_KEY")
    ]


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("openai", ""),
        ("openai", "https://eu.api.openai.com/v1"),
        ("openai", "http://127.0.0.1:8000/v1"),
        ("openai", "http://[::1]:8000/v1"),
        ("azure", "https://lab.openai.azure.com/openai/v1"),
        ("groq", ""),
        ("ollama", "http://localhost:11434/v1"),
    ],
)
def test_r03_a_providers_own_hosts_and_this_machine_need_no_yes(project: Path, name: str, address: str) -> None:
    provider = find_provider(name, address)
    check_host(provider)
    assert find_http_fault(provider) is None


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("openai", "https://evil.example/v1"),
        ("openai", "https://api.openai.com.evil.example/v1"),
        ("openai", "https://evil-api.openai.com.example/v1"),
        ("openai", "https://api.openai.com:8443/v1"),
        ("openai", "https://api.groq.com/openai/v1"),
        ("azure", "https://openai.azure.com.evil.example/v1"),
        ("groq", "https://api.openai.com/v1"),
        ("compatible", "https://evil.example/v1"),
        ("ollama", "https://localhost.evil.example/v1"),
        ("ollama", "https://2130706433/v1"),
    ],
)
def test_r03_another_host_gets_nothing_before_a_yes_outside_the_study(
    project: Path, settings: Path, monkeypatch: pytest.MonkeyPatch, name: str, address: str
) -> None:
    provider = find_provider(name, address)
    monkeypatch.setenv(provider.key or "NONE", "a-key-that-is-set")
    origin = find_origin(address)
    assert say_destination(provider).endswith(f"`codebook trust {origin.removeprefix('https://')}`")
    with pytest.raises(ParameterError, match=f"would go to {origin}.*`codebook trust"):
        _ = Client(provider).key
    assert trust_host(address) == origin
    assert Client(provider).key
    assert list_trusted() == [origin]
    assert not list(project.rglob("hosts.yaml"))
    assert stat.S_IMODE(settings.stat().st_mode) == 0o700
    assert forget_host(address)
    with pytest.raises(ParameterError, match="Nothing was sent"):
        check_host(provider)


def test_r03_a_machine_without_a_person_confirms_by_a_variable(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODEBOOK_TRUSTED_HOSTS", "a.example, http://10.1.2.3:8000")
    check_host(find_provider("openai", "https://a.example/v1"))
    check_host(find_provider("vllm", "http://10.1.2.3:8000/v1"))
    assert find_http_fault(find_provider("vllm", "http://10.1.2.3:8000/v1")) is None


def test_r03_plain_http_is_refused_unless_it_is_allowed(project: Path, settings: Path) -> None:
    provider = find_provider("vllm", "http://203.0.113.9:8000/v1")
    fault = find_http_fault(provider)
    assert fault is not None
    assert "plain http" in fault.problem
    with pytest.raises(ParameterError, match="--allow-http"):
        trust_host("http://203.0.113.9:8000")
    assert not settings.exists()
    trust_host("http://203.0.113.9:8000", allow_http=True)
    assert find_http_fault(provider) is None
    check_host(provider)
    with pytest.raises(ParameterError):  # https of the same host is another address
        check_host(find_provider("vllm", "https://203.0.113.9:8000/v1"))


@pytest.mark.parametrize(
    "address",
    [
        *("https://api.openai.com@evil.example/v1", "https://a.example\\@api.openai.com/v1", "https://a b.example/v1"),
        *(
            "https:///v1",
            "https://a.example:99999/v1",
            "https://münchen.example/v1",
            "https://a.example/v1#api.openai.com",
        ),
        "https://a.example/v1\n",
    ],
)
def test_r03_an_address_that_two_readers_may_read_in_two_ways_is_refused(project: Path, address: str) -> None:
    with pytest.raises(ParameterError, match="base_url"):
        find_provider("openai", address)


def test_r03_a_redirect_is_not_followed_with_the_key(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Call] = []

    def listen(call: Call) -> Response:
        heard.append(call)
        return Response()

    monkeypatch.setenv("OPENAI_API_KEY", "a-key-that-is-set")
    with Loopback(listen) as elsewhere:
        moved = Response(307, b"", {"Location": f"{elsewhere.base_url}/files"})
        with Loopback(lambda _: moved) as server:
            client = Client(find_provider("openai", server.base_url))
            with pytest.raises(EngineError, match=r"elsewhere \(status 307.*correct base_url"):
                client.call("upload", client.sdk.files.create, file=("a", b"x"), purpose="batch")
            client.sdk.close()
    assert heard == []
