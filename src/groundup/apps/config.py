"""The `[apps]` table of a stack file."""

from __future__ import annotations

from dataclasses import dataclass

from groundup.facts.errors import ConfigError


@dataclass(frozen=True)
class AppsConfig:
    """The product that people use."""

    title: str = "groundup"
    """Name on the page."""

    host: str = "127.0.0.1"
    """Address that the server listens on."""

    port: int = 8765
    """Port that the server listens on; the next free one is taken when it is busy."""

    body_limit_bytes: int = 1_000_000
    """Largest request body; a longer one is answered with status 413."""

    question_limit_characters: int = 8_000
    """Longest question that the assistant reads; a longer one is answered with status 400."""

    waiting_limit: int = 64
    """Requests that may wait for the model; the next one is answered with status 429."""

    users: float = 1.0
    """Monthly active users, for the plan."""

    questions_per_user_day: float = 20.0
    """Questions of one user in a day, for the plan."""

    peak_to_mean: float = 3.0
    """Busiest hour over mean load, for the plan."""

    price_usd_per_million_tokens: float | None = None
    """Price of a million output tokens in US dollars, for the margin; without it none is shown."""

    def __post_init__(self) -> None:
        """Refuse values that no server can have."""
        if not 0 <= self.port <= 65535:
            raise ConfigError(f"[apps] port = {self.port}: expected 0 (any free) to 65535")
        for key in ("body_limit_bytes", "question_limit_characters", "waiting_limit"):
            if getattr(self, key) < 1:
                raise ConfigError(f"[apps] {key} = {getattr(self, key)}: expected at least 1")
