"""The report as one HTML page with a bar chart (SVG) for each table."""

import html

from report import number, text

COLOURS = {"Bokbok": "#b4451f", "raw": "#4a4a4a", "NIO": "#2b6cb0", "other": "#8a9a5b"}
WIDTH, LABEL, BAR, STEP = 1000, 400, 430, 24


def _colour(name):
    for prefix, colour in COLOURS.items():
        if name.startswith(prefix):
            return colour
    return COLOURS["other"]


def chart(title, unit, figures, lower_is_better):
    """One bar chart; the best is on top, the thin line goes from the least to the most of the rounds."""
    figures = sorted(figures, key=lambda figure: figure["median"], reverse=not lower_is_better)
    largest = max(figure["most"] for figure in figures) or 1
    height = 44 + STEP * len(figures)
    better = "less is better" if lower_is_better else "more is better"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="{html.escape(title)}" font-family="system-ui, sans-serif" font-size="13">',
        f'<text x="0" y="18" font-size="15" font-weight="600">{html.escape(title)}</text>',
        f'<text x="{WIDTH}" y="18" text-anchor="end" fill="#666">{html.escape(unit)}, {better}</text>',
    ]
    for index, figure in enumerate(figures):
        y = 34 + index * STEP
        length = BAR * figure["median"] / largest
        least = LABEL + BAR * figure["least"] / largest
        most = LABEL + BAR * figure["most"] / largest
        parts += [
            f'<text x="{LABEL - 8}" y="{y + 14}" text-anchor="end">{html.escape(figure["peer"])}</text>',
            f'<rect x="{LABEL}" y="{y + 2}" width="{max(length, 1):.1f}" height="{STEP - 7}" '
            f'fill="{_colour(figure["peer"])}"/>',
            f'<line x1="{least:.1f}" x2="{most:.1f}" y1="{y + 10}" y2="{y + 10}" stroke="#111"/>',
            f'<text x="{max(LABEL + length, most) + 8:.1f}" y="{y + 14}">{number(figure["median"])}</text>',
        ]
    return "\n".join(parts + ["</svg>"])


def line_chart(title, unit, series):
    """A chart with logarithmic axes; `series` maps a name to its points."""
    import math

    points = [point for line in series.values() for point in line if point[1] > 0]
    if len(points) < 2:
        return ""
    xs = [math.log10(x) for x, _ in points]
    ys = [math.log10(y) for _, y in points]
    left, top, width, height = 70, 34, 640, 260
    low, high = math.floor(min(ys)), math.ceil(max(ys))
    high = high if high > low else low + 1

    def place(x, y):
        return (
            left + width * (math.log10(x) - min(xs)) / ((max(xs) - min(xs)) or 1),
            top + height * (high - math.log10(y)) / (high - low),
        )

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top + height + 40}" role="img" '
        f'aria-label="{html.escape(title)}" font-family="system-ui, sans-serif" font-size="13">',
        f'<text x="0" y="18" font-size="15" font-weight="600">{html.escape(title)}</text>',
    ]
    for power in range(low, high + 1):
        y = place(10 ** min(xs), 10**power)[1]
        parts.append(f'<line x1="{left}" x2="{left + width}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{10**power:,g}</text>')
    for x in sorted({x for x, _ in points}):
        parts.append(
            f'<text x="{place(x, 10**low)[0]:.1f}" y="{top + height + 18}" text-anchor="middle">{x:,}</text>'
        )
    palette = ["#b4451f", "#2b6cb0", "#4a4a4a", "#8a9a5b"]
    for index, (name, line) in enumerate(series.items()):
        colour = palette[index % len(palette)]
        path = " ".join("{:.1f},{:.1f}".format(*place(x, y)) for x, y in line)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{left + width + 12}" y="{top + 16 + index * 18}" fill="{colour}">{html.escape(name)}</text>')
    parts.append(f'<text x="{left}" y="{top + height + 36}" fill="#666">{html.escape(unit)}</text>')
    return "\n".join(parts + ["</svg>"])


def page(report):
    """The whole page."""
    charts = [
        chart(
            f"{table['work']} {table['name']}, {table['transport']}, {table['mode']}",
            table["unit"],
            table["figures"],
            table["unit"] == "µs",
        )
        for table in report["tables"]
    ]
    charts += [line_chart(entry["name"], entry["unit"], entry["series"]) for entry in report["growth"]]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<title>How fast Bokbok is</title><style>"
        "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}"
        "svg{width:100%;height:auto;margin:1.2rem 0;display:block}pre{overflow-x:auto;font-size:12px;background:#f6f6f4;"
        "padding:1rem}</style></head><body>\n<h1>How fast Bokbok is</h1>\n"
        + "\n".join(charts)
        + f"\n<h2>All figures</h2>\n<pre>{html.escape(text(report))}</pre>\n</body></html>\n"
    )


def write(report, folder):
    """Writes the page."""
    (folder / "report.html").write_text(page(report))
