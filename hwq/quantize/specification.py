"""How a network is to be quantized: widths, schemes, ranges, calibration; section ``quantization`` of a project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Annotated

from hwq.arch.checks import Checks, Choice, Named, Range, RealRange


class Scheme(StrEnum):
    """Where the zero of the real numbers lies among the codes."""

    SYMMETRIC = "symmetric"
    """At code 0; the most negative code is not used."""

    ASYMMETRIC = "asymmetric"
    """At a zero-point chosen so that the range fills the codes."""


class Granularity(StrEnum):
    """What shares a scale among the weights of a layer."""

    CHANNEL = "channel"
    """Each output channel has its own."""

    TENSOR = "tensor"
    """All weights of the layer have one."""


class WeightValues(StrEnum):
    """What values the weights of a channel may have, of which ``bits`` say how many."""

    UNIFORM = "uniform"
    """Evenly spaced ones."""

    POWER_OF_TWO = "power_of_two"
    """Zero, and powers of two with either sign."""

    CODEBOOK = "codebook"
    """Those that suit each channel's weights best (k-means), of the codes of 8 bits."""


class WeightMethod(StrEnum):
    """How weights are rounded to codes."""

    NEAREST = "nearest"
    """Each to the nearest code; the largest weight becomes the largest code."""

    SECOND_ORDER = "second_order"
    """Scales and codes that keep the layer's outputs on the samples, by the covariance of its inputs (GPTQ)."""


class RangeMethod(StrEnum):
    """How the range of an activation follows from its values in calibration."""

    MIN_MAX = "min_max"
    """From the smallest to the largest value."""

    MOVING_AVERAGE = "moving_average"
    """Each sample's smallest and largest value, averaged with more weight on later samples."""

    PERCENTILE = "percentile"
    """Without the outermost values at either end."""

    MSE = "mse"
    """The range whose quantization has the smallest mean squared error."""

    KL = "kl"
    """The range whose quantized distribution is nearest to the true one, by Kullback-Leibler divergence."""


@dataclass(frozen=True)
class WeightQuantization:
    """How weights become codes.

    Parameters
    ----------
    bits:
        Width of the codes.
    scheme:
        See :class:`Scheme`.
    granularity:
        See :class:`Granularity`.
    values:
        See :class:`WeightValues`.
    method:
        See :class:`WeightMethod`. ``None``: see `Quantization.settled`.
    bias_correction:
        Whether biases make up for what quantization does to the mean of each output. ``None``: with `SECOND_ORDER`.
    """

    bits: Annotated[int, Range(2, 8)] = 8
    scheme: Scheme = Scheme.SYMMETRIC
    granularity: Granularity = Granularity.CHANNEL
    values: WeightValues = WeightValues.UNIFORM
    method: Annotated[WeightMethod, Choice(*WeightMethod)] | None = None
    bias_correction: bool | None = None

    @property
    def corrects_bias(self) -> bool:
        """Whether biases are corrected, ``method`` being settled."""
        return self.method is WeightMethod.SECOND_ORDER if self.bias_correction is None else self.bias_correction

    def __post_init__(self) -> None:
        with Checks("quantization.weights") as check:
            check.declared(self)


@dataclass(frozen=True)
class ActivationQuantization:
    """How activations become codes; each tensor has one scale and one zero-point.

    Parameters
    ----------
    bits:
        Width of the codes, but of those that `hwq.quantize.widths` keeps at 8 bits.
    scheme:
        See :class:`Scheme`.
    ranges:
        See :class:`RangeMethod`.
    percentile:
        Of method ``percentile``: percent of the values that the upper end of the range is above, and the lower below.
    momentum:
        Of method ``moving_average``: weight of the average so far against that of the next sample.
    """

    bits: Annotated[int, Range(2, 8)] = 8
    scheme: Scheme = Scheme.ASYMMETRIC
    ranges: RangeMethod = RangeMethod.MSE
    percentile: Annotated[float, RealRange(50, 100)] = 99.99
    momentum: Annotated[float, RealRange(0, 1)] = 0.9

    def __post_init__(self) -> None:
        with Checks("quantization.activations") as check:
            check.declared(self)


@dataclass(frozen=True)
class CalibrationParameters:
    """Which samples ranges are found from.

    Parameters
    ----------
    samples:
        How many, the first ones of the data. ``None`` is `DEFAULT_SAMPLES`, or all where there are fewer.
    """

    samples: Annotated[int, Range(1, 1_000_000)] | None = None

    def __post_init__(self) -> None:
        with Checks("quantization.calibration") as check:
            check.declared(self)


