"""Tests of the API: a coroutine is run to its end; a story has the application, the core and a client."""

import asyncio
import inspect

import pytest

from api_samples import ApiStory


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Run coroutines of this folder; everything else as usual."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


@pytest.fixture
def story() -> ApiStory:
    return ApiStory().all_is_well()
