"""From a float network and samples to a quantized network."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from hwq.floating.checks import check_float_network
from hwq.floating.folding import fold
from hwq.floating.network import FloatNetwork
from hwq.graph.network import Network
from hwq.quantize.assembly import assemble, coded_tensors
from hwq.quantize.calibration import Progress, Samples, Steps, calibrate, calibration_count, first_samples, samples_of
from hwq.quantize.equalization import equalize
from hwq.quantize.naming import require_layers
from hwq.quantize.ranges import ONE_PASS
from hwq.quantize.replay import Replay
from hwq.quantize.sharing import Groups, SharedGrids
from hwq.quantize.specification import Quantization, require_supported
from hwq.quantize.weights import WeightQuantizer
from hwq.quantize.widths import activation_widths


def quantize(
    network: FloatNetwork,
    data: NDArray[Any] | Samples,
    spec: Quantization | None = None,
    progress: Progress | None = None,
) -> Network:
    """Quantize ``network`` with ranges found from ``data``.

    The result is a network like those that are read from int8 models: it emulates, generates and verifies as they do.

    Parameters
    ----------
    network:
        As `hwq.frontends.load_float` reads it.
    data:
        Real numbers [N, *input shape], or samples that come in pieces (`hwq.quantize.calibration.Samples`); of them
        the first are used, as many as ``spec.calibration`` says. No labels are needed.
    spec:
        How; the defaults are 8 bits everywhere.
    progress:
        Called with (done, total) while the samples run through the network.

    Raises
    ------
    ConfigError
        ``spec`` asks for what is not available, each such key by its name.
    DataError
        The samples do not fit.
    ModelError
        The network is not consistent, or holds a layer that no layer of codes computes.
    """
    spec = (Quantization() if spec is None else spec).settled
    require_supported(spec)
    check_float_network(network)
    samples = samples_of(network, data)
    folded = equalize(fold(network)) if spec.equalization else fold(network)
    groups = Groups(folded)
    require_layers(spec, folded, groups)
    widths = activation_widths(folded, groups, spec)
    count = calibration_count(spec, samples.count)
    # What rounds weights by samples goes through them once more, layer by layer.
    passes = (1 if spec.activations.ranges in ONE_PASS else 2) + spec.replays
    steps = Steps(progress, passes * count)
    ranges = calibrate(folded, samples, spec, widths, steps)
    grids = SharedGrids(groups, ranges, widths, spec.activations.scheme)
    tensors = coded_tensors(folded, grids)
    replay = Replay(folded, tensors, first_samples(folded, samples, count), steps) if spec.replays else None
    return assemble(folded, grids, tensors, WeightQuantizer(spec, replay))
