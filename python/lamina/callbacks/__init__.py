"""Callbacks: what looks on while a model trains."""

from lamina.callbacks.base import Callback, CallbackList
from lamina.callbacks.basic import History, LambdaCallback, TerminateOnNaN
from lamina.callbacks.progress import ProgbarLogger

__all__ = [
    "Callback",
    "CallbackList",
    "History",
    "LambdaCallback",
    "ProgbarLogger",
    "TerminateOnNaN",
]
