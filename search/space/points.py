"""Lists the points of a space."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from search.space.parameters import Parameter
from tracking import Scalar

ValuesOf = Callable[[Parameter], Iterable[Scalar]]


def every_point(
    space: Sequence[Parameter], values_of: ValuesOf, values: Mapping[str, Scalar] | None = None
) -> Iterator[dict[str, Scalar]]:
    """List every point of a space, active parameters only, the last parameter varied first.

    Args:
        space: Parents before those that depend on them.
        values_of: The values of a parameter that make up the points; asked for where it is active.
        values: Values that every point has; None for none.

    Example:
        >>> letter = Parameter(name="letter", kind="Choice", default="a", values=("a", "b"))
        >>> list(every_point([letter], Parameter.every_value))
        [{'letter': 'a'}, {'letter': 'b'}]
    """
    values = {} if values is None else values
    if not space:
        yield dict(values)
        return
    first, *rest = space
    if not first.is_active(values):
        yield from every_point(rest, values_of, values)
        return
    for value in values_of(first):
        yield from every_point(rest, values_of, {**values, first.name: value})
