"""The defects were measured on CPU: elsewhere, nothing here means anything."""

from __future__ import annotations

import mindspore as ms
import pytest


@pytest.fixture(autouse=True)
def on_cpu():
    if ms.get_context("device_target") != "CPU":
        pytest.skip("the defects were measured on CPU")
