"""register_windows.cpp."""

from typing import TypeAlias

_Pair: TypeAlias = tuple[int, int]

class Windows:
    def __init__(
        self,
        cells: _Pair,
        window: _Pair,
        places: _Pair,
        strides: _Pair,
        dilation: _Pair,
        before: _Pair,
    ) -> None: ...
