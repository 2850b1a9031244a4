"""What the benchmarks found, as tables of docs/performance.md, search-quality.md and README.md.

Between two comments that name a table stands what this file made of `results/`.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TOP = HERE.parent
HEAD = ("what", "benchmark", "Keras' `fit` or another peer", "ours", "ratio", "goal")
Row = tuple[str, ...]
_OPTUNA = "Optuna, Keras' `fit`, autolog"

_RULES = {
    "median, as before": "median, the earlier rule: 4 complete, 2 gains, from epoch 4",
    "median, 2 complete, 12 gains, from epoch 4": "**median, 2 complete, 12 gains, from epoch 4**",
}
"""Pruners of `pruning.json` that are named otherwise in its table."""


def load(name: str) -> dict[str, Any] | None:
    """A benchmark's file, or None where it never ran."""
    path = HERE / "results" / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def figures() -> str:
    """Every figure with its goal, as Markdown."""
    rows: list[Row] = [HEAD, ("---",) * len(HEAD)]
    makers = {
        "compiled": _compiled,
        "at_size": _at_size,
        "seeds_compiled": _seeds_compiled,
        "cost_model": _cost_model,
        "epoch": _epoch,
        "full": _full,
        "batch_256": _batch,
        "batch_2048": _batch,
        "batch_8192": _batch,
        "studies": _studies,
        "studies_default": _studies_default,
        "overhead": _overhead,
        "seeds": _seeds,
        "scale": _scale,
    }
    for name, make in makers.items():
        found = load(name)
        if found is not None:
            for what, *rest in make(found["found"]):
                rows.append((what, f"`{name}`", *(cell or "none" for cell in rest)))
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"{table}\n\n{_machines(makers)}"


def summary() -> str:
    """README's table of speed; empty before its benchmarks were run."""
    makers = {"compiled": _sample_epoch, "at_size": _full_epoch, "studies": _whole_studies}
    runs = {name: run for name in makers if (run := load(name)) is not None}
    if not runs:
        return ""
    peers = (
        "Keras' `fit`",
        "Optuna, with Keras' `fit` and MLflow's autolog",
        "Keras Tuner's random search, without MLflow",
    )
    head = ("what", "Trialbook", *peers)
    rows: list[Row] = [head, ("---",) * len(head)]
    rows += [makers[name](run["found"]) for name, run in runs.items()]
    hardware = "; ".join(sorted({run["machine"]["trialbook.hardware"] for run in runs.values()}))
    days = " and ".join(sorted({run["date"] for run in runs.values()}))
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"{table}\n\nMeasured on {days}, on {hardware}."


def _sample_epoch(found: dict[str, Any]) -> Row:
    pairs = found["cases"]["baseline, full batch"]["pairs"]
    ours, theirs = (
        statistics.median(pair[trainer]["epoch_s"] for pair in pairs)
        for trainer in ("compiled", "keras")
    )
    return (
        "an epoch of the baseline on the MovieLens sample",
        f"{ours:.3f} s",
        f"{theirs:.2f} s",
        "",
        "",
    )


def _full_epoch(found: dict[str, Any]) -> Row:
    baseline = found["cases"]["baseline as published"]
    ours, theirs = (
        f"{one['epoch_s']:.1f} s, {_gigabytes(one)}"
        for one in (baseline["compiled"], baseline["keras"])
    )
    rows = f"{baseline['keras']['train_rows']:,} made-up train rows"
    what = f"an epoch of the baseline at MUBI's size ({rows}), and its peak memory"
    return what, ours, theirs, "", ""


def _whole_studies(found: dict[str, Any]) -> Row:
    arms = {row["study"]: f"{row['trials_per_hour']:,.0f}" for row in found["rows"]}
    return (
        f"trials per hour of a whole study: {found['trials']} trials of at most "
        f"{found['epochs']} epochs, no models stored",
        arms["trialbook --keep-models=none --workers=auto"],
        "",
        arms["optuna no models"],
        arms["keras-tuner no MLflow"],
    )


