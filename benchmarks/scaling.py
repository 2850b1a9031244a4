"""How many trials a second many workers get through, and how long they wait to be given one.

    python benchmarks/scaling.py [--trials 2048] [--before 20000] [--processes 4] [--threads 16]

The workers train nothing: a made-up trial lasts 100 ms. All else is as in a study: the lock, the
leases, the counting, the sampler, what is stored of a trial. The record is switched off in one arm
and on in another. Beside them plain Optuna runs as many threads on the same server, with the same
sampler and the same parameters. With `--before` the study has so many finished trials already,
which are copies of its first one.

What is timed: `ask`, from wanting a trial to having its parameters stored, the reading of the study
before it included; `tell`, from its end to having that stored. Trials a second are counted from the
first trial's start to the last one's end.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(ROOT / "tests" / "support"))

from copied_runs import copy_runs  # noqa: E402

LASTS_S = 0.1
NAME = "load"
DATA = "synthetic:0.002"


def main() -> None:
    arguments = _arguments()
    if arguments.arm:
        figures = ARMS[arguments.arm](arguments)
        Path(arguments.out).write_text(json.dumps(figures), encoding="utf-8")
        return
    from postgres import Server

    results = []
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder))
        try:
            for arm in arguments.arms:
                results.append(_run(arm, server, Path(folder), arguments))
                if not arguments.json:
                    print(_line(results[-1]), flush=True)
        finally:
            server.close()
    if arguments.json:
        print(json.dumps(results, indent=1))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=2048)
    parser.add_argument("--before", type=int, default=0, help="finished trials to begin with")
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--threads", type=int, default=16, help="workers in each process")
    parser.add_argument("--arms", nargs="+", default=["optuna", "ours", "recorded"])
    parser.add_argument("--sampler", default="random")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--arm", help=argparse.SUPPRESS)
    parser.add_argument("--storage", help=argparse.SUPPRESS)
    parser.add_argument("--record", help=argparse.SUPPRESS)
    parser.add_argument("--home", help=argparse.SUPPRESS)
    parser.add_argument("--out", help=argparse.SUPPRESS)
    return parser.parse_args()


def _run(arm: str, server: Any, folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Run one arm with all its processes; return its figures."""
    import optuna
    from sqlalchemy.pool import NullPool

    from tracking import Store, with_driver

    plain, record = server.database(), server.database()
    storage = with_driver(plain)
    if arm == "recorded":
        Store(folder / "made", record).prepare()
    opened = optuna.storages.RDBStorage(storage, engine_kwargs={"poolclass": NullPool})
    if arm == "optuna":
        study = optuna.create_study(study_name=NAME, storage=opened)
        study.tell(study.ask(fixed_distributions=_distributions()), 0.9)
    else:
        _first(arm, storage, record, folder, arguments)
    _fill(server, plain, arguments.before)
    if arm == "recorded" and arguments.before:
        copy_runs(record, arguments.before)
    processes = []
    for number in range(arguments.processes):
        out = folder / f"{arm}-{number}.json"
        more = ["--arm", arm, "--storage", storage, "--record", record, "--out", str(out)]
        more += ["--home", str(folder / f"{arm}-{number}")]
        for name in ("trials", "before", "processes", "threads", "sampler"):
            more += [f"--{name}", str(getattr(arguments, name))]
        processes.append((subprocess.Popen([sys.executable, __file__, *more]), out))
    if sum(process.wait() for process, _ in processes):
        raise SystemExit(f"A process of the arm `{arm}` failed.")
    told = [json.loads(out.read_text(encoding="utf-8")) for _, out in processes]
    return _figures(arm, opened, told, arguments)


def _first(
    arm: str, storage: str, record: str, folder: Path, arguments: argparse.Namespace
) -> None:
    """Have the study made with its first trial, before anything is timed."""
    more = ["--arm", arm, "--storage", storage, "--record", record, "--trials", "0"]
    more += ["--home", str(folder / f"{arm}-first"), "--out", str(folder / "first.json")]
    more += ["--sampler", arguments.sampler, "--threads", "1"]
    subprocess.run([sys.executable, __file__, *more], check=True)


_COPIES = (
    "INSERT INTO trials (number, study_id, state, datetime_start, datetime_complete) "
    "SELECT n, study_id, state, datetime_start, datetime_complete FROM trials, "
    "generate_series(1, {count}) n WHERE number = 0",
    "INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json) "
    "SELECT t.trial_id, param_name, param_value, distribution_json FROM trial_params p, trials t "
    "WHERE p.trial_id = {first} AND t.number > 0",
    "INSERT INTO trial_values (trial_id, objective, value, value_type) "
    "SELECT t.trial_id, objective, value, value_type FROM trial_values v, trials t "
    "WHERE v.trial_id = {first} AND t.number > 0",
    "INSERT INTO trial_user_attributes (trial_id, key, value_json) SELECT t.trial_id, key, "
    "CASE key WHEN 'trialbook:slot' THEN t.number::text WHEN 'trialbook:run' "
    "THEN '\"' || lpad(to_hex(t.number), 32, '0') || '\"' ELSE value_json END "
    "FROM trial_user_attributes a, trials t WHERE a.trial_id = {first} AND t.number > 0",
    "ANALYZE",
)


