"""What users say of single weights: ``kernel_initializer=``, ``bias_regularizer=`` and the like."""

from __future__ import annotations

from typing import Any

from lamina import constraints, initializers, regularizers
from lamina.layers.layer import Layer

_FAMILIES: dict[str, Any] = {
    "initializer": initializers,
    "regularizer": regularizers,
    "constraint": constraints,
}


class WithWeightOptions(Layer):
    """A layer whose weights each have an initializer, a regularizer and a constraint of their own.

    They are attributes by the names of the arguments, and part of the config.
    """

    _option_names: tuple[str, ...] = ()

    def _keep_weight_options(self, arguments: dict[str, Any]) -> None:
        """Keep what stands for weights among the arguments of ``__init__``: its ``locals()``."""
        for name, value in arguments.items():
            weight, _, family = name.rpartition("_")
            if family in _FAMILIES and weight != "activity":
                setattr(self, name, _FAMILIES[family].get(value))
                self._option_names = (*self._option_names, name)

    def _weight_options(self, weight: str) -> dict[str, Any]:
        """Return the options of a weight as `add_weight` takes them."""
        return {family: getattr(self, f"{weight}_{family}", None) for family in _FAMILIES}

    def get_config(self) -> dict[str, Any]:
        """Return the options, beside what every layer has."""
        options = {
            name: _FAMILIES[name.rpartition("_")[2]].serialize(getattr(self, name))
            for name in self._option_names
        }
        return {**super().get_config(), **options}