def recommenders() -> str:
    """The winner of a study beside Surprise's recommenders, as a table; empty before it was run."""
    run = load("recommenders")
    if run is None:
        return ""
    found = run["found"]
    peers = sorted(found["peers"].items(), key=lambda pair: _mean(pair[1]["test"]))
    test = found["ours"]["test"]
    won, recipe = test["winner"], test["baseline"]
    spread = statistics.stdev(won["repeats"])
    rows = [
        ("the winner of the study", f"{found['ours']['valid']:.4f}", f"{won['rmse']:.4f}"),
        *((name, f"{each['valid']:.4f}", f"{_mean(each['test']):.4f}") for name, each in peers),
        ("the published recipe", "-", f"{recipe['rmse']:.4f}"),
    ]
    best = _mean(peers[0][1]["test"])
    error = spread / len(won["repeats"]) ** 0.5
    lines = ["| tuned | validation RMSE | test RMSE |", "| --- | --- | --- |"]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    beaten = "below" if won["rmse"] + 2 * error < best else "not clearly below"
    once = [name for name, each in peers if len(each["test"]) == 1]
    lines += [
        "",
        f"Each row was tuned with {found['trials']} trials on the sample, with the split "
        f"`published`. The test RMSE is the mean of {found['seeds']} seeds. "
        f"{' and '.join(once)} draw nothing at random, and were trained once.",
        "",
        f"- The winner is {beaten} the best recommender. The difference is "
        f"{best - won['rmse']:.4f}; twice the standard error over the winner's seeds is "
        f"{2 * error:.4f} (standard deviation: {spread:.4f}).",
        f"- The winner is {recipe['rmse'] - won['rmse']:.4f} below the published recipe. The goal "
        "was 0.03.",
        "",
        f"`make bench NAMES=recommenders`, {run['date']}.",
    ]
    return "\n".join(lines)


def family_recommenders() -> str:
    """The default study's winner beside the best of tuned Surprise, on each set of the family."""
    found = load("family_recommenders")
    if found is None:
        return ""
    head = ("data set", "half", "best recommender", "its test RMSE", "the winner's test RMSE")
    head = (*head, "difference, in standard errors")
    rows: list[Row] = [head, ("---",) * len(head)]
    for one in map(compared, sorted(found["found"], key=lambda each: each["half"] != "tuning")):
        rows.append(
            (
                f"`{one['set']}`",
                one["half"].replace("-", " "),
                one["best_peer"],
                _figures(one["theirs"]),
                _figures(one["ours"]),
                f"{one['errors']:+.1f}",
            )
        )
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def compared(one: dict[str, Any]) -> dict[str, Any]:
    """Of a set of the family: the winner's test RMSE beside the best recommender's.

    `errors` is their difference in standard errors of the winner's; seeds are averaged.
    """
    name, best = min(one["peers"].items(), key=lambda each: statistics.mean(each[1]["test"]))
    theirs, winner = statistics.mean(best["test"]), one["ours"]["test"]["winner"]
    error = (winner["high"] - winner["low"]) / (2 * 1.96)
    return {
        "set": one["set"],
        "half": one["half"],
        "best_peer": name,
        "theirs": theirs,
        "ours": winner["rmse"],
        "errors": (winner["rmse"] - theirs) / error,
        "seconds": one["ours"]["seconds"],
    }


def pruning() -> str:
    """How far studies under a time limit end from the best, by pruner and half of the family."""
    found = load("pruning")
    if found is None:
        return ""
    halves = {"tuning": "tuning half", "held_out": "held-out half"}
    orders = next(iter(found["found"]["tuning"]["regrets"].values()))
    told = {"random": "random order"}
    heads = (f"{half}, {told.get(order, order)}" for half in halves.values() for order in orders)
    head = ("pruner", *heads)
    rows: list[Row] = [head, ("---",) * len(head)]
    for rule in found["found"]["tuning"]["regrets"]:
        by_order = [
            found["found"][half]["regrets"][rule][each] for half in halves for each in orders
        ]
        name = _RULES.get(rule, rule)
        rows.append((name, *(", ".join(f"{each:.2f}" for each in one) for one in by_order)))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _figures(value: float) -> str:
    """Four significant digits."""
    return f"{value:.4g}"


