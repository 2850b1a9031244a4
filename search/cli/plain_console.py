"""A console that shows what a user named as text, in the letters that the terminal has."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from search.cli.signs import encodable
from tracking.texts import visible


def wants_plain() -> bool:
    """Whether the environment asks for text without escape codes: `NO_COLOR`, or `TERM=dumb`."""
    return bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") in ("dumb", "unknown")


class PlainConsole(Console):
    """A Rich console that sends a terminal no control characters but its own.

    Names of files, parameters and studies may hold what colours a terminal, moves its cursor or
    turns the direction of its text. Such characters are written as Python writes them. What the
    terminal's encoding lacks is written as `encodable` says, before the room for it is measured.
    """

    def __init__(self, *, plain: bool = False, **options: Any) -> None:
        """Make the console; Rich itself would leave bold, dim and italic text under `NO_COLOR`.

        Args:
            plain: Whether nothing is styled, whatever the environment says.
            options: As Rich's console takes them.
        """
        options.setdefault("emoji", False)  # what stands between colons is a user's text, too
        if plain or wants_plain():
            options["color_system"] = None
        super().__init__(**options)

    def on_broken_pipe(self) -> None:
        """Leave a pipe without a reader to the command; Rich itself ends the process."""
        raise

    def render_str(self, text: str, **look: Any) -> Any:
        """Make a text of Rich out of a plain one, which is measured as it is shown."""
        return super().render_str(self._in_its_letters(visible(text, keep="\n")), **look)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render anything; what is to be shown, and is not Rich's own control, is made visible."""
        if isinstance(renderable, Text):
            renderable = self._spelled(renderable)
        for segment in super().render(renderable, options):
            shown = self._in_its_letters(segment.text)
            if segment.control or (shown is segment.text and shown.isprintable()):
                yield segment
            else:
                yield Segment(visible(shown, keep="\n"), segment.style)

    def _in_its_letters(self, text: str) -> str:
        return text if self.encoding.startswith("utf") else encodable(text, self.encoding)

    def _spelled(self, text: Text) -> Text:
        """A text in the letters that the terminal has; what is styled in it may move a little."""
        plain = self._in_its_letters(text.plain)
        if plain != text.plain:
            text = text.copy()
            text.plain = plain
        return text
