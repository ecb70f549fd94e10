"""Which arithmetic each kind of layer has under a contract for the whole network (docs/spec/numerics.md, N.7)."""

from __future__ import annotations

from dataclasses import dataclass

from hwq.errors import ConfigError
from hwq.numeric.requantize import Contract


@dataclass(frozen=True)
class Arithmetic:
    """The arithmetic of one program's kernels.

    Parameters
    ----------
    convolution, dense:
        How the accumulators of convolutions (depthwise included) and of dense layers are scaled.
    elsewhere:
        Integer contract of every other requantization: sums, means, changes of scale.
    float_add:
        ADD as XNNPACK computes it instead of TFLite's three requantizations.
    float_softmax:
        Softmax from a float32 table of exponentials instead of gemmlowp's fixed point.
    """

    convolution: Contract
    dense: Contract
    elsewhere: Contract
    xnnpack_add: bool = False
    float_softmax: bool = False


_ARITHMETIC = {
    Contract.DOUBLE: Arithmetic(Contract.DOUBLE, Contract.DOUBLE, Contract.DOUBLE),
    Contract.SINGLE: Arithmetic(Contract.SINGLE, Contract.SINGLE, Contract.SINGLE),
    Contract.UP2: Arithmetic(Contract.UP2, Contract.UP2, Contract.DOUBLE, float_softmax=True),
    Contract.F64AWAY: Arithmetic(Contract.DOUBLE, Contract.F64AWAY, Contract.DOUBLE),
    Contract.FP32HE: Arithmetic(
        Contract.FP32HE, Contract.FP32HE, Contract.DOUBLE, xnnpack_add=True, float_softmax=True
    ),
}


def arithmetic_of(contract: Contract) -> Arithmetic:
    """The arithmetic of a whole network under ``contract``.

    Raises
    ------
    ConfigError
        SHIFT, which needs more than a network says: scales that are powers of two, and a rounding.
    """
    if contract not in _ARITHMETIC:
        known = ", ".join(c.value for c in _ARITHMETIC)
        raise ConfigError(f"contract: {contract.value} does not run whole networks; {known} do")
    return _ARITHMETIC[contract]
