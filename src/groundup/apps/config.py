"""The `[apps]` table of a stack file."""

from __future__ import annotations

from dataclasses import dataclass

from groundup.facts.check import in_range
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

    price_usd_per_million_input_tokens: float | None = None
    """Price of a million prompt tokens in US dollars; without it prompts are free."""

    price_usd_per_month: float | None = None
    """Price of a subscription in US dollars a month; without it there is none."""

    paying_share: float = 1.0
    """Share of the users that pay the subscription (0 to 1)."""

    gross_margin_target: float | None = None
    """Gross margin for which the plan gives a price, e.g. 0.6 (0 to below 1)."""

    retrieval_usd_per_question: float = 0.0
    """Cost of search and tools around the model for a question, US dollars."""

    people_usd_per_question: float = 0.0
    """Cost of support and review by people for a question, US dollars."""

    fixed_usd_per_month: float | None = None
    """Costs that do not grow with users (staff, rent), US dollars a month, for the break-even."""

    model_life_months: float | None = None
    """Months that a model sells before the next replaces it; without it the published life."""

    price_fall_per_year: float | None = None
    """Factor a year by which the price of this quality falls (10: to a tenth in a year); without
    it the published one."""

    def __post_init__(self) -> None:
        """Refuse values that no server or business can have."""
        if not 0 <= self.port <= 65535:
            raise ConfigError(f"[apps] port = {self.port}: expected 0 (any free) to 65535")
        for key in ("body_limit_bytes", "question_limit_characters", "waiting_limit"):
            if getattr(self, key) < 1:
                raise ConfigError(f"[apps] {key} = {getattr(self, key)}: expected at least 1")
        self._business()

    def _business(self) -> None:
        """Refuse prices below nothing and shares outside of nothing to all."""
        in_range("apps.paying_share", self.paying_share, 0, 1)
        if self.gross_margin_target is not None:
            in_range("apps.gross_margin_target", self.gross_margin_target, 0, 0.999)
        if self.price_fall_per_year is not None:
            in_range("apps.price_fall_per_year", self.price_fall_per_year, 0.01)
        if self.model_life_months is not None:
            in_range("apps.model_life_months", self.model_life_months, 1, 600)
        for key in (
            "price_usd_per_million_tokens", "price_usd_per_million_input_tokens",
            "price_usd_per_month", "retrieval_usd_per_question", "people_usd_per_question",
            "fixed_usd_per_month",
        ):  # fmt: skip
            if getattr(self, key) is not None:
                in_range(f"apps.{key}", getattr(self, key), 0)
