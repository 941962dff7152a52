"""100 MB of English Wikipedia in small letters, one line: what word vectors are compared on.

Source: Mahoney, http://mattmahoney.net/dc/textdata.html.
"""

from __future__ import annotations

from lamina.datasets.finder import Source, find, folders, obtain

_ZIP = Source(
    "text8.zip",
    "https://mattmahoney.net/dc/text8.zip",
    "a6640522afe85d1963ad56c05b0ede0a0c000dddc9671758a6cc09b7a38e5232",
    ("text8.gz",),
)


def path(name: str = "text8") -> str:
    """Return the path of the text, which ``word2vec.Text8Corpus`` takes.

    It is that of a plain file if there is one, else of a packed one, which the readers unpack as
    they go. ``name`` is that of another text of your own, such as "wiki8.zip".

    Raises:
        FileNotFoundError: if it is nowhere and cannot be fetched.

    """
    found = find(name)
    if found is not None and found.is_file():
        return str(found)
    if name not in {"text8", "text8.zip"}:
        places = " or ".join(str(folder) for folder in folders())
        raise FileNotFoundError(f"there is no text {name} in {places}")
    return str(obtain(_ZIP))


load_data = path
