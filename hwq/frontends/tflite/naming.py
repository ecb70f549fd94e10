"""Short names for layers, taken from the long names that TFLite converters give to tensors.

A converter names a tensor after every TensorFlow operation it fused, joined with ``;``, for example
``model/activation_1/Relu;model/conv2d_1/BiasAdd;model/conv2d_1/Conv2D``. The layer's own name is the component before
the operation that gave the operator its kind: here ``conv2d_1``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

_LONGEST = 48

#: Last component of the TensorFlow operation behind each operator.
_OPERATIONS = {
    "CONV_2D": ("Conv2D",),
    "DEPTHWISE_CONV_2D": ("depthwise", "DepthwiseConv2dNative"),
    "FULLY_CONNECTED": ("MatMul",),
    "ADD": ("add", "Add", "AddV2"),
    "AVERAGE_POOL_2D": ("AvgPool",),
    "MAX_POOL_2D": ("MaxPool",),
    "RESHAPE": ("Reshape",),
    "SOFTMAX": ("Softmax",),
    "MEAN": ("Mean",),
    "CONCATENATION": ("concat",),
    "PAD": ("Pad",),
    "PADV2": ("PadV2",),
    "RELU": ("Relu",),
    "RELU6": ("Relu6",),
    "LEAKY_RELU": ("LeakyRelu",),
    "LOGISTIC": ("Sigmoid",),
    "TANH": ("Tanh",),
}


def identifier(text: str, fallback: str) -> str:
    """``text`` as an identifier: other characters become ``_``; ``fallback`` where it does not start with a letter."""
    name = re.sub(r"[^A-Za-z0-9]+", "_", text)[:_LONGEST].strip("_")
    return name if re.match(r"[A-Za-z]", name) else fallback


def layer_name(kind: str, tensor_names: Iterable[str], taken: set[str]) -> str:
    """A name for an operator of ``kind`` that is not in ``taken``, and is added to it.

    Parameters
    ----------
    kind:
        The schema's name of the operator.
    tensor_names:
        Names of its constants and its output, the most telling first.
    taken:
        Names in use.
    """
    fallback = identifier(kind.lower(), "layer")
    wanted = next((name for text in tensor_names if (name := _origin(kind, text))), None)
    return unique(identifier(wanted, fallback) if wanted else fallback, taken)


def unique(name: str, taken: set[str]) -> str:
    """``name``, with a number appended where it is taken; added to ``taken``."""
    candidate, number = name, 0
    while candidate in taken:
        number += 1
        candidate = f"{name}_{number}"
    taken.add(candidate)
    return candidate


def input_name(text: str) -> str:
    """Name of the network's input, without what converters put around it."""
    return identifier(re.sub(r"^serving_default_|:\d+$|_int8$", "", text), "input")


def _origin(kind: str, text: str) -> str | None:
    """The component before an operation of this kind; of several, the one most of the fused operations belong to."""
    operations = "|".join(_OPERATIONS.get(kind, ()))
    if not operations:
        return None
    paths = [segment.split("/") for segment in text.split(";")]
    owners = Counter(part for path in paths for part in path[:-1])
    found = [path[-2] for path in paths if len(path) > 1 and re.fullmatch(rf"(?:{operations})\d*", path[-1])]
    return max(found, key=lambda name: owners[name], default=None)
