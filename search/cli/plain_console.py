"""A console that shows what a user named as text, whatever characters it holds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from tracking.texts import visible


class PlainConsole(Console):
    """A Rich console that sends a terminal no control characters but its own.

    Names of files, parameters and studies may hold what colours a terminal, moves its cursor or
    turns the direction of its text. Such characters are written as Python writes them.
    """

    def on_broken_pipe(self) -> None:
        """Leave a pipe without a reader to the command; Rich itself ends the process."""
        raise

    def render_str(self, text: str, **look: Any) -> Any:
        """Make a text of Rich out of a plain one, which is measured as it is shown."""
        return super().render_str(visible(text, keep="\n"), **look)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render anything; what is to be shown, and is not Rich's own control, is made visible."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                yield Segment(visible(segment.text, keep="\n"), segment.style)
