"""Fetching and unpacking, from a server of our own on this machine."""

import contextlib
import functools
import gzip
import hashlib
import http.server
import io
import struct
import sys
import tarfile
import threading
import zipfile
import zlib
from pathlib import Path

import pytest

from lamina.utils import get_file
from lamina.utils.archives import unpack

CONTENT = bytes(range(256)) * 4000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        self.server.asked += 1
        if self.path == "/half":  # says more than it sends
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"x" * 500)
            return
        super().do_GET()


@pytest.fixture
def server(tmp_path):
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "data.bin").write_bytes(CONTENT)
    handler = functools.partial(_Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as serving:
        serving.asked = 0
        serving.folder, serving.origin = folder, f"http://127.0.0.1:{serving.server_port}"
        thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_fetched_once_with_a_bar(server, home, capsys):
    pytest.importorskip("pooch")
    origin = f"{server.origin}/data.bin"
    path = get_file(origin=origin, file_hash=SHA256)
    assert path == str(home / "datasets" / "data.bin")
    assert (home / "datasets" / "data.bin").read_bytes() == CONTENT
    assert "100%" in capsys.readouterr().err
    assert get_file("data.bin", origin, file_hash=SHA256) == path
    assert server.asked == 1
    assert capsys.readouterr().err == ""
    get_file("data.bin", origin, force_download=True)
    assert server.asked == 2


def test_a_damaged_file_in_the_cache_is_fetched_anew(server, home):
    pytest.importorskip("pooch")
    (home / "datasets").mkdir(parents=True)
    (home / "datasets" / "data.bin").write_bytes(CONTENT[:100])
    path = get_file(origin=f"{server.origin}/data.bin", md5_hash=hashlib.md5(CONTENT).hexdigest())
    assert Path(path).read_bytes() == CONTENT


def test_another_file_than_the_known_one_is_thrown_away(server, home):
    pytest.importorskip("pooch")
    folder = home / "datasets"
    folder.mkdir(parents=True)
    (folder / "data.bin").write_bytes(b"old")
    for origin in (f"{server.origin}/data.bin", (server.folder / "data.bin").as_uri()):
        with pytest.raises(ValueError, match=f"sha256 {SHA256}; wanted {'0' * 64}"):
            get_file(origin=origin, file_hash="0" * 64)
    assert [file.name for file in folder.iterdir()] == ["data.bin"]
    assert (folder / "data.bin").read_bytes() == b"old"


@pytest.mark.parametrize("page", ["missing.bin", "half"])
def test_what_does_not_come(server, home, page):
    pytest.importorskip("pooch")
    with pytest.raises(ConnectionError, match=f"{server.origin}/{page} cannot be fetched"):
        get_file(origin=f"{server.origin}/{page}")
    assert not any((home / "datasets").iterdir())


def test_a_file_of_this_machine(server, tmp_path):
    origin = (server.folder / "data.bin").as_uri()
    path = get_file("other name.bin", origin, cache_dir=tmp_path / "cache", cache_subdir="a/b")
    assert path == str(tmp_path / "cache" / "a" / "b" / "other name.bin")
    assert Path(path).read_bytes() == CONTENT
    with pytest.raises(ConnectionError, match="cannot be read"):
        get_file(origin=origin + "x")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"origin": None}, "origin, the address of the file, is missing"),
        ({"origin": "http://host/"}, "ends in no name of a file"),
        ({"fname": "../x", "origin": "http://host/x"}, "without folders, got '../x'"),
        ({"origin": "http://host/.."}, "without folders, got '..'"),
        ({"origin": "ftp://host/x"}, "wanted an address of http, https or file"),
        ({"origin": "http://host/x", "file_hash": "12"}, "hexadecimal .*got '12'"),
        ({"origin": "http://host/x", "hash_algorithm": "sha1"}, "got 'sha1'"),
    ],
)
def test_wrong_arguments(arguments, why):
    with pytest.raises(ValueError, match=why):
        get_file(**arguments)


