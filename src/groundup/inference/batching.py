"""One replica that batches continuously: iteration by iteration, many iterations at once.

Orca (Yu et al., OSDI 2022): requests join and leave between steps. vLLM (arXiv 2309.06180): a
paged cache, admission while a prompt fits, preemption of the youngest with recomputation.
Sarathi-Serve (arXiv 2403.02310): prompts are read in chunks beside decoding, within a budget of
tokens a step. Between two events (arrival, end of an answer, full cache) only the context grows,
so all steps up to the next event are one sum of an arithmetic series.
"""

from __future__ import annotations

import math
from collections import deque
from heapq import heappop, heappush

from groundup.inference.jobs import Jobs, Log
from groundup.inference.prefixes import PrefixStore
from groundup.inference.scheduler import Scheduler
from groundup.inference.step_costs import StepCosts


class Replica:
    """State of one replica; `advance` moves it to a time, `add` gives it a request."""

    def __init__(self, jobs: Jobs, costs: StepCosts, scheduler: Scheduler, prefix: int = 0) -> None:
        self.jobs, self.costs, self.scheduler = jobs, costs, scheduler
        self.clock = 0.0
        self.log = Log()
        self.store = PrefixStore(prefix) if prefix else None
        self.assigned = self.done = 0
        self.late_done = 0  # requests that ended exactly at `clock`, for `outstanding`
        self._waiting: list[tuple[float, int]] = []
        self._reading: deque[list[int]] = deque()  # [request, tokens to read, tokens before them]
        self._ends: list[tuple[int, int]] = []  # (step number of the last token, request)
        self._running: dict[int, None] = {}  # in order of admission
        self._shared: dict[int, tuple[int, ...]] = {}  # blocks of the store that a request holds
        self._joined: dict[int, tuple[int, float, int]] = {}  # (step, tokens then, end) if decoding
        self._left: dict[int, tuple[int, int, float]] = {}  # preempted: (rounds, tokens, last)
        self._late: list[list[float]] = []  # [requests, seconds since their last token]
        self._step = self._batch = 0
        self._context = self._growth = self._used = 0.0
        self._half = scheduler.block / 2
        self._limit = scheduler.cache * (1 - scheduler.watermark)

    def outstanding(self, now: float) -> int:
        """Requests here that are not finished at `now` (the last step may end after it)."""
        return self.assigned - self.done + (self.late_done if self.clock > now else 0)

    def add(self, request: int) -> None:
        """Queue a request; the replica must have been advanced to its arrival."""
        self.assigned += 1
        heappush(self._waiting, (self.jobs.key[request], request))

    def advance(self, until: float) -> None:
        """Take steps that begin before `until`; an idle replica waits until then."""
        while self.clock < until:
            if self._growth and self._used + self._growth > self._room():
                self._make_room()
            chunks = self._plan()
            if chunks:
                self._mixed(chunks)
            elif self._batch:
                self._decode(until)
            elif self._waiting:  # it fits no empty cache: nobody can serve it
                self._reject()
            else:
                self.clock = self.clock if until == math.inf else until
                return

    def _room(self) -> float:
        held = self.store.held_tokens if self.store else 0
        return self.scheduler.cache - held

    # -- admission -------------------------------------------------------------------------------

    def _plan(self) -> list[list[int]]:
        """Prompt pieces of the next step: [request, tokens, tokens before, tokens after]."""
        chunked = self.scheduler.policy == "chunked"
        left = self.scheduler.budget - (self._batch * self.scheduler.width if chunked else 0)
        chunks: list[list[int]] = []
        if not self._reading and not self._waiting:
            return chunks
        for job in self._reading:
            if left <= 0:
                return chunks
            left = self._take(job, left, chunks)
        while self._waiting and (left > 0 or not (chunks or self._batch)):
            request = self._waiting[0][1]
            if not self._admits(request, left, bool(chunks)):
                break
            heappop(self._waiting)
            self._admit(request)
            if self._reading and self._reading[-1][0] == request:
                left = self._take(self._reading[-1], left, chunks)
        return chunks

    def _take(self, job: list[int], left: int, chunks: list[list[int]]) -> int:
        whole = self.scheduler.policy == "prefill-first"
        tokens = job[1] if whole else min(job[1], max(left, 1))
        chunks.append([job[0], tokens, job[2], job[1] - tokens])
        return left - tokens

    def _tokens(self, request: int) -> int:
        """Prompt tokens of a request, with those already generated if it was put back."""
        kept = self._left.get(request)
        return kept[1] if kept else self.jobs.prompt[request]

    def _admits(self, request: int, left: int, follows: bool) -> bool:
        if len(self._running) >= self.scheduler.most:
            return False
        tokens = self._tokens(request)
        if self.scheduler.policy == "prefill-first" and follows and tokens > left:
            return False
        own = self.jobs.held[request] if not tokens else tokens + 1
        shared = self._found(request)
        taken = self.store.new_held(shared) if self.store else 0
        known = len(shared) * (self.store.block if self.store else 0)
        need = own + self._half + taken - known
        limit = self._limit if self._running else self.scheduler.cache
        held = self.store.held_tokens if self.store else 0
        return self._used + self._growth + need + held <= limit

    def _found(self, request: int) -> tuple[int, ...]:
        """Leading blocks of the prompt in the store; one token at least is left to read."""
        blocks = self.jobs.blocks[request]
        if not self.store or not blocks:
            return ()
        most = (self.jobs.prompt[request] - 1) // self.store.block
        return blocks[: self.store.match(blocks[:most])]

    def _admit(self, request: int) -> None:
        jobs = self.jobs
        if math.isnan(jobs.started[request]):
            jobs.started[request] = self.clock
        self._running[request] = None
        tokens = self._tokens(request)
        if not tokens:  # its cache was sent over: it decodes from the next step on
            self._used += jobs.held[request] + self._half
            self._join(request, jobs.held[request], jobs.rounds[request])
            self._late.append([1, self.clock - jobs.first[request]])
            return
        hit = jobs.known[request]
        jobs.hits[request] += hit
        self._used += hit  # cached or not, the request holds them
        if self.store:
            shared = self._found(request)
            self.store.hold(shared)
            self._shared[request] = shared
            found = len(shared) * self.store.block
            jobs.hits[request] += found
            hit += found
        self._used += tokens + 1 - hit + self._half
        if self.store:
            self.store.shrink(self.scheduler.cache - self._used)
        self._reading.append([request, tokens - hit, hit])

    def _reject(self) -> None:
        heappop(self._waiting)
        self.done += 1

    # -- steps -----------------------------------------------------------------------------------

    def _mixed(self, chunks: list[list[int]]) -> None:
        """One step that reads prompt pieces, beside decoding where the policy says so."""
        tokens = sum(chunk[1] for chunk in chunks)
        pairs = sum(chunk[1] * (chunk[2] + chunk[1] / 2) for chunk in chunks)
        beside = self.scheduler.policy == "chunked"
        batch = self._batch if beside else 0
        seconds = self.costs.mixed(batch, self._context if beside else 0.0, tokens, pairs)
        if beside:
            self._tell(seconds, 0.0, 1)
            self._progress(1, seconds)
        else:
            self._stall(seconds)
        for request, read, before, after in chunks:
            job = self._reading[0]
            if after:
                job[1], job[2] = after, before + read
            else:
                self._reading.popleft()
                self._read(request)

    def _stall(self, seconds: float) -> None:
        """A step in which decoding requests wait: their next gap is longer."""
        row = (self.clock, 0, seconds, 0.0, 1, len(self._running), self._used)
        self.log.steps.append(row)
        fresh = self._batch - sum(group[0] for group in self._late)
        for group in self._late:
            group[1] += seconds
        if fresh:
            self._late.append([fresh, seconds])
        self.clock += seconds
        self.late_done = 0

    def _read(self, request: int) -> None:
        """A prompt was read to its end: the next token of its request is there."""
        jobs = self.jobs
        self._keep_blocks(request)
        if request in self._left:
            rounds, tokens, last = self._left.pop(request)
            self.log.gaps.append((self.clock, 1, self.clock - last))
            rounds -= 1
        else:
            jobs.first[request] = self.clock
            rounds, tokens = jobs.rounds[request], jobs.prompt[request]
        if rounds > 0:
            self._join(request, tokens + 1, rounds)
        else:
            self._used -= tokens + 1 + self._half - self._hit_tokens(request)
            self._finish(request)

    def _keep_blocks(self, request: int) -> None:
        """The prompt's full blocks become shared: their tokens move from request to store."""
        if not self.store or not self.jobs.blocks[request]:
            return
        before = self._shared.get(request, ())
        full = self.jobs.blocks[request][: self.jobs.prompt[request] // self.store.block]
        added = full[len(before) :]
        self.store.hold(added)
        self._used -= len(added) * self.store.block
        self._shared[request] = full if len(full) >= len(before) else before

    def _hit_tokens(self, request: int) -> int:
        return len(self._shared.get(request, ())) * (self.store.block if self.store else 0)

    def _join(self, request: int, tokens: float, rounds: int) -> None:
        end = self._step + rounds
        self._joined[request] = (self._step, tokens, end)
        heappush(self._ends, (end, request))
        self._batch += 1
        self._context += tokens
        self._growth += self.jobs.growth[request]

    def _decode(self, until: float) -> None:
        """All steps up to the next event: end of an answer, `until`, a full cache, a knot."""
        costs, batch, context, growth = self.costs, self._batch, self._context, self._growth
        while self._gone(*self._ends[0]):
            heappop(self._ends)
        at = costs.interval(context)
        slope = costs.slope[batch][at]
        first = costs.start[batch][at] + slope * context
        rise = slope * growth
        steps = self._ends[0][0] - self._step
        if self._late:
            steps = 1
        if at + 1 < len(costs.knots):
            steps = min(steps, max(1, math.ceil((costs.knots[at + 1] - context) / growth)))
        if self.scheduler.cache < math.inf:
            steps = min(steps, max(1, int((self._room() - self._used) / growth)))
        if until < math.inf and steps > 1:
            steps = min(steps, steps_until(first, rise, until - self.clock))
        self._tell(first, rise, steps)
        self._progress(steps, steps * first + rise * (steps * (steps - 1) / 2))

    def _tell(self, first: float, rise: float, steps: int) -> None:
        """Log steps; requests whose last token is longer ago have longer gaps."""
        count = self._batch
        if self._late:
            for late, seconds in self._late:
                self.log.gaps.append((self.clock, int(late), seconds + first))
                count -= int(late)
            self._late.clear()
        row = (self.clock, count, first, rise, steps, len(self._running), self._used)
        self.log.steps.append(row)

    def _progress(self, steps: int, seconds: float) -> None:
        """Time passes, contexts grow, finished requests leave."""
        self.clock += seconds
        self.late_done = 0
        if not self._batch:
            return
        self._step += steps
        self._context += self._growth * steps
        self._used += self._growth * steps
        while self._ends and self._ends[0][0] <= self._step:
            end, request = heappop(self._ends)
            if not self._gone(end, request):
                self._leave(request)
                self._finish(request)
        if self.store:
            self.store.shrink(self.scheduler.cache - self._used)

    def _gone(self, end: int, request: int) -> bool:
        joined = self._joined.get(request)
        return joined is None or joined[2] != end

    def _leave(self, request: int) -> tuple[int, float]:
        """Out of the batch: its rounds done since it joined, and its tokens."""
        step, tokens, _ = self._joined.pop(request)
        done = self._step - step
        tokens += done * self.jobs.growth[request]
        self._batch -= 1
        self._context -= tokens
        self._growth -= self.jobs.growth[request]
        if not self._batch:
            self._context = self._growth = 0.0  # no dust of floating point
        self._used -= tokens + self._half - self._hit_tokens(request)
        return done, tokens

    def _finish(self, request: int) -> None:
        self.jobs.finished[request] = self.clock
        self._forget(request)
        self.done += 1
        self.late_done += 1

    def _forget(self, request: int) -> None:
        del self._running[request]
        if not self._running:
            self._used = 0.0
        if self.store:
            self.store.release(self._shared.pop(request, ()))

    # -- preemption ------------------------------------------------------------------------------

    def _make_room(self) -> None:
        """Put back the youngest requests until the next step's tokens fit."""
        while self._growth and self._used + self._growth > self._room():
            youngest = next(reversed(self._running))
            if len(self._running) == 1:  # alone and too long for the cache: it ends unserved
                self._leave(youngest)
                self._forget(youngest)
                self.done += 1
                self._late.clear()
                return
            self._put_back(youngest)

    def _put_back(self, request: int) -> None:
        jobs = self.jobs
        if request in self._joined:
            before = self._joined[request]
            done, tokens = self._leave(request)
            last = self.clock - self._lateness()
            self._left[request] = (before[2] - before[0] - done, math.ceil(tokens), last)
        else:
            self._reading.pop()  # the youngest is the last one to be read
            self._used -= self._tokens(request) + 1 + self._half - self._hit_tokens(request)
        self._forget(request)
        jobs.preempted[request] += 1
        heappush(self._waiting, (jobs.key[request], request))

    def _lateness(self) -> float:
        """Seconds since the last token of the youngest decoding request, which leaves now."""
        if not self._late or sum(group[0] for group in self._late) <= self._batch:
            return 0.0
        group = self._late[-1]
        group[0] -= 1
        if not group[0]:
            self._late.pop()
        return group[1]


def steps_until(first: float, rise: float, seconds: float) -> int:
    """Smallest n with n first + rise n (n - 1) / 2 >= seconds, at least 1."""
    if rise <= 0:
        count = math.ceil(seconds / first) if first > 0 else 1
    else:
        half = first - rise / 2
        count = math.ceil((math.sqrt(half * half + 2 * rise * seconds) - half) / rise)
    count = max(count, 1)
    while count > 1 and (count - 1) * first + rise * (count - 1) * (count - 2) / 2 >= seconds:
        count -= 1
    while count * first + rise * count * (count - 1) / 2 < seconds:
        count += 1
    return count
