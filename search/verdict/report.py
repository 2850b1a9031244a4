"""Keeps a verdict in MLflow: a run beside the trials, a picture, a model card, a model."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

from search.verdict.uncertainty import CLAIM
from search.verdict.verdict import Candidate, TestScore, Verdict
from tracking import (
    EVIDENCE,
    DatasetRecord,
    Evidence,
    ModelFolder,
    Recorder,
    Scored,
    StudyRecord,
    TrialRecord,
    draw_verdict,
)
from tracking.scratch import scratch_folder
from tracking.texts import cell, markdown

_METHOD = (
    "Intervals are of 95 %, over users and seeds: two crossed random factors, the seeds' part with "
    "a t distribution of one degree of freedom less than there are seeds."
)
_NAMES = {"global_mean": "global mean", "biases": "user and movie biases"}


def store_verdict(
    verdict: Verdict,
    study: StudyRecord,
    recorder: Recorder,
    *,
    trial: TrialRecord,
    model: ModelFolder | None,
) -> Verdict:
    """Record a verdict in MLflow, and register the winner's model there.

    Args:
        verdict: What was decided.
        study: The study.
        recorder: Writes the study's record.
        trial: The winner's trial.
        model: The model to register; None where it is gone.

    Returns:
        The verdict with its run and its model's name and version.
    """
    card = model_card(verdict, study, trial)
    with scratch_folder("verdict") as folder:
        (folder / "winner.json").write_text(json.dumps(verdict.to_json(), indent=2) + "\n")
        (folder / EVIDENCE).write_text(json.dumps(asdict(evidence(verdict)), indent=2) + "\n")
        (folder / "model_card.md").write_text(card, encoding="utf-8")
        _draw(verdict, folder / "winner.png")
        run_id, registered = recorder.log_verdict(
            study, folder=folder, metrics=_metrics(verdict), model=model, card=card
        )
    return replace(verdict, run_id=run_id, model=registered)


def _draw(verdict: Verdict, path: Path) -> None:
    """Draw the winner's RMSE, and the baseline's where it is a bar, from search to test part."""
    scores = {score.name: score for score in verdict.test}
    bars = [c for c in verdict.candidates if c.is_baseline and "baseline" in scores]
    shown = [verdict.winner, *bars]
    lines = []
    for candidate in dict.fromkeys(shown):
        test = scores["winner" if candidate.number == verdict.number else "baseline"]
        label = "baseline" if candidate.is_baseline else f"trial {candidate.number}"
        around = (test.low, test.rmse, test.high)
        lines.append((label, candidate.searched, candidate.repeats, around))
    levels = [(_NAMES[name], scores[name].rmse) for name in _NAMES if name in scores]
    title = f"{verdict.study}: trial {verdict.number}, from the search to the test part"
    draw_verdict(path, lines=lines, levels=levels, title=title)


def _metrics(verdict: Verdict) -> dict[str, float]:
    """The MLflow metrics, by name, of the run that records the winner."""
    winner = verdict.winner
    metrics = {
        "searched_val_rmse": winner.searched,
        "repeated_val_rmse": winner.mean,
        "probability_of_best": winner.probability,
    }
    return metrics | {f"test_rmse_{score.name}": score.rmse for score in verdict.test}


def headline(verdict: Verdict) -> str:
    """Say in one sentence who won, and how sure that is."""
    winner = verdict.winner
    what = _who(winner)
    if verdict.tie:
        tied = [each for each in verdict.candidates if each.number in verdict.tie]
        others = [_who(each) for each in tied if each is not winner]
        named = ", ".join(others) or "others"
        return (
            f"A tie: {what} has the lowest mean, but is the best with a "
            f"probability of {winner.probability:.0%} only; so may be {named}."
        )
    what, count = what[0].upper() + what[1:], len(verdict.candidates)
    return f"{what} is the best of {count} candidates ({_sure(winner)})."


def _who(candidate: Candidate) -> str:
    return "the baseline" if candidate.is_baseline else f"trial {candidate.number}"


def _sure(winner: Candidate) -> str:
    """The probability that the winner is the best, as text: "probability 87%"."""
    chance = winner.probability
    return "probability above 99 %" if chance > 0.99 else f"probability {chance:.0%}"


def claims(verdict: Verdict) -> list[str]:
    """Say for each other predictor if the winner beats it on the test part, for which p decides.

    Args:
        verdict: With scores of the test part, the winner's first.
    """
    lines = []
    for score in verdict.test[1:]:
        name = f"the {_NAMES.get(score.name, score.name)}"
        difference = score.rmse - verdict.test[0].rmse
        beats = verdict.beats(score.name)
        if difference < 0:
            lines.append(f"is worse than {name} on the test part (by {-difference:.4f})")
            continue
        verb = "beats" if beats else "is not shown to beat"
        found = _p(score) if beats else f"{_p(score)}, and a claim needs p < {CLAIM:g}"
        lines.append(f"{verb} {name} on the test part (by {difference:+.4f}, {found})")
    return lines


def _p(score: TestScore) -> str:
    """The p-value of a score, as text: "p = 0.012"."""
    if score.p_value is None:
        return "p not known"
    return "p below 0.001" if score.p_value < 0.001 else f"p = {score.p_value:.3f}"


def evidence(verdict: Verdict) -> Evidence:
    """A verdict as a report shows it.

    Args:
        verdict: What was decided; without scores of the test part while that is being opened.
    """
    candidates = tuple(
        Scored(
            name="baseline" if each.is_baseline else f"trial {each.number}",
            low=each.low,
            value=each.mean,
            high=each.high,
            searched=each.searched,
            probability=each.probability,
        )
        for each in verdict.candidates
    )
    test = tuple(
        Scored(
            name=f"trial {verdict.number}" if each.name == "winner" else _told(each.name),
            low=each.low,
            value=each.rmse,
            high=each.high,
        )
        for each in verdict.test
    )
    lines = [f"The winner {claim}." for claim in claims(verdict)] if verdict.test else []
    return Evidence(
        headline=headline(verdict),
        candidates=candidates,
        test=test,
        lines=(*lines, *verdict.left_out, _METHOD),
        opened=verdict.opened,
        model=verdict.model,
    )


def _told(name: str) -> str:
    return _NAMES.get(name, name)


def model_card(verdict: Verdict, study: StudyRecord, trial: TrialRecord) -> str:
    """Write the card of the registered model in Markdown.

    Args:
        verdict: What was decided, with scores of the test part.
        study: The study.
        trial: The winner's trial.

    Returns:
        What the model predicts, its scores, data, configuration and limits.
    """
    lines = [
        f"# {markdown(study.name)}: trial {trial.number}",
        "",
        "Predicts a rating from a user's and a movie's identifier.",
        "",
        headline(verdict),
        *(f"- The winner {claim}." for claim in claims(verdict)),
        *(f"- {line}" for line in verdict.left_out),
        "",
        *_scores(verdict),
        "",
        "## Data",
        "",
        *_data(study.dataset),
        "",
        "## Configuration",
        "",
        "| parameter | value |",
        "| --- | --- |",
        *(f"| {cell(name)} | {cell(str(value))} |" for name, value in sorted(trial.params.items())),
        "",
        "## Limits",
        "",
        "Users and movies that the train part lacks share one vector each: their predictions are "
        "hardly better than a mean. Who rates, and what, is not a random sample.",
    ]
    return "\n".join(lines) + "\n"


def _scores(verdict: Verdict) -> list[str]:
    """The lines of a model card with the winner's RMSE in search, validation and test."""
    winner, test = verdict.winner, verdict.test[0]
    trained = "train and validation part" if verdict.refitted else "train part"
    return [
        "| RMSE | |",
        "| --- | --- |",
        f"| {verdict.searched_on}, in the search | {winner.searched:.4f} |",
        f"| validation, mean of {len(winner.repeats)} new seeds | {winner.mean:.4f} |",
        f"| test, mean of the same | {test.rmse:.4f} ({test.low:.4f} to {test.high:.4f}) |",
        "",
        f"The test part was opened once, at {verdict.opened}. This model was trained on the "
        f"{trained}. {_METHOD}",
    ]


def _data(dataset: DatasetRecord | None) -> list[str]:
    """The line of a model card on the ratings; empty where they are not known."""
    if dataset is None:
        return []
    made_up = " (made up, not measured)" if dataset.synthetic else ""
    return [f"{markdown(dataset.name)}, SHA-256 {dataset.content_hash}{made_up}"]