def test_without_pooch(monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(ImportError, match=r"pip install 'lamina\[data\]'"):
        get_file(origin="http://127.0.0.1:9/x")


def tar_of(*members, mode="w:gz"):
    """Return a tar file of (name, content) or of TarInfo."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode=mode) as tar:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                tar.addfile(member)
                continue
            name, content = member
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return raw.getvalue()


def link(name, target, kind=tarfile.SYMTYPE):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def zip_of(*members):
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return raw.getvalue()


@pytest.mark.parametrize("fname", [None, "flowers", "flowers.tgz"])
def test_unpacked_where_keras_does(tmp_path, home, fname):
    (tmp_path / "f.tgz").write_bytes(tar_of(("a/b.txt", b"1"), ("c.txt", b"2")))
    origin = (tmp_path / "f.tgz").as_uri()
    names = {
        None: ("f.tgz", "f.tgz_archive"),
        "flowers": ("flowers", "flowers_archive"),
        "flowers.tgz": ("flowers_extracted", "flowers.tgz"),
    }
    for _ in range(2):
        path = get_file(fname, origin, extract=True)
        assert path == str(home / "datasets" / names[fname][0])
        assert {f.name for f in (home / "datasets").iterdir()} == set(names[fname])
        assert (home / "datasets" / names[fname][0] / "a" / "b.txt").read_bytes() == b"1"
    # A new archive replaces the folder whole.
    (tmp_path / "f.tgz").write_bytes(zip_of(("d/e.txt", b"3")))
    path = get_file(fname, origin, extract=True, force_download=True)
    assert [str(f.relative_to(path)) for f in sorted(Path(path).rglob("*"))] == ["d", "d/e.txt"]


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_links_within_an_archive_become_files(tmp_path, mode):
    members = [
        link("s", "a/b.txt"),
        ("a/b.txt", b"1"),
        link("a/c", "../a/b.txt"),
        link("h", "a/b.txt", tarfile.LNKTYPE),
    ]
    (tmp_path / "x").write_bytes(tar_of(*members, mode=mode))
    unpack(tmp_path / "x", tmp_path / "out", "auto")
    for name in ("s", "a/c", "h"):
        assert (tmp_path / "out" / name).read_bytes() == b"1"
        assert not (tmp_path / "out" / name).is_symlink()


def symlink_in_zip():
    info = zipfile.ZipInfo("s")
    info.external_attr = 0o120777 << 16
    return zip_of((info, b"/etc/passwd"))


def bomb(mode):
    """300 MB of zeros in a few hundred kilobytes, or a few hundred bytes."""
    zeros = b"\0" * (1 << 20)
    raw = io.BytesIO()
    if mode == "zip":
        with (
            zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive,
            archive.open("z", "w") as f,
        ):
            for _ in range(300):
                f.write(zeros)
        return raw.getvalue()
    info = tarfile.TarInfo("z")
    info.size = 300 << 20
    if mode == "header":  # where tarfile reads the extended header of that size
        info.type = tarfile.XHDTYPE
    packer = zlib.compressobj(wbits=31)
    parts = [packer.compress(info.tobuf())]
    parts += [packer.compress(zeros) for _ in range(300)]
    return b"".join(parts) + packer.flush()


def lying_zip():
    """A zip file whose member says that it has 3 bytes."""
    data = bytearray(zip_of(("z", b"0" * 5000)))
    at = data.index(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", 3)
    return bytes(data)


@pytest.mark.parametrize(
    ("archive", "why"),
    [
        (tar_of(("../evil", b"1")), r"'../evil', which leads out"),
        (tar_of(("a/../../evil", b"1")), "leads out"),
        (tar_of(("/tmp/evil", b"1")), "leads out"),
        (tar_of(("..\\evil", b"1")), "leads out"),
        (
            tar_of(link("s", "/etc/passwd")),
            "'s', a link to '/etc/passwd', which is no file of it|leads out",
        ),
        (tar_of(link("s", "../x")), "leads out"),
        (tar_of(link("s", ".."), ("s/evil", b"1")), "leads out|cannot be unpacked"),
        (tar_of(link("s", "a"), ("a/b", b"1")), "is no file of it"),
        (tar_of(link("h", "/etc/passwd", tarfile.LNKTYPE)), "leads out"),
        (tar_of(link("h", "h")), "is no file of it"),
        (tar_of(link("p", "", tarfile.FIFOTYPE)), "no file or folder"),
        (tar_of(link("d", "", tarfile.CHRTYPE)), "no file or folder"),
        (tar_of(("a", b"1"), ("a/b", b"1")), "cannot be unpacked"),
        (zip_of(("../evil", b"1")), "leads out"),
        (zip_of(("/evil", b"1")), "leads out"),
        (symlink_in_zip(), "'s', a link: refused"),
        (lying_zip(), "cannot be unpacked"),
        (tar_of(("a", CONTENT))[:-4000], "cannot be unpacked"),
        (zip_of(("a", CONTENT))[:-30], "is no tar or zip"),
        (gzip.compress(b"hello"), "is no tar or zip"),
        (b"", "is no tar or zip"),
    ],
)
def test_unsafe_and_damaged_archives(tmp_path, archive, why):
    (tmp_path / "x").write_bytes(archive)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old").write_text("old")
    with pytest.raises(ValueError, match=why) as caught:
        unpack(tmp_path / "x", tmp_path / "out", "auto")
    assert str(tmp_path / "x") in str(caught.value)
    assert sorted(f.name for f in tmp_path.iterdir()) == ["out", "x"]
    assert (tmp_path / "out" / "old").read_text() == "old"


@pytest.mark.parametrize("mode", ["zip", "tar", "header"])
def test_bombs(tmp_path, mode):
    (tmp_path / "x").write_bytes(bomb(mode))
    with pytest.raises(ValueError, match="unpacks to more than 268,435,456 bytes"):
        unpack(tmp_path / "x", tmp_path / "out", "auto")
    assert [f.name for f in tmp_path.iterdir()] == ["x"]


def test_a_kind_that_is_none(tmp_path):
    (tmp_path / "x").write_bytes(tar_of(("a", b"1")))
    with pytest.raises(ValueError, match="is no zip file"):
        unpack(tmp_path / "x", tmp_path / "out", "zip")
    with pytest.raises(ValueError, match="got 'rar'"):
        unpack(tmp_path / "x", tmp_path / "out", "rar")
    with contextlib.suppress(ValueError):
        get_file("x", (tmp_path / "x").as_uri(), extract=True, archive_format=None)
