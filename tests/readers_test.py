"""Opens results.h5 as its readers do: xarray (h5netcdf and netcdf4), h5py and ncdump; by label, in every group.

Statistics are worked again by numpy from the replicates in the file, so that the file is checked against itself by
other means than those that made it. A made-up run holds what is hard to write; care-homes.toml is what people read.
Usage: readers_test.py RESULTS_TEST PROGRAM SCENARIO POSTERIOR_FILE_TEST: the executable results_test, the program,
care-homes.toml, and the executable that writes a posterior.
"""

import csv
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import h5py
import numpy as np
import xarray as xr

import portfolio

ENGINES = ("h5netcdf", "netcdf4")
STATISTICS = ["mean", "sd", "p05", "p25", "p50", "p75", "p95", "mcse"]
STRATEGIES = ["as-delivered", "no-network", "no-programme"]
PROGRAMMES = ["care-home-deterioration", "programme-1", "all"]
REGIONS = ["England", 'North, East and "West"', "Region 2", "Region 3"]
PAIRED = {"roi_net", "acceleration_months", "levels_never_reached_share", "attributable_share", "not_otherwise_adopted",
          "significantly_reduced", "growth_roi"}
OWN_WORLD = {"roi_fiscal", "roi_social"}  # say nothing of a difference: no view net
# Ratios of means: of what, in which views (of OWN_WORLD in the view that is asked for).
RATIOS_OF_MEANS = {
    "attributable_share": ("admissions_avoided", "net", "admissions_avoided", "gross"),
    "roi_fiscal": ("present_value_cash_gbp", None, "present_value_cost_public_gbp", None),
    "roi_social": ("present_value_social_gbp", None, "present_value_cost_public_gbp", None),
    "roi_net": ("present_value_cash_gbp", "net", "present_value_cost_gbp", "net"),
}
PRICES_OF_EACH_YEAR = {"investment_gbp"}
# Datasets that are no statistics, by group: their axes (docs/results-format.md).
OTHER = {None: {"eligible": ("programme", "region")}, "icb": {"eligible": ("programme", "board")}}
TIME_UNITS = {"days", "hours", "minutes", "seconds", "milliseconds", "microseconds", "nanoseconds"}
# Largest relative error of a rounded value: half a unit of its last digit (docs/results-format.md).
HALF_DIGIT, HALF_DIGIT_OF_REPLICATES = 2.0**-21, 2.0**-24
RESULTS_TEST, PROGRAM, SCENARIO, POSTERIOR_FILE_TEST = sys.argv[1:5]


def worked(values):
    """The eight statistics of the values that are defined, type-7 quantiles."""
    values = values[~np.isnan(values)]
    n = len(values)
    if n == 0:
        return dict.fromkeys(STATISTICS, math.nan)
    sd = values.std(ddof=1) if n > 1 else math.nan
    quantiles = np.quantile(values, [0.05, 0.25, 0.5, 0.75, 0.95])
    return dict(zip(STATISTICS, [values.mean(), sd, *quantiles, sd / math.sqrt(n)]))


def worked_ratio(name, over, under, own):
    """Those of a ratio of means: the ratio and its error (delta method), spread and quantiles of the replicates' own."""
    expected = worked(own)
    if len(own[~np.isnan(own)]) == 0 or (name != "attributable_share" and under.sum() <= 0):
        return dict.fromkeys(STATISTICS, math.nan)
    ratio = over.sum() / under.sum()
    if name == "attributable_share" and not 0 <= ratio <= 1:  # net is no part of gross
        return dict.fromkeys(STATISTICS, math.nan)
    expected["mean"] = ratio
    expected["mcse"] = (over - ratio * under).std(ddof=1) / math.sqrt(len(over)) / abs(under.mean())
    return expected


