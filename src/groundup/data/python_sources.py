"""Which files of this machine's Python to read: the standard library and the installed packages."""

from __future__ import annotations

import platform
import re
import sysconfig
from collections.abc import Iterable
from importlib.metadata import Distribution, distributions
from pathlib import Path, PurePosixPath

from groundup.data import licences
from groundup.data.public_first import public_first
from groundup.data.sources import SourceFile
from groundup.facts.errors import DataError

MIB = 1 << 20
_STDLIB_SKIPPED = {
    "test",
    "tests",
    "idle_test",
    "idlelib",
    "lib2to3",
    "turtledemo",
    "site-packages",
    "dist-packages",
    "__pycache__",
    "ensurepip",
    "pydoc_data",
    "__phello__",
    "config",
}
_SKIPPED = re.compile(
    r"(?:^|/)(?:tests?|testing/_internal|_?vendor(?:ed)?|_vendored_packages|extern|third_party"
    r"|__pycache__|conftest\.py|test_[^/]*\.py|[^/]*_test\.py|_version\.py|__main__\.py|bench(?:marks?)?"
    r"|typeshed|site-packages|node_modules|_?tests?_?util[^/]*)(?:/|$)"
)


def python_version() -> str:
    """`3.11.7`"""
    return platform.python_version()


def stdlib_files() -> list[SourceFile]:
    """Every source file of the standard library that documents something, sorted."""
    root = Path(sysconfig.get_path("stdlib"))
    prefix = f"python{sysconfig.get_python_version()}"
    found = []
    for path in sorted(root.rglob("*.py")):
        inner = path.relative_to(root)
        if _STDLIB_SKIPPED & set(inner.parts) or inner.parts[0].startswith("config-"):
            continue
        module, package = module_name(inner.as_posix())
        if not module:
            continue
        uri = f"{prefix}/{inner.as_posix()}"
        found.append(
            SourceFile(
                str(path),
                uri,
                "python-source",
                "stdlib",
                python_version(),
                *licences.STDLIB,
                module,
                package,
            )
        )
    return found


def module_name(path: str) -> tuple[str, bool]:
    """(dotted module, is a package) of a relative path, or ("", False) if it cannot be imported."""
    parts = list(PurePosixPath(path).with_suffix("").parts)
    package = parts[-1] == "__init__"
    parts = parts[:-1] if package else parts
    importable = all(part.isidentifier() for part in parts)
    return (".".join(parts), package) if importable and parts else ("", False)


def chosen_distributions(names: tuple[str, ...]) -> list[Distribution]:
    """Installed distributions (all, or those named), one a name, sorted; raises DataError."""
    found: dict[str, Distribution] = {}
    for distribution in distributions():
        name = canonical(distribution.metadata["Name"] or "")
        if name and name not in found:
            found[name] = distribution
    missing = sorted({name for name in names if canonical(name) not in found})
    if missing:
        raise DataError(
            f"data.packages: not installed here: {', '.join(missing)}; "
            "install them or take them out of the list"
        )
    wanted = {canonical(name) for name in names} or set(found)
    return [found[name] for name in sorted(wanted)]


def canonical(name: str) -> str:
    """The normalised name of a distribution (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def distribution_files(distribution: Distribution, max_mib: float) -> list[SourceFile]:
    """Sources (public API first, up to `max_mib`), README and licences of one distribution."""
    name, version = distribution.metadata["Name"], distribution.version
    licence = licences.licence_of(distribution)
    source = f"dist:{canonical(name)}"

    def made(
        path: str, kind: str, inner: str, module: str = "", package: bool = False
    ) -> SourceFile:
        uri = f"{name} {version}/{inner}"
        return SourceFile(path, uri, kind, source, version, *licence, module, package)

    extra: list[SourceFile] = []
    code: dict[str, SourceFile] = {}
    stubs: dict[str, SourceFile] = {}
    for file in distribution.files or ():
        inner, path = file.as_posix(), Path(str(file.locate()))
        if inner.startswith("..") or not path.is_file():
            continue
        if inner.endswith(".dist-info/METADATA"):
            extra.append(made(str(path), "readme", "METADATA"))
        elif ".dist-info/" in inner and licences.is_licence_file(inner):
            extra.append(made(str(path), "licence", inner.partition(".dist-info/")[2]))
        elif inner.endswith((".py", ".pyi")) and not _SKIPPED.search(inner):
            module, package = module_name(inner)
            if module:
                into = code if inner.endswith(".py") else stubs
                into[module] = made(str(path), "python-source", inner, module, package)
    code = {**stubs, **code}  # a stub speaks only for a module without source (compiled)
    return sorted(extra, key=lambda file: file.uri) + public_first(code, int(max_mib * MIB))


def python_files(packages: tuple[str, ...], max_mib: float) -> Iterable[SourceFile]:
    """The standard library, then each distribution: the order in which duplicates are kept."""
    yield from stdlib_files()
    for distribution in chosen_distributions(packages):
        yield from distribution_files(distribution, max_mib)
