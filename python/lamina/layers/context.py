"""What calls of layers inside a call inherit."""

import threading


class _Context(threading.local):
    """The mode, and which pass over a model this is."""

    training: bool | None = None
    forward_pass: object = None


context = _Context()
