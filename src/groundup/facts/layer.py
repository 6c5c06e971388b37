"""What passes between the planner's floors: an `Ask` going down, a `LayerPlan` coming up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from groundup.facts.errors import NoDataError
from groundup.facts.estimate import Estimate


@dataclass(frozen=True)
class Ask:
    """What a floor asks of the one below; each floor adds quantities that it derives."""

    accelerator: str
    """Name in the catalogue of chips, or `this-machine`."""
    quantities: Mapping[str, Estimate] = field(default_factory=dict)
    """Named quantities, each with its unit and derivation."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Named choices that are not numbers, such as the process node."""

    def __getitem__(self, name: str) -> Estimate:
        """A quantity by name; NoDataError names what is there."""
        if name not in self.quantities:
            there = ", ".join(sorted(self.quantities)) or "nothing"
            raise NoDataError(f"the floor above did not ask for `{name}`; it asked for {there}")
        return self.quantities[name]

    def __contains__(self, name: str) -> bool:
        return name in self.quantities

    def with_(self, **quantities: Estimate) -> Ask:
        """A new ask with quantities added or replaced."""
        return replace(self, quantities={**self.quantities, **quantities})

    def labelled(self, **labels: str) -> Ask:
        """A new ask with labels added or replaced."""
        return replace(self, labels={**self.labels, **labels})


@dataclass(frozen=True)
class LayerPlan:
    """One row of the plan: what a floor needs, what it lets through, and what that takes."""

    floor: int
    """1 (materials) to 14 (apps)."""
    name: str
    """Package name of the floor."""
    needs: Estimate
    """What the plan needs of this floor's main quantity."""
    limit: Estimate | None
    """How much of it can be had; None where nothing limits it or no data exists (`binds` says)."""
    binds: str
    """What inside the floor sets the limit, or why there is none ("no data: ...")."""
    cost: Estimate | None = None
    """The job's share of what this floor costs: capital cost of the job's hours, power."""
    time: Estimate | None = None
    """Duration or lead time that this floor adds."""
    power: Estimate | None = None
    """Electric power drawn at this floor."""
    details: Mapping[str, Estimate] = field(default_factory=dict)
    """Further quantities by name."""
    included: bool = False
    """True where `cost` is already inside another floor's (a chip's price contains its wafers, a
    rent contains power and network), so that a sum over the floors must leave it out."""

    @property
    def headroom(self) -> Estimate | None:
        """limit / needs; below 1 the floor binds. None without a limit."""
        if self.limit is None:
            return None
        return (self.limit / self.needs).named(f"{self.name}.headroom", "limit / needs")
