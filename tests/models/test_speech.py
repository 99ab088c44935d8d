import asyncio

import pytest

from igent.models.pace import Timing
from igent.models.speech import Speech, Ticker

EVENTS = [b"a", b"b", b"c", b"d", b"end"]


class Transport:
    def __init__(self):
        self.written = []
        self.closing = False

    def write(self, data):
        self.written.append(data)

    def is_closing(self):
        return self.closing


def speech(first=1.0, **options):
    return Speech(Transport(), EVENTS, 4, Timing(first, 0.5), 100.0, **options)


async def test_each_token_at_its_time():
    spoken = speech()
    assert [spoken.speak(now) for now in (100.0, 100.9, 101.0, 101.2, 101.5, 102.0)] == [
        101.0, 101.0, 101.5, 101.5, 102.0, 102.5,
    ]  # fmt: skip
    assert spoken._transport.written == [b"a", b"b", b"c"]
    assert spoken.speak(102.5) is None
    assert (spoken._transport.written[-1], await spoken.spoken) == (b"dend", True)


async def test_what_is_late_goes_out_at_once_and_the_rest_in_time():
    spoken = speech()
    assert spoken.speak(101.6) == 102.0
    assert spoken._transport.written == [b"ab"]


async def test_a_client_that_left_is_not_spoken_to():
    spoken = speech()
    spoken.speak(101.0)
    spoken._transport.closing = True
    assert spoken.speak(105.0) is None
    assert (spoken._transport.written, spoken.sent, await spoken.spoken) == ([b"a"], 1, False)


async def test_a_stall_lasts_until_the_client_leaves():
    spoken = speech(stall=True)
    assert spoken.speak(110.0) > 110.0
    assert not spoken.spoken.done()
    spoken._transport.closing = True
    assert spoken.speak(111.0) is None
    assert not await spoken.spoken


@pytest.mark.parametrize("timing", [Timing(0.0, 0.0), Timing(0.004, 0.0), Timing(0.003, 0.0005), Timing(0.0, 0.0021)])
async def test_the_ticker_speaks_all_there_is_in_order(timing):
    ticker = Ticker()
    spoken = [Speech(Transport(), EVENTS, 4, timing, asyncio.get_running_loop().time()) for _ in range(30)]
    for one in spoken:
        ticker.add(one)
    async with asyncio.timeout(5):
        assert all([await one.spoken for one in spoken])
    assert {b"".join(one._transport.written) for one in spoken} == {b"abcdend"}


async def test_the_ticker_ends_them_all():
    ticker = Ticker()
    one = speech(1e6)
    ticker.add(one)
    ticker.close()
    assert not await one.spoken
