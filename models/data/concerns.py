"""Say in words what makes ratings hopeless for a study, with the count and the way out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from models.checks import count_of
from models.data.marks import ScoreCounts, marks_of
from models.data.ratings import Ratings
from models.data.repeats import pair_keys
from models.data.split import GIVEN, Split

_MANY_SINGLES = 0.1
_MANY_UNSEEN = 0.2
_FEW_VALIDATED = 100
_FEW_SCORES = 20
_SAME = 0.9
_ONE_USER = 0.2
_TIMES_ALIKE = 0.5
_LIKE_TIMES = 1e8
_HEAVY_TAIL = 20.0
_BY_TIME = ("temporal", "leave-last-out")
_NO_IDS = frozenset({"nan", "none", "null", "na", "n/a", "unknown", "undefined", "anonymous", "?"})


def concerns(ratings: Ratings, split: Split | None = None) -> tuple[str, ...]:
    """List what a user should know before a study: one line each, with the count and the way out.

    Args:
        ratings: The ratings.
        split: Their split; None to look at the ratings alone.

    Returns:
        The lines; none for ratings that are as usual.

    Example:
        >>> from models.data import load_ratings
        >>> concerns(load_ratings("ratings.csv"))
        ()
    """
    scores = ScoreCounts.of(ratings.scores)
    lines = [line for look in _SCORE_LOOKS for line in look(scores)]
    lines += _swapped(scores, ratings)
    lines += [line for look in _LOOKS for line in look(ratings)]
    if split is not None:
        lines += [line for view in _SPLIT_LOOKS for line in view(ratings, split)]
    return tuple(lines)


def _equal_scores(scores: ScoreCounts) -> list[str]:
    """Warn where nearly all scores are the same."""
    most = int(scores.counts.argmax())
    if len(scores.values) == 1 or scores.counts[most] < _SAME * scores.rows:
        return []
    return [
        f"{_of(int(scores.counts[most]), scores.rows, 'scores', 'are')} "
        f"{scores.values[most]:g}: a model "
        "that always says so is hard to beat. Where other scores were left out, put them back."
    ]


def _marks(scores: ScoreCounts) -> list[str]:
    """Warn of scores that stand apart, and so may mean "no rating", or be slips."""
    return [
        f"{_of(mark.rows, scores.rows, 'scores', 'are')} {mark.words}, while all others are from "
        f"{mark.low:g} to {mark.high:g}: {mark.guess} `--drop-scores {mark.listed}` leaves them "
        "out."
        for mark in marks_of(scores)
    ]


def _strange_scores(scores: ScoreCounts) -> list[str]:
    """Warn of scores that look like times, or like counts of which a few rule the error."""
    values = scores.values
    if values[0] > _LIKE_TIMES:
        return [
            f"The scores run from {values[0]:.0f} to {values[-1]:.0f}, as times do. Name the "
            "score's column with `--score-column`, or all of them with `--columns`."
        ]
    whole = values[0] >= 0 and not np.any(values != np.floor(values))
    middle, high = scores.quantile(0.5), scores.quantile(0.99)
    if whole and len(values) > 20 and high > _HEAVY_TAIL * max(middle, 1.0):
        return [
            f"The scores look like counts: half are at most {middle:g}, but the greatest is "
            f"{values[-1]:g}, so that a few rows rule the error. Take their logarithm, or cap "
            "them, before the search."
        ]
    return []


def _single_ratings(ratings: Ratings) -> list[str]:
    """Warn of users who have a single rating: whoever is held out was never seen."""
    counts = np.bincount(ratings.user_codes, minlength=ratings.n_users)
    single = int((counts == 1).sum())
    if single < _MANY_SINGLES * ratings.n_users:
        return []
    if single == ratings.n_users:
        return [
            f"All {single:,} users have a single rating: whoever is held out was never seen, and "
            "nothing can be learned of anybody. Check the user's column (`--user-column`)."
        ]
    return [
        f"{_of(single, ratings.n_users, 'users', 'have')} "
        f"a single rating: where it is held out, nothing "
        "is known of them. `--min-ratings 2` leaves them out."
    ]


def _one_user(ratings: Ratings) -> list[str]:
    """Warn where one user gave a large share of all ratings."""
    counts = np.bincount(ratings.user_codes, minlength=ratings.n_users)
    most = int(counts.argmax())
    if ratings.n_users < 10 or counts[most] < _ONE_USER * len(ratings):
        return []
    return [
        f"{_of(int(counts[most]), len(ratings), 'ratings', 'are')} of one user, "
        f"{ratings.user_ids[most]}: a program, or a stand-in for many? "
        f"`--max-ratings {counts[most] - 1}` leaves that user out."
    ]


def _missing_ids(ratings: Ratings) -> list[str]:
    """Warn of ids that stand for "unknown": `nan`, `null`, or -1 beside numbers that are not."""
    lines = []
    for what, ids, codes in (
        ("user", ratings.user_ids, ratings.user_codes),
        ("movie", ratings.movie_ids, ratings.movie_codes),
    ):
        if ids.dtype == object:
            unknown = [code for code, each in enumerate(ids) if each.strip().lower() in _NO_IDS]
        else:
            unknown = [0] if len(ids) > 2 and ids[0] == -1 else []
        for code in unknown:
            rows = int((codes == code).sum())
            lines.append(
                f"{_of(rows, len(ratings), 'ratings', 'have')} "
                f"the {what} {ids[code]}, which looks like "
                "none: they are learned as one. Take those rows out of the file."
            )
    return lines


def _unseen(ratings: Ratings, split: Split) -> list[str]:
    """Warn where a model knows nothing of the user or the movie of many validation rows."""
    rows, unseen = len(split.valid), split.unseen.get("valid_rows", 0)
    if unseen < _MANY_UNSEEN * rows:
        return []
    by_order = (*_BY_TIME, "published") if split.protocol == GIVEN else _BY_TIME
    ways = ["another `--split` (say random)"] if _rule_of(split) in by_order else []
    fewest = max(5, 2 * (ratings.min_ratings or 0))
    if split.unseen["valid_users"] and _leaves_rows(ratings, fewest):
        ways.append(f"`--min-ratings {fewest}`")
    more = "user" if split.unseen["valid_users"] else "movie"
    out = " or ".join(ways or [f"more ratings of each {more}"])
    return [
        f"{_of(unseen, rows, 'validation rows', 'have')} "
        f"a user or a movie without a train row, of which "
        f"a model can only guess: {count_of(int(split.unseen['valid_users']), 'user')} and "
        f"{count_of(int(split.unseen['valid_movies']), 'movie')}. Take {out}."
    ]


def _rule_of(split: Split) -> str:
    """Name the protocol that chose the validation part: of parts that came split, their own."""
    return split.validation or split.protocol


def _leaves_rows(ratings: Ratings, fewest: int) -> bool:
    """Whether a least number of ratings a user leaves half of the rows, and two users or more."""
    counts = np.bincount(ratings.user_codes, minlength=ratings.n_users)
    kept = counts[counts >= fewest]
    return len(kept) > 1 and bool(2 * kept.sum() >= len(ratings))


def _few_rows(ratings: Ratings, split: Split) -> list[str]:
    """Warn where so few rows are validated that chance decides between trials."""
    rows = len(split.valid)
    if rows >= _FEW_VALIDATED:
        return []
    folds = ", or cross-validate with `--folds 5`" if len(split.train) >= _FEW_VALIDATED else ""
    return [
        f"Only {rows:,} of {count_of(len(ratings), 'rating')} "
        f"{'is' if rows == 1 else 'are'} the validation part: chance decides between trials. "
        f"Take more ratings{folds}."
    ]


def _swapped(scores: ScoreCounts, ratings: Ratings) -> list[str]:
    """Warn where what was taken for scores is rather the ids of users or movies."""
    values = scores.values
    whole = bool((values == np.round(values)).all())
    if not whole or len(values) <= max(_FEW_SCORES, ratings.n_users):
        return []
    return [
        f"{count_of(ratings.n_users, 'user')} against {len(values):,} different scores, all whole: "
        "are the columns in another order? Name them with `--columns` or `--score-column`."
    ]


def _times_alike(ratings: Ratings, split: Split) -> list[str]:
    """Warn where a split by time has hardly any times to go by."""
    rule = _rule_of(split)
    if rule not in _BY_TIME or ratings.timestamps is None:
        return []
    _, counts = np.unique(ratings.timestamps, return_counts=True)
    most = int(counts.max())
    if most < _TIMES_ALIKE * len(ratings):
        return []
    return [
        f"{_of(most, len(ratings), 'ratings', 'have')} one and the same time: `{rule}` orders them "
        "as they stand in the file. Use the split `random`."
    ]


def _repeats(ratings: Ratings, split: Split) -> list[str]:
    """Warn where most ratings are repeats: events rather than opinions."""
    if split.duplicates_dropped < len(ratings) / 2:
        return []
    return [
        f"{_of(split.duplicates_dropped, len(ratings), 'ratings', 'repeat')} "
        f"a user and movie: are these "
        "events, such as plays, rather than ratings? Sum them up before the search."
    ]


def _leaks(ratings: Ratings, split: Split) -> list[str]:
    """Warn of ratings that came split already, and whose user and movie an earlier part has too."""
    if ratings.part is None:
        return []
    keys = pair_keys(ratings)
    train, valid, test = (keys[part.rows] for part in (split.train, split.valid, split.test))
    lines = []
    for name, part, earlier in (
        ("validation", valid, train),
        ("test", test, np.concatenate([train, valid])),
    ):
        again = int(np.isin(part, earlier).sum())
        if again:
            lines.append(
                f"{_of(again, len(part), f'{name} ratings', 'have')} "
                f"a user and movie that stand in a "
                "part before it too, so that their error says little of new ratings. Take them out "
                "of one of the files."
            )
    return lines


_OF_ONE = {"are": "is", "have": "has", "repeat": "repeats"}


def _of(count: int, whole: int, things: str, do: str) -> str:
    """Write a count, its share and what they do: "12 of 40 (30 %) scores are"."""
    share = count / whole
    percent = "under 1 %" if share < 0.01 else f"{share:.0%}".replace("%", " %")
    verb = _OF_ONE[do] if count == 1 else do
    return f"{count:,} of {whole:,} ({percent}) {things} {verb}"


_SCORE_LOOKS: tuple[Callable[[ScoreCounts], list[str]], ...] = (
    _equal_scores,
    _marks,
    _strange_scores,
)
_LOOKS: tuple[Callable[[Ratings], list[str]], ...] = (
    _single_ratings,
    _one_user,
    _missing_ids,
)
_SPLIT_LOOKS: tuple[Callable[[Ratings, Split], list[str]], ...] = (
    _unseen,
    _few_rows,
    _times_alike,
    _repeats,
    _leaks,
)