class AnyRun:
    """What holds for the file of any run; a test case below makes one."""

    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        cls.folder = scratch.name
        cls.make()

    def path(self, name="results.h5"):
        return os.path.join(self.folder, name)

    def open_group(self, engine, group=None):
        return xr.open_dataset(self.path(), engine=engine, group=group)

    def close(self, a, b, message="", size=0.0):
        """Equal to the digits that statistics keep; `size` is that of the replicates' values behind them."""
        np.testing.assert_allclose(a, b, rtol=2 * HALF_DIGIT, atol=1e-9 + 2 * HALF_DIGIT_OF_REPLICATES * size,
                                   err_msg=message)

    def test_every_group_has_its_own_coordinates_and_plain_units(self):
        groups = {None: "time", "year": "year", "report": "report", "icb": "time"}
        for engine in ENGINES:
            for group, axis in groups.items():
                with self.subTest(engine=engine, group=group), self.open_group(engine, group) as data:
                    self.assertGreater(len(data.data_vars), 2)
                    statistics = ("strategy", "view", "statistic", "programme", axis)
                    other = {name: variable.dims for name, variable in data.data_vars.items()
                             if variable.dims[:5] != statistics}
                    self.assertEqual(other, OTHER.get(group, {}))
                    for name, variable in data.data_vars.items():
                        self.assertNotIn(variable.attrs["units"], TIME_UNITS)
                        self.assertEqual(variable.dtype, np.float64, name)
                        self.assertTrue(variable.attrs["long_name"])
                        for dimension in variable.dims:
                            self.assertIn(dimension, data.coords)
                        prices = "2023/24" if variable.attrs["units"] == "GBP" else None
                        self.assertEqual(variable.attrs.get("price_year"),
                                         None if name in PRICES_OF_EACH_YEAR else prices, name)

    def parts_of(self, raw, name, strategy, view, date):
        """What a ratio of means is a ratio of, by replicate, and the largest value behind it."""
        over, over_in, under, under_in = RATIOS_OF_MEANS[name]
        parts, largest = [], 0.0
        for metric, part_view in (over, over_in or view), (under, under_in or view):
            at = raw[metric].sel(programme=self.summed, region=self.region, report=date)
            own, without = (at.sel(strategy=world).values for world in (strategy, "no-network"))
            parts.append({"gross": own, "counterfactual": without, "net": own - without}[part_view])
            largest = max(largest, np.abs([own, without]).max())
        return *parts, largest

    def test_statistics_are_those_of_the_replicates(self):
        for engine in ENGINES:
            with self.open_group(engine, "report") as report, self.open_group(engine, "replicates") as raw:
                report.load(), raw.load()
                for name in report.data_vars:
                    values = raw[name]
                    for strategy in STRATEGIES:
                        gross = values.sel(strategy=strategy, programme=self.summed)
                        base = values.sel(strategy="no-network", programme=self.summed)
                        views = {"gross": gross, "counterfactual": base, "net": gross - base}
                        if name in PAIRED:
                            views = {"gross": gross * np.nan, "counterfactual": gross * np.nan, "net": gross}
                        if name in OWN_WORLD:
                            views["net"] = gross * np.nan
                        size_of_values = float(np.nanmax(np.abs([gross, base]), initial=0))
                        for view, series in views.items():
                            cells = report[name].sel(strategy=strategy, view=view, programme=self.summed)
                            for date in report.report.values:
                                series_at, cells_at = series.sel(report=date), cells.sel(report=date)
                                if "region" in series_at.dims:
                                    series_at = series_at.sel(region=self.region)
                                    cells_at = cells_at.sel(region=self.region)
                                expected = worked(series_at.values)
                                size = size_of_values
                                if name in RATIOS_OF_MEANS:
                                    over, under, largest = self.parts_of(raw, name, strategy, view, date)
                                    expected = worked_ratio(name, over, under, series_at.values)
                                    size = max(size, largest / abs(under.mean()) if under.any() else 0)
                                self.close(cells_at.values, list(expected.values()), f"{name} {strategy} {view}",
                                           size)

    def test_months_are_those_of_the_replicates(self):
        for engine in ENGINES:
            with self.subTest(engine), self.open_group(engine) as data, self.open_group(engine, "replicates") as raw:
                series = raw.adopters_by_month.sel(strategy="as-delivered", programme=self.programme)
                self.assertEqual(series.dims, ("replicate", "time"))
                cells = data.adopters.sel(strategy="as-delivered", programme=self.programme, view="gross",
                                          region="England")
                self.close(cells.sel(statistic="mean").values, series.mean("replicate").values)
                self.close(cells.sel(statistic="p95").values, series.quantile(0.95, "replicate").values)

    def test_the_attributable_share_is_a_ratio_of_means(self):
        with self.open_group("h5netcdf", "report") as report:
            at = dict(strategy="as-delivered", programme=self.summed, report=self.report, region="England",
                      statistic="mean")
            avoided = report.admissions_avoided.sel(**at)
            share = float(avoided.sel(view="net") / avoided.sel(view="gross"))
            self.assertAlmostEqual(float(report.attributable_share.sel(view="net", **at)), share, delta=4e-6 * abs(share))

    def test_values_keep_the_digits_that_they_say_or_are_whole(self):
        with h5py.File(self.path()) as file:
            n_rounded = 0
            for group, digits in {"/": 20, "year": 20, "report": 20, "icb": 20, "replicates": 23}.items():
                for name, data in file[group].items():
                    if not isinstance(data, h5py.Dataset) or data.dtype.kind != "f":
                        continue
                    if name in OTHER.get(None if group == "/" else group, {}):  # all digits
                        self.assertNotIn("_QuantizeBitRoundNumberOfSignificantBits", data.attrs, name)
                        continue
                    self.assertEqual(data.attrs["_QuantizeBitRoundNumberOfSignificantBits"], digits, name)
                    values = data[()]
                    values = values[np.isfinite(values) & (values != np.trunc(values))]
                    n_rounded += len(values)
                    self.assertFalse((values.view(np.uint64) & np.uint64((1 << 52 - digits) - 1)).any(), name)
            self.assertGreater(n_rounded, 1000)
            self.assertNotIn("_QuantizeBitRoundNumberOfSignificantBits", file["parameters/drawn"].attrs)

    def test_the_recipe_is_kept_to_the_letter(self):
        self.keeps_to_the_recipe(self.path())

    def keeps_to_the_recipe(self, path):
        with h5py.File(path) as file:
            self.assertEqual(file["/"].id.get_create_plist().get_link_creation_order(), 3)

            def check(name, thing):
                if isinstance(thing, h5py.Group):
                    self.assertEqual(thing.id.get_create_plist().get_link_creation_order(), 3, name)
                    return
                plist = thing.id.get_create_plist()
                self.assertEqual(plist.get_attr_creation_order(), 3, name)
                self.assertFalse(plist.get_obj_track_times(), name)
                self.assertNotIn(thing.dtype.kind, "bV", name)
                if h5py.h5ds.is_scale(thing.id):
                    self.assertEqual(h5py.h5ds.get_scale_name(thing.id).decode(), os.path.basename(name))
                else:
                    for dimension in thing.dims:
                        self.assertEqual(len(dimension), 1, f"{name}: every axis attached")
                if thing.dtype.kind == "O":
                    self.assertIsNone(h5py.check_string_dtype(thing.dtype).length, name)
                    self.assertEqual(h5py.check_string_dtype(thing.dtype).encoding, "utf-8", name)
                if thing.dtype.kind == "f":
                    self.assertTrue(np.isnan(thing.fillvalue), name)
                    self.assertTrue(np.isnan(thing.attrs["_FillValue"][0]), name)

            file.visititems(check)

    def test_ncdump_shows_every_group(self):
        header = subprocess.run(["ncdump", "-h", self.path()], check=True, capture_output=True, text=True).stdout
        for group in ("year", "report", "icb", "replicates", "parameters", "diagnostics", "provenance"):
            self.assertIn(f"group: {group} {{", header)
        subprocess.run(["ncdump", self.path()], check=True, stdout=subprocess.DEVNULL)

    def test_json_and_csv_are_the_same_rows_as_the_file(self):
        with open(self.path("summary.json"), encoding="utf-8") as file:
            data = json.load(file)
        self.assertEqual([data[k] for k in ("schema", "scenario", "seed", "replicates", "draws")], self.heading)
        with open(self.path("summary.csv"), encoding="utf-8", newline="") as file:
            table = list(csv.DictReader(file))
        rows = data["metrics"]
        self.assertEqual(len(rows), len(table))
        self.assertEqual(list(rows[0]), list(table[0]))
        dates = [row["to"] for row in rows]
        self.assertEqual(dates, sorted(dates), "headline window first")
        with self.open_group("h5netcdf", "report") as report:
            report.load()
            for row, line in zip(rows, table):
                for key, value in row.items():
                    if value is None:
                        self.assertEqual(line[key], "")
                    elif isinstance(value, str):
                        self.assertEqual(line[key], value)
                    else:
                        self.assertEqual(float(line[key]), value)
            for row in rows[::97]:
                cell = report[row["metric"]].sel(strategy=row["strategy"], view=row["view"],
                                                 programme=row["programme"], report=row["to"])
                cell = cell.sel(region=row["region"]) if "region" in cell.dims else cell
                expected = [math.nan if row[s] is None else row[s] for s in STATISTICS]
                np.testing.assert_allclose([float(cell.sel(statistic=s)) for s in STATISTICS], expected, rtol=HALF_DIGIT)
                self.assertEqual(row["unit"], report[row["metric"]].attrs["units"])
                self.assertEqual(row["from"], "2021-01-01")
                priced = row["unit"] == "GBP" and row["metric"] not in PRICES_OF_EACH_YEAR
                self.assertEqual(row["price_year"], "2023/24" if priced else None)
        self.assertFalse(any(row["metric"] in PAIRED and row["view"] != "net" for row in rows))
        self.assertFalse(any(row["metric"] in OWN_WORLD and row["view"] == "net" for row in rows))
        self.assertFalse(any(row["metric"] == "roi_net" and row["strategy"] == "no-network" for row in rows))


