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
#: How much of a tensor's name is looked at.
_LOOK_AT = 1024

#: Last component of the TensorFlow operation behind each operator.
_OPERATIONS = {
    "CONV_2D": ("Conv2D",),
    "DEPTHWISE_CONV_2D": ("depthwise", "DepthwiseConv2dNative"),
    "FULLY_CONNECTED": ("MatMul",),
    "ADD": ("add", "Add", "AddV2"),
    "MUL": ("mul", "Mul"),
    "SUB": ("sub", "Sub"),
    "DIV": ("truediv", "RealDiv"),
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
    name = re.sub(r"[^A-Za-z0-9]+", "_", text[:_LOOK_AT])[:_LONGEST].strip("_")
    return name if re.match(r"[A-Za-z]", name) else fallback


class Names:
    """Gives out each name once; a name that is taken gets a number."""

    def __init__(self) -> None:
        self._next: dict[str, int] = {}

    def unique(self, name: str) -> str:
        """``name``, or ``name_1``, ``name_2``, ... where it is taken."""
        candidate = name
        while candidate in self._next:
            number = self._next[name]
            self._next[name] = number + 1
            candidate = f"{name}_{number}"
        self._next[candidate] = 1
        return candidate


def layer_name(kind: str, tensor_names: Iterable[str]) -> str:
    """A name for an operator of ``kind``, an identifier, not necessarily unique.

    Parameters
    ----------
    kind:
        The schema's name of the operator.
    tensor_names:
        Names of its constants and its output, the most telling first.
    """
    fallback = identifier(kind.lower(), "layer")
    wanted = next((name for text in tensor_names if (name := _origin(kind, text))), None)
    return identifier(wanted, fallback) if wanted else fallback


def input_name(text: str) -> str:
    """Name of the network's input, without what converters put around it."""
    return identifier(re.sub(r"^serving_default_|:\d+$|_int8$", "", text), "input")


def _origin(kind: str, text: str) -> str | None:
    """The component before an operation of this kind; of several, the one most of the fused operations belong to."""
    operations = "|".join(_OPERATIONS.get(kind, ()))
    if not operations:
        return None
    paths = [segment.split("/") for segment in text[:_LOOK_AT].split(";")]
    owners = Counter(part for path in paths for part in path[:-1])
    found = [path[-2] for path in paths if len(path) > 1 and re.fullmatch(rf"(?:{operations})\d*", path[-1])]
    return max(found, key=lambda name: owners[name], default=None)
