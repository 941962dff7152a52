"""Files that are wrong, damaged or hostile: a clear error that names them, and nothing changed."""

import io
import os
import signal
import subprocess
import sys
import textwrap
import time
import zipfile

import h5py
import numpy as np
import pytest
from small_models import data

from lamina import Sequential, layers
from lamina.models import load_model

X, Y = data(40)


def small(units=3, names=("first", "second")):
    first = layers.Dense(units, activation="tanh", input_shape=(4,), name=names[0])
    model = Sequential([first, layers.Dense(2, name=names[1])])
    model.compile("adam", "mse")
    return model


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    model = small()
    model.fit(X, Y, verbose=0)
    model.save(folder / "model.keras")
    model.save(folder / "model.h5")
    model.save_weights(folder / "model.weights.h5")
    return folder


def rewritten(source, target, change):
    """Copy a .keras file with its members changed: a dict of bytes by name."""
    with zipfile.ZipFile(source) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return target


def changed_config(old, new):
    def change(members):
        text = members["config.json"].decode()
        assert old in text
        members["config.json"] = text.replace(old, new).encode()

    return change


def changed_weights(change):
    def apply(members):
        buffer = io.BytesIO(members["model.weights.h5"])
        with h5py.File(buffer, "r+") as file:
            change(file)
        members["model.weights.h5"] = buffer.getvalue()

    return apply


def linked(make):
    def change(file):
        del file["layers/dense/vars/0"]
        file["layers/dense/vars"]["0"] = make(file)

    return changed_weights(change)


def huge(**options):
    def change(file):
        del file["layers/dense/vars/0"]
        group = file["layers/dense/vars"]
        group.create_dataset("0", shape=(1 << 20, 1 << 20), dtype="f4", **options)

    return changed_weights(change)


def virtual(file):
    layout = h5py.VirtualLayout((4, 3), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (4, 3))
    del file["layers/dense/vars/0"]
    file["layers/dense/vars"].create_virtual_dataset("0", layout)


def external(file):
    del file["layers/dense/vars/0"]
    file["layers/dense/vars"].create_dataset(
        "0", (4, 3), "f4", external=[("/etc/passwd", 0, h5py.h5f.UNLIMITED)]
    )


