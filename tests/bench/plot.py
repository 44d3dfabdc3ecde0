"""Small plots as SVG, readable on light and on dark pages. Python's standard library only."""

import html

WIDTH, NAMES, ROW, TOP = 640, 120, 26, 34
STYLE = """<style>
  text { font: 13px system-ui, sans-serif; fill: #24292f }
  .title { font-weight: 600 }
  .bar, .line { fill: #2f6feb }
  .line { fill: none; stroke: #2f6feb; stroke-width: 1.5 }
  .bound { stroke: #bc4c00; stroke-width: 2 }
  .axis { stroke: #8c959f }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .bar { fill: #6ea8fe }
    .line { stroke: #6ea8fe }
    .bound { stroke: #f0883e }
  }
</style>"""


def bars(path, title, rows):
    """Draws `(name, value, bound or None)` as bars below each other. A bound is a line across its bar."""
    most = max(max(value, bound or 0) for _, value, bound in rows) or 1
    scale = (WIDTH - NAMES - 70) / most
    parts = [text(8, 20, title, "title")]
    for place, (name, value, bound) in enumerate(rows):
        y = TOP + place * ROW
        parts.append(text(NAMES - 8, y + 16, name, anchor="end"))
        parts.append(f'<rect class="bar" x="{NAMES}" y="{y + 3}" width="{value * scale:.1f}" height="{ROW - 8}" rx="2"/>')
        parts.append(text(NAMES + max(value, bound or 0) * scale + 8, y + 16, f"{value:,}"))
        if bound is not None:
            x = NAMES + bound * scale
            parts.append(f'<line class="bound" x1="{x:.1f}" x2="{x:.1f}" y1="{y}" y2="{y + ROW - 2}"/>')
    write(path, title, TOP + len(rows) * ROW + 8, parts)


def curve(path, title, points, bound=None, height=180):
    """Draws `(x, y)` from left to right; a bound is a line from side to side."""
    most_x = max(x for x, _ in points) or 1
    most_y = max([y for _, y in points] + [bound or 0]) or 1
    place = lambda x, y: (40 + (WIDTH - 56) * x / most_x, TOP + (height - TOP - 28) * (1 - y / most_y))  # noqa: E731
    (left, bottom), (right, top) = place(0, 0), place(most_x, most_y)
    parts = [text(8, 20, title, "title"), f'<line class="axis" x1="{left}" x2="{right}" y1="{bottom:.1f}" y2="{bottom:.1f}"/>']
    parts += [text(left - 6, bottom + 4, "0", anchor="end"), text(left - 6, top + 4, f"{most_y:g}", anchor="end")]
    parts.append(text(right, bottom + 18, f"{most_x:,.0f}", anchor="end"))
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(x, y) for x, y in points))
    parts.append(f'<polyline class="line" points="{line}"/>')
    if bound is not None:
        y = place(0, bound)[1]
        parts.append(f'<line class="bound" x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
    write(path, title, height, parts)


def text(x, y, words, kind="", anchor="start"):
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{html.escape(str(words))}</text>'


def write(path, title, height, parts):
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" aria-label="{html.escape(title)}">'
    path.write_text("\n".join([head, STYLE, *parts, "</svg>"]) + "\n")
