import asyncio
import subprocess
import sys
import threading
from array import array
from importlib.machinery import ModuleSpec

import pytest

from igent.embedding import local
from igent.embedding.local import LocalEmbedder
from igent.errors import ConfigError

TEXTS = ["a participant is fully vested after three years", "vesting", "ACME Größe 中文 \x00", "loan " * 5000]


@pytest.fixture(scope="module")
def embedder():
    return LocalEmbedder()


def cosine(one, other):
    return sum(a * b for a, b in zip(one, other, strict=True))


async def test_vectors_of_length_one(embedder):
    found = await embedder(TEXTS)
    assert [(type(v), v.typecode, len(v)) for v in found] == [(array, "f", 256)] * len(TEXTS)
    assert [cosine(v, v) for v in found] == pytest.approx([1.0] * len(TEXTS), abs=1e-6)
    assert await embedder([]) == []


async def test_batches_and_threads_change_no_bit(embedder):
    alone = [(await embedder([text]))[0] for text in TEXTS]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(embedder(TEXTS)) for _ in range(8)]
    assert all(task.result() == alone for task in tasks)
    assert await LocalEmbedder()(TEXTS[::-1]) == alone[::-1]


async def test_blank_texts_have_no_direction(embedder):
    found = await embedder(["", " \n\t", "x"])
    assert [any(vector) for vector in found] == [False, False, True]
    assert {len(vector) for vector in found} == {256}


async def test_unknown_words_and_lone_surrogates_have_an_embedding(embedder):
    odd, same = await embedder(["qqzzxx \ud800", "qqzzxx ?"])
    assert odd == same
    assert any(odd)


async def test_alike_is_near(embedder):
    text, alike, other = await embedder(
        [
            "Loans are repaid within five years.",
            "A loan must be paid back over 5 years.",
            "Plan Year means the calendar year.",
        ]
    )
    assert cosine(text, alike) > 0.5 > cosine(text, other)


async def test_the_event_loop_is_not_held_up(embedder, monkeypatch):
    threads = []
    monkeypatch.setattr(embedder, "embed", lambda texts: threads.append(threading.current_thread()) or [])
    await embedder(["x"])
    assert threads[0] is not threading.main_thread()


def test_the_model_is_loaded_once(monkeypatch):
    loads, real = [], local._load
    monkeypatch.setattr(local, "_load", lambda folder: loads.append(folder) or real(folder))
    embedder = LocalEmbedder()
    assert loads == []
    threads = [threading.Thread(target=embedder.embed, args=(TEXTS,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loads) == 1


def test_it_names_model_and_version(embedder):
    assert embedder.name.startswith("local:wordllama-l2-256-0.4.")


@pytest.mark.parametrize("missing", ["wordllama", "tokenizers"])
def test_a_missing_package_is_told_with_the_remedy(monkeypatch, missing):
    real = local.find_spec
    monkeypatch.setattr(local, "find_spec", lambda name: None if name == missing else real(name))
    with pytest.raises(ConfigError, match=f"need {missing}, not installed here.*pip install 'wordllama"):
        LocalEmbedder()


def test_a_package_without_its_model_is_told(monkeypatch, tmp_path):
    spec = ModuleSpec("wordllama", None, origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(local, "find_spec", lambda name: spec)
    with pytest.raises(ConfigError, match=r"comes without weights/l2_supercat_256.safetensors and tokenizers/"):
        LocalEmbedder()


def test_damaged_files_are_told(monkeypatch, tmp_path):
    for name in (local._WEIGHTS, local._TOKENIZER):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"{}")
    monkeypatch.setattr(local, "_folder", lambda: tmp_path)
    with pytest.raises(ConfigError, match="the local embedding model cannot be read"):
        LocalEmbedder().embed(["x"])


OFFLINE = """
import logging, os, sys
seen = []
def watch(event, args):
    writes = event == "open" and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    if writes or event.startswith("socket.") or event in ("os.mkdir", "os.rename", "subprocess.Popen"):
        seen.append((event, args))
from igent.embedding.local import LocalEmbedder
sys.addaudithook(watch)
assert any(LocalEmbedder().embed(["vesting"])[0])
assert "wordllama" not in sys.modules and "requests" not in sys.modules, "the package's code was run"
assert not logging.getLogger().handlers
assert not seen, seen
"""


def test_no_network_no_file_written_no_code_of_the_package():
    command = [sys.executable, "-B", "-c", OFFLINE]
    subprocess.run(command, timeout=60, check=True)
