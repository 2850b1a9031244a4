"""Ratings that come split already keep their parts."""

from __future__ import annotations

from pathlib import Path

import pytest

from models import ModelsError
from models.data import Ratings, SourceOptions, concerns, describe, load_ratings, split_ratings

TRAIN = "user,movie,rating,timestamp\n" + "".join(
    f"{user},{movie},{1 + (user + movie) % 5},{1000 + 10 * movie + user}\n"
    for user in (1, 2, 3)
    for movie in (7, 8, 9, 10)
)
TEST = "1\t11\t4\t900\n3.0\t7\t2\t901\n4\t8\t1\t902\n"
VALID = '{"movie": "9", "user": 2, "rating": 3, "timestamp": 5000}\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "u1.base").write_text(TRAIN)
    (tmp_path / "u1.test").write_text(TEST)
    (tmp_path / "valid.json").write_text(VALID)
    return tmp_path


def _load(**options: object) -> Ratings:
    return load_ratings("u1.base", SourceOptions(**options))  # type: ignore[arg-type]


def test_each_file_is_its_part(folder: Path) -> None:
    ratings = _load(test="u1.test", valid="valid.json")
    assert (len(ratings), ratings.rows_read) == (16, 16)
    assert ratings.user_ids.tolist() == [1, 2, 3, 4]
    split = split_ratings(ratings, "random", seed=3)
    assert (split.protocol, split.validation) == ("given", "")
    assert split.train.rows.tolist() == list(range(12))
    assert split.valid.rows.tolist() == [12]
    assert split.test.rows.tolist() == [13, 14, 15]
    assert split.vocabulary.user_ids.tolist() == [1, 2, 3]
    assert split.vocabulary.movie_ids.tolist() == [7, 8, 9, 10]
    assert split.test.users.tolist() == [0, 2, 3]  # 3 is the slot of the unknown
    assert split.test.scores.tolist() == [4, 2, 1]
    assert split.unseen["test_rows"] == 2
    described = describe(ratings, split)
    assert (described["split"], described["test_rows"]) == ("given", 3)


@pytest.mark.parametrize(
    ("protocol", "valid"),
    [
        ("temporal", [3, 7, 11]),  # movie 10 is the latest of each user
        ("leave-last-out", [3, 7, 11]),
    ],
)
def test_validation_is_taken_out_of_the_train_file_by_the_splits_rule(
    protocol: str, valid: list[int], folder: Path
) -> None:
    split = split_ratings(_load(test="u1.test"), protocol)
    assert (split.protocol, split.validation) == ("given", protocol)
    assert split.valid.rows.tolist() == valid
    assert sorted([*split.train.rows, *split.valid.rows]) == list(range(12))
    assert split.test.rows.tolist() == [12, 13, 14]


def test_a_random_validation_part_goes_by_the_seed(folder: Path) -> None:
    ratings = _load(test="u1.test")
    one, same, other = (split_ratings(ratings, "random", seed=seed) for seed in (1, 1, 2))
    assert len(one.valid) == 3
    assert one.valid.rows.tolist() == same.valid.rows.tolist() != other.valid.rows.tolist()


def test_a_train_file_that_is_sorted_by_users_has_a_useful_validation_part(folder: Path) -> None:
    rows = [
        f"{user},{movie},{1 + (user + movie) % 5}\n" for user in range(60) for movie in range(9)
    ]
    (folder / "u1.base").write_text("user,movie,rating\n" + "".join(rows))
    (folder / "u1.test").write_text("1\t11\t4\n")
    ratings = _load(test="u1.test")
    split = split_ratings(ratings, seed=5)
    assert (split.protocol, split.validation, len(split.valid)) == ("given", "random", 108)
    assert split.valid.rows.tolist() == split_ratings(ratings, "random", seed=5).valid.rows.tolist()
    assert split.unseen["valid_users"] == 0
    assert not any("without a train row" in line for line in concerns(ratings, split))


def test_other_rules_of_a_given_train_file_are_advised_against_too(folder: Path) -> None:
    rows = "".join(f"{user},{movie},3,9\n" for user in range(40) for movie in range(7))
    (folder / "u1.base").write_text("user,movie,rating,timestamp\n" + rows)
    ratings = _load(test="u1.test")
    lines = concerns(ratings, split_ratings(ratings, "temporal"))
    assert any("Take another `--split` (say random)" in line for line in lines)
    assert any("one and the same time: `temporal` orders" in line for line in lines)


def test_the_hash_covers_every_file_and_its_part(folder: Path) -> None:
    hashes = [_load().content_hash, _load(test="u1.test").content_hash]
    hashes.append(_load(test="u1.test", valid="valid.json").content_hash)
    (folder / "u1.test").write_text(TEST.replace("901", "903"))
    hashes.append(_load(test="u1.test").content_hash)
    (folder / "u1.base").write_text(TRAIN + "1,11,4,900\n")
    (folder / "u1.test").write_text("3\t7\t2\t901\n4\t8\t1\t902\n")
    hashes.append(_load(test="u1.test").content_hash)  # the same rows, one in another part
    assert len(set(hashes)) == len(hashes)


def test_a_pair_is_kept_once_in_each_part_and_leaks_are_told(folder: Path) -> None:
    (folder / "u1.test").write_text(TEST + "4\t8\t5\t905\n4\t8\t3\t903\n")
    ratings = _load(test="u1.test")
    split = split_ratings(ratings, "random")
    assert split.test.scores.tolist() == [4, 2, 5]  # the last in time of three ratings
    assert split.duplicates_dropped == 2
    lines = [line for line in concerns(ratings, split) if "test ratings has" in line]
    assert len(lines) == 1
    assert lines[0].startswith("1 of 3 (33 %) test ratings has a user and movie that stand")


def test_times_that_a_file_lacks_are_left_out(folder: Path) -> None:
    (folder / "u1.test").write_text("1\t11\t4\nx\t7\t2\n")
    ratings = _load(test="u1.test")
    assert ratings.timestamps is None
    assert any("not every file has them" in line for line in ratings.warnings)
    assert ratings.user_ids.tolist() == ["1", "2", "3", "x"]


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("u1.base", {"valid": "valid.json"}, "`valid` must stand beside `test`"),
        ("u1.base", {"test": "gone.csv"}, r"there is no .*gone\.csv\. Correct the path"),
        ("synthetic:0.001", {"test": "u1.test"}, "beside a file with the train part"),
        ("movielens", {"test": "u1.test"}, "but the source is movielens"),
    ],
)
def test_parts_that_cannot_be_are_refused(
    source: str, options: dict[str, str], message: str, folder: Path
) -> None:
    with pytest.raises(ModelsError, match=message):
        load_ratings(source, SourceOptions(**options))  # type: ignore[arg-type]
