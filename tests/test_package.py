"""The package as a whole: what it imports, who imports whom, and how it is configured."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import lamina
from lamina import _native

PACKAGE = Path(lamina.__file__).parent


def python(program, **environment):
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_import_brings_nothing_heavy():
    program = """
import sys, time
import numpy
before = set(sys.modules)
import lamina
print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before}))
print(*sorted(name for name in sys.modules if name.startswith('lamina.')))
"""
    finished = python(program)
    roots, ours = finished.stdout.splitlines()
    assert "lamina" in roots.split(), finished.stderr
    assert not {"lamina.word2vec", "lamina.ops", "lamina.layers"} & set(ours.split())
    heavy = {"gensim", "matplotlib", "tqdm", "scipy", "pandas", "h5py", "ot", "asyncio", "logging"}
    assert not heavy & set(roots.split())


def test_names_that_are_not_imported_yet_are_known():
    program = """
import lamina
packages = lamina, lamina.models, lamina.saving, lamina.preprocessing
known = [set(dir(package)) for package in packages]
assert not any({"Model", "load_model", "text"} & set(vars(package)) for package in packages)
for package, names in zip(packages, known):
    public = getattr(package, "__all__", ["image", "sequence", "text"])
    assert {"__name__", *public} <= names, (package, names)
    for name in public:
        getattr(package, name)
    try:
        package.nothing
    except AttributeError as error:
        assert str(error) == f"module '{package.__name__}' has no attribute 'nothing'"
    else:
        raise AssertionError(package)
"""
    finished = python(program)
    assert finished.returncode == 0, finished.stderr


def test_import_is_quick():
    """Against numpy in the same process; a slow machine slows both."""
    program = """
import time
a = time.perf_counter()
import numpy
b = time.perf_counter()
import lamina
print((time.perf_counter() - b) / (b - a))
"""
    ratios = sorted(float(python(program).stdout) for _ in range(5))
    assert ratios[0] < 1


# The parts of the package from the ground up, as the design says: each may import those before it.
# A part that is not here has to be placed before it can be added.
_ORDER = [
    "_lazy",
    "_native",
    "words",
    "_config",
    "randomness",
    "registry",
    "saving",
    "drawing",
    "tensors",
    "autodiff",
    "ops",
    "graph",
    "initializers",
    "regularizers",
    "constraints",
    "activations",
    "losses",
    "metrics",
    "optimizers",
    "layers",
    "callbacks",
    "word2vec",
    "models",
    "pretraining",
    "export",
    "visualization",
    "utils",
    "preprocessing",
    "running",
    "datasets",
    "demo",
    "cli",
    "__init__",
]
_BELOW = {part: set(_ORDER[:place]) for place, part in enumerate(_ORDER)}
# These stand apart from the networks.
_BELOW["word2vec"] = {"_native", "drawing", "saving"}
_BELOW["drawing"], _BELOW["saving"] = set(), {"_lazy"}


def _imports(path):
    """Yield the modules of lamina that a file imports, except for its type annotations alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    checking = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test)
        for statement in block.body
        for node in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if id(node) in checking:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            if node.module == "lamina":
                yield from (f"lamina.{alias.name}" for alias in node.names)
            else:
                yield node.module


def test_nobody_imports_upwards():
    seen = set()
    for path in PACKAGE.rglob("*.py"):
        part = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        seen.add(part)
        for module in _imports(path):
            if module.partition(".")[0] != "lamina" or module.startswith("lamina.__"):
                continue
            other = module.split(".")[1]
            assert other == part or other in _BELOW[part], f"{path} imports {module}"
    assert seen >= {"_native", "saving", "word2vec", "models", "cli"}


def test_word2vec_stands_on_numpy_alone():
    allowed = {"lamina", "numpy", "tqdm", *sys.stdlib_module_names}
    optional = {"ot", "gensim", "scipy"}  # inside the functions that want them
    for path in (PACKAGE / "word2vec").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        top = {id(node) for node in tree.body}
        for node in ast.walk(tree):
            if not isinstance(node, (ast.Import, ast.ImportFrom)):
                continue
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module]
            )
            for name in (name.partition(".")[0] for name in names):
                if name == "typing_extensions":
                    continue  # for type annotations
                assert name in allowed | optional, f"{path} imports {name}"
                assert id(node) not in top or name not in optional | {"tqdm"}, f"{path}: {name}"


