"""Which accelerator a text about hardware means: data sheets, instance types, result folders."""

from __future__ import annotations

import difflib
import functools
import re
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from groundup.chips.catalogue import sold
from groundup.facts.errors import NoDataError
from groundup.planner.validation.row import Row

_PATTERNS = (
    # (what a text holds once case, blanks and punctuation are gone, chip); the first match counts,
    # so a longer name stands before the shorter one that it holds
    (r"gb300", "gb300"),
    (r"gb200", "gb200"),
    (r"gh200", "gh200"),
    (r"vr200|\brubin", "vr200"),
    (r"b300", "b300"),
    (r"b200", "b200"),
    (r"h[12]00(?=.*\bnvl\b)", ""),  # PCIe boards of 94 and 141 GB: not in the catalogue
    (r"h200|\bp5e", "h200-sxm"),
    (r"h800", "h800-sxm"),
    (r"h100(?=.*pcie)", "h100-pcie"),
    (r"h100|\bp5 48xlarge", "h100-sxm"),
    (r"\bh20\b", "h20"),
    (r"a[18]00(?=.*pcie)", "a100-pcie"),
    (r"a100(?=.*40 ?g)|\bp4d ", "a100-40gb"),
    (r"a[18]00|\bp4de ", "a100-80gb"),
    (r"\bl40s\b", "l40s"),
    (r"\bl4\b", "l4"),
    (r"\bt4\b", "t4"),
    (r"v100", "v100-sxm"),
    (r"mi355x?", "mi355x"),
    (r"mi350x?", "mi350x"),
    (r"mi325x?", "mi325x"),
    (r"mi300x", "mi300x"),
    (r"mi250x?", "mi250x"),
    (r"gaudi (?:r )?3|gaudi3|hl ?325", "gaudi3"),
    (r"gaudi (?:r )?2|gaudi2|hl ?225", "gaudi2"),
    (r"(?:tpu ?)?v7\b|ironwood", "tpu-v7"),
    (r"(?:tpu ?)?v6e|trillium", "tpu-v6e"),
    (r"(?:tpu ?)?v5p", "tpu-v5p"),
    (r"(?:tpu ?)?v5e|tpu ?v5 ?lite", "tpu-v5e"),
    (r"tpu ?v4(?!i)", "tpu-v4"),
    (r"trainium ?3|\btrn3", "trainium3"),
    (r"trainium ?2|\btrn2", "trainium2"),
    (r"trainium ?1?\b|\btrn1", "trainium1"),
    (r"inferentia ?2|\binf2", "inferentia2"),
    (r"inferentia ?1?\b|\binf1", "inferentia1"),
    (r"wse ?3|\bcs ?3\b", "wse-3"),
    (r"maia ?100", "maia-100"),
    (r"sn40l", "sn40l"),
    (r"wormhole|\bn300\b", "wormhole-n300"),
    (r"blackhole|\bp150", "blackhole-p150"),
    (r"groq", "groq-lpu1"),
    (r"mtia ?v?2", "mtia-v2"),
    (r"gc200", "graphcore-gc200"),
    (r"\bbow\b", "graphcore-bow"),
    (r"corsair", "d-matrix-corsair"),
)
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?(?:gb|gib)(?![a-z0-9/])")
_COUNTS = (
    re.compile(r"(?<![\d.])(\d+)x[a-z][\w.]*?x(\d+)x?(?:[a-z]|$)", re.IGNORECASE),
    re.compile(r"(?<![\d.])(\d+)xbm\.gpu\.[a-z0-9]+\.(\d+)", re.IGNORECASE),
)


def chip_of(text: str) -> str:
    """Name in the catalogue of accelerators that a text means (`H100-80GB` is `h100-sxm`).

    A100 without a size counts as the 80 GB one, a bare H100 or H200 as the SXM one; an A800 is an
    A100 and a V100S a V100 with other links and clocks. Published result folders that do not name
    their chip are looked up in `systems.toml`. Raises NoDataError that names the text and the
    nearest chips: none, several kinds, or one that the catalogue does not hold.
    """
    return _chip_of(text.strip())


@functools.lru_cache(maxsize=4096)
def _chip_of(text: str) -> str:
    if not text:
        raise NoDataError("the row names no hardware; fill the column `hardware`")
    system = system_of(text)
    if system is not None:
        return str(system["chip"])
    found = [chip for chip in (_match(part) for part in re.split(r"[,;]", text)) if chip]
    if not found:
        raise NoDataError(f"hardware {text!r} is not in the catalogue of accelerators{_near(text)}")
    if len(set(found)) > 1 or _foreign(text):
        raise NoDataError(f"hardware {text!r} names several kinds of accelerator; give one a row")
    return found[0]