def quality() -> str:
    """What every searcher found in the same time, as a table; empty before it was run."""
    run = load("search_quality")
    if run is None:
        return ""
    found = run["found"]
    head = ["searcher", *(f"best after {mark} s" for mark in (120, 300, 600))]
    head += ["test RMSE of its pick", "time to its best", "Trialbook's time to the same"]
    head += ["share of the time to its best", f"share of {found['seconds']:g} s"]
    lines = ["| " + " | ".join(head) + " |", "| --- " * len(head) + "|"]
    for row in found["rows"]:
        cells = [row["name"], *(_found(row.get(f"best_{mark}")) for mark in (120, 300, 600))]
        cells += [_found(row["test"]), f"{row['had']:.0f} s"]
        if "share" in row:
            at, share = row["reached"], row["share"]
            cells.append("never" if at is None else f"{at:.0f} s")
            whole = None if at is None else at / found["seconds"]
            cells += [_fifth(share), _fifth(whole)]
        else:
            cells += ["-", "-", "-"]
        lines.append("| " + " | ".join(cells) + " |")
    seeds = min(row["seeds"] for row in found["rows"])
    told = f"Figures are medians over {seeds} seeds" if seeds > 1 else "Figures are of one seed"
    told += ", where five are wanted" if seeds < 5 else ""
    machines = "; ".join(sorted({each["machine"] for each in found["runs"]}))
    lines += [
        "",
        f"{told}. `make bench NAMES=search_quality`, {run['date']}. Machines: {machines}.",
    ]
    return "\n".join(lines)


def _fifth(share: float | None) -> str:
    """A share beside the goal."""
    if share is None:
        return "a fifth: not met"
    return f"{share:.2f}" if share <= 0.2 else f"{share:.2f} (a fifth: not met)"


