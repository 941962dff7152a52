"""Learning rates that depend on the number of the step: functions of it that can be saved.

They compute in double precision whatever the weights' type is. Source: Keras 3.
"""

from __future__ import annotations

import math
from typing import Any

from lamina.registry import Registry

_registry = Registry("learning rate schedule", "keras.optimizers.schedules")
get, serialize, deserialize = _registry.get, _registry.serialize, _registry.deserialize

__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "deserialize",
    "get",
    "serialize",
]


class LearningRateSchedule:
    """The base of schedules: override ``__call__(step)``, and ``get_config`` to save it."""

    def __call__(self, step: Any) -> Any:
        """Return the learning rate of a step, counted from 0."""
        raise NotImplementedError(f"{type(self).__name__} has no __call__(self, step)")

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same schedule."""
        raise NotImplementedError(f"{type(self).__name__} has no get_config(self)")

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Make a schedule of what `get_config` returned."""
        return cls(**config)


def _positive(name: str, steps: float) -> float:
    if not steps > 0:
        raise ValueError(f"{name} must be above 0, got {steps}")
    return steps


class _DecayByRate(LearningRateSchedule):
    """What falls with p = step / decay_steps (rounded down if ``staircase``)."""

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str | None = None,
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _positive("decay_steps", decay_steps)
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name or type(self).__name__

    def _progress(self, step: Any) -> float:
        progress = float(step) / self.decay_steps
        return math.floor(progress) if self.staircase else progress

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "decay_rate": self.decay_rate,
            "staircase": self.staircase,
            "name": self.name,
        }


@_registry.add()
class ExponentialDecay(_DecayByRate):
    """initial_learning_rate * decay_rate^p, p = step / decay_steps, rounded down if staircase."""

    def __call__(self, step: Any) -> float:
        return float(self.initial_learning_rate * self.decay_rate ** self._progress(step))


@_registry.add()
class InverseTimeDecay(_DecayByRate):
    """initial_learning_rate / (1 + decay_rate p), with the p of `ExponentialDecay`."""

    def __call__(self, step: Any) -> float:
        return float(self.initial_learning_rate / (1 + self.decay_rate * self._progress(step)))


@_registry.add()
class PiecewiseConstantDecay(LearningRateSchedule):
    """values[0] up to step boundaries[0] inclusive, values[1] up to boundaries[1], and so on."""

    def __init__(self, boundaries: Any, values: Any, name: str = "PiecewiseConstant") -> None:
        if len(boundaries) != len(values) - 1:
            raise ValueError(
                f"PiecewiseConstantDecay: wanted one value more than boundaries, got "
                f"{len(boundaries)} boundaries and {len(values)} values"
            )
        self.boundaries, self.values, self.name = list(boundaries), list(values), name

    def __call__(self, step: Any) -> float:
        passed = sum(float(step) > boundary for boundary in self.boundaries)
        return float(self.values[passed])

    def get_config(self) -> dict[str, Any]:
        return {"boundaries": self.boundaries, "values": self.values, "name": self.name}


@_registry.add()
class PolynomialDecay(LearningRateSchedule):
    """(initial - end) (1 - step / decay_steps)^power + end, and end after decay_steps.

    With ``cycle``, decay_steps becomes the first of its multiples that is not passed yet, so that
    the rate rises again.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _positive("decay_steps", decay_steps)
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.cycle = cycle
        self.name = name

    def __call__(self, step: Any) -> float:
        at, steps = float(step), float(self.decay_steps)
        if self.cycle:
            steps *= max(1, math.ceil(at / steps))
        left = 1 - min(at, steps) / steps
        scale = self.initial_learning_rate - self.end_learning_rate
        return float(scale * left**self.power + self.end_learning_rate)

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "end_learning_rate": self.end_learning_rate,
            "power": self.power,
            "cycle": self.cycle,
            "name": self.name,
        }


@_registry.add()
class CosineDecay(LearningRateSchedule):
    """Half a cosine from the initial rate to ``alpha`` of it over decay_steps.

    With ``warmup_target``, the rate first rises evenly from the initial one to the target over
    warmup_steps, and falls from there. Loshchilov and Hutter, 2016 (arXiv:1608.03983).
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _positive("decay_steps", decay_steps)
        self.alpha = alpha
        self.name = name
        self.warmup_target = warmup_target
        self.warmup_steps = warmup_steps

    def __call__(self, step: Any) -> float:
        at, top = float(step), self.initial_learning_rate
        if self.warmup_target is not None:
            if at < self.warmup_steps:
                return float(top + (self.warmup_target - top) * at / self.warmup_steps)
            at, top = at - self.warmup_steps, self.warmup_target
        cosine = 0.5 * (1 + math.cos(math.pi * min(at, self.decay_steps) / self.decay_steps))
        return float(top * ((1 - self.alpha) * cosine + self.alpha))

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "alpha": self.alpha,
            "name": self.name,
            "warmup_target": self.warmup_target,
            "warmup_steps": self.warmup_steps,
        }


@_registry.add()
class CosineDecayRestarts(LearningRateSchedule):
    """Half cosines one after another: each ``t_mul`` times as long and ``m_mul`` times as high.

    The first takes first_decay_steps; ``alpha`` is the lowest share of the initial rate.
    Loshchilov and Hutter, 2016 (arXiv:1608.03983).
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: int,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = _positive("first_decay_steps", first_decay_steps)
        self.t_mul = t_mul
        self.m_mul = m_mul
        self.alpha = alpha
        self.name = name

    def __call__(self, step: Any) -> float:
        done = float(step) / self.first_decay_steps
        if self.t_mul == 1:
            restart = math.floor(done)
            done -= restart
        else:
            # The periods before number n take (1 - t_mul^n) / (1 - t_mul) of the first.
            # The tiny addend: a restart falls on its own step although logarithms are rounded.
            restart = math.floor(
                math.log(1 - done * (1 - self.t_mul)) / math.log(self.t_mul) + 1e-12
            )
            length = self.t_mul**restart
            done = (done - (1 - length) / (1 - self.t_mul)) / length
        cosine = 0.5 * self.m_mul**restart * (1 + math.cos(math.pi * done))
        return float(self.initial_learning_rate * ((1 - self.alpha) * cosine + self.alpha))

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "first_decay_steps": self.first_decay_steps,
            "t_mul": self.t_mul,
            "m_mul": self.m_mul,
            "alpha": self.alpha,
            "name": self.name,
        }
