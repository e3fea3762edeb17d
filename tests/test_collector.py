"""Imports at rest: the collector leaves them alone, and is as it was afterwards."""

from __future__ import annotations

import gc

import pytest

from continual_code.collector import at_rest


def test_what_is_made_at_rest_is_not_looked_at_again() -> None:
    with at_rest():
        assert not gc.isenabled()
        imported: list[list[int]] = [[]]
    later: list[list[int]] = [[]]
    assert gc.isenabled()
    looked_at = {id(item) for item in gc.get_objects()}
    assert id(imported) not in looked_at
    assert id(later) in looked_at, "the control must be seen"


def test_the_collector_runs_again_after_an_import_that_failed() -> None:
    with pytest.raises(ImportError), at_rest():
        raise ImportError
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with at_rest():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
