"""What the tests of datasets share: folders of their own."""

import pytest

from lamina.datasets import finder


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Give a test its own folders of data, and no network; return what they are in."""
    for name, folder in (
        ("LAMINA_DATA", "data"),
        ("KERAS_HOME", "home"),
        ("XDG_CACHE_HOME", "cache"),
    ):
        monkeypatch.setenv(name, str(tmp_path / folder))
    (tmp_path / "data").mkdir()
    (tmp_path / "home" / "datasets").mkdir(parents=True)

    def fetch(origin, *_):
        raise ConnectionError(f"no network for {origin}")

    monkeypatch.setattr(finder, "fetch", fetch)
    return tmp_path
