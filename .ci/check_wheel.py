"""Check what is in the wheel and the sdist of a folder: python3 check_wheel.py FOLDER."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

LARGEST = 5_000_000  # bytes, of one SIMD level


def check_wheel(path: Path) -> None:
    size = path.stat().st_size
    print(f"{path.name}: {size / 1e6:.2f} MB")
    if size > LARGEST:
        raise SystemExit(f"the wheel is larger than {LARGEST / 1e6:.0f} MB")
    with zipfile.ZipFile(path) as wheel, tempfile.TemporaryDirectory() as folder:
        names = wheel.namelist()
        foreign = [
            name
            for name in names
            if not re.fullmatch(
                r"lamina/([a-z0-9_]+/)*([a-z0-9_]+\.pyi?|py\.typed)"
                r"|lamina/_native/_core_\w+\.[\w.-]+\.so"
                r"|lamina-[\w.]+\.dist-info/(METADATA|WHEEL|RECORD|entry_points\.txt"
                r"|licenses/LICENSE)",
                name,
            )
        ]
        missing = {
            "lamina/py.typed",
            "lamina/_native/core/__init__.pyi",
            "lamina/_native/__init__.py",
        } - set(names)
        if foreign or missing or not any(name.endswith("licenses/LICENSE") for name in names):
            raise SystemExit(f"foreign files {foreign}, missing files {missing} or the licence")
        for name in names:
            if name.endswith(".so"):
                check_module(wheel.extract(name, folder))


def check_module(path: str) -> None:
    """See that the module looks for libraries where the system has them, and nowhere else."""
    dynamic = subprocess.run(["readelf", "-d", path], capture_output=True, text=True, check=True)
    paths = re.findall(r"\((?:RPATH|RUNPATH)\).*\[(.*)\]", dynamic.stdout)
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic.stdout)
    print(f"  {Path(path).name}: {', '.join(needed)}")
    if paths:
        raise SystemExit(f"{path} looks for libraries in {paths}")


def check_sdist(path: Path) -> None:
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    print(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB, {len(names)} files")
    missing = {"CMakeLists.txt", "LICENSE", "README.md", "pyproject.toml"} - names
    if missing or not any(name.startswith("cpp/") for name in names):
        raise SystemExit(f"the sdist lacks {missing or 'its sources'}")


def main() -> None:
    folder = Path(sys.argv[1])
    [wheel], [sdist] = folder.glob("*.whl"), folder.glob("*.tar.gz")
    check_wheel(wheel)
    check_sdist(sdist)


if __name__ == "__main__":
    main()