@pytest.mark.parametrize("level", _native.supported_levels())
def test_a_level_chosen_by_hand_is_used(level):
    if not list((PACKAGE / "_native").glob(f"_core_{level}.*")) and not list(
        Path(_native.core.__file__).parent.glob(f"_core_{level}.*")
    ):
        pytest.skip(f"level {level} was not built")
    finished = python("import lamina; lamina.show_config()", LAMINA_SIMD_LEVEL=level)
    assert f"SIMD level  {level} " in finished.stdout, finished.stderr


def test_a_wrong_level_fails_loudly():
    finished = python("import lamina", LAMINA_SIMD_LEVEL="v9")
    assert finished.returncode != 0
    assert "ImportError: SIMD level 'v9' does not run on this CPU" in finished.stderr


WAITING = """
import time
import numpy as np
from lamina._native import core
x = np.ones((2000, 64), np.float32)
for _ in range(100):
    core.matmul(x, x, False, True)
begin, used = time.perf_counter(), time.process_time()
time.sleep(0.3)
print((time.process_time() - used) / (time.perf_counter() - begin))
"""


@pytest.mark.parametrize("policy", ["active", "passive"])
def test_threads_fall_asleep_after_a_loop(policy):
    """Awake, each of the helpers would use all of the time that passes."""
    finished = python(WAITING, OMP_NUM_THREADS="2", OMP_WAIT_POLICY=policy)
    assert float(finished.stdout) < 0.3, finished.stderr


HELPERS_CORES = """
import os, time
import numpy as np
from lamina._native import core
x = np.ones((2000, 64), np.float32)
core.matmul(x, x, False, True)
time.sleep(0.2)
core.matmul(x, x, False, True)
print(*sorted(len(os.sched_getaffinity(int(task))) for task in os.listdir("/proc/self/task")))
"""


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="there is one core for both")
def test_a_helper_wakes_up_on_another_core():
    cores = len(os.sched_getaffinity(0))
    finished = python(HELPERS_CORES, OMP_NUM_THREADS="2", OPENBLAS_NUM_THREADS="1")
    assert finished.stdout.split() == [str(cores - 1), str(cores)], finished.stderr


WANDERING = """
import os
import numpy as np
from lamina._native import core

def main_thread_is_on(wanted):
    with open("/proc/self/stat") as file:
        return int(file.read().rpartition(")")[2].split()[36]) == wanted

cores = set(sorted(os.sched_getaffinity(0))[:2])
os.sched_setaffinity(0, cores)
before = set(os.listdir("/proc/self/task"))
core.set_num_threads(2)
x = np.ones(1 << 20, np.float32)
core.relu(x)
(helper,) = set(os.listdir("/proc/self/task")) - before
seen = 0
for i in range(100):
    here = sorted(cores)[i % 2]
    os.sched_setaffinity(0, {here})
    os.sched_setaffinity(0, cores)
    stayed = main_thread_is_on(here)
    core.relu(x)
    if stayed and main_thread_is_on(here):
        seen += 1
        assert os.sched_getaffinity(int(helper)) == cores - {here}, i
print(seen)
"""


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="there is one core for both")
def test_a_helper_keeps_off_the_core_of_the_main_thread_wherever_that_goes():
    finished = python(WANDERING)
    assert finished.returncode == 0, finished.stderr
    assert int(finished.stdout) > 0


NUMBER_OF_THREADS = "from lamina._native import core; print(core.num_threads())"


@pytest.mark.parametrize(("said", "threads"), [("3", 3), ("5,2", 5), ("2000", 1024)])
def test_the_number_of_threads_is_that_of_openmp(said, threads):
    finished = python(NUMBER_OF_THREADS, OMP_NUM_THREADS=said)
    assert int(finished.stdout) == threads, finished.stderr


@pytest.mark.parametrize("said", ["", "0", "-1", "many"])
def test_a_number_of_threads_that_is_none_says_nothing(said):
    finished = python(NUMBER_OF_THREADS, OMP_NUM_THREADS=said)
    assert int(finished.stdout) == len(os.sched_getaffinity(0)), finished.stderr


