"""One tiny release and one live server on a loopback port for all tests of this floor."""

import importlib.util
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from groundup.apps.config import AppsConfig
from groundup.apps.current import Current
from groundup.apps.load import load_service
from groundup.apps.metrics import Metrics
from groundup.apps.run import Server, address, listen
from groundup.apps.server import create_app
from groundup.apps.service import Service

spec = importlib.util.spec_from_file_location("tiny", Path(__file__).with_name("tiny.py"))
assert spec is not None
assert spec.loader is not None
tiny = importlib.util.module_from_spec(spec)
sys.modules["tiny"] = tiny
spec.loader.exec_module(tiny)


@dataclass(frozen=True)
class Live:
    """A running server."""

    url: str
    service: Service
    state: Path
    metrics: Metrics

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=20)

    def openai(self) -> openai.OpenAI:
        return openai.OpenAI(base_url=f"{self.url}/v1", api_key="none", max_retries=0)


@contextmanager
def running(root: Path, state: Path, config: AppsConfig) -> Iterator[Live]:
    """Serve a release in a thread until the block ends."""
    listener, up, metrics = listen(config.host, config.port, False), threading.Event(), Metrics()
    current = Current(root, load_service, metrics)
    app = create_app(current.service, config, state, current.check, metrics)
    server = Server(app, up.set)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        assert up.wait(20)
        yield Live(address(config.host, listener), current.service(), state, metrics)
    finally:
        server.should_exit = True
        thread.join(20)
        listener.close()
        assert not thread.is_alive()


@pytest.fixture(scope="session")
def release_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make_release(tmp_path_factory.mktemp("release"))


@pytest.fixture(scope="session")
def live(release_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    config = AppsConfig(port=0, body_limit_bytes=20_000, question_limit_characters=500)
    with running(release_dir, tmp_path_factory.mktemp("state"), config) as server:
        yield server


@pytest.fixture(scope="session")
def service(live: Live) -> Service:
    return live.service


@pytest.fixture
def http(live: Live) -> Iterator[httpx.Client]:
    with live.client() as client:
        yield client


@pytest.fixture(scope="session")
def serving() -> Any:
    """The way to serve a release of one's own: `with serving(root, state, config) as live`."""
    return running