def _near(text: str) -> str:
    """The chips whose names are nearest to a text, as the end of a message."""
    names = {chip.name.replace("-", " "): chip.name for chip in sold()}
    found = difflib.get_close_matches(_plain(text), names, n=3, cutoff=0.3)
    return f"; the nearest are {', '.join(names[name] for name in found)}" if found else ""


def _foreign(text: str) -> bool:
    """Whether a list of machines holds one that is not in the catalogue beside one that is."""
    parts = [part for part in re.split(r",(?=\s*[A-Z])", text) if "(" not in part]
    return len(parts) > 1 and any(_match(part) is None for part in parts if ")" not in part)


def _match(text: str) -> str | None:
    plain = _plain(text)
    for pattern, chip in _PATTERNS:
        if re.search(pattern, plain):
            return chip
    return None


def _plain(text: str) -> str:
    """Lower case, punctuation as blanks: `b200_sxm` becomes `b200 sxm`."""
    return re.sub(r"[^a-z0-9]+", " ", text.lower()).strip()


def memory_gb_of(text: str) -> float | None:
    """Memory that a text states (`H100-96GB-HBM2e`), GB/accelerator; None where it states none."""
    found = _SIZE.search(text.lower().replace("_", " "))
    return float(found.group(1)) if found else None


def accelerators_of(text: str) -> int | None:
    """Accelerators of a system (`16xXE9712x4GB200`: 16 nodes of 4), or None."""
    system = system_of(text.strip())
    if system is not None:
        return int(system["nodes"]) * int(system["each"])
    for pattern in _COUNTS:
        found = pattern.search(text)
        if found:
            return int(found.group(1)) * int(found.group(2))
    return None


@functools.lru_cache(maxsize=1)
def systems() -> Mapping[str, Mapping[str, Any]]:
    """Systems of published results whose names need a table: chip, nodes, accelerators a node."""
    path = files("groundup.planner.validation").joinpath("systems.toml")
    found: dict[str, Mapping[str, Any]] = {}
    for table in tomllib.loads(path.read_text(encoding="utf-8")).values():
        found |= {name.lower(): row for name, row in table.items() if isinstance(row, dict)}
    return found


def system_of(text: str) -> Mapping[str, Any] | None:
    """The table entry of a system by its full name, or of another size or release of its cluster.

    `eos-dfw_n256_ngc25.04_nemo` is 256 nodes like those of `eos-dfw_n64_ngc25.01_nemo`. None where
    the table has no system of that name or the cluster's systems differ in their chips.
    """
    exact = systems().get(text.lower())
    return exact if exact is not None else _of_cluster(text.lower())


_CLUSTER = re.compile(r"(?P<name>[a-z][a-z-]*)_(?P<kind>n|ngpu)(?P<count>\d+)_")


def _of_cluster(text: str) -> Mapping[str, Any] | None:
    found = _CLUSTER.match(text)
    if found is None:
        return None
    start = f"{found['name']}_{found['kind']}"
    known = [row for name, row in systems().items() if name.startswith(start)]
    kinds = {(row["chip"], row["each"]) for row in known if "each" in row}
    if len(kinds) != 1:
        return None
    chip, each = kinds.pop()
    count = int(found["count"])
    nodes = count if found["kind"] == "n" else max(count // int(each), 1)
    return {"chip": chip, "nodes": nodes, "each": each if found["kind"] == "n" else count // nodes}


def chip_in(row: Row) -> str:
    """The row's accelerator from its hardware, else from its name; NoDataError as `chip_of`."""
    if row.hardware:
        return chip_of(row.hardware)
    site = site_of(row.name)
    if site is not None:
        return str(site["chip"])
    try:
        return chip_of(row.name)
    except NoDataError:
        raise NoDataError(
            f"column `hardware` is empty and the name {row.name!r} says no accelerator"
        ) from None


def accelerators_in(row: Row) -> float | None:
    """Accelerators of the row: its column, else what name or hardware state (`100k H100`)."""
    stated = row.number("n_chips")
    if stated:
        return stated
    found = accelerators_of(row.hardware) or accelerators_of(row.name)
    if found:
        return float(found)
    many = re.search(r"(?<![\w.])(\d+(?:\.\d+)?)\s*k\b", row.name, re.IGNORECASE)
    return float(many.group(1)) * 1e3 if many else None


def site_of(text: str) -> Mapping[str, Any] | None:
    """A named cluster in a text (`Colossus`), from `systems.toml`; None where there is none."""
    lower = text.lower()
    named = (row for name, row in systems().items() if row.get("site") and name in lower)
    return next(named, None)