MOST_POWER_BITS = 4
"""Bits that number the powers of two which a weight of 8 bits can be, with both signs, and zero."""

DEFAULT_SAMPLES = 100
"""Samples of a calibration where nobody says how many."""


@dataclass(frozen=True)
class LayerWeights:
    """What is different for the weights of one layer; see :class:`WeightQuantization`. ``None``: nothing."""

    bits: Annotated[int, Range(2, 8)] | None = None
    granularity: Annotated[Granularity, Choice(*Granularity)] | None = None
    values: Annotated[WeightValues, Choice(*WeightValues)] | None = None
    method: Annotated[WeightMethod, Choice(*WeightMethod)] | None = None

    def __post_init__(self) -> None:
        with Checks("quantization.layers.NAME.weights") as check:
            check.declared(self)


@dataclass(frozen=True)
class LayerActivations:
    """What is different for the output of one layer, and for all that share its scale. ``None``: nothing.

    Parameters
    ----------
    bits:
        Width of the codes, of those too that would be kept at 8 bits.
    """

    bits: Annotated[int, Range(2, 8)] | None = None

    def __post_init__(self) -> None:
        with Checks("quantization.layers.NAME.activations") as check:
            check.declared(self)


@dataclass(frozen=True)
class LayerQuantization:
    """What is different for one layer.

    Parameters
    ----------
    weights:
        See :class:`LayerWeights`.
    activations:
        See :class:`LayerActivations`.
    """

    weights: LayerWeights = LayerWeights()
    activations: LayerActivations = LayerActivations()

    def __post_init__(self) -> None:
        with Checks("quantization.layers.NAME") as check:
            check.declared(self)


@dataclass(frozen=True)
class Quantization:
    """All of it.

    Parameters
    ----------
    weights:
        See :class:`WeightQuantization`.
    activations:
        See :class:`ActivationQuantization`.
    calibration:
        See :class:`CalibrationParameters`.
    equalization:
        Whether channels between layers are scaled first (`hwq.quantize.equalization`).
    layers:
        See :class:`LayerQuantization`; by the names of the layers of the folded network (`hwq.floating.folding`).
    """

    weights: WeightQuantization = WeightQuantization()
    activations: ActivationQuantization = ActivationQuantization()
    calibration: CalibrationParameters = CalibrationParameters()
    equalization: bool = False
    layers: Annotated[Mapping[str, LayerQuantization], Named(LayerQuantization)] = field(default_factory=dict)

    def __post_init__(self) -> None:
        with Checks("quantization") as check:
            check.declared(self)

    @property
    def settled(self) -> Quantization:
        """The same with every choice made: weights are rounded to nearest where all have 8 bits and are uniform."""
        if self.weights.method is not None:
            return self
        weights = [self.weights, *map(self.weights_of, self.layers)]
        widths = [self.activations.bits, *(layer.activations.bits or 8 for layer in self.layers.values())]
        wide = min(widths) == 8 and all(w.bits == 8 and w.values is WeightValues.UNIFORM for w in weights)
        method = WeightMethod.NEAREST if wide else WeightMethod.SECOND_ORDER
        return replace(self, weights=replace(self.weights, method=method))

    def weights_of(self, layer: str) -> WeightQuantization:
        """How the weights of a layer become codes."""
        own = self.layers.get(layer, LayerQuantization()).weights
        given = {name: value for name, value in vars(own).items() if value is not None}
        return replace(self.weights, **given)

    @property
    def replays(self) -> bool:
        """Whether weights depend on the samples, all choices being made."""
        every = [self.weights, *map(self.weights_of, self.layers)]
        return any(spec.method is WeightMethod.SECOND_ORDER or spec.corrects_bias for spec in every)


def require_supported(spec: Quantization) -> None:
    """Refuse what a specification can say and no method here does; ConfigError with every such key."""
    with Checks("quantization") as check:
        if spec.weights.scheme is not Scheme.SYMMETRIC:
            check.fault("weights.scheme", f"{spec.weights.scheme.value} weights are not available; symmetric ones are")
        every = {"weights.bits": spec.weights}
        every |= {f"layers.{name}.weights.bits": spec.weights_of(name) for name in spec.layers}
        for where, weights in every.items():
            if weights.values is WeightValues.POWER_OF_TWO and weights.bits > MOST_POWER_BITS:
                check.fault(
                    where,
                    f"powers of two have up to {MOST_POWER_BITS} bits, 15 values, in weights of 8; not {weights.bits}",
                )