def _found(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def claims() -> str:
    """What `winner` claimed on made-up data, as a table; empty before it was run."""
    run = load("winner_claims")
    if run is None:
        return ""
    found = run["found"]
    head = ("made-up data sets", "what `winner` should do", "it did", "goal")
    rows: list[Row] = [
        head,
        ("---",) * len(head),
        (
            f"{found['sets']} of pure noise",
            "claim no win over the trivial predictors",
            f"{found['noise_without_a_claim']} times",
            "19",
        ),
        (
            f"{found['sets']} with one planted better configuration",
            "find that configuration, and confirm it on the test part",
            f"{found['planted_confirmed']} times",
            "19",
        ),
    ]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"{table}\n\n`make bench NAMES=winner_claims`, {run['date']}."


def rates() -> str:
    """How often `winner` claims what is not so, as a table; empty before it was run."""
    run = load("winner_rates")
    if run is None:
        return ""
    found = run["found"]
    claims = [*(f"p < {level:g}" for level in found["levels"]), "best"]
    head = ["noise of", "repeats", *(f"wrong {claim}" for claim in claims)]
    head += [f"right {claim}" for claim in claims]
    lines = ["| " + " | ".join(head) + " |", "| --- " * len(head) + "|"]
    for row in found["rows"]:
        wrong = [f"{row['wrong'][claim]:.1%}" for claim in claims]
        right = [f"{row['right'][claim]:.0%}" for claim in claims]
        cells = [row["noise"], str(row["repeats"]), *wrong, *right]
        lines.append("| " + " | ".join(cells) + " |")
    lines += [
        "",
        f"Each row rests on {found['sets']:,} made-up sets of errors for wrong claims, and on a "
        "tenth as many for right ones. The goal is that wrong claims are at most 1.3 times as "
        f"frequent as their level says: {_kept(found)}. `make bench NAMES=winner_rates`, "
        f"{run['date']}.",
    ]
    return "\n".join(lines)


def _kept(found: dict[str, Any]) -> str:
    """The largest ratio of wrong claims to their level, whatever noise dominates."""
    ratios = []
    for row in found["rows"]:
        levels = {f"p < {level:g}": level for level in found["levels"]} | {"best": 0.1}
        ratios += [row["wrong"][claim] / level for claim, level in levels.items()]
    worst = max(ratios)
    return f"the largest is {worst:.2f} times" + ("" if worst <= 1.3 else ", so it is not met")


def places() -> list[tuple[Path, str, str]]:
    """Every document, the name of what stands there, and its text; what was never run is not."""
    found = [
        (TOP / "docs" / "performance.md", "figures", figures()),
        (TOP / "README.md", "speed", summary()),
        (TOP / "docs" / "search-quality.md", "recommenders", recommenders()),
        (TOP / "docs" / "search-quality.md", "family_recommenders", family_recommenders()),
        (TOP / "docs" / "search-quality.md", "pruning", pruning()),
        (TOP / "docs" / "search-quality.md", "quality", quality()),
        (TOP / "docs" / "search-quality.md", "claims", claims()),
        (TOP / "docs" / "search-quality.md", "rates", rates()),
    ]
    return [place for place in found if place[2]]


def write() -> None:
    """Put the tables where they belong."""
    for path, name, text in places():
        path.write_text(placed(path.read_text(encoding="utf-8"), name, text), encoding="utf-8")


def placed(page: str, name: str, text: str) -> str:
    """A page with `text` between the comments that name a table."""
    begin, end = f"<!-- {name}: benchmarks/tables.py -->", f"<!-- end of {name} -->"
    head, _, rest = page.partition(begin)
    _, _, tail = rest.partition(end)
    return f"{head}{begin}\n{text}\n{end}{tail}"


def _epoch(found: dict[str, Any]) -> list[Row]:
    operations = found["pairs"][0]["operations"] / 1e9
    rows = f"{found['pairs'][0]['fast']['train_rows']:,} train rows"
    what = f"epoch, fast trainer, sample ({rows}): the baseline, full batch"
    ours = f"{_each(found, 'fast')} s"
    return [
        (what, f"{_each(found, 'keras')} s", ours, *_ratio(found, 4)),
        (
            f"the same epoch beside its matrix products alone ({operations:.2f} GFLOP)",
            f"products alone: {_list(p['products_s'] for p in found['pairs'])} s",
            ours,
            f"the products take {100 * found['share']:.0f} % of the epoch's time",
            _goal(found["share"] >= 0.55, "at least 55 %"),
        ),
    ]


def _full(found: dict[str, Any]) -> list[Row]:
    keras, fast = found["pairs"][0]["keras"], found["pairs"][0]["fast"]
    size = f"MUBI's size ({fast['train_rows']:,} made-up train rows)"
    what = f"epoch, fast trainer, {size}: the baseline, full batch"
    memory = _goal(fast["peak_mb"] <= 2500, "at most 2.5 GB")
    seconds = (f"{_each(found, trainer, 1)} s" for trainer in ("keras", "fast"))
    return [
        (what, *seconds, *_ratio(found, 2)),
        ("peak memory of that epoch", _gigabytes(keras), _gigabytes(fast), "", memory),
    ]


def _compiled(found: dict[str, Any]) -> list[Row]:
    rows = []
    for name, case in found["cases"].items():
        times = {
            trainer: _list((pair[trainer]["epoch_s"] for pair in case["pairs"]), 3)
            for trainer in ("keras", "compiled")
        }
        goal = _goal(case["ratio"] >= case["goal"], f"{case['goal']}")
        what = f"epoch, compiled trainer, sample: {name}"
        rows.append(
            (what, f"{times['keras']} s", f"{times['compiled']} s", f"{case['ratio']:.1f}", goal)
        )
    return rows


def _at_size(found: dict[str, Any]) -> list[Row]:
    """The baseline beside Keras; each network's epochs by batch size, and the largest memory."""
    most_s, most_mb, least = (found["goals"][name] for name in ("epoch_s", "peak_mb", "ratio"))
    baseline = found["cases"]["baseline as published"]
    keras, ours = (baseline[t]["epoch_s"] for t in ("keras", "compiled"))
    what = "epoch, compiled trainer, MUBI's size"
    small = baseline["compiled"]["peak_mb"] <= most_mb
    rows = [
        (
            f"{what}: the baseline, full batch",
            f"{keras:.1f} s",
            f"{ours:.1f} s",
            f"{keras / ours:.1f}",
            _goal(keras / ours >= least, f"{least}"),
        ),
        (
            "peak memory of that epoch",
            *(_gigabytes(baseline[trainer]) for trainer in ("keras", "compiled")),
            "",
            _goal(small, f"at most {most_mb / 1000:g} GB"),
        ),
    ]
    names = [name for name in found["cases"] if ", batches of " in name]
    for network in dict.fromkeys(name.split(", ")[0] for name in names):
        own = {n.split(" of ")[1]: found["cases"][n]["compiled"] for n in names
               if n.startswith(f"{network},")}  # fmt: skip
        times = ", ".join(f"{one['epoch_s']:.1f}" for one in own.values())
        peak = max(one["peak_mb"] for one in own.values())
        slow = max(one["epoch_s"] for one in own.values()) > most_s
        goal = f"at most {most_s} s and {most_mb / 1000:g} GB"
        goal = _goal(not slow and peak <= most_mb, goal)
        sizes = ", ".join(f"{int(size):,}" if size.isdigit() else "all rows" for size in own)
        told = f"{times} s; at most {peak / 1000:.1f} GB"
        rows.append((f"{what}, `lazy_adam`: {network}, batches of {sizes}", "", told, "", goal))
    return rows


def _cost_model(found: dict[str, Any]) -> list[Row]:
    """How far the estimates of epochs are off, as factors."""
    what = (
        "an epoch's time as it is estimated before training, against its measured time: "
        f"{found['compared']} configurations drawn from the default space"
    )
    median, most = f"{found['median']:.2f}", f"{found['nine_in_ten']:.2f}"
    off = f"the median estimate is off by a factor of {median}; 90 % are off by at most {most}"
    return [(what, "", off, "", "")]


def _seeds_compiled(found: dict[str, Any]) -> list[Row]:
    rows = []
    for name, case in found["cases"].items():
        low, high = case["interval"]
        means = {t: f"{statistics.mean(v):.4f}" for t, v in case["values"].items()}
        rows.append(
            (
                f"mean validation RMSE over {len(case['values']['fast'])} paired seeds, "
                f"compiled trainer beside the fast trainer: {name}",
                f"{means['fast']} (fast trainer)",
                f"{means['compiled']} (compiled trainer)",
                f"{case['mean_difference']:+.4f} ({low:+.4f} to {high:+.4f}), "
                f"p = {case['t_test_p']:.2f}",
                _goal(case["t_test_p"] >= 0.05, "no difference at 5 %"),
            )
        )
    return rows


def _batch(found: dict[str, Any]) -> list[Row]:
    size = f"{int(found['batch_size']):,} rows"
    what = f"epoch, fast trainer, sample: the baseline, shuffled batches of {size}"
    keras, fast = _each(found, "keras"), _each(found, "fast")
    return [(what, f"{keras} s", f"{fast} s", *_ratio(found, 3))]


def _studies(found: dict[str, Any]) -> list[Row]:
    arms = {row["study"]: row for row in found["rows"]}

    def hourly(arm: str) -> str:
        return f"{arms[arm]['trials_per_hour']:.0f}"

    def ratio(ours: str, peer: str) -> float:
        """The median of the rounds' ratios."""
        pairs = zip(arms[peer]["seconds"], arms[ours]["seconds"], strict=True)
        return statistics.median(theirs / mine for theirs, mine in pairs)

    rows = []
    plain = "trialbook --keep-models=none --workers=auto"
    for models, flag in (("no models", "--keep-models=none"), ("models", "--keep-models=all")):
        one, peer = f"trialbook {flag}", f"optuna {models}"
        faster = ratio(f"{one} --workers=auto", peer)
        rows.append(
            (
                f"trials per hour: {found['trials']} trials of at most {found['epochs']} epochs, "
                f"{models} logged",
                f"{hourly(peer)} ({_OPTUNA})",
                f"{hourly(f'{one} --workers=auto')} with `--workers auto`, "
                f"{hourly(one)} with one worker",
                f"{faster:.1f} with `--workers auto`",
                _goal(faster >= 4.5, "4.5"),
            )
        )
    faster = ratio(plain, "keras-tuner no MLflow")
    rows.append(
        (
            f"trials per hour: {found['trials']} trials of at most {found['epochs']} epochs, "
            "no models logged, peer without MLflow",
            f"{hourly('keras-tuner no MLflow')} (Keras Tuner's random search)",
            f"{hourly(plain)} with `--workers auto`",
            f"{faster:.1f}",
            _goal(faster >= 4.5, "4.5"),
        )
    )
    pruned = f"{plain} --pruner=median"
    more = f"{ratio(pruned, plain):.2f} times as many as without a pruner"
    what = (
        f"trials per hour: {found['trials']} trials of at most {found['epochs']} epochs, "
        "no models logged, pruner `median`"
    )
    rows.append((what, "", f"{hourly(pruned)} with `--workers auto`", more, ""))
    return rows


def _studies_default(found: dict[str, Any]) -> list[Row]:
    arms = {row["study"]: row for row in found["rows"]}
    rows = []
    for models, flag in (("no models", "--keep-models=none"), ("models", "--keep-models=all")):
        peer, ours = arms[f"optuna {models}"], arms[f"trialbook {flag} --workers=auto"]
        pairs = zip(peer["seconds"], ours["seconds"], strict=True)
        faster = statistics.median(theirs / mine for theirs, mine in pairs)
        rows.append(
            (
                f"trials per hour: {found['trials']} configurations of the default space, at most "
                f"{found['epochs']} epochs, {models} logged",
                f"{peer['trials_per_hour']:.0f} ({_OPTUNA})",
                f"{ours['trials_per_hour']:.0f} with `--workers auto`",
                f"{faster:.1f}",
                _goal(faster >= 15, "15"),
            )
        )
    return rows


def _overhead(found: dict[str, Any]) -> list[Row]:
    rows = []
    first = found["rows"][0]
    studies = load("studies")
    what = f"cost of a trial beside its training, {found['epochs']} epochs"
    for row in found["rows"]:
        ours = f"{row['wall_ms']:.0f} ms ({row['cpu_ms']:.0f} ms of CPU time)"
        ours += f"; the study's end: {row['end_s']:.1f} s"
        stored = f"{row['stored']:,} trials stored before"
        if row.get("models"):
            more = "sampler `tpe`, pruner `median`, a model kept"
            rows.append((f"{what}, {more}; {stored}", "", ours, "", ""))
            continue
        if row is not first:
            grown = row["wall_ms"] / first["wall_ms"]
            told = f"{grown:.1f} times as much as with {first['stored']}"
            goal = _goal(grown <= 2, "at most 2")
            rows.append((f"{what}, no model; {stored}", "", ours, told, goal))
            continue
        share = 1.0
        if studies:
            arm = next(r for r in studies["found"]["rows"] if "keep-models=none" in r["study"])
            a_trial = statistics.median(arm["seconds"]) / studies["found"]["trials"]
            share = row["wall_ms"] / 1000 / a_trial
        goals = [
            _goal(row["wall_ms"] <= 60, "60 ms"),
            _goal(row["wall_ms"] <= 120 or share <= 0.03, "the earlier goal, 120 ms or 3 %"),
        ]
        told = f"{100 * share:.1f} % of a trial's time in `studies`" if studies else ""
        process = f"a process's first trial: {row['first_wall_ms']:.0f} ms"
        rows.append((f"{what}, no model; {stored} ({process})", "", ours, told, "; ".join(goals)))
    return rows


def _seeds(found: dict[str, Any]) -> list[Row]:
    low, high = found["interval"]
    keras, fast = (_mean(found["values"][name]) for name in ("keras", "fast"))
    same = _goal(found["t_test_p"] > 0.05, "no difference at 5 %")
    told = (
        f"{found['mean_difference']:+.4f} ({low:+.4f} to {high:+.4f}), p = {found['t_test_p']:.2f}"
    )
    what = (
        f"mean validation RMSE over {len(found['values']['fast'])} paired seeds, "
        "fast trainer beside Keras' `fit`: baseline"
    )
    return [(what, f"{keras:.4f} (Keras' `fit`)", f"{fast:.4f} (fast trainer)", told, same)]


def _scale(found: dict[str, Any]) -> list[Row]:
    power = found["exponents"]["rows"]
    rows = [p for p in found["points"] if (p["axis"], p["trainer"]) == ("rows", "fast")]
    last = rows[-1]
    size = f"{last['value']:,} made-up ratings ({last['train_rows']:,} train rows)"
    what = f"epoch, fast trainer, {size}: the baseline, full batch"
    told = f"{last['epoch_s']:.1f} s, {_gigabytes(last)}"
    growth = f"time grows with the rows to the power of {power:.2f}"
    return [(what, "", told, growth, _goal(power <= 1.05, "linear: a power of at most 1.05"))]


def _ratio(found: dict[str, Any], least: float) -> tuple[str, str]:
    return f"{found['ratio']:.2f}", _goal(found["ratio"] >= least, f"{least:g}")


def _goal(met: bool, goal: str) -> str:
    return goal if met else f"{goal}: not met"


def _each(found: dict[str, Any], trainer: str, digits: int = 3) -> str:
    return _list((pair[trainer]["epoch_s"] for pair in found["pairs"]), digits)


def _middle(found: dict[str, Any], trainer: str) -> float:
    return statistics.median(pair[trainer]["epoch_s"] for pair in found["pairs"])


def _list(seconds: Any, digits: int = 3) -> str:
    return ", ".join(f"{each:.{digits}f}" for each in seconds)


def _gigabytes(row: dict[str, Any]) -> str:
    return f"{row['peak_mb'] / 1000:.1f} GB"


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _machines(names: Iterable[str]) -> str:
    """The machines and libraries on which benchmarks ran, with the days."""
    ran: dict[str, list[str]] = {}
    for name in names:
        run = load(name)
        if run is None:
            continue
        machine = run["machine"]
        versions = json.loads(machine["trialbook.versions"])
        libraries = ", ".join(f"{n} {v}" for n, v in versions.items() if n != "trialbook")
        python = f"Python {machine['trialbook.python']}"
        where = "; ".join((machine["trialbook.hardware"], python, libraries, run["date"]))
        ran.setdefault(where, []).append(f"`{name}`")
    return "\n\n".join(f"{', '.join(which)}: {where}." for where, which in ran.items())
