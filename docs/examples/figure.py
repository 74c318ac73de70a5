"""The adoption fan of a run and its headline, from results.h5 by label.

Usage: python3 figure.py results/care-homes/results.h5 fan.svg
Needs xarray and h5netcdf (Debian: python3-xarray python3-h5netcdf). Prints the headline as CSV, in all digits of the
file, and draws adopters with the strategy and without it: medians, and the band that holds 90 % of the worlds.
"""

import sys

import numpy as np
import xarray as xr

SHOWN = ["engaged", "adopters", "ever_adopted", "patients_benefited", "admissions_avoided", "events_avoided",
         "savings_cash_gbp", "capacity_released_gbp", "cost_gbp", "net_present_value_gbp"]
COLOURS = {"gross": "#005eb8", "counterfactual": "#425563"}
LABELS = {"gross": "with the effort", "counterfactual": "without it"}


def opened(file, group=None):
    return xr.open_dataset(file, engine="h5netcdf", group=group)


def print_headline(report, at):
    print("metric,view,unit,report,mean,p05,p95")
    first = str(report.report.values[0])
    for name in SHOWN:
        if name not in report:  # no programme of the scenario can have it
            continue
        cells = report[name].sel(report=first, **at)
        for view in cells.view.values:
            mean, low, high = (float(cells.sel(view=view, statistic=s)) for s in ("mean", "p05", "p95"))
            if np.isfinite(mean):
                print(f"{name},{view},{cells.attrs['units']},{first},{mean:.10g},{low:.10g},{high:.10g}")


def fan_svg(adopters, title):
    """An SVG of 720 x 400; `adopters` has the axes view, statistic and time."""
    left, right, top, bottom = 70, 590, 40, 350
    months = adopters.time.values.astype("datetime64[D]").astype(int)
    highest = float(adopters.max()) * 1.05 or 1.0

    def points(values):
        x = left + (right - left) * (months - months[0]) / max(1, months[-1] - months[0])
        y = bottom - (bottom - top) * np.asarray(values) / highest
        return [f"{a:.1f},{b:.1f}" for a, b in zip(x, y)]

    shapes = []
    for view, colour in COLOURS.items():
        low, median, high = (points(adopters.sel(view=view, statistic=s)) for s in ("p05", "p50", "p95"))
        dashes = "" if view == "gross" else ' stroke-dasharray="6 4"'
        shapes += [f'<polygon points="{" ".join(low + high[::-1])}" fill="{colour}" fill-opacity="0.2"/>',
                   f'<polyline points="{" ".join(median)}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>',
                   f'<text x="{right + 6}" y="{median[-1].split(",")[1]}" fill="{colour}">{LABELS[view]}</text>']
    step = 10.0 ** np.floor(np.log10(highest))
    step *= next(part for part in (0.2, 0.5, 1, 2) if highest / (part * step) <= 5)
    for value in np.arange(0, highest, step):
        y = bottom - (bottom - top) * value / highest
        shapes.append(f'<text x="{left - 6}" y="{y + 4:.0f}" text-anchor="end">{value:,g}</text>')
    first, last = (str(adopters.time.values[i])[:10] for i in (0, -1))
    return "\n".join([
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 400" font-family="sans-serif" font-size="12">',
        f'<title>{title}</title><rect width="720" height="400" fill="#fff"/><text x="{left}" y="20" font-size="14">{title}</text>',
        f'<path d="M{left},{top} V{bottom} H{right}" fill="none" stroke="#425563"/>', *shapes,
        f'<text x="{left}" y="{bottom + 18}">{first}</text>',
        f'<text x="{right}" y="{bottom + 18}" text-anchor="end">{last}</text>', "</svg>", ""])


def main(file, picture):
    with opened(file) as months, opened(file, "report") as report, opened(file, "provenance") as provenance:
        at = dict(strategy=str(provenance.lead.values), region=str(provenance.focus.values),
                  programme=str(months.programme.values[-1]))  # `all` comes last where there are several
        print_headline(report, at)
        units = months.adopters.attrs["units"]
        title = f"In use ({units}): {at['programme']}, {at['region']}".replace("&", "&amp;").replace("<", "&lt;")
        with open(picture, "w", encoding="utf-8") as out:
            out.write(fan_svg(months.adopters.sel(**at), title))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
