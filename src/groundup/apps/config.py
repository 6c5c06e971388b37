"""The `[apps]` table of a stack file."""

from __future__ import annotations

from dataclasses import dataclass

from groundup.facts.check import in_range


@dataclass(frozen=True)
class AppsConfig:
    """The product that people use."""

    title: str = "groundup"
    """Name on the page."""

    host: str = "127.0.0.1"
    """Address that the server listens on."""

    port: int = 8765
    """Port that the server listens on; the next free one is taken when it is busy."""

    users: float = 1.0
    """Monthly active users, for the plan."""

    questions_per_user_day: float = 20.0
    """Questions of one user in a day, for the plan."""

    peak_to_mean: float = 3.0
    """Busiest hour over mean load, for the plan."""

    price_usd_per_million_tokens: float | None = None
    """Price of a million output tokens in US dollars, for the margin; without it no margin is
    shown.
    """

    def __post_init__(self) -> None:
        in_range("apps.port", self.port, 0, 65535)
        in_range("apps.users", self.users, 0)
        in_range("apps.questions_per_user_day", self.questions_per_user_day, 0)
        in_range("apps.peak_to_mean", self.peak_to_mean, 1)
