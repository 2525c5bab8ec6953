"""Every test runs offline, with an environment that holds no key and no setting of this machine."""

from __future__ import annotations

import gc
import ipaddress
import os
import re
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    import openai
    from commands import Command
    from fakes.fake_help import Connect
    from fakes.fake_openai import FakeOpenAI

collect_ignore = ["support/rfc3987_syntax.py"]  # it stands for a package that cannot be imported
gc.disable()  # until the tests are collected
os.environ["MPLBACKEND"] = "Agg"
# programs that a test starts find the fakes and the helpers, as the tests do
_HERE = Path(__file__).parent
_ROOMS = [str(_HERE), str(_HERE / "support")]
os.environ["PYTHONPATH"] = os.pathsep.join([*_ROOMS, *filter(None, [os.environ.get("PYTHONPATH")])])
# a busy machine must not fail a test: no deadlines, and slow generation is no fault of the code
settings.register_profile("kit", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("kit")
_SETTINGS = re.compile(r".*_API_KEY|OPENAI_.*|AZURE_OPENAI_.*|CODEBOOK_.*|.*_PROXY", re.IGNORECASE)
_RUNS = f"{_HERE.parent / 'runs'}{os.sep}"
_UNNAMED = {"", "localhost", "ip6-localhost", socket.gethostname()}


def _is_near(host: object) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if name is None or name in _UNNAMED:
        return True
    try:
        address = ipaddress.ip_address(str(name).split("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _refuse(host: object) -> None:
    # pytest's own failure is no Exception, so a client that retries after any Exception cannot swallow it
    pytest.fail(f"a test reached for the network: {host!r}. Only loopback is open; use a fake server or `replay`.")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Refuse to begin where a stray study.yaml would make a folder above the tests' own the project of them all."""
    factory = session.config._tmp_path_factory  # type: ignore[attr-defined]
    folder = factory.getbasetemp()
    if strays := [above / "study.yaml" for above in folder.parents[:-1] if (above / "study.yaml").is_file()]:
        pytest.exit(f"{strays[0]} makes its folder the project of every test: remove it, or set TMPDIR.", returncode=4)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files with slow tests first where files are shared out, so that no processor waits for the last of them."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        slow = {item.path for item in items if item.get_closest_marker("slow")}
        items.sort(key=lambda item: item.path not in slow)


def pytest_collection_finish() -> None:
    """Let no search for garbage go through all modules and tests again and again: it takes half a second each time."""
    gc.enable()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _offline() -> Iterator[None]:
    """Refuse every connection and every look-up of a name that is not this machine's own."""
    patch = pytest.MonkeyPatch()
    for name in ("connect", "connect_ex"):
        patch.setattr(socket.socket, name, _guard_connection(getattr(socket.socket, name)))
    look_up = socket.getaddrinfo

    def guarded_look_up(host: object, *args: Any, **options: Any) -> Any:
        if not _is_near(host):
            _refuse(host)
        return look_up(host, *args, **options)

    patch.setattr(socket, "getaddrinfo", guarded_look_up)
    yield
    patch.undo()


@pytest.fixture(scope="session", autouse=True)
def _elsewhere() -> Iterator[None]:
    """Refuse a run in the clone's own runs/: a test without a project codes the shipped study, for half a minute."""
    patch, make = pytest.MonkeyPatch(), os.mkdir

    def guarded(path: Any, *args: Any, **options: Any) -> None:
        if os.path.abspath(os.fsdecode(path)).startswith(_RUNS):  # noqa: PTH100
            pytest.fail(f"a test makes {path} in the clone: give it a project of its own, by the fixture `project`")
        make(path, *args, **options)

    patch.setattr(os, "mkdir", guarded)
    yield
    patch.undo()


@pytest.fixture(scope="session", autouse=True)
def _hasty() -> Iterator[None]:
    """Wait for no disk, and read no certificates, which takes long: nobody here speaks TLS.

    What must survive a death is tested by programs of its own (tests/support), which wait as ever.
    """
    patch = pytest.MonkeyPatch()
    patch.setattr(os, "fsync", lambda file: None)
    patch.setattr("codebook.ledger.migrations.SYNCHRONOUS", "OFF")
    patch.setattr(ssl.SSLContext, "load_verify_locations", lambda *_, **__: None)
    yield
    patch.undo()


def _guard_connection(connect: Any) -> Any:
    def guarded(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_near(address[0]):
            _refuse(address[0])
        return connect(self, address)

    return guarded


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if _SETTINGS.fullmatch(name):
            monkeypatch.delenv(name)


@pytest.fixture
def project(_empty_environment: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make an empty project in a temporary folder, and work in it."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "study.yaml").write_text("study: test\n", encoding="utf-8")
    monkeypatch.setenv("CODEBOOK_PROJECT", str(folder))
    monkeypatch.setenv("CODEBOOK_CONFIG", os.devnull)  # no settings, and none of this person's
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where assignments and logs of a project lie."""
    monkeypatch.setenv("CODEBOOK_PROJECT", str(tmp_path))
    return tmp_path / "coding"


@pytest.fixture
def press_ctrl_c() -> Iterator[Callable[[], None]]:
    """Ctrl-C for this process, from whatever thread; it is heard even where it is ignored, as under nohup."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    ident = threading.main_thread().ident
    assert ident is not None
    yield lambda: signal.pthread_kill(ident, signal.SIGINT)
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def fake(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeOpenAI]:
    """The fake service, with its key in the environment; batches end at the first look."""
    from fakes.service import serve

    with serve(project, monkeypatch) as service:
        yield service


@pytest.fixture
def connect(fake: FakeOpenAI) -> Iterator[Connect]:
    """Make clients of the SDK that speak to the fake service."""
    from fakes.fake_help import connecting

    with connecting(fake) as connect:
        yield connect


@pytest.fixture
def client(connect: Connect) -> openai.OpenAI:
    """A client of the SDK with the fake service's key."""
    return connect()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, started once for the tests of a file."""
    from lab import start_browser

    with start_browser() as started:
        yield started


@pytest.fixture
def window(browser: Any) -> Iterator[Any]:
    """A page of its own in the browser."""
    from lab import open_window

    with open_window(browser) as page:
        yield page


@pytest.fixture
def command() -> Command:
    """Run `codebook` with these words."""
    from commands import run_command

    return run_command
