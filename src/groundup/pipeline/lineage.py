"""The way back from an artifact to its sources, with licences and costs."""

from __future__ import annotations

from pathlib import Path

from groundup.facts.check import suggest
from groundup.facts.errors import ArtifactError
from groundup.pipeline.manifest import Manifest, verify_hashes
from groundup.pipeline.store import Store


def find_artifact(store: Store, name: str) -> tuple[Path, Manifest]:
    """The artifact called `name`: a path, `<step>-<key>`, a step (its newest) or part of a key.

    Raises ArtifactError that suggests the nearest name.
    """
    artifacts = store.all()
    for path, manifest in reversed(artifacts):
        full = f"{manifest.step}-{manifest.key}"
        same_path = Path(name).exists() and Path(name).resolve() == path.resolve()
        if same_path or name in (full, manifest.step) or manifest.key.startswith(name):
            return path, manifest
    names = [f"{manifest.step}-{manifest.key}" for _, manifest in artifacts]
    steps = sorted({manifest.step for _, manifest in artifacts})
    raise ArtifactError(
        f"{store.root}: no artifact {name!r}; {suggest(name, [*steps, *names])}"
        f"steps that have one: {', '.join(steps) or 'none yet, `groundup run` makes them'}"
    )


def lineage(store: Store, name: str) -> dict[str, object]:
    """The tree from an artifact back to its sources, as nested JSON objects."""
    by_key = {(item.step, item.key): (path, item) for path, item in store.all()}
    path, manifest = find_artifact(store, name)
    return _node(path, manifest, by_key)


def _node(
    path: Path, manifest: Manifest, by_key: dict[tuple[str, str], tuple[Path, Manifest]]
) -> dict[str, object]:
    return {
        "artifact": f"{manifest.step}-{manifest.key}",
        "path": str(path),
        "finished": manifest.finished,
        "seed": manifest.seed,
        "code": manifest.code,
        "config": manifest.config,
        "seconds": manifest.seconds,
        "joules": manifest.joules,
        "joules_method": manifest.joules_method,
        "licences": dict(manifest.licences),
        "sources": dict(manifest.sources),
        "changed_files": verify_hashes(path, manifest),
        "inputs": [
            _node(*by_key[step, key], by_key)
            if (step, key) in by_key
            else {"artifact": f"{step}-{key}", "path": "(deleted)", "inputs": []}
            for step, key in manifest.inputs.items()
        ],
    }


def render(node: dict[str, object], depth: int = 0, seen: set[str] | None = None) -> str:
    """The lineage tree as indented text; an artifact met before is named, not repeated."""
    seen = set() if seen is None else seen
    pad = "  " * depth
    name = str(node["artifact"])
    if name in seen:
        return f"{pad}{name} (above)"
    seen.add(name)
    lines = [f"{pad}{name}"]
    if "seconds" in node:
        lines[0] += (
            f"  made {node['finished']}, {float(str(node['seconds'])):.1f} s, "
            f"{float(str(node['joules'])):.0f} J ({node['joules_method']}), seed {node['seed']}"
        )
    if node.get("changed_files"):
        lines.append(f"{pad}  ! files changed since: {node['changed_files']}")
    inputs = node["inputs"]
    assert isinstance(inputs, list)
    if not inputs:
        lines += _sources(node, pad)
    lines += [render(child, depth + 1, seen) for child in inputs]
    return "\n".join(lines)


def _sources(node: dict[str, object], pad: str) -> list[str]:
    licences, sources = node.get("licences"), node.get("sources")
    lines: list[str] = []
    if isinstance(sources, dict) and sources:
        lines.append(f"{pad}  sources (documents): " + _counts(sources))
    if isinstance(licences, dict) and licences:
        lines.append(f"{pad}  licences (documents): " + _counts(licences))
    return lines


def _counts(counts: dict[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {count}" for name, count in ordered)
