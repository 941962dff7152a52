"""Configs as Keras 2 wrote them, turned into those of Keras 3.

A call of a layer was a list of ``[layer, call, output, options]``, and a model within another
counted its calls from 1. Some layers had options that say nothing any more.
"""

from __future__ import annotations

from typing import Any

from lamina.layers.serialization import registry

_MODELS = {"Functional", "Model", "Sequential"}
_RECURRENT = {"Bidirectional", "ConvLSTM2D", "GRU", "LSTM", "RNN", "SimpleRNN"}

# Options that are gone, left out where they ask for nothing.
_GONE = {
    "fused",
    "implementation",
    "is_legacy_optimizer",
    "jit_compile",
    "renorm",
    "renorm_clipping",
    "renorm_momentum",
    "synchronized",
    "time_major",
    "virtual_batch_size",
}
_ALWAYS_GONE = {"implementation", "is_legacy_optimizer", "jit_compile", "renorm_momentum"}


def model_config(config: Any) -> Any:
    """Return the config of a model or layer, and of those within, as Keras 3 writes it."""
    if not isinstance(config, dict) or not {"class_name", "config"} <= config.keys():
        return config
    inner = config["config"]
    if config["class_name"] == "Sequential" and isinstance(inner, list):
        inner = {"layers": inner}
    if not isinstance(inner, dict):
        return config
    inner = _options(config["class_name"], inner)
    if config["class_name"] in _MODELS and isinstance(inner.get("layers"), list):
        inner["layers"] = [model_config(layer) for layer in inner["layers"]]
        _turn_graph(inner)
    name = "Functional" if config["class_name"] == "Model" else config["class_name"]
    found = {**config, "class_name": name, "config": inner}
    if "inbound_nodes" in config and "module" not in config:
        is_known = name in registry.names() and "dtype" in inner
        if name not in {"InputLayer", *_MODELS} and "trainable" not in inner and not is_known:
            found["module"] = "keras.src.ops.numpy"  # a function: layers say such things
    return found


def _options(kind: Any, options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a layer without those that are gone."""
    found = {
        key: model_config(value)
        for key, value in options.items()
        if not (key in _GONE and (not value or key in _ALWAYS_GONE))
    }
    if kind == "InputLayer" and "batch_input_shape" in found:
        found["batch_shape"] = found.pop("batch_input_shape")
    if kind == "BatchNormalization" and isinstance(found.get("axis"), list):
        found["axis"] = found["axis"][0] if len(found["axis"]) == 1 else found["axis"]
    if kind == "Lambda" and isinstance(found.get("function"), list):
        found["function"] = {"class_name": "__lambda__", "config": {}}
    if kind == "Lambda":
        for key in ("function_type", "module", "output_shape_type", "output_shape_module"):
            found.pop(key, None)
    return found


def _turn_graph(graph: dict[str, Any]) -> None:
    """Turn the calls of a graph's layers, if they are lists."""
    layers = [layer for layer in graph["layers"] if isinstance(layer, dict)]
    calls = {layer.get("name"): layer.get("inbound_nodes") for layer in layers}
    nodes = [node for each in calls.values() if isinstance(each, list) for node in each]
    ends = [graph.get("input_layers"), graph.get("output_layers")]
    if not any(isinstance(node, list) for node in nodes):
        return
    used = [end for node in nodes if isinstance(node, list) for end in node]
    used += [end for listed in ends if isinstance(listed, list) for end in listed]
    from_one = {
        layer.get("name")
        for layer in layers
        if layer.get("class_name") in _MODELS
        and any(
            isinstance(end, list)
            and end[:1] == [layer.get("name")]
            and end[1] >= len(calls[layer["name"]] or [])
            for end in used
        )
    }
    for layer in layers:
        if isinstance(layer.get("inbound_nodes"), list):
            layer["inbound_nodes"] = [
                _node(node, layer.get("class_name"), from_one) for node in layer["inbound_nodes"]
            ]
    nested = {layer.get("name") for layer in layers if layer.get("class_name") != "Sequential"}
    nested &= {layer.get("name") for layer in layers if layer.get("class_name") in _MODELS}
    for key in ("input_layers", "output_layers"):
        listed = graph.get(key)
        if isinstance(listed, list) and listed and isinstance(listed[0], list):
            turned = [_end(end, from_one, nested) for end in listed]
            graph[key] = turned[0] if len(turned) == 1 else turned


def _end(end: Any, from_one: set[Any], nested: set[Any]) -> list[Any]:
    """Return an end of a graph: there, Keras 3 counts the calls of a model within from 1."""
    name, call, output = end[:3]
    return [name, call - (name in from_one) + (name in nested), output]


def _node(node: Any, kind: Any, from_one: set[Any]) -> Any:
    """Return a call: the tensors, as places where they come from, and the options."""
    if not isinstance(node, list):
        return node
    tensors = []
    options: dict[str, Any] = {}
    for name, call, output, *more in node:
        history = [name, call - (name in from_one), output]
        tensors.append({"class_name": "__keras_tensor__", "config": {"keras_history": history}})
        options.update(more[0] if more and isinstance(more[0], dict) else {})
    if kind in _RECURRENT and len(tensors) > 1:
        return {"args": tensors[:1], "kwargs": {**options, "initial_state": tensors[1:]}}
    return {"args": tensors if len(tensors) == 1 else [tensors], "kwargs": options}


def compile_config(told: dict[str, Any]) -> dict[str, Any]:
    """Return what `compile` was told in the form of Keras 3."""
    found = {**told, "optimizer": told.get("optimizer_config")}
    optimizer = found["optimizer"]
    if isinstance(optimizer, dict) and isinstance(optimizer.get("config"), dict):
        name = str(optimizer.get("class_name")).rpartition(">")[2]
        options = {
            key: value
            for key, value in optimizer["config"].items()
            if key not in _GONE and not (key == "decay" and not value)
        }
        found["optimizer"] = {**optimizer, "class_name": name, "config": options}
    for key in ("metrics", "weighted_metrics"):
        found[key] = _metrics(found.get(key))
    return found


def _metrics(listed: Any) -> Any:
    """Return metrics in which a wrapped function is its name."""
    if isinstance(listed, list):
        return [_metrics(each) for each in listed]
    if isinstance(listed, dict) and listed.get("class_name") == "MeanMetricWrapper":
        return listed["config"].get("name")
    if isinstance(listed, dict) and "class_name" not in listed:
        return {key: _metrics(each) for key, each in listed.items()}
    return listed
