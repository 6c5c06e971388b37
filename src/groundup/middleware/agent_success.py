"""Success that compounds over an agent's steps: retries, checks, votes, checkpoints, people.

Steps are independent and each must be right (arrays broadcast; probabilities in [0, 1]). A step is
tried until a check accepts it, at most `tries` times; a wrong step that was accepted spoils the
task silently, a step that is never accepted stops it, or goes to a person. The counts are those of
an absorbing Markov chain (Kemeny and Snell 1960, Finite Markov Chains, ch. 3), in closed form.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

import numpy as np

from groundup.facts.estimate import Array, Estimate, derived, log
from groundup.middleware.normal import Numbers


@dataclass(frozen=True)
class Step:
    """How one step ends and what it takes; arrays that broadcast."""

    right: Array
    """Probability that it is right and accepted."""
    wrong: Array
    """Probability that it is wrong and accepted."""
    tries: Array
    """Expected calls of the model."""
    checks: Array
    """Expected checks."""

    @property
    def stuck(self) -> Array:
        """Probability that no try was accepted."""
        return np.maximum(1.0 - self.right - self.wrong, 0.0)


@dataclass(frozen=True)
class Task:
    """How a task of many steps ends and what it takes, on average."""

    solved: Array
    """Probability that every step is right."""
    spoiled: Array
    """Probability that it ends with a wrong step in it."""
    stopped: Array
    """Probability that it stops at a step that was never accepted."""
    tries: Array
    """Expected calls of the model."""
    checks: Array
    """Expected checks."""
    people: Array
    """Expected steps done by a person."""

    def cost(self, call: Numbers, check: Numbers = 0.0, person: Numbers = 0.0) -> Array:
        """Mean cost of a task: calls, checks and people's steps, in the unit of the three."""
        return np.asarray(self.tries * call + self.checks * check + self.people * person)

    def cost_per_solved(self, call: Numbers, check: Numbers = 0.0, person: Numbers = 0.0) -> Array:
        """Mean cost over probability of success: what a solved task costs when others are redone.

        The same with durations gives the time of a solved task.
        """
        return np.asarray(self.cost(call, check, person) / self.solved)


def plain(success: Numbers) -> Step:
    """A step that nobody checks."""
    p = np.asarray(success, dtype=np.float64)
    return Step(p, 1 - p, np.ones_like(p), np.zeros_like(p))


def checked(
    success: Numbers, accepts_right: Numbers, accepts_wrong: Numbers, tries: Numbers = 1
) -> Step:
    """A step tried until its check accepts it, at most `tries` times (infinite is allowed).

    A try is accepted with A = p s + (1 - p) a, so tries are (1 - (1 - A)^m) / A.
    """
    p, s, a = (np.asarray(x, dtype=np.float64) for x in (success, accepts_right, accepts_wrong))
    accepted = p * s + (1 - p) * a
    safe = np.maximum(accepted, np.finfo(float).tiny)
    ended = -np.expm1(np.asarray(tries) * np.log1p(-np.minimum(accepted, 1 - 1e-16)))
    made = np.where(accepted > 0, ended / safe, tries)
    return Step(p * s * made, (1 - p) * a * made, made, made)


def task(step: Step, steps: Numbers, person_success: Numbers | None = None) -> Task:
    """All steps in a row; a step that is stuck ends the task, or a person does it.

    `person_success` is the probability that a person's step is right; None: nobody is asked.
    """
    n = np.asarray(steps, dtype=np.float64)
    if person_success is None:
        going = step.right + step.wrong
        begun = _series(going, n)
        solved, alive = step.right**n, going**n
        none = np.zeros_like(solved)
        stopped = 1 - alive
        return Task(solved, alive - solved, stopped, step.tries * begun, step.checks * begun, none)
    right = step.right + step.stuck * person_success
    solved = right**n
    people = step.stuck * n
    return Task(
        solved, 1 - solved, np.zeros_like(solved), step.tries * n, step.checks * n, people
    )  # fmt: skip


def _series(ratio: Array, n: Array) -> Array:
    """1 + r + ... + r^(n-1), n where r is one."""
    left = 1 - ratio
    near = left < 1e-12
    return np.asarray(np.where(near, n, (1 - ratio**n) / np.where(near, 1.0, left)))


