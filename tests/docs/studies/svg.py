"""Plots as SVG text, the same bytes from the same numbers: no program that draws is needed, nor its version."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

INK, FAINT, GRID, LIGHT = "#1b2733", "#4a5b6b", "#dde4ea", "#f4f7fa"
Points = Iterable[tuple[float, float]]


@dataclass
class Plot:
    """A rectangle of a drawing with axes: left, top, width and height in pixels, and what they span."""

    left: float
    top: float
    width: float
    height: float
    x: tuple[float, float]
    y: tuple[float, float]
    parts: list[str] = field(default_factory=list)

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Where a point lies in the drawing."""
        across = (x - self.x[0]) / (self.x[1] - self.x[0])
        up = (y - self.y[0]) / (self.y[1] - self.y[0])
        return self.left + across * self.width, self.top + (1 - up) * self.height

    def axes(self, title: str, x_ticks: Sequence[float], y_ticks: Sequence[float], x: str = "", y: str = "") -> None:
        """Frame, grid, numbers and titles."""
        right, bottom = self.left + self.width, self.top + self.height
        self.parts.append(rectangle(self.left, self.top, self.width, self.height, LIGHT))
        for tick in x_ticks:
            at, _ = self.place(tick, self.y[0])
            self.parts.append(line([(at, self.top), (at, bottom)], GRID, 1))
            self.parts.append(text(at, bottom + 14, f"{tick:g}", 11))
        for tick in y_ticks:
            _, at = self.place(self.x[0], tick)
            self.parts.append(line([(self.left, at), (right, at)], GRID, 1))
            self.parts.append(text(self.left - 6, at + 4, f"{tick:g}", 11, "end"))
        middle = self.left + self.width / 2
        self.parts.append(text(middle, self.top - 9, title, 13, weight="bold", color=INK))
        self.parts.append(text(middle, bottom + 32, x, 12))
        self.parts.append(text(self.left - 62, self.top - 18, y, 11, "start"))

    def line(self, points: Points, color: str, width: float = 2, dash: str = "") -> None:
        """A line from point to point."""
        self.parts.append(line([self.place(*point) for point in points], color, width, dash))

    def dot(self, x: float, y: float, color: str, *, hollow: bool = False, size: float = 3) -> None:
        """A point: filled where the function has it, hollow where it is left out."""
        at, up = self.place(x, y)
        fill = LIGHT if hollow else color
        self.parts.append(
            f'<circle cx="{at:.1f}" cy="{up:.1f}" r="{size:g}" fill="{fill}" stroke="{color}" stroke-width="1.5"/>'
        )

    def label(self, x: float, y: float, words: str, anchor: str = "start") -> None:
        """Words at a point."""
        at, up = self.place(x, y)
        self.parts.append(text(at, up, words, 11, anchor))


def drawing(width: int, height: int, describe: str, parts: Iterable[str]) -> str:
    """A whole file; ``describe`` is what those hear who cannot see it."""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    lines = [f'{head} role="img" aria-label="{describe}">', rectangle(0, 0, width, height, "#ffffff"), *parts, "</svg>"]
    return "\n".join(part for part in lines if part) + "\n"


def rectangle(left: float, top: float, width: float, height: float, color: str) -> str:
    """A filled rectangle."""
    return f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{color}"/>'


def line(points: Points, color: str, width: float, dash: str = "") -> str:
    """A line in the drawing's own pixels."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="{width:g}"{dashes}/>'


def text(
    x: float, y: float, words: str, size: float, anchor: str = "middle", weight: str = "normal", color: str = FAINT
) -> str:
    """Words in the drawing's own pixels; nothing where there are none."""
    font = f'font-family="Helvetica, Arial, sans-serif" font-size="{size:g}" font-weight="{weight}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {font} text-anchor="{anchor}" fill="{color}">{words}</text>' if words else ""