def _fill(server: Any, address: str, count: int) -> None:
    """Copy a study's only trial."""
    ((first,),) = server.ask(address, "SELECT trial_id FROM trials")
    for statement in _COPIES if count else ():
        server.ask(address, statement.format(count=count, first=first))


def _figures(
    arm: str, storage: Any, told: list[dict[str, Any]], arguments: argparse.Namespace
) -> dict[str, Any]:
    import numpy as np
    import optuna

    trials = optuna.load_study(study_name=NAME, storage=storage).get_trials(deepcopy=False)
    done = [t for t in trials[1 + arguments.before :] if t.state.name == "COMPLETE"]
    began = min(trial.datetime_start for trial in done)
    seconds = (max(trial.datetime_complete for trial in done) - began).total_seconds()
    figures: dict[str, Any] = {
        "arm": arm, "sampler": arguments.sampler, "before": arguments.before, "trials": len(done),
        "workers": arguments.processes * arguments.threads,
        "seconds": round(seconds, 1), "trials_a_second": round(len(done) / seconds, 1),
    }  # fmt: skip
    for what in ("ask", "tell"):
        times = np.array([value for each in told for value in each[what]])
        figures[f"{what}_ms"] = {
            "median": round(1000 * float(np.median(times)), 1),
            "p99": round(1000 * float(np.quantile(times, 0.99)), 1),
            "median_of_last_tenth": round(
                1000 * float(np.median([v for t in told for v in t[what][-len(t[what]) // 10 :]])),
                1,
            ),
        }
    return figures


def _line(figures: dict[str, Any]) -> str:
    ask, tell = figures["ask_ms"], figures["tell_ms"]
    return (
        f"{figures['arm']}: {figures['trials']} trials of {figures['workers']} workers after "
        f"{figures['before']}, "
        f"{figures['trials_a_second']} a second; ask {ask['median']:.0f} ms "
        f"(p99 {ask['p99']:.0f}, at the end {ask['median_of_last_tenth']:.0f}), "
        f"tell {tell['median']:.0f} ms (p99 {tell['p99']:.0f})"
    )


def plain_optuna(arguments: argparse.Namespace) -> dict[str, Any]:
    """As many threads of plain Optuna: ask with the parameters, wait, tell."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = optuna.storages.RDBStorage(
        arguments.storage,
        engine_kwargs={"pool_size": 16, "max_overflow": -1},
    )
    sampler = {
        "random": optuna.samplers.RandomSampler,
        "tpe": lambda: optuna.samplers.TPESampler(multivariate=True, group=True),
    }[arguments.sampler]()
    study = optuna.load_study(study_name=NAME, storage=storage, sampler=sampler)
    space = _distributions()
    asks: list[float] = []
    tells: list[float] = []
    each = arguments.trials // (arguments.processes * arguments.threads)

    def work() -> None:
        for _ in range(each):
            began = time.perf_counter()
            trial = study.ask(fixed_distributions=space)
            asks.append(time.perf_counter() - began)
            time.sleep(LASTS_S)
            began = time.perf_counter()
            study.tell(trial, sum(map(hash, trial.params.values())) % 1000 / 1000)
            tells.append(time.perf_counter() - began)

    threads = [threading.Thread(target=work) for _ in range(arguments.threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"ask": asks, "tell": tells}


def _distributions() -> dict[str, Any]:
    """About as many parameters as a trial of the default space has."""
    from optuna.distributions import CategoricalDistribution as Choice
    from optuna.distributions import FloatDistribution as Float
    from optuna.distributions import IntDistribution as Int

    return {
        "family": Choice(["mlp", "gmf", "neumf"]), "factors": Int(4, 64, log=True),
        "optimizer": Choice(["adam", "adamw", "nadam", "rmsprop", "lazy_adam"]),
        "learning_rate": Float(1e-4, 1e-1, log=True), "schedule": Choice(["constant", "cosine"]),
        "batch_size": Choice([256, 1024, 4096]), "l2_embedding": Float(1e-6, 1e-2, log=True),
        "l2_rating": Float(1e-4, 1e-1, log=True), "l2_bias": Float(1e-6, 1e-2, log=True),
        "dropout": Float(0.0, 0.5), "output": Choice(["linear", "sigmoid"]),
        "table_rate": Float(0.5, 4.0, log=True),
    }  # fmt: skip


class Pretended:
    """A supervisor without a child: a trial lasts 100 ms, and its value is made up."""

    role = "alone"

    def __init__(self, ready: Any) -> None:
        self._ready = ready
        self._until = 0.0
        self._task: Any = None

    def __getattr__(self, name: str) -> Any:
        """`start`, `close`, `change`, `reply`: nothing is to be done."""
        return lambda *_, **__: None

    def ready_unless(self, is_over: Any) -> Any:
        return self._ready

    def log_tail(self) -> str:
        return ""

    def submit(self, task: Any, is_over: Any) -> bool:
        self._task, self._until = task, time.monotonic() + LASTS_S
        return True

    def poll(self, timeout_s: float) -> Any:
        from search.child.messages import Done

        time.sleep(max(0.0, self._until - time.monotonic()))
        value = 0.8 + self._task.seed % 1000 / 5000
        metrics = {"best_epoch": 1.0, "epochs_run": 1.0, "seconds_train": LASTS_S}
        return Done(end_reason="epochs", value=value, metrics=metrics, trainer="compiled")


def ours(arguments: argparse.Namespace, *, recorded: bool = False) -> dict[str, Any]:
    """As many workers of Trialbook, whose children are made up."""
    from search.child.messages import ALONE
    from search.config.study import StudyConfig
    from search.executor.interrupts import interruptible
    from search.executor.supervisor import Supervisor
    from search.storage.studies import Studies
    from search.study import session as module
    from search.study.asking import Asking
    from search.study.request import Request
    from search.trial.objective import Objective
    from search.trial.progress import Silent
    from tracking import Store

    config = StudyConfig(
        name=NAME, trials=1 + arguments.before + arguments.trials, data=DATA,
        sampler=arguments.sampler, pruner="none", keep_models="none", epochs=1,
        workers=arguments.threads, storage=arguments.storage, duplicates="repeat", recipes=False,
    )  # fmt: skip
    first = Supervisor(config, role=ALONE)
    first.start()
    ready = first.ready()
    first.close()
    studies = Studies(
        Store(Path(arguments.home), arguments.record if recorded else None), arguments.storage
    )
    if not recorded:
        studies.spooled = lambda *_, **__: _Off()  # type: ignore[method-assign]
    asks: list[float] = []
    tells: list[float] = []
    waiting = threading.local()
    asked, propose, conclude = Asking.next, Objective._propose, Objective._conclude
    read_together = module.read_together

    def read(study: Any) -> Any:
        began = time.perf_counter()
        seen = read_together(study)
        waiting.read = time.perf_counter() - began
        return seen

    def next_(self: Any, seen: Any = None) -> Any:
        began = time.perf_counter()
        trial = asked(self, seen)
        waiting.spent = vars(waiting).pop("read", 0.0) + time.perf_counter() - began
        return trial

    def proposed(self: Any, *given: Any) -> Any:
        began = time.perf_counter()
        plan = propose(self, *given)
        asks.append(waiting.spent + time.perf_counter() - began)
        return plan

    def concluded(self: Any, *given: Any) -> Any:
        began = time.perf_counter()
        record = conclude(self, *given)
        tells.append(time.perf_counter() - began)
        return record

    module.read_together = read  # type: ignore[assignment]
    Asking.next = next_  # type: ignore[method-assign]
    Objective._propose = proposed  # type: ignore[method-assign]
    Objective._conclude = concluded  # type: ignore[method-assign]
    module.Supervisor = lambda *_, **__: Pretended(ready)  # type: ignore[assignment,misc]
    with interruptible() as stop:
        begun: Any = Pretended(ready)
        module.Session(config, studies, begun, Silent(), stop, Request(owns_process=True)).run()
    return {"ask": asks, "tell": tells}


def _Off() -> Any:
    """A record that is switched off, as the study's process knows it."""
    from tracking import NullRecorder

    class Off(NullRecorder):
        delivery = type(
            "Nothing", (), {
                "waiting": 0, "trouble": "", "flush": lambda self, is_over: True,
                "add_work": lambda self, work: None,
            },
        )()  # fmt: skip

        def make_folder(self) -> Path:
            return Path(tempfile.mkdtemp(prefix="trialbook-"))

        def begin(self) -> None: ...
        def close(self, timeout_s: float = 0.0) -> None: ...

        def left(self) -> list[Any]:
            return []

        def has_left(self) -> bool:
            return False

        def others_work(self) -> bool:
            return False

    return Off()


def recorded(arguments: argparse.Namespace) -> dict[str, Any]:
    """The same with the record, in a database on the same server."""
    return ours(arguments, recorded=True)


ARMS = {"optuna": plain_optuna, "ours": ours, "recorded": recorded}

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main()
