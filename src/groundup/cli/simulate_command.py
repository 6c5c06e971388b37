"""The command that serves a stack's load in simulation: `groundup simulate STACK`."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundup.cli.console import Console
from groundup.facts.errors import ConfigError, NoDataError
from groundup.stack.load import load_stack

if TYPE_CHECKING:
    from groundup.facts.catalogue import Catalogue
    from groundup.inference.requests import Requests
    from groundup.inference.simulated import Simulated, Slo
    from groundup.inference.sizing import Option, Sizing
    from groundup.planner.plan import Plan

_LIMITS = ("ttft", "tpot", "e2e", "share")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `simulate` takes besides the stack, `--set` and where runs are kept."""
    parser.add_argument(
        "--trace",
        metavar="FILE|NAME",
        help="requests from a CSV or JSONL file, or of a published trace such as azure_conv_2023; "
        "without it log-normal lengths with the stack's means",
    )
    parser.add_argument("--rate", type=float, help="requests a second (the stack's busiest hour)")
    parser.add_argument(
        "--variation",
        type=float,
        default=1.0,
        help="bursts: spread over mean of the gaps between "
        "requests (1: Poisson; azure_code_2023 has 11)",
    )
    parser.add_argument("--requests", type=int, default=3000, help="requests simulated (3000)")
    parser.add_argument("--replicas", type=int, help="replicas (those of the plan)")
    parser.add_argument(
        "--policy", choices=("chunked", "prefill-first"), default="chunked", help="of the scheduler"
    )
    parser.add_argument(
        "--router",
        choices=("random", "round-robin", "least-outstanding", "prefix"),
        default="least-outstanding",
        help="how requests find a replica",
    )
    parser.add_argument(
        "--slo",
        default="server",
        help="limits such as ttft=0.5,tpot=0.05[,e2e=20][,share=0.99], or MLPerf's: interactive, "
        "server, long (server)",
    )
    parser.add_argument(
        "--size",
        nargs="?",
        const="plan",
        choices=("plan", "any"),
        help="find the fewest replicas that meet the limits: the plan's own, or `any` of other "
        "widths and chunks",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the requests (0)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def simulate(arguments: argparse.Namespace) -> None:
    """Print percentiles of the waits at a load, goodput, throughput and cost; or the sizing."""
    from groundup.cli.plan_commands import plan_stack
    from groundup.inference.sizing import cheapest, evaluate, most_per_s, size

    _check(arguments)
    stack = load_stack(arguments.stack, arguments.set)
    plan = plan_stack(stack, arguments.runs, 0, arguments.seed, Console())
    requests, rate = _requests(arguments, plan)
    option = _option(arguments, stack.inference, plan, requests)
    slo = parse_slo(arguments.slo, plan.facts)
    usd = _usd_per_hour(plan)
    if arguments.size:
        from groundup.inference.simulated_plan import slow_factor

        slow = slow_factor(plan.facts) or 1.0
        if arguments.size == "any":
            options = _options(arguments, stack.inference, plan, requests)
            sized = cheapest(requests, options, rate, slo, slow)
        else:
            sized = size(requests, option, rate, slo, slow)
        _print(arguments, _sized_json(sized, slo, usd), _sized_text(sized, slo, usd))
        return
    found = evaluate(requests, option.costs, option.fleet, rate, slo, arguments.seed)
    chips = option.accelerators * option.fleet.replicas
    most = most_per_s(requests, option.costs, option.fleet) * option.fleet.replicas
    said = _run_json(found, slo, chips, usd)
    said |= {"replicas": option.fleet.replicas, "asked_rate": rate, "capacity": most}
    _print(arguments, said, _run_text(found, slo, chips, usd, option, most))


def parse_slo(text: str, facts: Catalogue) -> Slo:
    """Limits from `ttft=0.5,tpot=0.05`, or by a published name; ConfigError for another word."""
    from groundup.inference.simulated import Slo
    from groundup.inference.simulated_plan import named_slo

    if "=" not in text:
        if f"inference.slo.{text}.ttft" not in facts:
            raise ConfigError(
                f"--slo {text}: allowed are interactive, server, long, or limits such as "
                "ttft=0.5,tpot=0.05"
            )
        return named_slo(text, facts)
    given: dict[str, float] = {}
    for part in text.split(","):
        name, _, value = part.partition("=")
        if name.strip() not in _LIMITS:
            raise ConfigError(f"--slo {part}: allowed are {', '.join(_LIMITS)}, each =seconds")
        try:
            given[name.strip()] = float(value)
        except ValueError:
            raise ConfigError(f"--slo {part}: {value!r} is not a number of seconds") from None
    return Slo(**given)


def _check(arguments: argparse.Namespace) -> None:
    for name, least in (("rate", 1e-9), ("requests", 20), ("replicas", 1)):
        value = getattr(arguments, name)
        if value is not None and not value >= least:
            raise ConfigError(f"--{name} {value}: allowed is at least {least:g}")


def _requests(arguments: argparse.Namespace, plan: Plan) -> tuple[Requests, float]:
    """What arrives, and how many a second: the rate asked for, the trace's own, or the plan's."""
    from groundup.inference.trace_file import read_trace
    from groundup.inference.traces import names, published, with_means

    ask, facts = plan.ask, plan.facts
    peak = ask["peak_calls_per_s"].value
    if arguments.trace is None:
        rate = arguments.rate or peak
        if not rate > 0:
            raise ConfigError("nobody calls: set apps.users above 0, or give --rate")
        prompt, output = ask["prompt_tokens"].value, ask["output_tokens"].value
        count, seed = arguments.requests, arguments.seed
        burst = arguments.variation
        found = with_means(prompt, output, count, rate, facts, variation=burst, seed=seed)
        return found, rate
    if arguments.trace in names(facts):
        rate = arguments.rate or peak
        found = published(arguments.trace, arguments.requests, facts, rate, arguments.seed)
        return found, rate
    found = read_trace(Path(arguments.trace)).first(arguments.requests)
    return found, arguments.rate or found.rate


def _option(arguments: argparse.Namespace, config: Any, plan: Plan, requests: Requests) -> Option:
    """The plan's replica with the lengths that arrive and the asked scheduler."""
    from groundup.facts.estimate import given
    from groundup.inference.costs_here import option_here
    from groundup.inference.planned import serving_of
    from groundup.inference.simulated_plan import option_of
    from groundup.systems.accelerator import accelerator

    if plan.model is None:
        raise ConfigError("the plan has no model to serve; state its shape under [models]")
    chip = accelerator(plan.accelerator, plan.facts)
    where = requests.name or "the trace"
    ask = plan.ask.with_(
        prompt_tokens=given(float(requests.prompt.mean()), "token/question", "prompt", where),
        output_tokens=given(float(requests.output.mean()), "token/question", "output", where),
    )
    if chip.measured:
        option = option_here(config, ask, plan.facts, plan.model, chip, arguments.replicas or 0)
    else:
        serving = serving_of(config, ask, plan.facts, 0, plan.model, chip)
        option = option_of(
            config, ask, plan.facts, serving.engine, serving.prefill, arguments.replicas or 0
        )
    rules = replace(option.fleet.scheduler, policy=arguments.policy)
    known = bool(requests.blocks)
    fleet = replace(
        option.fleet,
        scheduler=rules,
        router=arguments.router,
        prefix_cache=known,
        cached_share=0.0 if known else option.fleet.cached_share,
    )
    return replace(option, fleet=fleet)


def _options(
    arguments: argparse.Namespace, config: Any, plan: Plan, requests: Requests
) -> list[Option]:
    """Replicas of other widths, chunks and batches that hold the model, the plan's among them."""
    found = []
    for width in sorted({1, 2, 4, 8, config.accelerators_per_replica}):
        for chunk in sorted({512, 2048, config.chunk_tokens}):
            other = replace(
                config, accelerators_per_replica=width, data_parallel=1, chunk_tokens=chunk,
                batch=max(config.batch, 256),
            )  # fmt: skip
            try:
                option = _option(arguments, other, plan, requests)
            except (ConfigError, NoDataError):
                continue  # it does not fit, or the chip has no links
            found.append(replace(option, name=f"{width} accelerators, chunks of {chunk}"))
    return found


def _usd_per_hour(plan: Plan) -> float | None:
    """What the plan pays for an hour of one serving accelerator; None without a price."""
    cost = plan.layer("inference").cost
    if cost is None:
        return None
    hours = 365.25 * 24 * plan.ask["serving_accelerators"].value
    return cost.to("USD/year").value / hours if hours else None


def _print(arguments: argparse.Namespace, said: Mapping[str, Any], text: str) -> None:
    print(json.dumps(_plain(said), indent=1) if arguments.json else text)


def _plain(value: Any) -> Any:
    """The same without NaN and infinity, which JSON does not have."""
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _run_json(found: Simulated, slo: Slo, chips: float, usd: float | None) -> dict[str, Any]:
    from groundup.inference.sizing import usd_per_mtoken

    said = {**asdict(found), "slo": asdict(slo), "accelerators": chips}
    said["meets_slo"] = found.meets(slo)
    said["usd_per_million_tokens"] = None if usd is None else usd_per_mtoken(found, chips, usd)
    return said


def _run_text(
    found: Simulated, slo: Slo, chips: float, usd: float | None, option: Option, most: float
) -> str:
    fleet = option.fleet
    lines = [
        f"{found.rate:.4g} requests a second on {fleet.replicas} replicas ({chips:g} "
        f"accelerators), {fleet.scheduler.policy}, at most {fleet.scheduler.most} at once; "
        f"the fleet keeps up with {most:.4g} a second",
    ]
    if found.unstable:
        return "\n".join([*lines, found.unstable])
    lines.append(f"{'seconds':8}{'mean':>10}{'p50':>10}{'p90':>10}{'p99':>10}   p99 ±")
    for name in ("queue", "ttft", "gap", "tpot", "e2e"):
        spread = getattr(found, name)
        cells = (getattr(spread, field.name) for field in fields(spread)[:4])
        lines.append(
            f"{name:8}" + "".join(f"{cell:10.4g}" for cell in cells) + f"   {spread.margin[3]:.2g}"
        )
    lines.append(
        f"{found.output_per_s:.4g} tokens a second written, {found.batch:.3g} requests in progress "
        f"on a busy replica, busy {found.busy:.0%} of the time, {found.preempted} put back"
    )
    if fleet.prefix_cache or fleet.cached_share:
        lines.append(f"{found.hit:.0%} of prompt tokens found in the cache")
    limits = ", ".join(
        f"{name} {getattr(slo, name):g} s" for name in ("ttft", "tpot", "e2e")
        if math.isfinite(getattr(slo, name))
    )  # fmt: skip
    verdict = "met" if found.meets(slo) else "not met"
    lines.append(
        f"limits ({limits}) for {slo.share:.0%}: {verdict}; {found.met:.1%} meet them, "
        f"{found.goodput_per_s:.4g} requests a second"
    )
    if usd is not None:
        from groundup.inference.sizing import usd_per_mtoken

        lines.append(f"{usd_per_mtoken(found, chips, usd):.3g} USD for a million written tokens")
    return "\n".join(lines)


def _sized_json(sized: Sizing, slo: Slo, usd: float | None) -> dict[str, Any]:
    return {
        "option": sized.option.name, "replicas": sized.replicas,
        "accelerators": sized.accelerators, "load": sized.load,
        "headroom": sized.headroom, "warning": sized.warning,
        "at": _run_json(sized.at, slo, sized.accelerators, usd),
        "busier": asdict(sized.busier),
        "slow": None if sized.slow is None else asdict(sized.slow),
    }  # fmt: skip


def _sized_text(sized: Sizing, slo: Slo, usd: float | None) -> str:
    option = replace(sized.option, fleet=replace(sized.option.fleet, replicas=sized.replicas))
    most = sized.at.rate / sized.load if sized.load else math.inf
    lines = [
        f"fewest replicas: {sized.replicas} of {sized.option.name} ({sized.accelerators:g} "
        "accelerators), "
        f"{sized.load:.0%} of their capacity; limits hold up to {sized.headroom:.2g} times "
        "the load",
        _run_text(sized.at, slo, sized.accelerators, usd, option, most),
    ]
    busier = "grow without end" if sized.busier.unstable else f"{sized.busier.ttft.p99:.3g} s"
    lines.append(f"with 20 % more load: p99 TTFT {busier}, {sized.busier.met:.1%} meet the limits")
    if sized.warning:
        lines.append(f"careful: {sized.warning}")
    return "\n".join(lines)