class MadeUpRun(AnyRun, unittest.TestCase):
    programme, summed, region = "programme-1", "all", "Region 3"
    report = "2021-12-31"
    heading = [1, "made-up", 18446744073709551615, 20, 20]

    @classmethod
    def make(cls):
        subprocess.run([RESULTS_TEST, "--gtest_filter=Results.WriteEveryFileOfARun"], check=True,
                       stdout=subprocess.DEVNULL, env=dict(os.environ, UPTAKE_READERS_FOLDER=cls.folder))

    def test_regions_of_several_programmes_are_tabled_for_their_total_alone(self):
        with open(self.path("summary.csv"), encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        for programme in PROGRAMMES:
            self.assertEqual({row["region"] for row in rows if row["programme"] == programme},
                             set(REGIONS) if programme == "all" else {"England"})

    def test_the_root_group_opens_by_label_in_both_engines(self):
        for engine in ENGINES:
            with self.subTest(engine), self.open_group(engine) as data:
                self.assertEqual(data.attrs["Conventions"], "CF-1.10")
                self.assertEqual(data.attrs["title"], "A made-up run, “quoted” in UTF-8")
                self.assertEqual(int(data.attrs["results_format"]), 2)
                self.assertEqual(
                    data.adopters.dims, ("strategy", "view", "statistic", "programme", "time", "region"))
                self.assertEqual(list(data.strategy.values), STRATEGIES)
                self.assertEqual(list(data.view.values), ["gross", "counterfactual", "net"])
                self.assertEqual(list(data.statistic.values), STATISTICS)
                self.assertEqual(list(data.programme.values), PROGRAMMES)
                self.assertEqual(list(data.region.values), REGIONS)
                self.assertEqual(str(data.time.values[0])[:10], "2021-01-31")
                self.assertEqual(str(data.time_from.values[1])[:10], "2021-02-01")
                self.assertIn("time_from", data.adopters.coords)
                self.assertEqual(data.adopters.attrs["units"], "organisations")
                self.assertEqual(data.adopters.attrs["cell_methods"], "time: point")
                england = data.adopters.sel(region="England", strategy="as-delivered", view="gross",
                                            statistic="mean", programme="all").sel(time="2021-12-31")
                self.assertTrue(np.isfinite(float(england)))

    def test_years_and_reports_are_labelled_and_dated(self):
        for engine in ENGINES:
            with self.subTest(engine), self.open_group(engine, "year") as year, self.open_group(engine, "report") as report:
                self.assertEqual(list(year.year.values), ["2020/21", "2021/22", "2022/23", "2023/24"])
                self.assertEqual(str(year.year_from.sel(year="2020/21").values)[:10], "2021-01-01")
                self.assertEqual(str(year.year_to.sel(year="2021/22").values)[:10], "2022-03-31")
                self.assertEqual(list(report.report.values), ["2021-12-31", "2022-09-30"])
                self.assertEqual(report.admissions_avoided.attrs["cell_methods"], "report: sum")
                self.assertEqual(report.deprivation_gap.dims[-1], "report")
                self.assertEqual(report.deprivation_gap.attrs["region"], "England")

    def test_boards_are_by_label(self):
        for engine in ENGINES:
            with self.subTest(engine), self.open_group(engine, "icb") as icb:
                self.assertEqual(list(icb.board.values), [f"Board {b}" for b in range(4)])
                self.assertTrue(np.isfinite(icb.adopters.sel(board="Board 2", view="net")).all())

    def test_whole_numbers_are_exact_whatever_their_size(self):
        for engine in ENGINES:
            with self.subTest(engine), self.open_group(engine, "replicates") as raw:
                for k, strategy in enumerate(STRATEGIES):
                    values = raw.patients_in_year.sel(strategy=strategy).values
                    expected = 2.0**25 + 2 * np.arange(20) + 1 + (3 - k)
                    self.assertTrue((values == expected[:, None, None, None]).all())

    def test_parameters_are_documented_and_drawn(self):
        for engine in ENGINES:
            with self.subTest(engine), self.open_group(engine, "parameters") as data:
                label = "care-home-deterioration.bass.q"
                q = data.sel(parameter=label)
                self.assertEqual(str(q.unit.values), "1/year")
                self.assertEqual(float(q.value), 0.35)
                self.assertEqual(str(q.key.values), "bass.q")
                self.assertIn(str(q.grade.values), ("read", "derived", "assumption"))
                self.assertTrue(str(q.prior.values) and str(q.source.values) and str(q.meaning.values))
                self.assertEqual(data.drawn.dims, ("replicate", "parameter"))
                self.assertEqual(len(np.unique(data.drawn.sel(parameter=label))), 20)
                self.assertEqual(list(data.draw.values), list(range(20)))
                self.assertIn("draw", data.drawn.coords)

    def test_diagnostics_count_what_is_defined(self):
        for engine in ENGINES:
            with self.subTest(engine), self.open_group(engine, "diagnostics") as data, \
                    self.open_group(engine, "replicates") as raw:
                self.assertEqual(int(data.n_replicates), 20)
                self.assertEqual(int(data.n_draws), 20)
                at = dict(strategy="as-delivered", programme="all", report="2021-12-31")
                defined = int(np.isfinite(raw.roi_net.sel(region="England", **at)).sum())
                self.assertLess(defined, 20)
                self.assertEqual(int(data.n_defined.sel(metric="roi_net", view="net", **at)), defined)

    def test_provenance_repeats_the_run(self):
        for engine in ENGINES:
            with self.subTest(engine), self.open_group(engine, "provenance") as data:
                self.assertEqual(int(data.seed), 18446744073709551615)
                self.assertEqual(str(data.seed_text.values), "18446744073709551615")
                self.assertEqual(str(data.scenario_text.values), "schema = 1\n# a comment – verbatim\n")
                self.assertEqual(str(data.overrides.values), "seed=18446744073709551615\nbass.q=0.1")
                self.assertEqual(str(data.generator.values), "Philox4x32-10")
                self.assertEqual(str(data.comparator.values), "no-network")
                self.assertEqual(str(data.lead.values), "as-delivered")
                self.assertEqual(str(data.focus.values), "England")
                self.assertEqual(str(data.deliveries.values).split("\n"), ["as-delivered"] * 3)
                self.assertIn("care-home-deterioration.bass.q = 0.35 1/year", str(data.resolved_parameters.values))

    def test_run_json_holds_what_the_results_must_not(self):
        with open(self.path("run.json"), encoding="utf-8") as file:
            run = json.load(file)
        self.assertEqual(run["command"], ["uptake", "run", "x.toml"])
        self.assertEqual(run["threads"], 2)
        self.assertEqual(run["seconds"], {"total": 1.5, "simulating": 1.25})
        self.assertEqual(run["digest"], "0123456789abcdef")
        for key in ("date", "host", "libraries", "git_id", "version", "peak_memory_mib"):
            self.assertTrue(run[key], key)
        with open(self.path(), "rb") as file:
            self.assertNotIn(self.folder.encode(), file.read())

class CareHomesRun(AnyRun, unittest.TestCase):
    programme = summed = "care-home-deterioration"
    region = "Health Innovation East"
    report = "2023-03-31"
    n_replicates = 12
    heading = [1, "care-homes", 20180401, n_replicates, n_replicates]
    # Metrics of which England has as much as its networks together.
    additive = ["engaged", "implementing_ever", "adopters", "ever_adopted", "sustained_adopters", "patients_benefited",
                "patients_in_year", "admissions_avoided", "bed_days_avoided", "home_years", "savings_cash_gbp",
                "capacity_released_gbp", "cost_gbp", "net_present_value_gbp"]

    @classmethod
    def make(cls):
        subprocess.run([PROGRAM, "run", SCENARIO, "--replicates", str(cls.n_replicates), "-o", cls.folder],
                       check=True, capture_output=True)

    def test_one_figure_by_its_labels(self):
        for engine in ENGINES:
            with self.subTest(engine), self.open_group(engine) as data, self.open_group(engine, "report") as report, \
                    self.open_group(engine, "replicates") as raw:
                label = dict(region="England", strategy="as-delivered", statistic="mean")
                net = data.adopters.sel(view="net", **label).sel(time="2023-03-31", programme=self.programme)
                at = dict(region="England", programme=self.programme, report=self.report)
                series = raw.adopters.sel(**at)
                expected = (series.sel(strategy="as-delivered") - series.sel(strategy="no-network")).mean("replicate")
                self.close(float(net), float(expected))
                self.assertGreater(float(net), 0)
                self.close(float(report.adopters.sel(view="net", programme=self.programme, report=self.report, **label)),
                           float(net))
                self.assertEqual(len(data.region), 16)
                self.assertEqual(len(data.time), len(np.unique(data.time.values)))
                self.assertEqual(int(raw.replicate.size), self.n_replicates)

    def test_regions_add_up_to_england_in_every_replicate(self):
        for engine in ENGINES:
            with self.subTest(engine), self.open_group(engine, "replicates") as raw:
                for name in self.additive:
                    england = raw[name].sel(region="England")
                    parts = raw[name].sel(region=raw.region != "England")
                    self.assertEqual(parts.sizes["region"], 15)
                    np.testing.assert_allclose(
                        parts.sum("region").values, england.values, rtol=0,
                        atol=2 * HALF_DIGIT_OF_REPLICATES * float(abs(parts).sum("region").max()), err_msg=name)
                    self.assertGreater(float(abs(england).max()), 0, name)

    def test_boards_add_up_to_england_in_every_month(self):
        with self.open_group("h5netcdf") as data, self.open_group("h5netcdf", "icb") as icb:
            self.assertEqual(icb.sizes["board"], 42)
            self.close(icb.eligible.sum("board").values, data.eligible.sel(region="England").values)
            self.close(data.eligible.sel(region=data.region != "England").sum("region").values,
                       data.eligible.sel(region="England").values)
            self.assertGreater(float(data.eligible.min()), 0)
            n_statistics = 0
            for name in set(icb.data_vars) - set(OTHER["icb"]):
                n_statistics += 1
                at = dict(view="gross", statistic="mean", strategy="as-delivered", programme=self.programme)
                self.close(icb[name].sel(**at).sum("board").values, data[name].sel(region="England", **at).values)
            self.assertEqual(n_statistics, 3)

    def test_stages_are_nested_in_every_replicate(self):
        with self.open_group("netcdf4", "replicates") as raw:
            order = ["engaged", "implementing_ever", "ever_adopted", "adopters", "sustained_adopters"]
            for more, fewer in zip(order, order[1:]):
                self.assertTrue(bool((raw[more] >= raw[fewer]).all()), f"{more} >= {fewer}")


TWO_TOOLS = portfolio.two_tools('''replicates = 24
parameters = "posterior.h5"
growth = true
outside_view = 0.3
''')
HAS_RHDF5 = subprocess.run(["sh", "-c", "Rscript -e 'library(rhdf5)'"], capture_output=True).returncode == 0


class EveryKindOfOutput(unittest.TestCase):
    """Several programmes, strategies of its own, drivers, competition for attention, published figures, the growth ledger,
    a calibrated programme and one drawn from past ones: every group that a file can have."""

    keeps_to_the_recipe = AnyRun.keeps_to_the_recipe
    groups = {None, "year", "report", "icb", "replicates", "parameters", "diagnostics", "shapley", "published",
              "outside_view", "calibration", "provenance"}

    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        folder = scratch.name
        shutil.copytree(os.path.join(os.path.dirname(SCENARIO), "minimal"), os.path.join(folder, "minimal"))
        with open(os.path.join(folder, "minimal", "example-tool.toml"), encoding="utf-8") as file:
            tool = file.read()
        second = tool.replace('name = "example-tool"', 'name = "second-tool"\nfrom_past_programmes = true')
        published = '\n[[published]]\nmetric = "ever_adopted"\nto = 2021-03-31\nvalue = 40\nsource = "S40"\n'
        for name, text in (("minimal/example-tool.toml", tool + published), ("minimal/second-tool.toml", second),
                           ("two.toml", TWO_TOOLS)):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(text)
        subprocess.run([POSTERIOR_FILE_TEST, "--gtest_filter=PosteriorFile.WritesAFileForOtherReaders"], check=True,
                       stdout=subprocess.DEVNULL, env=dict(os.environ, UPTAKE_READERS_FOLDER=folder))
        for words in (["run", "two.toml", "--quiet", "-o", "out"], ["export", "out", "--csv"]):
            subprocess.run([PROGRAM, *words], check=True, stdout=subprocess.DEVNULL, cwd=folder)
        cls.out = os.path.join(folder, "out")
        cls.file = os.path.join(cls.out, "results.h5")

    def open_group(self, engine, group=None):
        return xr.open_dataset(self.file, engine=engine, group=group)

    def test_the_recipe_is_kept_to_the_letter(self):
        self.keeps_to_the_recipe(self.file)
        with h5py.File(self.file) as file:
            found = {name for name, thing in file.items() if isinstance(thing, h5py.Group)}
        self.assertEqual(found, self.groups - {None})

    def test_every_dataset_of_every_group_is_labelled_alike_in_both_engines(self):
        first = {}
        for engine in ENGINES:
            for group in self.groups:
                with self.subTest(engine=engine, group=group), self.open_group(engine, group) as data:
                    data.load()
                    for name, variable in data.variables.items():
                        self.assertTrue(variable.attrs.get("long_name"), f"{group}/{name}")
                        self.assertLessEqual(set(variable.dims), set(data.coords), f"{group}/{name}: axes by label")
                    xr.testing.assert_equal(data, first.setdefault(group, data))

    def test_strategies_programmes_and_drivers_are_by_label(self):
        for engine in ENGINES:
            with self.subTest(engine), self.open_group(engine, "report") as report, \
                    self.open_group(engine, "shapley") as shapley, self.open_group(engine, "replicates") as raw:
                self.assertEqual(list(report.strategy.values)[:5],
                                 ["as-delivered", "apart", "more-of-one", "no-network", "no-programme"])
                self.assertEqual(list(report.programme.values), ["example-tool", "second-tool", "all"])
                at = dict(strategy="more-of-one", view="gross", statistic="mean", region="England", report="2023-03-31")
                one, two, both = (float(report.ever_adopted.sel(programme=p, **at)) for p in report.programme.values)
                self.assertAlmostEqual(one + two, both, delta=1e-5 * both)
                self.assertTrue(np.isnan(report.events_avoided.sel(programme="all")).all(), "events of unlike kinds")
                self.assertEqual(list(shapley.driver.values), ["effort", "incentive", "shock"])
                self.assertEqual(shapley.ever_adopted.attrs["units"], report.ever_adopted.attrs["units"])
                here = dict(programme="all", report="2023-03-31", region="England")
                worlds = raw.ever_adopted.sel(strategy=["as-delivered", "apart"], **here)
                self.assertTrue(np.isfinite(worlds).all())
                parts = shapley.ever_adopted.sel(statistic="mean", **here)
                self.assertTrue(np.isfinite(parts).all() and float(abs(parts).sum()) > 0)

    def test_the_growth_ledger_has_units(self):
        for engine in ENGINES:
            with self.subTest(engine), self.open_group(engine, "report") as report:
                at = dict(strategy="as-delivered", view="gross", statistic="mean", programme="all", report="2023-03-31")
                self.assertEqual([report[name].attrs["units"] for name in ("investment_gbp", "jobs", "companies_supported")],
                                 ["GBP", "jobs", "companies"])
                self.assertGreater(float(report.investment_gbp.sel(**at).max()), 0)

    def test_the_posterior_is_told_by_label(self):
        for engine in ENGINES:
            with self.subTest(engine), self.open_group(engine, "calibration") as told, \
                    self.open_group(engine, "parameters") as parameters, \
                    self.open_group(engine, "published") as published:
                self.assertEqual(list(told.programme.values), ["example-tool", "second-tool"])
                self.assertEqual(list(told.kind.values), [0, 1])
                self.assertEqual(told.kind.attrs["flag_meanings"], "calibrated from_past_programmes")
                q = "example-tool.bass.q"
                self.assertEqual(str(told.parameter_programme.sel(parameter=q).values), "example-tool")
                self.assertEqual(str(told.unit.sel(parameter=q).values), str(parameters.unit.sel(parameter=q).values))
                self.assertEqual(int(parameters.informed.sel(parameter="second-tool.bass.p")), 3)
                # The figure that its calibration was fitted to is told from the other.
                self.assertEqual(list(published.programme.values), ["all", "example-tool"])
                self.assertEqual(list(published.fitted.values), [0, 1])
                self.assertEqual(published.fitted.attrs["flag_meanings"], "compared_with_only fitted")

    def test_published_figures_are_tabled_with_a_dictionary(self):
        def rows(*names):
            with open(os.path.join(self.out, *names), encoding="utf-8", newline="") as file:
                return list(csv.DictReader(file))
        with open(os.path.join(self.out, "summary.json"), encoding="utf-8") as file:
            listed = json.load(file)["published"]
        beside, exported = rows("published.csv"), rows("csv", "published.csv")
        for table in (beside, exported):
            self.assertEqual([row["fitted"] for row in table], ["no", "yes"])
        self.assertEqual([row["fitted"] for row in listed], [False, True])
        for a, b, c in zip(beside, exported, listed):
            self.assertEqual((a["programme"], a["metric"], float(a["published"])),
                             (b["programme"], b["metric"], float(b["published"])))
            np.testing.assert_allclose(float(a["gross_mean"]), float(b["gross_mean"]), rtol=1e-12)
            np.testing.assert_allclose(c["net"]["p95"], float(b["net_p95"]), rtol=1e-12)
        # One table, whoever writes it: stocks have no first day in either.
        with open(os.path.join(self.out, "published.csv"), "rb") as one, \
                open(os.path.join(self.out, "csv", "published.csv"), "rb") as other:
            self.assertEqual(one.read(), other.read())
        self.assertEqual({row["from"] for row in beside}, {""})
        described = {row["column"]: row for row in rows("csv", "dictionary.csv") if row["file"] == "published.csv"}
        self.assertEqual(set(described) - {""}, set(exported[0]))
        self.assertIn("fitted", described["fitted"]["meaning"])

    def test_the_dictionary_explains_every_column_of_every_table(self):
        folder = os.path.join(self.out, "csv")
        with open(os.path.join(folder, "dictionary.csv"), encoding="utf-8", newline="") as file:
            explained = {(row["file"], row["column"]): row["meaning"] for row in csv.DictReader(file)}
        self.assertTrue(all(explained.values()))
        headers, variables = set(), set()
        for name in sorted(os.listdir(folder)):
            with open(os.path.join(folder, name), encoding="utf-8", newline="") as file:
                reader = csv.DictReader(file)
                headers |= {(name, column) for column in [*reader.fieldnames, ""]}
                variables |= {(name, f"variable = {row['variable']}") for row in reader if "variable" in row}
        self.assertEqual({name for name, _ in headers} & {"course.csv", "replicates.csv", "dictionary.csv"},
                         {"course.csv", "replicates.csv", "dictionary.csv"})
        self.assertEqual({key for key in explained if not key[1].startswith("variable = ")}, headers)
        self.assertLessEqual(variables, set(explained))
        # Of a total it says how many programmes are in it, and the words are those of the file.
        with h5py.File(self.file) as file:
            for metric, dataset in file["report"].items():
                if ("report.csv", f"variable = {metric}") not in explained:
                    continue
                n_in = int(dataset.attrs.get("programmes_in_all", [0])[0])
                self.assertEqual(explained["report.csv", f"variable = {metric}"], dataset.attrs["long_name"].decode() + (
                    f"; all: {n_in} of 2 programmes enter" if n_in else ""))
                self.assertLessEqual(n_in, 2)
            self.assertEqual(list(file["report/adopters"].attrs["programmes_in_all"]), [2])
            self.assertNotIn("programmes_in_all", file["report/events_avoided"].attrs)

    def test_other_readers_see_every_group(self):
        header = subprocess.run(["ncdump", "-h", self.file], check=True, capture_output=True, text=True).stdout
        for group in self.groups - {None}:
            self.assertIn(f"group: {group} {{", header)
        subprocess.run(["ncdump", self.file], check=True, stdout=subprocess.DEVNULL)
        if not HAS_RHDF5:
            return
        script = """library(rhdf5); file <- commandArgs(TRUE)[1]
            cat(h5read(file, "calibration/programme"), h5read(file, "shapley/driver"), "\\n")
            cat(dim(h5read(file, "report/investment_gbp")), "\\n")
            cat(as.integer(h5read(file, "published/fitted")), "\\n")"""
        shown = subprocess.run(["Rscript", "-e", script, self.file], check=True, capture_output=True,
                               text=True).stdout.splitlines()
        self.assertEqual(shown[0].split(), ["example-tool", "second-tool", "effort", "incentive", "shock"])
        with h5py.File(self.file) as file:
            self.assertEqual([int(n) for n in shown[1].split()], list(file["report/investment_gbp"].shape[::-1]))
        self.assertEqual(shown[2].split(), ["0", "1"])


class Posterior(unittest.TestCase):
    """posterior.h5, made by hand: two programmes and the hierarchy over them."""

    keeps_to_the_recipe = AnyRun.keeps_to_the_recipe

    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        subprocess.run([POSTERIOR_FILE_TEST, "--gtest_filter=PosteriorFile.WritesAFileForOtherReaders"], check=True,
                       stdout=subprocess.DEVNULL, env=dict(os.environ, UPTAKE_READERS_FOLDER=scratch.name))
        cls.file = os.path.join(scratch.name, "posterior.h5")

    def test_the_recipe_is_kept_to_the_letter(self):
        self.keeps_to_the_recipe(self.file)

    def test_draws_open_by_label_in_both_engines(self):
        for engine in ENGINES:
            with self.subTest(engine), xr.open_dataset(self.file, engine=engine) as root, \
                    xr.open_dataset(self.file, engine=engine, group="programmes/example-tool") as fit:
                self.assertEqual(int(root.attrs["posterior_format"]), 1)
                self.assertEqual(root.attrs["title"], "A made-up record, “quoted” in UTF-8")
                self.assertEqual(root.attrs["seed"], "18446744073709551615")
                self.assertEqual(list(root.programme.values), ["example-tool", "pooled"])
                self.assertEqual(list(root.method.values), [0, 0])
                self.assertEqual(fit.draws.dims, ("draw", "parameter"))
                self.assertEqual(list(fit.parameter.values), ["bass.p", "bass.q"])
                p = fit.sel(parameter="bass.p")
                self.assertEqual(str(p.unit.values), "1/year")
                self.assertEqual(str(p.prior.values), "LN(1.3, 0.7)")
                self.assertEqual(int(p.informed), 1)
                self.assertEqual(int(fit.informed.sel(parameter="bass.q")), 0)
                self.assertAlmostEqual(float(p.draws.median()), 0.6, delta=0.05)
                self.assertEqual(float(fit.correlation.sel(parameter="bass.p", parameter2="bass.q")), -0.25)
                self.assertEqual(list(fit.tolerance.values), [2.5, 1.25])
                self.assertEqual(str(fit.measure.values[0]), "adopters")
                self.assertEqual(float(fit.observed[0]), 40)
                self.assertEqual(int(fit.fitted[0]), 1)
                self.assertEqual(str(fit.warnings.values), "a warning – verbatim")

    def test_the_hierarchy_opens_by_label_in_both_engines(self):
        for engine in ENGINES:
            with self.subTest(engine), xr.open_dataset(self.file, engine=engine, group="pooled") as pooled:
                self.assertEqual(pooled.mu.dims, ("draw", "parameter"))
                self.assertEqual(pooled.slopes.dims, ("draw", "parameter", "covariate"))
                self.assertTrue((pooled.slopes.sel(covariate="practice", parameter="log q") == 0.25).all())
                self.assertEqual(float(pooled.effective_share.sel(programme="pooled")), 0.25)
                self.assertEqual(pooled.sizes["left_out"], 4)

    def test_ncdump_shows_every_group(self):
        header = subprocess.run(["ncdump", "-h", self.file], check=True, capture_output=True, text=True).stdout
        for group in ("programmes", "example-tool", "pooled"):
            self.assertIn(f"group: {group} {{", header)
        subprocess.run(["ncdump", self.file], check=True, stdout=subprocess.DEVNULL)


unittest.main(argv=sys.argv[:1], verbosity=2)
