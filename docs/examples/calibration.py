"""What a calibration and a back-test found, from posterior.h5 and backtest.h5 by label.

Usage: python3 calibration.py results/history/posterior.h5 [results/backtest/backtest.h5]
Needs xarray and h5netcdf (Debian: python3-xarray python3-h5netcdf).
"""

import sys

import xarray as xr


def print_posterior(file):
    with xr.open_dataset(file, engine="h5netcdf") as root:
        programmes = [str(name) for name in root.programme.values]
    print("programme,parameter,unit,p05,p50,p95,contraction,informed")
    for programme in programmes:
        if programme == "pooled":  # what the programmes say together is the group /pooled
            continue
        with xr.open_dataset(file, engine="h5netcdf", group=f"programmes/{programme}") as fit:
            quantiles = fit.draws.quantile([0.05, 0.5, 0.95], "draw")
            for parameter in fit.parameter.values:
                one = fit.sel(parameter=parameter)
                low, median, high = (float(quantiles.sel(parameter=parameter, quantile=q)) for q in (0.05, 0.5, 0.95))
                print(f"{programme},{parameter},{one.unit.values},{low:.10g},{median:.10g},{high:.10g},"
                      f"{float(one.contraction):.4g},{'yes' if int(one.informed) else 'no'}")


def print_backtest(file):
    with xr.open_dataset(file, engine="h5netcdf") as data:
        print("baseline,skill,low,high")
        for baseline in data.baseline.values:
            one = data.sel(baseline=baseline)
            print(f"{baseline},{float(one.skill):.4g},{float(one.skill_low):.4g},{float(one.skill_high):.4g}")
        print("programme,region,measure,date,unit,observed,p05,p50,p95")
        for i in range(data.sizes["forecast"]):  # a date that is asked for can be an observed one too: labels may repeat
            one = data.isel(forecast=i)
            low, median, high = one.draws.quantile([0.05, 0.5, 0.95], "draw").values
            print(f"{one.programme.values},{one.region.values},{one.measure.values},{one.date.values},{one.unit.values},"
                  f"{float(one.observed):.10g},{low:.10g},{median:.10g},{high:.10g}")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    print_posterior(sys.argv[1])
    if len(sys.argv) == 3:
        print_backtest(sys.argv[2])