def with_checkpoints(
    success: Numbers,
    steps: Numbers,
    interval: Numbers,
    accepts_right: Numbers = 1.0,
    accepts_wrong: Numbers = 0.0,
) -> Task:
    """A check every `interval` steps; a stretch it rejects is done again from its beginning.

    `tries` counts single steps. The stretch is a step of success p^interval tried without end.
    """
    c = np.asarray(interval, dtype=np.float64)
    stretch = checked(np.asarray(success) ** c, accepts_right, accepts_wrong, np.inf)
    whole = task(stretch, np.asarray(steps) / c)
    return Task(
        whole.solved, whole.spoiled, whole.stopped, whole.tries * c, whole.checks, whole.people
    )  # fmt: skip


def best_interval(
    success: float, steps: int, call: float, check: float,
    accepts_right: float = 1.0, accepts_wrong: float = 0.0,
) -> int:  # fmt: skip
    """Steps between checks that make a solved task cheapest (all intervals are tried at once)."""
    intervals = np.arange(1, steps + 1, dtype=np.float64)
    runs = with_checkpoints(success, steps, intervals, accepts_right, accepts_wrong)
    return int(intervals[np.argmin(runs.cost_per_solved(call, check))])


def majority(success: Numbers, votes: int) -> Array:
    """Probability that most of an odd number of independent answers are right (Condorcet).

    Wrong answers are taken to agree, which is the worst case; ValueError for an even number.
    """
    if votes % 2 == 0:
        raise ValueError(f"votes = {votes}: an odd number is needed, else votes may tie")
    p = np.asarray(success, dtype=np.float64)
    terms = [
        comb(votes, k) * p**k * (1 - p) ** (votes - k) for k in range(votes // 2 + 1, votes + 1)
    ]
    return np.asarray(sum(terms))


def steps_until(success: Numbers, target: Numbers) -> Array:
    """Most steps whose joint success is still at least `target`: floor(ln target / ln p)."""
    steps = np.log(target) / np.log(success)
    return np.asarray(np.floor(steps + 1e-9))


def success_needed(steps: Numbers, target: Numbers) -> Array:
    """Success of a step from which `steps` of them reach `target`: target^(1/n)."""
    return np.asarray(np.asarray(target, dtype=np.float64) ** (1 / np.asarray(steps)))


def break_even_check(unchecked: Task, with_check: Task, call: Numbers) -> Array:
    """Price of a check at which a solved task costs the same with and without it.

    Below 0 the check never pays: it rejects too much that is right.
    """
    allowed = unchecked.cost_per_solved(call) * with_check.solved - with_check.tries * call
    return np.asarray(allowed / with_check.checks)


def horizon_success(minutes: Numbers, horizon: Numbers, share_80: Numbers) -> Array:
    """Success on tasks of a length, from the 50 % horizon and the 80 % one over it.

    Logistic in the log of length (Kwa et al. 2025, arXiv:2503.14499, section 4):
    odds = (horizon / length)^k with k = ln 4 / -ln(share_80), as odds of 80 % are 4.
    """
    slope = np.log(4.0) / -np.log(share_80)
    odds = (np.asarray(horizon) / np.asarray(minutes)) ** slope
    return np.asarray(odds / (1 + odds))


def horizon_after(horizon: Estimate, doubling: Estimate, time: Estimate) -> Estimate:
    """The 50 % horizon when it has grown for a time: horizon x 2^(time / doubling)."""
    doublings = (time / doubling).to("1")
    grown = derived(2.0**doublings.samples, "1", "", "2^(time / doubling)", (doublings,))
    return (horizon * grown).named("middleware.horizon_after", "horizon x 2^(time / doubling)")


def time_until(horizon: Estimate, doubling: Estimate, wanted: Estimate) -> Estimate:
    """Time until the horizon reaches a length: doubling x log2(wanted / horizon)."""
    twice = derived([np.log(2.0)], "1", "ln 2", "ln 2", ())
    left = doubling * log(wanted / horizon) / twice
    return left.named("middleware.time_until", "doubling x log2(wanted / horizon)")
