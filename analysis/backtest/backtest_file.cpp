// backtest.h5: every forecast with its draws, scores and rivals, by label. docs/results-format.md has the paths.
#include <fmt/format.h>

#include <cmath>
#include <map>

#include "backtest/backtest.hpp"
#include "files/file.hpp"
#include "files/hdf5_writer.hpp"
#include "files/results_file.hpp"
#include "files/seal.hpp"
#include "uptake/version.hpp"

namespace uptake {

namespace {
/// Draws keep so many binary digits behind the first, as replicates do.
constexpr int kDigitsOfDraws = 23;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

Attributes with_units(std::string long_name, std::string units) {
  Attributes attributes = named(std::move(long_name));
  attributes.emplace_back("units", std::move(units));
  return attributes;
}

template <class Of>
auto by_forecast(const Backtest& result, const Of& of) {
  std::vector<std::decay_t<decltype(of(result.forecasts.front()))>> values;
  for (const Forecast& one : result.forecasts) values.push_back(of(one));
  return values;
}

/// One for each forecast, no two alike: a table may state a date twice.
std::vector<std::string> labels(const Backtest& result) {
  std::map<std::string, int> seen;
  return by_forecast(result, [&](const Forecast& one) {
    std::string label = fmt::format("{}/{}/{}/{}/{}", one.programme, one.region, one.measure, one.date, one.cut);
    const int n = ++seen[label];
    return n == 1 ? label : fmt::format("{}#{}", label, n);
  });
}

/// A number of each score; NaN where nothing is observed.
template <class Of>
void write_score(Hdf5Group& group, const Backtest& result, const std::string& name, const Of& of,
                 std::string long_name) {
  group.doubles(name, by_forecast(result, [&](const Forecast& one) { return one.score ? of(*one.score) : kNaN; }),
                {"forecast"}, named(std::move(long_name)));
}

void write_draws(Hdf5Group& root, const Backtest& result) {
  const std::size_t n = result.forecasts.front().draws.size();
  std::vector<std::int32_t> numbers;
  for (std::size_t i = 0; i < n; ++i) numbers.push_back(static_cast<std::int32_t>(i));
  root.scale("draw", numbers, named("number of a world; the same world in all forecasts of a programme and cut"));
  Attributes attributes = named("forecast of each world, in `unit`; NaN where the model failed");
  attributes.push_back(digits_kept(kDigitsOfDraws));
  Hdf5Chunks chunks = root.chunked("draws", {"forecast", "draw"}, {1, n}, attributes);
  for (std::size_t f = 0; f < result.forecasts.size(); ++f) {
    if (const auto bytes = packed(std::vector<double>(result.forecasts[f].draws), kDigitsOfDraws); !bytes.empty())
      chunks.take({f, 0}, bytes);
  }
}

void write_scores(Hdf5Group& root, const Backtest& result) {
  std::vector<std::string> labels;
  for (const double p : kForecastProbabilities) labels.push_back(fmt::format("{:g}", p));
  root.scale("probability", labels, named("probability of a quantile"));
  std::vector<double> quantiles;
  for (const Forecast& one : result.forecasts) {
    if (one.score) {
      quantiles.insert(quantiles.end(), one.score->quantiles.begin(), one.score->quantiles.end());
    } else {
      quantiles.insert(quantiles.end(), kForecastProbabilities.size(), kNaN);
    }
  }
  root.doubles("quantiles", quantiles, {"forecast", "probability"}, named("quantiles that are scored, in `unit`"));
  write_score(
      root, result, "crps", [](const Score& s) { return s.crps; }, "continuous ranked probability score");
  write_score(
      root, result, "wis", [](const Score& s) { return s.wis.total; }, "weighted interval score");
  write_score(
      root, result, "dispersion", [](const Score& s) { return s.wis.dispersion; }, "part of wis: width of intervals");
  write_score(
      root, result, "overprediction", [](const Score& s) { return s.wis.overprediction; },
      "part of wis: observed below intervals");
  write_score(
      root, result, "underprediction", [](const Score& s) { return s.wis.underprediction; },
      "part of wis: observed above intervals");
  write_score(
      root, result, "log_crps", [](const Score& s) { return s.log_crps; }, "crps of log(1 + x)");
  write_score(
      root, result, "log_wis", [](const Score& s) { return s.log_wis; }, "wis of log(1 + x)");
  write_score(
      root, result, "bias", [](const Score& s) { return s.bias; }, "1: every draw above, -1: every draw below");
  write_score(
      root, result, "pit", [](const Score& s) { return (s.below + s.at_or_below) / 2; },
      "P(draw < observed) + P(draw = observed) / 2");
}

void write_rivals(Hdf5Group& root, const Backtest& result) {
  root.scale("baseline", std::vector<std::string>(kBaselineNames.begin(), kBaselineNames.end()),
             named("forecast that the model has to beat"));
  std::vector<double> wis, crps;
  for (const Forecast& one : result.forecasts) {
    for (const auto& theirs : one.baselines) {
      wis.push_back(theirs ? theirs->wis.total : kNaN);
      crps.push_back(theirs ? theirs->crps : kNaN);
    }
  }
  root.doubles("wis_of_baselines", wis, {"forecast", "baseline"}, named("weighted interval score of baselines"));
  root.doubles("crps_of_baselines", crps, {"forecast", "baseline"}, named("CRPS of baselines"));
  std::vector<double> ratio, low, high, geometric, natural, logs;
  for (const auto& skill : result.skill) {
    ratio.push_back(skill ? skill->shares.ratio : kNaN);
    low.push_back(skill ? skill->shares.low : kNaN);
    high.push_back(skill ? skill->shares.high : kNaN);
    geometric.push_back(skill ? skill->shares.geometric : kNaN);
    natural.push_back(skill ? skill->natural.value_or(kNaN) : kNaN);
    logs.push_back(skill ? skill->logs.value_or(kNaN) : kNaN);
  }
  root.doubles("skill", ratio, {"baseline"}, named("mean WIS over a baseline's, on shares; below 1 is better"));
  root.doubles("skill_low", low, {"baseline"}, named("5 % of skill, bootstrap over programmes"));
  root.doubles("skill_high", high, {"baseline"}, named("95 % of skill, bootstrap over programmes"));
  root.doubles("skill_geometric", geometric, {"baseline"}, named("geometric mean of the programmes' skill"));
  root.doubles("skill_natural", natural, {"baseline"}, named("skill in the units of the series"));
  root.doubles("skill_log", logs, {"baseline"}, named("skill on log(1 + x)"));
}
}  // namespace

void write_backtest(const Backtest& result, const std::filesystem::path& path) {
  UPTAKE_EXPECTS(!result.forecasts.empty());
  Replacement replacement(path);
  Hdf5Output output{replacement.descriptor(), 0};
  {
    const Quiet quiet;
    const Hdf5File file(output);
    Hdf5Group root = file.root();
    root.attributes({{"Conventions", std::string(kConventions)},
                     {"title", fmt::format("Back-test of {}, known: {}", result.history, result.known)},
                     {"source", fmt::format("uptake {}", version())},
                     {"backtest_format", std::int32_t{kBacktestFormat}},
                     {"history", result.history},
                     {"cutoff", result.known},
                     {"why", fmt::format("{}", fmt::join(result.why, "\n"))},
                     {"assumed", fmt::format("{}", fmt::join(result.assumed, "\n"))},
                     {"skipped", fmt::format("{}", fmt::join(result.skipped, "\n"))}});
    root.scale("forecast", labels(result),
               named("programme/region/measure/date/cut, and #2 where that was there before"));
    const auto text = [&](const std::string& name, const auto& of, const std::string& long_name) {
      root.text(name, by_forecast(result, of), {"forecast"}, named(long_name));
    };
    text(
        "programme", [](const Forecast& one) { return one.programme; }, "programme");
    text(
        "region", [](const Forecast& one) { return one.region; }, "region, as in the table");
    text(
        "measure", [](const Forecast& one) { return one.measure; }, "measure, as in the table");
    text(
        "unit", [](const Forecast& one) { return one.unit; }, "unit of what is forecast");
    text(
        "date", [](const Forecast& one) { return one.date; }, "date, as in the table");
    text(
        "cut", [](const Forecast& one) { return one.cut; }, "what was known");
    root.integers("n_past", by_forecast(result, [](const Forecast& one) { return std::int32_t{one.n_past}; }),
                  {"forecast"}, named("observations of the series that were known"));
    root.doubles("observed", by_forecast(result, [](const Forecast& one) { return one.observed.value_or(kNaN); }),
                 {"forecast"}, named("what was observed, in `unit`"));
    root.doubles("denominator", by_forecast(result, [](const Forecast& one) { return one.denominator; }), {"forecast"},
                 with_units("value that stands for a share of 1", "1"));
    write_draws(root, result);
    write_scores(root, result);
    write_rivals(root, result);
  }
  if (output.error != 0) throw file_error(replacement.path(), "cannot write", output.error);
  seal(replacement);
  replacement.put_in_place();
}

}  // namespace uptake
