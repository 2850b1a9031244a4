from __future__ import annotations

from collections.abc import Callable

import pytest

from models import ModelsError, TrainConfig, checks


class OwnError(ValueError):
    """What another package raises."""


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (lambda e: checks.refuse("n", "be odd", 2, way_out="Use 3.", error=e),
         "`n` must be odd, but got 2. Use 3."),
        (lambda e: checks.require(False, "n", "be odd", True, error=e),
         "`n` must be odd, but got true."),
        (lambda e: checks.check_range("n", 0, 1, error=e), "`n` must be at least 1, but got 0."),
        (lambda e: checks.check_range("n", 9, 1, 8, error=e),
         "`n` must be from 1 to 8, but got 9."),
        (lambda e: checks.check_whole("n", 1.5, 1, error=e),
         "`n` must be a whole number of at least 1, but got 1.5."),
        (lambda e: checks.check_width("n", 65_537, error=e),
         "`n` must be a whole number from 1 to 65536, but got 65537."),
        (lambda e: checks.check_not_negative("n", -1, error=e),
         "`n` must be a finite number of at least 0, but got -1."),
        (lambda e: checks.check_positive("n", 0, error=e),
         "`n` must be a finite number above 0, but got 0."),
        (lambda e: checks.check_rate("n", 1, error=e),
         "`n` must be a rate of at least 0 and below 1, but got 1."),
        (lambda e: checks.check_share("n", 0, error=e),
         "`n` must be a share above 0 and at most 1, but got 0."),
        (lambda e: checks.check_one_of("n", "c", ("a", "b"), error=e),
         "`n` must be one of a, b, but got 'c'."),
        (lambda e: checks.check_growth([(0.5, 9)], 9, error=e),
         "`growth` must leave epochs for all rows, but its stages take 9 of 9. "
         "Use more `epochs`, or shorter stages."),
    ],
)  # fmt: skip
@pytest.mark.parametrize("error", [ModelsError, OwnError])
def test_a_check_refuses_in_one_form_with_the_exception_it_is_given(
    check: Callable[[type[Exception]], None], message: str, error: type[Exception]
) -> None:
    with pytest.raises(error) as caught:
        check(error)
    assert str(caught.value) == message
    assert type(caught.value) is error


def test_a_value_that_keeps_its_rule_passes() -> None:
    checks.require(True, "n", "be odd", 3)
    checks.check_range("n", 8, 1, 8)
    checks.check_whole("n", 1, 1)
    checks.check_width("n", 65_536)
    checks.check_not_negative("n", 0)
    checks.check_positive("n", 1e-9)
    checks.check_rate("n", 0)
    checks.check_share("n", 1)
    checks.check_one_of("n", "a", ("a", "b"))
    checks.check_growth([(0.1, 2), (0.5, 2)], 5)


@pytest.mark.parametrize(
    ("growth", "message"),
    [
        (((0.5, 2), (0.3, 2)), r"rising and below 1, .* but got \(0.3, 2\) after 0.5"),
        (((1.0, 2),), r"rising and below 1"),
        (((0.5, 0),), r"rising and below 1"),
        (((0.5, 100),), r"leave epochs for all rows, but its stages take 100 of 100"),
    ],
)
def test_stages_that_cannot_be_are_refused(growth: object, message: str) -> None:
    with pytest.raises(ModelsError, match=message):
        TrainConfig(growth=growth, epochs=100)


@pytest.mark.parametrize("value", [10**400, -(10**400), float("inf"), float("nan"), True, "1"])
def test_what_no_float_can_hold_is_no_finite_number(value: object) -> None:
    assert not checks.is_finite(value)
