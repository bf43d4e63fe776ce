from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from support.http_server import FakeServer, hang, head, raw, reply
from support.net import get, http_client

from monitor.model import Secret
from monitor.net.client import Answer, NetFailure, NetKind
from monitor.net.transport import tls_context


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


def serving(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


async def loopback(_host: str, _port: int) -> list[str]:
    return ["127.0.0.1"]


def ask(context: ssl.SSLContext, name: str, ca_file: Path | None) -> Answer | NetFailure:
    async def exchange() -> Answer | NetFailure:
        async with (
            FakeServer(tls=context, name=name) as server,
            http_client(ca_file=ca_file, resolve=loopback) as client,
        ):
            server.on("/", reply(200, b"secure"))
            return await get(client, server.url())

    return asyncio.run(exchange())


def test_the_certificate_is_checked_against_the_name_and_not_the_address(authority: trustme.CA, ca_file: Path) -> None:
    answer = ask(serving(authority.issue_cert("news.example")), "news.example", ca_file)
    assert isinstance(answer, Answer)
    assert answer.body == b"secure"


@pytest.mark.parametrize(
    ("certificate", "words"),
    [
        (lambda ca: ca.issue_cert("other.example"), "Hostname mismatch"),
        (lambda ca: ca.issue_cert("news.example", not_after=datetime.now(UTC) - timedelta(days=1)), "expired"),
        (lambda _: trustme.CA().issue_cert("news.example"), "certificate"),
    ],
)
def test_certificates_that_prove_nothing_are_refused(
    certificate: Callable[[trustme.CA], trustme.LeafCert], words: str, authority: trustme.CA, ca_file: Path
) -> None:
    outcome = ask(serving(certificate(authority)), "news.example", ca_file)
    assert isinstance(outcome, NetFailure)
    assert (outcome.kind, outcome.sent) == (NetKind.TLS, False)
    assert words in outcome.reason


def test_an_authority_nobody_added_is_not_trusted(authority: trustme.CA) -> None:
    outcome = ask(serving(authority.issue_cert("news.example")), "news.example", None)
    assert isinstance(outcome, NetFailure)
    assert outcome.kind is NetKind.TLS


def test_old_protocols_are_off() -> None:
    context = tls_context()
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_a_server_that_does_not_speak_tls_is_a_failure_of_tls() -> None:
    def refuse(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async def exchange() -> None:
        plain = await asyncio.start_server(refuse, "127.0.0.1", 0)
        async with plain, http_client() as client:
            outcome = await get(client, f"https://127.0.0.1:{plain.sockets[0].getsockname()[1]}/")
        assert isinstance(outcome, NetFailure)
        assert (outcome.kind, outcome.sent) == (NetKind.TLS, False)

    asyncio.run(exchange())


def test_a_handshake_that_never_ends_meets_the_deadline_and_leaves_no_connection() -> None:
    ended: list[bool] = []

    async def exchange() -> None:
        closed = asyncio.Event()

        async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while await reader.read(1000):
                pass
            writer.close()
            closed.set()

        async with await asyncio.start_server(wait, "127.0.0.1", 0) as silent, http_client() as client:
            url = f"https://127.0.0.1:{silent.sockets[0].getsockname()[1]}/"
            outcome = await get(client, url, deadline=timedelta(seconds=0.3))
            async with asyncio.timeout(2):
                ended.append(await closed.wait())
        assert isinstance(outcome, NetFailure)
        assert (outcome.kind, outcome.sent) == (NetKind.TIMEOUT, False)
        assert "secure connection" in outcome.reason

    asyncio.run(exchange())
    assert ended == [True]


@pytest.mark.parametrize("answer", [raw(head(200) + b"garbage"), hang(head(200))])
def test_a_request_into_a_broken_tunnel_was_never_sent(answer: Callable[..., object]) -> None:
    async def exchange() -> None:
        async with FakeServer() as proxy, http_client() as client:
            proxy.on("*", answer)  # type: ignore[arg-type]
            outcome = await get(
                client, "https://news.example/", method="POST", content=b"x", proxy=Secret(proxy.url()),
                deadline=timedelta(seconds=0.5), allow_networks=(),
            )  # fmt: skip
            assert isinstance(outcome, NetFailure)
            assert outcome.kind in {NetKind.TLS, NetKind.TIMEOUT}
            assert not outcome.sent
            assert [request.method for request in proxy.requests] == ["CONNECT"]

    asyncio.run(exchange())
