"""``python -m sim [pe] [array] [requantizer] [--seed N]``: runs block benches on a few shapes of each block."""

from __future__ import annotations

import argparse
import sys

from hwq.arch.accelerator import Accelerator
from hwq.arch.parameters import ArithmeticParameters, ArrayParameters, InputZeroPoint, RequantizerParameters
from hwq.errors import HwqError
from sim.launch import BENCHES, run

SHAPES = {
    "8x8": Accelerator(),
    "1x1": Accelerator(ArrayParameters(1, 1), requantizer=RequantizerParameters(max_left_shift=4)),
    "3x5, subtracted, no product register": Accelerator(
        ArrayParameters(3, 5, product_register=False),
        ArithmeticParameters(input_zero_point=InputZeroPoint.SUBTRACTED, accumulator_bits=24),
        RequantizerParameters(max_left_shift=0),
    ),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m sim", description="Run the block benches.")
    parser.add_argument("bench", nargs="*", help=f"of {', '.join(BENCHES)}; all of them without it")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    unknown = [name for name in arguments.bench if name not in BENCHES]
    if unknown:
        parser.error(f"no bench {unknown[0]!r}; benches are {', '.join(BENCHES)}")
    failed = 0
    for name in arguments.bench or BENCHES:
        for shape, accelerator in SHAPES.items():
            try:
                outcome = run(name, accelerator, arguments.seed)
            except HwqError as error:
                print(f"sim: error: {error}", file=sys.stderr)
                return error.exit_code
            print(f"{name:<12} {shape:<40} seed {arguments.seed}  {'pass' if outcome.passed else 'FAIL'}", flush=True)
            if not outcome.passed:
                print(outcome.log)
                failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
