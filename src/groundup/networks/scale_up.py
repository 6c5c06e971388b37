"""Scale-up domains: accelerators joined through one level of switch chips at full link speed."""

from __future__ import annotations

from dataclasses import dataclass

from groundup.facts.errors import ConfigError


@dataclass(frozen=True)
class Domain:
    """One scale-up domain with a single level of switch chips."""

    accelerators: int
    """How many share the domain."""
    links: int
    """Links of one accelerator, spread evenly over the switch chips."""
    link_gb_per_s: float
    """Gigabytes per second of a link, both ways together."""
    switch_chips: int
    """Switch chips of the domain."""
    ports: int
    """Link ports of a switch chip."""

    @property
    def bandwidth(self) -> float:
        """Bytes/s of one accelerator into the domain, both ways together."""
        return self.links * self.link_gb_per_s * 1e9

    @property
    def ports_used(self) -> float:
        """Ports of a switch chip that hold an accelerator's link."""
        return self.accelerators * self.links / self.switch_chips

    @property
    def total_links(self) -> int:
        """Links between accelerators and switch chips."""
        return self.accelerators * self.links

    def copper_cables(self, pairs: int) -> int:
        """Cables when each link is that many separately shielded pairs (4: two lanes each way).

        GB200 NVL72: 72 x 18 links x 4 pairs = 5 184.
        """
        return self.total_links * pairs


def domain(accelerators: int, links: int, link_gb_per_s: float, ports: int, chips: int) -> Domain:
    """A checked domain: ConfigError where links do not fit the switch chips' ports."""
    made = Domain(accelerators, links, link_gb_per_s, chips, ports)
    if made.ports_used > ports:
        raise ConfigError(
            f"{chips} switch chips of {ports} ports: {accelerators} accelerators with {links} "
            f"links need {made.ports_used:g} ports on each"
        )
    return made


def fewest_chips(accelerators: int, links: int, ports: int) -> int:
    """Fewest switch chips that join so many accelerators in one level, links spread evenly.

    The number divides `links`, so that every accelerator reaches every chip equally often; a chip
    takes links/chips links from each accelerator. ConfigError where no number does.
    """
    for chips in range(1, links + 1):
        if links % chips == 0 and accelerators * (links // chips) <= ports:
            return chips
    raise ConfigError(
        f"{accelerators} accelerators in one level need a switch chip of at least "
        f"{accelerators} ports, found {ports}"
    )