HOSTILE = {
    "a huge layer": (
        changed_config('"units": 3', '"units": 300000000'),
        "more than the file holds",
    ),
    "a huge embedding": (
        changed_config('"class_name": "Dense"', '"class_name": "Embedding"'),
        "config.json",
    ),
    "an unknown class": (
        changed_config('"class_name": "Dense"', '"class_name": "Desne"'),
        "unknown layer 'Desne': did you mean 'Dense'",
    ),
    "a wrong option": (
        changed_config('"units": 3', '"units": 3, "unit": 3'),
        "unexpected keyword .*'unit'",
    ),
    "deep nesting": (
        lambda members: members.update({"config.json": b"[" * 100_000}),
        "config.json: is no JSON",
    ),
    "no object": (lambda members: members.update({"config.json": b"[]"}), "wanted an object"),
    "no text": (lambda members: members.update({"config.json": b"\xff\x00"}), "is no JSON"),
    "no weights": (lambda members: members.pop("model.weights.h5"), "no 'model.weights.h5' in it"),
    "no config": (lambda members: members.pop("config.json"), "no 'config.json' in it"),
    "a zip bomb": (
        lambda members: members.update({"config.json": b" " * (1 << 27)}),
        "claims 134217728 bytes, packed in .* zip bomb",
    ),
    "a name that leads up": (
        lambda members: members.update({"assets/../../x": b"1"}),
        "'assets/../../x', which leads elsewhere",
    ),
    "an absolute name": (lambda members: members.update({"/etc/x": b"1"}), "leads elsewhere"),
    "a backslash": (lambda members: members.update({"a\\..\\b": b"1"}), "leads elsewhere"),
    "many members": (
        lambda members: members.update({f"assets/{i}": b"" for i in range(10_001)}),
        "10004 members",
    ),
    "a soft link": (linked(lambda _: h5py.SoftLink("/layers/dense_1/vars/0")), "is a SoftLink"),
    "an external link": (
        linked(lambda _: h5py.ExternalLink("/etc/passwd", "/x")),
        "model.weights.h5, /layers/dense/vars/0: is a ExternalLink",
    ),
    "a virtual array": (changed_weights(virtual), "lie in other files"),
    "an external array": (changed_weights(external), "lie in other files"),
    "a claimed shape": (huge(), r"claims the shape \(1048576, 1048576\).* holds 0 bytes"),
    "a packed shape": (huge(chunks=(1024, 1024), compression="gzip"), "claims the shape"),
    "huge chunks": (huge(chunks=(1 << 14, 1 << 14), compression="gzip"), "claims the shape"),
    "texts": (linked(lambda _: np.array([b"x" * 10], "S10")), "not numbers"),
    "a group for an array": (
        changed_weights(
            lambda f: (f.pop("layers/dense/vars/0"), f.create_group("layers/dense/vars/0"))
        ),
        "is no array",
    ),
    "a missing weight": (
        changed_weights(lambda f: f.pop("layers/dense/vars/1")),
        r"Dense 'first' has 2 weights of its own \(kernel, bias\), the file has 1",
    ),
    "a layer too many": (
        changed_weights(lambda f: f.create_dataset("layers/dense_2/vars/0", data=[1.0])),
        "no place for: layers/dense_2/vars/0",
    ),
    "another shape": (
        linked(lambda _: np.zeros((4, 5), "f4")),
        r"Dense 'first': its weight 'kernel' has the shape \(4, 3\), in the file \(4, 5\)",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_archives(files, tmp_path, name):
    change, text = HOSTILE[name]
    path = rewritten(files / "model.keras", tmp_path / "bad.keras", change)
    with pytest.raises(ValueError, match=text) as caught:
        load_model(path)
    assert str(path) in str(caught.value)


def test_a_whole_archive_packed_again_is_read(files, tmp_path):
    path = rewritten(files / "model.keras", tmp_path / "packed.keras", lambda members: None)
    wanted = load_model(files / "model.keras").predict(X)
    np.testing.assert_array_equal(load_model(path).predict(X), wanted)


NAMES = ["model.keras", "model.weights.h5", "model.h5"]


def read(path):
    """Read a file of any kind: a model, or weights into one."""
    if str(path).endswith(".weights.h5"):
        small().load_weights(path)
    else:
        load_model(path)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_file_of_ours(files, tmp_path, name):
    path = tmp_path / name
    with pytest.raises(FileNotFoundError, match="no such file"):
        read(path)
    path.mkdir()
    with pytest.raises(IsADirectoryError, match="is a folder"):
        read(path)
    path.rmdir()
    for content in (b"", b"hello", b"\x89HDF\r\n\x1a\n", b"PK\x03\x04" + bytes(50)):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=name):
            read(path)
    other = "model.h5" if name == "model.keras" else "model.keras"
    path.write_bytes((files / other).read_bytes())
    with pytest.raises(ValueError, match=r"call it \.h5|saved as \.keras"):
        read(path)


@pytest.mark.parametrize("name", NAMES)
def test_files_that_are_cut_off(files, tmp_path, name):
    content = (files / name).read_bytes()
    path = tmp_path / name
    for share in (0.001, 0.1, 0.5, 0.9, 0.999):
        path.write_bytes(content[: int(len(content) * share)])
        with pytest.raises(ValueError, match=name):
            read(path)


def test_endings_decide(files, tmp_path):
    model = small()
    for name in ("model", "model.tf", "model.weights.h5"):
        with pytest.raises(ValueError, match=r"ends in \.keras"):
            model.save(tmp_path / name)
    for name in ("model", "model.keras"):
        with pytest.raises(ValueError, match=r"ends in \.weights\.h5"):
            model.save_weights(tmp_path / name)
    with pytest.raises(ValueError, match="holds weights alone"):
        load_model(files / "model.weights.h5")
    model.save_weights(tmp_path / "alone.h5")
    with pytest.raises(ValueError, match="holds weights alone"):
        load_model(tmp_path / "alone.h5")
    (tmp_path / "model.bin").write_bytes(b"")
    with pytest.raises(ValueError, match=r"\.keras, \.h5 or \.hdf5"):
        load_model(tmp_path / "model.bin")
    with pytest.raises(ValueError, match="by_name is for files of the older format"):
        model.load_weights(files / "model.weights.h5", by_name=True)
    model.save(tmp_path / "model.keras", zipped=True, save_format="keras")
    with pytest.raises(ValueError, match="save_format='h5'"):
        model.save(tmp_path / "model.keras", save_format="h5")
    with pytest.raises(TypeError, match="signatures"):
        model.save(tmp_path / "model.keras", signatures=None)
    with pytest.raises(FileExistsError, match="overwrite is False"):
        model.save(tmp_path / "model.keras", overwrite=False)
    with pytest.raises(FileNotFoundError, match="absent"):
        model.save(tmp_path / "absent" / "model.keras")
    unbuilt = Sequential([layers.Dense(2)])
    with pytest.raises(ValueError, match="has no weights yet"):
        unbuilt.save_weights(tmp_path / "x.weights.h5")
    with pytest.raises(ValueError, match="has no weights yet"):
        unbuilt.load_weights(files / "model.weights.h5")


@pytest.mark.parametrize("name", NAMES)
def test_weights_of_another_shape_change_nothing(files, name):
    model = small(5)
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"Dense 'first'.*'kernel'.*\(4, 5\).*\(4, 3\)"):
        model.load_weights(files / name)
    for one, two in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    with pytest.warns(UserWarning, match=r"left as they were.*\(4, 5\)"):
        small(5).load_weights(files / name, skip_mismatch=True)


