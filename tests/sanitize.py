"""Build the kernels with sanitizers and run tests and the fuzzer on them.

    python tests/sanitize.py address   AddressSanitizer and UBSan: tests of the kernels, fuzzer
    python tests/sanitize.py thread    ThreadSanitizer: everything that uses threads

Everything is built and installed under build/sanitize; the Python that runs this is only asked for
a virtual environment. Exits with 1 at the first report. GCC on Linux.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build" / "sanitize"
VENV = FOLDER / "venv"  # for all kinds and levels: most of it is what tests need
PYTHON = VENV / "bin" / "python"
INSTALLED = VENV / "installed"  # the kind and level that was put there last

FLAGS = {"address": "address,undefined", "thread": "thread"}

# What runs on instrumented kernels, besides the fuzzer. The rest of the tests is Python's alone.
KERNELS = tuple(f"kernels/{path.stem}" for path in sorted(ROOT.glob("tests/kernels/test_*.py")))
MODULES = {
    "address": (
        *KERNELS,
        "test_container",
        "test_corpus",
        "test_corpus_wrong",
        "test_evaluation",
        "test_keyedvectors",
        "test_nearest_kernels",
        "test_phrases",
        "test_readers",
        "test_threads",
        "test_tokenizer",
        "test_trainer",
        "test_vector_formats",
        "test_vector_formats_wrong",
        "test_vocabulary",
        "test_window_step",
    ),
    "thread": (*KERNELS, "test_threads"),
}
# A shorter run leaves these modules out: they compare much with gensim, and take half of the time;
# and of the tests of networks' kernels it runs every tenth, in single precision.
SLOW = {"test_evaluation", "test_keyedvectors", "test_phrases", "test_vocabulary"}

OPTIONS = {
    # Python never frees what it interned, so leaks are not looked for. A single allocation of more
    # than a gigabyte is one that a file merely claimed: it fails, and with it the test.
    "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1:max_allocation_size_mb=1024:"
    "detect_stack_use_after_return=1:strict_string_checks=1:abort_on_error=0:exitcode=66",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1:exitcode=66",
    # Python and numpy are not instrumented; what they do to memory under the GIL is not judged.
    "TSAN_OPTIONS": "halt_on_error=0:exitcode=66:second_deadlock_stack=1:history_size=4:"
    "ignore_noninstrumented_modules=1",
}


def run(command: list[str], **environment: str) -> None:
    """Print and run a command; a failure ends the program with its code."""
    print("+", " ".join(command), flush=True)
    started = time.monotonic()
    code = subprocess.run(command, cwd=ROOT, env=os.environ | environment, check=False).returncode
    print(f"  {time.monotonic() - started:.0f} s", flush=True)
    if code != 0:
        print(f"FAILED with {code}: {' '.join(command)}", file=sys.stderr)
        raise SystemExit(1)


def runtime_libraries(kind: str) -> str:
    """Return what must be loaded before Python: the sanitizers, and the library whose throw they
    watch."""
    names = {"address": ["libasan.so", "libubsan.so"], "thread": ["libtsan.so"]}[kind]
    paths = []
    for name in [*names, "libstdc++.so.6"]:
        compiler = os.environ.get("CXX", "g++")
        found = subprocess.run(
            [compiler, f"-print-file-name={name}"], capture_output=True, text=True, check=True
        ).stdout.strip()
        if not Path(found).is_absolute():
            raise SystemExit(f"{compiler} has no {name}: install its sanitizer libraries")
        paths.append(str(Path(found).resolve()))
    return " ".join(paths)


def build(kind: str, level: str) -> None:
    """Install Lamina with sanitized kernels into the virtual environment, in place of others."""
    if not PYTHON.exists():
        run([sys.executable, "-m", "venv", str(VENV)])
    install = [str(PYTHON), "-m", "pip", "install", "-q"]
    # From an environment that stays, what has not changed is not compiled again.
    run([*install, "scikit-build-core", "pybind11", "cmake", "ninja"])
    INSTALLED.unlink(missing_ok=True)
    settings = {
        "build-dir": str(FOLDER / f"{kind}-{level}"),
        "cmake.define.LAMINA_SANITIZE": FLAGS[kind],
        "cmake.define.LAMINA_LEVELS": level,
        "cmake.build-type": "None",  # the flags are LAMINA_SANITIZE's own
        "install.strip": "false",
    }
    defines = [f"-C{name}={value}" for name, value in settings.items()]
    run([*install, "--no-build-isolation", "-e", ".[test]", *defines])
    INSTALLED.write_text(f"{kind}-{level}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("kind", choices=sorted(FLAGS))
    parser.add_argument("--level", default="v3" if _is_x86() else "base", help="SIMD level")
    parser.add_argument("--runs", type=int, default=30_000, help="files that the fuzzer mutates")
    parser.add_argument("--seconds", type=float, help="stop the fuzzer after so long")
    parser.add_argument("--seed", type=int, default=1, help="the fuzzer's")
    parser.add_argument("--short", action="store_true", help="leave the slowest tests out")
    parser.add_argument("--no-build", action="store_true", help="what is built is what is wanted")
    parser.add_argument(
        "--script", nargs=argparse.REMAINDER, help="run this Python file, with what follows, alone"
    )
    arguments = parser.parse_args()

    if not arguments.no_build:
        build(arguments.kind, arguments.level)
    installed = INSTALLED.read_text() if INSTALLED.exists() else "nothing"
    if installed != f"{arguments.kind}-{arguments.level}":
        raise SystemExit(f"{installed} is installed in {VENV}: leave --no-build out")
    environment = OPTIONS | {
        "LD_PRELOAD": runtime_libraries(arguments.kind),
        "LAMINA_SIMD_LEVEL": arguments.level,
        "PYTHONMALLOC": "malloc",  # so that Python's own buffers are guarded too
        "OPENBLAS_NUM_THREADS": "1",
    }
    # ThreadSanitizer wants its addresses where they always are.
    fixed = ["setarch", "-R"] if arguments.kind == "thread" and shutil.which("setarch") else []
    if arguments.script:
        run([*fixed, str(PYTHON), *arguments.script], **environment)
        return
    skipped = SLOW if arguments.short else set()
    modules = [f"tests/{name}.py" for name in MODULES[arguments.kind] if name not in skipped]
    pytest = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "timeout=0"]
    chosen = ["-k", "not float64 and not double", "--sample", "10"] if arguments.short else []
    run([*fixed, str(PYTHON), *pytest, *chosen, *modules], **environment)
    if arguments.kind == "address":
        fuzz = ["tests/fuzz.py", "--runs", str(arguments.runs), "--seed", str(arguments.seed)]
        if arguments.seconds:
            fuzz += ["--seconds", str(arguments.seconds)]
        run([str(PYTHON), *fuzz], **environment)
    print(f"{arguments.kind} ({arguments.level}): no report")


def _is_x86() -> bool:
    return sysconfig.get_platform().endswith(("x86_64", "amd64"))


if __name__ == "__main__":
    main()
