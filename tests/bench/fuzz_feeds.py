"""Mutates feeds through split, parse (in real workers) and diff, for a bounded time: `make fuzz-feeds`.

First every document is read by parts as it is, each of its entries alone taken as new. Then each round takes a document, reads it, mutates it, and reads the mutation twice: by parts against what is known of the first,
and as a whole. Then the way back. Looked for:
    crash        an exception in the service, or a worker that dies other than by its limits
    hang         anything that takes longer than the limits allow
    opened       a file opened or a connection tried by a worker (an audit hook ends it)
    different    news by parts that are not the news of the whole, where the document is well-formed
    unheard      another pace or other links where nothing was read, because no entry is new
    repeated     an entry whose bytes did not change taken for news by parts
The mutation of a failure is written to a file; `--seed` repeats a run.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.feeds import a_feed, fetched, rss
from support.reading import differs
from support.watched import COMMAND, FORBIDDEN

from monitor.feeds import lanes, marks, spans
from monitor.feeds.parse import WorkerParser
from monitor.model import Entry, FailureKind, IntakeEntry, PollFailure
from monitor.ports import Known, ParsedFeed
from monitor.reports import changes, keys_of

CORPORA = Path(__file__).parents[2] / "../shared/data/feeds"

WALL = timedelta(seconds=20)

OWN = (
    rss(*(f"<guid>{n}</guid><title>Шеру {n}</title><link>/{n}</link><description>&lt;p>x {n}&lt;/p></description>" for n in range(8))),
    rss(*(f"<guid>{n}</guid><title><![CDATA[<item>{n}</item>]]></title><!-- <item> -->" for n in range(5)), channel="<language>ru</language><ttl>5</ttl>"),
    ("<feed xmlns='http://www.w3.org/2005/Atom' xml:base='https://b.example/' xml:lang='kk'><title>T</title><link rel='hub' href='/h'/>"
     + "".join(f"<entry xml:base='{n}/'><id>urn:{n}</id><title type='html'>&lt;b>{n}&lt;/b></title><link href='x'/></entry>" for n in range(6)) + "</feed>").encode(),
    ("<?xml version='1.0' encoding='windows-1251'?><rss version='2.0'><channel><title>Н</title>"
     + "".join(f"<item><title>Новость {n}</title><link>/{n}</link></item>" for n in range(6)) + "</channel></rss>").encode("windows-1251"),
    ("<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/'><channel rdf:about='x'><title>T</title></channel>"
     + "".join(f"<item rdf:about='/{n}'><title>R{n}</title></item>" for n in range(5)) + "</rdf:RDF>").encode(),
    b"<!DOCTYPE rss [<!ENTITY e 'x'><!ENTITY f SYSTEM 'file:///etc/passwd'>]>" + rss("<title>&e;&f;</title>", "<title>B</title>").partition(b"?>")[2],
    b'{"version": "https://jsonfeed.org/version/1.1", "title": "J", "items": [{"id": "1", "title": "A"}, {"id": "2", "content_html": "<b>x</b>"}]}',
    (b"<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9' xmlns:n='http://www.google.com/schemas/sitemap-news/0.9'><url><loc>https://n.example/1</loc>"
    b"<n:news><n:title>T</n:title><n:publication_date>2022-01-05</n:publication_date></n:news></url></urlset>"),
)  # fmt: skip

TOKENS = (
    b"<item>", b"</item>", b"<item/>", b"</item >", b"<entry>", b"</entry>", b"<ITEM>", b"<a:item>", b"<!--", b"-->", b"<![CDATA[", b"]]>", b"<?", b"?>", b"<!",
    b"&", b"&amp;", b"&nbsp;", b"&#0;", b"&#55357;", b"<", b">", b'"', b"'", b" xml:base='/z/'", b" xml:base='javascript:x'", b" xml:lang='kk'",
    b"<guid>1</guid>", b"<link>/1</link>", b"<title>", b"</title>", b"</channel>", b"</rss>", b"</feed>", b"<channel>", b"\0", b"\xff", b"\xd0", b"\xef\xbb\xbf",
    b"<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/hostname'>]>", b"&e;", b"<xi:include href='file:///etc/passwd'/>", b"<svg>", b"<image>", b"<source>", b"<language>ru</language>",
    b"<content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>", b" encoding='koi8-r'", b"<itunes:title>x</itunes:title>", b"<description>&lt;!--",
    b"\x01", b" a='>'", b"<ttl>7</ttl>", b"<link rel='hub' href='/h'/>", b"<all xml:base='/y/'>", b"</all>",
)  # fmt: skip

ENCODINGS = (
    "utf-8",
    "utf-16",
    "utf-16-le",
    "windows-1251",
    "koi8-r",
    "utf-32",
    "gb18030",
    "shift_jis",
    "iso2022_jp",
    "utf-7",
    "cp037",
)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--minutes", type=float, default=10.0)
    arguments.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    arguments.add_argument("--out", type=Path, default=Path(tempfile.gettempdir()) / "fuzz-feeds")
    chosen = arguments.parse_args()
    sys.exit(asyncio.run(Fuzz(chosen.seed, chosen.out).run(chosen.minutes * 60)))


class Fuzz:
    """One run."""

    def __init__(self, seed: int, out: Path) -> None:
        self.seed, self.out = seed, out
        self.random = random.Random(seed)
        self.counts: Counter[str] = Counter()
        self.failures = 0
        self.samples = corpus()

    async def run(self, seconds: float) -> int:
        """Fuzz for so long; return the exit code."""
        lanes.COMMAND = COMMAND
        parser = WorkerParser(cpu_seconds=5, wall=WALL, workers=1, patience=5)
        print(f"seed {self.seed}, {len(self.samples)} documents, {seconds / 60:g} minutes", flush=True)
        until = time.monotonic() + seconds
        self.each_entry_alone(time.monotonic() + seconds / 2)
        try:
            while time.monotonic() < until:
                await self.round(parser)
        finally:
            await parser.aclose()
        print("  ".join(f"{name} {count}" for name, count in sorted(self.counts.items())))
        print(f"{self.failures} failures" + (f", written to {self.out}" if self.failures else ""))
        return 1 if self.failures else 0

    def each_entry_alone(self, until: float) -> None:
        """Read every document by parts, each of its entries alone and the first five taken as new; as many as time allows."""
        for body in self.random.sample(self.samples, len(self.samples)):
            if time.monotonic() > until:
                return
            self.counts["documents unmutated"] += 1
            difference, parts = differs(body, most=12) if b"<!ENTITY" not in body else (None, 0)
            self.counts["read by parts unmutated"] += parts
            if difference is not None:
                self.fail("different", body, b"", difference)

    async def round(self, parser: WorkerParser) -> None:
        """Read a document and a mutation of it, there and back."""
        self.counts["rounds"] += 1
        before = self.random.choice(self.samples)
        after = self.mutated(before)
        known = await self.read(parser, before, b"", after)
        if known is None:
            return
        for body, other in ((after, before), (before, after)):
            document = await self.compare(parser, body, other, known)
            known = document or known

    async def compare(self, parser: WorkerParser, body: bytes, before: bytes, known: ParsedFeed) -> ParsedFeed | None:
        """Read a document by parts and as a whole, and compare."""
        parts = await self.read(parser, body, known.marks, before)
        whole = await self.read(parser, body, b"", before)
        if parts is None or whole is None:
            if (parts is None) is not (whole is None) and whole is not None:
                self.fail("different", body, before, "the whole can be read, the parts cannot")
            return None
        self.counts["by parts"] += 0 < len(parts.entries) < parts.shown
        self.counts["nothing read"] += parts.head is None
        known_before = marks.shown(known.marks)
        found = [entry for entry in parts.entries if entry.fingerprint() not in known_before]
        wanted = [entry for entry in whole.entries if entry.fingerprint() not in known_before]
        try:
            decide(found)
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            self.fail("crash", body, before, f"diff: {error!r}")
        if not whole.malformed and not known.malformed and whole.warning is None and found != wanted:
            self.fail("different", body, before, f"{len(found)} by parts, {len(wanted)} by the whole")
        sound = not whole.malformed and not known.malformed
        if parts.head is None and sound and _of_head(known) and _of_head(known) != _of_head(whole):
            self.fail("unheard", body, before, f"{_of_head(known)} is now {_of_head(whole)}")
        pieces = spans.cut(
            body, "application/xml", "https://news.example/feed", known=marks.by_span(known.marks), most=2000
        )
        if pieces is not None and found and all(span.print in marks.by_span(known.marks) for span in pieces.spans):
            self.fail("repeated", body, before, found[0].title)
        return parts

    async def read(self, parser: WorkerParser, body: bytes, known: bytes, before: bytes) -> ParsedFeed | None:
        started = time.monotonic()
        try:
            outcome = await parser.parse(fetched(body, content_type="application/xml"), known=known, lane="proven")
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            self.fail("crash", body, before, repr(error))
            return None
        if time.monotonic() - started > 3 * WALL.total_seconds():
            self.fail("hang", body, before, f"{time.monotonic() - started:.0f} s")
        if isinstance(outcome, PollFailure):
            self.counts[outcome.kind.value] += 1
            if outcome.kind is FailureKind.PARSER_KILLED:
                stopped = (
                    "s of computing" in outcome.reason
                    or "longer than" in outcome.reason
                    or "of memory" in outcome.reason
                )
                if not stopped:
                    kind = "opened" if f"code {FORBIDDEN}" in outcome.reason else "crash"
                    self.fail(kind, body, before, outcome.reason)
            return None
        self.counts["read"] += 1
        return outcome

    def mutated(self, body: bytes) -> bytes:
        """Return a document with one to four mutations."""
        for _ in range(self.random.choice((1, 1, 2, 4))):
            mutate = self.random.choice(
                (
                    self._token,
                    self._token,
                    self._bytes,
                    self._cut,
                    self._copy,
                    self._truncate,
                    self._splice,
                    self._encode,
                    self._move,
                    self._move,
                    self._move,
                )
            )
            body = mutate(body)[:300_000]
        return body

    def _token(self, body: bytes) -> bytes:
        at = self.random.randrange(len(body) + 1)
        return body[:at] + self.random.choice(TOKENS) + body[at:]

    def _bytes(self, body: bytes) -> bytes:
        changed = bytearray(body)
        for _ in range(self.random.randrange(1, 5)):
            if changed:
                changed[self.random.randrange(len(changed))] = self.random.randrange(256)
        return bytes(changed)

    def _slice(self, body: bytes) -> tuple[int, int]:
        first = self.random.randrange(len(body) + 1)
        return first, min(first + self.random.randrange(1, 400), len(body))

    def _cut(self, body: bytes) -> bytes:
        first, last = self._slice(body)
        return body[:first] + body[last:]

    def _copy(self, body: bytes) -> bytes:
        first, last = self._slice(body)
        at = self.random.randrange(len(body) + 1)
        return body[:at] + body[first:last] + body[at:]

    def _truncate(self, body: bytes) -> bytes:
        return body[: self.random.randrange(len(body) + 1)]

    def _splice(self, body: bytes) -> bytes:
        other = self.random.choice(self.samples)
        return body[: self.random.randrange(len(body) + 1)] + other[self.random.randrange(len(other) + 1) :]

    def _encode(self, body: bytes) -> bytes:
        name = self.random.choice(ENCODINGS)
        text = body.decode("utf-8", "replace").replace("utf-8", name, 1)
        return text.encode(name, "xmlcharrefreplace" if "utf" not in name else "replace")

    def _move(self, body: bytes) -> bytes:
        """Take an entry out, put one in, or turn two round."""
        pieces = spans.cut(body, None, "", known=(), most=2000)
        if pieces is None:
            return self._token(body)
        entries = [span.data + pieces.closing for span in pieces.spans]
        match self.random.randrange(4):
            case 0:
                del entries[self.random.randrange(len(entries))]
            case 1:
                self.random.shuffle(entries)
            case 2:
                entries.append(self.random.choice(entries))
            case _:
                at = self.random.randrange(len(entries))
                entries[at] = self._token(entries[at])
        return pieces.head + b"".join(entries) + pieces.tail

    def fail(self, kind: str, body: bytes, before: bytes, why: str) -> None:
        """Keep a failure for whoever mends it."""
        self.failures += 1
        self.counts[f"FAILED {kind}"] += 1
        self.out.mkdir(parents=True, exist_ok=True)
        name = f"{self.seed}-{self.counts['rounds']}-{kind}"
        (self.out / f"{name}.xml").write_bytes(body)
        (self.out / f"{name}.before.xml").write_bytes(before)
        print(f"{kind}: {why[:300]}: {self.out / name}.xml", flush=True)


def _of_head(document: ParsedFeed) -> object:
    """Return what is remembered of a head, None where it was not read. The page it belongs to is not."""
    head = document.head
    if head is None:
        return None
    return (
        head.pace,
        {relation: links for relation, links in head.links.items() if relation != "alternate"},
        head.complete,
    )


def corpus() -> list[bytes]:
    """Return our own samples, and those of other projects where they are at hand, most with some entries more."""
    paths = (
        sorted(path for path in CORPORA.rglob("*") if path.is_file() and path.stat().st_size < 200_000)
        if CORPORA.exists()
        else []
    )
    return [*OWN * max(1, len(paths) // 40), *(longer(path.read_bytes()) for path in paths)]


def longer(body: bytes) -> bytes:
    """Return a document with entries more at its end: only then most of it can be known."""
    pieces = spans.cut(body, None, "", known=(), most=2000)
    if pieces is None:
        return body
    opening = pieces.closing.replace(b"/", b"")
    more = b"".join(opening + b"<title>filler %d</title>" % n + pieces.closing for n in range(3))
    return body.removesuffix(pieces.tail) + more + pieces.tail


def decide(entries: list[Entry]) -> None:
    """Run the diff over entries as new ones."""
    seen = datetime(2022, 1, 5, 12, tzinfo=UTC)
    feed = a_feed()
    waiting = [
        IntakeEntry(
            seq=n,
            situation="kz",
            feed_id=feed.id,
            entry=entry,
            seen_at=seen,
            baseline=False,
            covered_from=None,
            document_id=None,
        )
        for n, entry in enumerate(entries)
    ]
    keys = [keys_of(entry, feed) for entry in entries]
    list(changes(waiting, keys, Known(reports={}, versions={}), {feed.id: feed}))


if __name__ == "__main__":
    main()