def test_layers_that_do_not_fit_are_left_if_asked(files):
    other = Sequential([layers.Input((4,)), layers.Dense(3), layers.Dense(7)])
    kept = other.get_weights()[2:]
    with pytest.warns(UserWarning, match="left as they were"):
        other.load_weights(files / "model.weights.h5", skip_mismatch=True)
    wanted = load_model(files / "model.keras").get_weights()
    for one, two in zip(other.get_weights(), [*wanted[:2], *kept], strict=True):
        np.testing.assert_array_equal(one, two)


def test_older_files_by_order_and_by_name(files):
    wanted = load_model(files / "model.h5").get_weights()
    turned = small(names=("second", "first"))
    with pytest.raises(ValueError, match=r"\(4, 3\).*\(3, 2\)"):
        turned.load_weights(files / "model.h5", by_name=True)
    one = Sequential([layers.Dense(3, input_shape=(4,), name="first")])
    with pytest.raises(ValueError, match="weights of 2 layers .first, second."):
        one.load_weights(files / "model.h5")
    one.load_weights(files / "model.h5", by_name=True)
    for mine, other in zip(one.get_weights(), wanted[:2], strict=True):
        np.testing.assert_array_equal(mine, other)


KILLED = """
import sys
from lamina import Sequential, layers
model = Sequential([layers.Dense(200, input_shape=(400,))])
model.compile("adam", "mse")
model.save(sys.argv[1])
print("saved", flush=True)
while True:
    model.save(sys.argv[1])
"""


@pytest.mark.parametrize("name", ["model.keras", "model.h5"])
def test_a_kill_at_any_moment_leaves_a_whole_file(tmp_path, name):
    path = tmp_path / name
    generator = np.random.default_rng(0)
    with subprocess.Popen([sys.executable, "-c", KILLED, path], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        time.sleep(float(generator.uniform(0.02, 0.2)))
        process.send_signal(signal.SIGKILL)
    assert load_model(path).count_params() == 400 * 200 + 200


FULL = """
import resource, sys
from lamina import Sequential, layers
model = Sequential([layers.Dense(200, input_shape=(400,))])
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    (model.save_weights if "weights" in sys.argv[1] else model.save)(sys.argv[1])
except OSError as error:
    print(type(error).__name__)
"""


@pytest.mark.parametrize("name", NAMES)
def test_a_full_disk_leaves_the_old_file(files, tmp_path, name):
    path = tmp_path / name
    old = (files / name).read_bytes()
    path.write_bytes(old)
    command = [sys.executable, "-c", FULL, path]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.stdout == "OSError\n", finished.stderr
    assert path.read_bytes() == old
    assert os.listdir(tmp_path) == [name]


# What a damaged file may raise, as `load_model` and `load_weights` say.
MUTATE = textwrap.dedent(
    """
    import sys, warnings
    from pathlib import Path
    import numpy as np
    import resource
    from lamina import Sequential, layers
    from lamina.models import load_model
    resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
    warnings.simplefilter("ignore")
    source, target, runs = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    content = source.read_bytes()
    generator = np.random.default_rng(int(sys.argv[4]))
    model = Sequential([layers.Dense(3, input_shape=(4,)), layers.Dense(2)])
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_weights)
    refused = 0
    for run in range(runs):
        changed = bytearray(content)
        kind = run % 4
        place = int(generator.integers(len(changed)))
        if kind == 0:
            del changed[place:]
        elif kind == 1:
            del changed[place : place + int(generator.integers(1, 64))]
        else:
            for _ in range(int(generator.integers(1, 20))):
                place = int(generator.integers(len(changed)))
                changed[place] = int(generator.choice([0, 1, 127, 255, generator.integers(256)]))
        target.write_bytes(changed)
        before = model.get_weights()
        try:
            if "weights" in target.name:
                model.load_weights(target)
            else:
                load_model(target)
        except ValueError as error:
            refused += 1
            assert str(target) in str(error), error
            for one, two in zip(before, model.get_weights()):
                np.testing.assert_array_equal(one, two)
    print(refused)
    """
)


@pytest.mark.parametrize("name", NAMES)
def test_mutated_files_are_read_or_refused(files, tmp_path, name):
    """In a process of its own: a crash of the HDF5 library would take the tests along."""
    command = [sys.executable, "-c", MUTATE, files / name, tmp_path / name, "200", "1"]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr[-2000:]
    assert int(finished.stdout) > 50


def test_a_heap_at_which_the_library_would_never_end(files, tmp_path):
    content = bytearray((files / "model.h5").read_bytes())
    entry = content.index(b"GCOL") + 16
    while content[entry : entry + 2] != b"\0\0":
        length = int.from_bytes(content[entry + 8 : entry + 16], "little")
        entry += 16 + (length + 7) // 8 * 8
    content[entry + 8 : entry + 16] = bytes(8)
    (tmp_path / "model.h5").write_bytes(content)
    with pytest.raises(ValueError, match=f"byte {entry}: an entry of a heap has no length"):
        load_model(tmp_path / "model.h5")
