"""What a process believes of its hold on something: never longer than the store does."""

from __future__ import annotations

import asyncio
import time

import pytest

from kastor.outside.lease import LEASE_SECONDS, Lease, holder_name

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_what_is_not_shared_is_always_held() -> None:
    lease = Lease(shared=False)
    assert lease.held
    await lease.wait()
    lease.extend(time.monotonic() - 100)
    assert lease.held
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await lease.ended()


def _is_held(lease: Lease) -> bool:
    """As a call: a type checker takes an attribute for what it was when last looked at."""
    return lease.held


async def test_it_counts_from_before_the_store_was_asked() -> None:
    lease = Lease(shared=True)
    assert not _is_held(lease)
    lease.extend(time.monotonic())
    assert _is_held(lease)
    # The answer to a question of long ago, as after a pause: another one may have it by now.
    lease.extend(time.monotonic() - LEASE_SECONDS)
    assert not _is_held(lease)


async def test_it_ends_by_itself_before_the_store_lets_another_have_it() -> None:
    lease = Lease(shared=True)
    asked = time.monotonic()
    lease.extend(asked - LEASE_SECONDS / 2)
    await lease.ended()
    assert time.monotonic() - asked < LEASE_SECONDS / 2
    assert not lease.held


async def test_a_renewal_prolongs_it_for_who_waits_for_its_end() -> None:
    lease = Lease(shared=True)
    lease.extend(time.monotonic() - 1.4)
    ended = asyncio.create_task(lease.ended())
    await asyncio.sleep(0.05)
    lease.extend(time.monotonic())
    await asyncio.sleep(0.2)
    assert not ended.done()
    lease.end()
    async with asyncio.timeout(0.5):
        await ended


async def test_who_waits_for_it_is_woken() -> None:
    lease = Lease(shared=True)
    waiting = [asyncio.create_task(lease.wait()) for _ in range(3)]
    await asyncio.sleep(0.01)
    lease.end()
    await asyncio.sleep(0.01)
    assert not any(each.done() for each in waiting)
    lease.extend(time.monotonic())
    async with asyncio.timeout(0.5):
        await asyncio.gather(*waiting)


def test_no_two_holders_have_one_name() -> None:
    assert holder_name() != holder_name()
