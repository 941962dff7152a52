"""The configs of models, in Keras's form, and models out of them."""

from __future__ import annotations

from typing import Any


def sequential_config(model: Any) -> dict[str, Any]:
    """Return the config of a `Sequential`."""
    raise NotImplementedError(model)
