"""Which arithmetic each kind of layer has under a contract for the whole network (docs/spec/operators.md, O.1)."""

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
        Integer contract of TFLite's sums, means, slopes and changes of scale.
    xnnpack:
        Whether those are XNNPACK's own instead.
    optimized:
        Whether softmax and the mean over an image are those of LiteRT's optimized kernels, which XNNPACK leaves
        softmax to.
    """

    convolution: Contract
    dense: Contract
    elsewhere: Contract = Contract.DOUBLE
    xnnpack: bool = False
    optimized: bool = False


_ARITHMETIC = {
    Contract.DOUBLE: Arithmetic(Contract.DOUBLE, Contract.DOUBLE),
    Contract.SINGLE: Arithmetic(Contract.SINGLE, Contract.SINGLE, Contract.SINGLE),
    Contract.UP2: Arithmetic(Contract.UP2, Contract.UP2, optimized=True),
    Contract.F64AWAY: Arithmetic(Contract.DOUBLE, Contract.F64AWAY),
    Contract.FP32HE: Arithmetic(Contract.FP32HE, Contract.FP32HE, xnnpack=True, optimized=True),
}

#: Contracts that whole networks run under.
NETWORK_CONTRACTS = tuple(_ARITHMETIC)


def arithmetic_of(contract: Contract, on_chip: bool = False) -> Arithmetic:
    """The arithmetic of a whole network under ``contract``; with ``on_chip`` of the layers that stay off the chip.

    Raises
    ------
    ConfigError
        PLAIN and SHIFT, which need more than a network says, without a chip: widths and a rounding.
    """
    if on_chip and contract in (Contract.PLAIN, Contract.SHIFT):
        # What no engine runs is TFLite's.
        return _ARITHMETIC[Contract.DOUBLE]
    if contract not in _ARITHMETIC:
        known = ", ".join(c.value for c in NETWORK_CONTRACTS)
        raise ConfigError(f"contract: {contract.value} does not run whole networks; {known} do")
    return _ARITHMETIC[contract]
