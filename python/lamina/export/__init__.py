"""Models in the formats of other programs: ONNX."""

from lamina.export.writer import onnx

__all__ = ["onnx"]
