"""What the tests of this room share: a clock that does not wait, a stop condition, mock answers, loopback servers."""

import asyncio
import contextlib
import json
import re
from datetime import date

import orjson
from pydantic import SecretStr

from igent.models.endpoint import Endpoint
from igent.models.http import OpenAIModel
from igent.types import CallContext, ChatMessage, ChatRequest

CONTEXT = CallContext("R1", "matches", "matcher")
KEY = "key-0123456789abcdef"


class FakeClock:
    def __init__(self):
        self.time = 100.0
        self.sleeps = []

    def now(self):
        return self.time

    def today(self):
        return date(2025, 1, 1)

    def timestamp(self):
        return "2025-01-01T00:00:00+00:00"

    async def sleep(self, seconds):
        self.sleeps.append(seconds)
        self.time += max(0.0, seconds)
        await asyncio.sleep(0)


class StopAtObject:
    """Content with the first complete JSON object."""

    def __init__(self):
        self.text = ""
        self.value = None
        self.end = 0

    @property
    def seen(self):
        return len(self.text)

    def feed(self, text):
        self.text += text
        if "}" not in text:
            return False
        start = self.text.find("{")
        try:
            self.value, self.end = json.JSONDecoder().raw_decode(self.text, start)
        except ValueError:
            return False
        return True


class Answers:
    """Answers chats that name a record R<number>; more words before and after the JSON than in it."""

    def record_id(self, messages):
        found = re.search(r"\bR\d+\b", messages[-1].content)
        return found.group() if found else ""

    def answer(self, messages, random, errors):
        if random.random() < errors:
            return "I cannot tell."
        value = {"id": self.record_id(messages), "supplier": random.choice("ABC"), "text": "größer {als} ] 中"}
        before = " ".join(f"word{random.randint(0, 9)}" for _ in range(20))
        after = " ".join(f"word{random.randint(0, 9)}" for _ in range(40))
        return f"{before}\n```json\n{json.dumps(value, indent=1, ensure_ascii=False)}\n```\n{after}"


def request(text="This is R1.", **options):
    messages = (ChatMessage("system", "You match."), ChatMessage("user", text))
    return ChatRequest("m1", messages, CONTEXT, options)


def event(content=None, finish=None, **more):
    delta = {} if content is None else {"content": content}
    return {"model": "m1-2025", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more}


USAGE = {"model": "m1-2025", "choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 7}}


def sse(*events, done=True, newline=b"\n"):
    lines = [b"data: " + (e if isinstance(e, bytes) else orjson.dumps(e)) + newline * 2 for e in events]
    return b"".join(lines) + (b"data: [DONE]" + newline * 2 if done else b"")


def chunked(data):
    return b"%x\r\n%b\r\n" % (len(data), data)


def head(status=200, content_type="text/event-stream", length=None, **headers):
    lines = [f"HTTP/1.1 {status} X", f"Content-Type: {content_type}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    lines.append("Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def stream_reply(data, step=None):
    """A whole stream as one reply; `step` bytes a chunk."""
    step = step or len(data) or 1
    return head() + b"".join(chunked(data[i : i + step]) for i in range(0, len(data), step)) + b"0\r\n\r\n"


def body_reply(body, status=200, content_type="application/json", **headers):
    body = body if isinstance(body, bytes) else orjson.dumps(body)
    return head(status, content_type, len(body), **headers) + body


class Loopback:
    """A server whose `respond(body, writer)` writes the reply to each request; `requests` are their parsed bodies."""

    def __init__(self, respond, **options):
        self.respond = respond
        self.options = options
        self.requests = []
        self.headers = []
        self.connections = 0
        self.gone = asyncio.Event()
        self.gone_at = None
        self.writers = set()
        self.idle = asyncio.Event()
        self.idle.set()

    async def __aenter__(self):
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0, **self.options)
        scheme = "https" if "ssl" in self.options else "http"
        self.base_url = f"{scheme}://localhost:{self.server.sockets[0].getsockname()[1]}/v1"
        return self

    async def __aexit__(self, *_):
        self.server.close()
        for writer in self.writers:
            writer.transport.abort()
        async with asyncio.timeout(5):
            await self.idle.wait()

    async def _serve(self, reader, writer):
        self.connections += 1
        self.writers.add(writer)
        self.idle.clear()
        try:
            while True:
                raw = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                length = int(re.search(r"content-length: (\d+)", raw).group(1))
                self.headers.append(raw)
                self.requests.append(orjson.loads(await reader.readexactly(length)))
                await self.respond(self.requests[-1], writer)
                await writer.drain()
                if writer.is_closing():
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            self.gone_at = asyncio.get_running_loop().time()
            self.gone.set()
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError, OSError):
                await writer.wait_closed()
            self.writers.discard(writer)
            if not self.writers:
                self.idle.set()


def replying(*replies):
    """A respond function that gives these replies (bytes) in turn, the last one for ever."""
    left = list(replies)

    async def respond(_, writer):
        writer.write(left.pop(0) if len(left) > 1 else left[0])

    return respond


@contextlib.asynccontextmanager
async def serving(*replies, respond=None, secure=None, **endpoint):
    """The client and a server that it talks to, which gives these replies in turn, or what `respond` writes."""
    async with Loopback(respond or replying(*replies), **({"ssl": secure} if secure else {})) as server:
        options = {"base_url": server.base_url, "api_key": SecretStr(KEY), "total": 10.0, **endpoint}
        model = OpenAIModel(Endpoint(**options))
        try:
            yield model, server
        finally:
            await model.close()