def test_as_many_threads_as_the_process_has_cores():
    bound = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); "
    finished = python(bound + NUMBER_OF_THREADS, OMP_NUM_THREADS="")
    assert int(finished.stdout) == 1, finished.stderr


def test_show_config(capsys):
    lamina.show_config()
    shown = dict(line.split("  ", 1) for line in capsys.readouterr().out.splitlines())
    shown = {name: value.strip() for name, value in shown.items()}
    assert shown["lamina"] == lamina.__version__
    assert shown["SIMD level"].startswith(_native.core.level)
    assert int(shown["threads"]) >= 1
    assert shown["compiler"].split()[0] in {"GCC", "Clang", "Apple", "MSVC"}


@pytest.mark.parametrize("threads", ["1", "2"])
def test_threads_are_obeyed(threads):
    program = "import lamina; lamina.show_config(); lamina.set_num_threads(3); lamina.show_config()"
    lines = python(program, OMP_NUM_THREADS=threads).stdout.splitlines()
    shown = [line.split()[1] for line in lines if line.startswith("threads")]
    assert shown == [threads, "3"]
    with pytest.raises(ValueError, match="at least 1"):
        lamina.set_num_threads(0)
    with pytest.raises(ValueError, match="at most 1024"):
        lamina.set_num_threads(1_000_000)


def test_workers_decide_where_they_are_given():
    program = """
import os
from lamina.models import Word2Vec
def threads(workers):
    Word2Vec([["a", "b"]] * 50, min_count=1, workers=workers, verbose=0)
    return len(os.listdir("/proc/self/task"))
alone = threads(1)  # with tqdm's own
print(threads(3) - alone)
"""
    finished = python(program, OMP_NUM_THREADS="1")
    assert finished.stdout == "2\n", finished.stderr


def test_parts_are_imported_when_they_are_asked_for():
    program = """
import sys
import lamina as gensim
assert "models" in dir(gensim) and "lamina.word2vec" not in sys.modules
print(gensim.models.Word2Vec.__name__, gensim.models.phrases.Phraser.__name__)
print(gensim.utils.simple_preprocess("King, Queen: 2"))
gensim.network
"""
    finished = python(program)
    assert finished.stdout == "Word2Vec FrozenPhrases\n['king', 'queen']\n"
    assert "AttributeError: module 'lamina' has no attribute 'network'" in finished.stderr


def test_networks_are_imported_when_they_are_asked_for():
    program = """
import sys
import lamina
from lamina.models import Word2Vec
assert "lamina.layers" not in sys.modules, "word vectors need no layers"
print(lamina.floatx(), lamina.grad(lambda x: x * x)(3.0))
print(lamina.layers.Input is lamina.Input)
from lamina.models import Module
"""
    finished = python(program)
    assert finished.stdout == "float32 6.0\nTrue\n", finished.stderr
    assert "cannot import name 'Module' from 'lamina.models'" in finished.stderr


def test_gensims_import_paths():
    from lamina.models.callbacks import CallbackAny2Vec
    from lamina.models.keyedvectors import KeyedVectors
    from lamina.models.phrases import ENGLISH_CONNECTOR_WORDS, Phrases
    from lamina.models.word2vec import LineSentence, PathLineSentences, Text8Corpus, Word2Vec

    from lamina import models
    from lamina.models import KeyedVectors as FromModels
    from lamina.models import Phrases as PhrasesFromModels
    from lamina.models import Word2Vec as Word2VecFromModels
    from lamina.models import word2vec

    assert FromModels is KeyedVectors is models.keyedvectors.KeyedVectors
    assert Word2VecFromModels is Word2Vec is word2vec.Word2Vec
    assert PhrasesFromModels is Phrases
    assert {LineSentence, PathLineSentences, Text8Corpus} == {
        getattr(word2vec, name) for name in ("LineSentence", "PathLineSentences", "Text8Corpus")
    }
    assert issubclass(CallbackAny2Vec, object)
    assert "of" in ENGLISH_CONNECTOR_WORDS
