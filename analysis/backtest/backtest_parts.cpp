#include "backtest/backtest_parts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <string_view>
#include <tuple>

#include "backtest/baselines.hpp"
#include "results/numbers.hpp"

namespace uptake {

namespace {
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
/// Draws of each rival: their quantiles enter scores, and 1,000 is what forecasts are stored with at least (Bosse et al.
/// 2022, scoringutils). A plain Bass fit is made again for each.
constexpr std::size_t kRivalDraws = 1000;
/// From so many forecasts on the PIT is shown as a histogram of ten bins. [A]
constexpr std::size_t kHistogramFrom = 20;
constexpr int kPitBins = 10;

/// Days since the epoch; an observation with a window counts as of its middle.
double middle_of(const ObservedPoint& point) {
  const auto days = [](Date date) { return static_cast<double>(date.time_since_epoch().count()); };
  return (days(point.from) + days(point.to)) / 2;
}

bool is_fitted(const ObservedSeries& series) {
  return std::ranges::any_of(series.points, [](const ObservedPoint& point) { return point.use == Use::fit; });
}

std::vector<double> finite_of(std::span<const double> draws) {
  std::vector<double> finite;
  std::ranges::copy_if(draws, std::back_inserter(finite), [](double value) { return std::isfinite(value); });
  return finite;
}

Wis scaled(Wis wis, double factor) {
  wis.total *= factor;
  wis.dispersion *= factor;
  wis.overprediction *= factor;
  wis.underprediction *= factor;
  return wis;
}

void add(Wis& sum, const Wis& one) {
  sum.total += one.total;
  sum.dispersion += one.dispersion;
  sum.overprediction += one.overprediction;
  sum.underprediction += one.underprediction;
}

bool is_compared(const Forecast& one) {
  return one.score && std::ranges::all_of(one.baselines, [](const auto& score) { return score.has_value(); });
}

/// Mean over forecasts of `of(forecast)`, with the error that tenths of the draws leave.
template <class Of, class OfTenth>
MeanScore mean_score(const std::vector<const Forecast*>& forecasts, const Of& of, const OfTenth& of_tenth) {
  const auto n = static_cast<double>(forecasts.size());
  MeanScore result;
  std::array<double, 10> tenths{};
  for (const Forecast* one : forecasts) {
    result.mean += of(*one) / n;
    for (std::size_t k = 0; k < tenths.size(); ++k) tenths[k] += of_tenth(*one, k) / n;
  }
  double mean = 0, squares = 0;
  for (const double tenth : tenths) mean += tenth / 10;
  for (const double tenth : tenths) squares += (tenth - mean) * (tenth - mean);
  result.mcse = std::sqrt(squares / 9 / 10);
  return result;
}

/// The factor on half-widths with which the central intervals of `level` would have covered that share; none when they
/// do already, or when no factor would do.
std::optional<double> multiplier(std::span<const Score> scores, double level, double share) {
  if (scores.empty() || share >= level) return std::nullopt;
  std::vector<double> needed;
  const double tail = (1 - level) / 2;
  const auto low = static_cast<std::size_t>(
      std::ranges::find_if(kForecastProbabilities, [&](double p) { return std::abs(p - tail) < 1e-9; }) -
      kForecastProbabilities.begin());
  for (const Score& one : scores) {
    const double median = one.quantiles[one.quantiles.size() / 2];
    const double away = std::abs(one.observed - median);
    const double half =
        one.observed > median ? one.quantiles[one.quantiles.size() - 1 - low] - median : median - one.quantiles[low];
    needed.push_back(away == 0 ? 0 : away / half);
  }
  std::ranges::sort(needed);
  const auto place = static_cast<std::size_t>(std::ceil(level * static_cast<double>(needed.size())));
  const double factor = needed[std::max<std::size_t>(place, 1) - 1];
  return std::isfinite(factor) ? std::optional(factor) : std::nullopt;
}

/// Forecasts that belong together, in the order in which they first come.
template <class KeyOf>
std::vector<GroupScore> grouped_by(const std::vector<Forecast>& forecasts, const KeyOf& key_of) {
  std::vector<GroupScore> groups;
  for (const Forecast& one : forecasts) {
    if (!one.score) continue;
    const auto [programme, measure, region] = key_of(one);
    auto at = std::ranges::find_if(groups, [&, p = programme, m = measure, r = region](const GroupScore& group) {
      return group.programme == p && group.measure == m && group.region == r;
    });
    if (at == groups.end()) {
      groups.emplace_back();
      groups.back().programme = programme;
      groups.back().measure = measure;
      groups.back().region = region;
      at = groups.end() - 1;
    }
    ++at->n_scored;
    add(at->wis, scaled(one.score->wis, 1 / one.denominator));
    at->bias += one.score->bias;
    if (!is_compared(one)) continue;
    ++at->n_compared;
    add(at->ours, scaled(one.score->wis, 1 / one.denominator));
    for (std::size_t b = 0; b < kBaselineNames.size(); ++b)
      add(at->theirs[b], scaled(one.baselines[b]->wis, 1 / one.denominator));
  }
  for (GroupScore& group : groups) {
    const double each = 1 / static_cast<double>(group.n_scored);
    group.wis = scaled(group.wis, each);
    group.bias *= each;
    if (group.n_compared == 0) continue;
    const double compared = 1 / static_cast<double>(group.n_compared);
    group.ours = scaled(group.ours, compared);
    for (std::size_t b = 0; b < kBaselineNames.size(); ++b) {
      group.theirs[b] = scaled(group.theirs[b], compared);
      if (group.theirs[b].total > 0) group.skill[b] = group.ours.total / group.theirs[b].total;
    }
  }
  return groups;
}

constexpr ByBaseline<std::string_view> kInWords{"persistence", "the linear trend", "the plain Bass curve"};

/// Why a baseline has the lower WIS: the part of the score in which most of the difference lies, and what happened.
std::string reason(const Wis& ours, const Wis& theirs) {
  const double wide = ours.dispersion - theirs.dispersion, over = ours.overprediction - theirs.overprediction,
               under = ours.underprediction - theirs.underprediction;
  const double total = ours.total - theirs.total;
  const auto part = [&](double piece) { return std::min(100.0, 100 * piece / total); };
  if (over >= wide && over >= under)
    return fmt::format("the model's forecasts lie further above what was observed ({:.0f} % of the difference)",
                       part(over));
  if (under >= wide)
    return fmt::format("the model's forecasts lie further below what was observed ({:.0f} % of the difference)",
                       part(under));
  return fmt::format("the model's intervals are wider than this needed ({:.0f} % of the difference)", part(wide));
}

/// `adopting_orgs went from 1,535 to 2,688 by 2020-12`, of the last observation of each series with one before the cut.
std::string what_happened(const std::vector<Forecast>& forecasts, const std::string& programme) {
  std::vector<const Forecast*> last;
  for (const Forecast& one : forecasts) {
    if (one.programme != programme || !is_compared(one) || !one.before) continue;
    const auto same = std::ranges::find_if(last, [&](const Forecast* other) {
      return other->measure == one.measure && other->region == one.region && other->cut == one.cut;
    });
    if (same == last.end()) {
      last.push_back(&one);
    } else {
      *same = &one;
    }
  }
  std::vector<std::string> texts;
  for (const Forecast* one : last) {
    const std::string text =
        fmt::format("{}{} went from {} to {} by {}", one->measure, one->region == "England" ? "" : " in " + one->region,
                    rounded(*one->before), rounded(*one->observed), one->date);
    if (std::ranges::find(texts, text) == texts.end()) texts.push_back(text);
  }
  return fmt::format("{}", fmt::join(texts, ", "));
}
}  // namespace

HistoricProgramme as_known(HistoricProgramme programme, Date cutoff, Unknown what, std::vector<std::string>& assumed) {
  ProgrammeSpec& spec = programme.spec;
  for (ObservedSeries& series : programme.series) {
    for (ObservedPoint& point : series.points) {
      if (point.to <= cutoff) continue;
      point.value = kNaN;
      point.use = Use::check;
    }
  }
  const auto assume = [&](std::string sentence) {  // once, however many cuts say so
    if (std::ranges::find(assumed, sentence) == assumed.end()) assumed.push_back(std::move(sentence));
  };
  if (what == Unknown::values) return programme;
  if (spec.withdrawn && *spec.withdrawn > cutoff) {
    assume(fmt::format("{}: its withdrawal on {} was not known", spec.name, iso(*spec.withdrawn)));
    spec.withdrawn.reset();
  }
  for (const Window& window : spec.mandates) {
    if (window.from > cutoff)
      assume(fmt::format("{}: the mandate or incentive from {} on is in its plan and taken as known", spec.name,
                         iso(window.from)));
  }
  if (cutoff < kEmergency) {
    for (const Parameter id : {Parameter::s_plus, Parameter::s_minus}) {
      spec.fix(id, 1);
      std::erase(programme.calibrated, id);
    }
    if (spec.covid != CovidStance::none)
      assume(fmt::format("{}: the emergency of 2020 was not known, its factor is 1", spec.name));
  }
  return programme;
}

std::vector<std::size_t> past_points(const ObservedSeries& series, Date cutoff) {
  std::vector<std::size_t> past;
  for (std::size_t i = 0; i < series.points.size(); ++i) {
    if (series.points[i].use == Use::fit && series.points[i].to <= cutoff) past.push_back(i);
  }
  return past;
}

std::vector<Question> questions(const HistoricProgramme& programme, Date cutoff, std::span<const Date> dates) {
  std::vector<Question> asked;
  for (std::size_t s = 0; s < programme.series.size(); ++s) {
    const ObservedSeries& series = programme.series[s];
    if (!is_fitted(series)) continue;
    for (const ObservedPoint& point : series.points) {
      if (point.to <= cutoff) continue;
      asked.push_back({{.series = s, .point = point}, point.value});
      asked.back().asked.point.value = kNaN;
    }
    for (const Date date : dates) {
      const bool is_asked = std::ranges::any_of(series.points, [&](const ObservedPoint& point) {
        return point.from == date && point.to == date && date > cutoff;
      });
      if (is_asked) continue;  // the same forecast, with its observation
      ObservedPoint point;
      point.from = point.to = date;
      point.value = kNaN;
      point.use = Use::check;
      point.date = iso(date);
      point.data_set = series.points.front().data_set;
      asked.push_back({{.series = s, .point = std::move(point)}, std::nullopt});
    }
  }
  return asked;
}

std::optional<Date> cut_at(const HistoricProgramme& programme, double fraction) {
  std::optional<Date> last;
  for (const ObservedSeries& series : programme.series) {
    for (const ObservedPoint& point : series.points) {
      if (point.use == Use::fit && (!last || point.to > *last)) last = point.to;
    }
  }
  if (!last || *last <= programme.start) return std::nullopt;
  const auto days = static_cast<double>((*last - programme.start).count());
  return programme.start + std::chrono::days{static_cast<int>(fraction * days)};
}

ByBaseline<std::vector<std::vector<double>>> rivals(const HistoricProgramme& programme, std::size_t series_index,
                                                    Date cutoff, std::span<const Question> asked, Key key) {
  const ObservedSeries& series = programme.series[series_index];
  const std::vector<std::size_t> past = past_points(series, cutoff);
  ByBaseline<std::vector<std::vector<double>>> result;
  if (past.empty()) return result;
  double origin = static_cast<double>(programme.start.time_since_epoch().count());
  for (const std::size_t i : past) origin = std::min(origin, middle_of(series.points[i]));
  BaselineRequest request;
  request.ceiling = series.denominator;
  request.n_draws = kRivalDraws;
  for (const std::size_t i : past)
    request.past.push_back({(middle_of(series.points[i]) - origin) / kDaysPerYear, series.points[i].value});
  std::ranges::stable_sort(request.past, {}, &SeriesPoint::time);
  // A window that began before the cut-off may have its middle there: it counts as the day after what was known.
  const double earliest = request.past.back().time + 1 / kDaysPerYear;
  const auto time_of = [&](const Question& one) {
    return std::max(earliest, (middle_of(one.asked.point) - origin) / kDaysPerYear);
  };
  std::set<double> times;
  for (const Question& one : asked) times.insert(time_of(one));
  request.times.assign(times.begin(), times.end());
  const ByBaseline<BaselineForecast> made{persistence(request, make_key(key.value, 0)),
                                          linear_trend(request, make_key(key.value, 1)),
                                          plain_bass(request, make_key(key.value, 2))};
  for (std::size_t b = 0; b < made.size(); ++b) {
    for (const Question& one : asked) {
      const auto draws = made[b].at(static_cast<std::size_t>(std::distance(times.begin(), times.find(time_of(one)))));
      result[b].emplace_back(draws.begin(), draws.end());
    }
  }
  return result;
}

Forecast scored(const HistoricProgramme& programme, const Question& question, std::vector<double> draws) {
  const ObservedSeries& series = programme.series[question.asked.series];
  Forecast made;
  made.programme = programme.spec.name;
  made.region = series.region;
  made.measure = series.measure;
  made.unit = series.unit;
  made.date = question.asked.point.date;
  made.denominator = series.denominator;
  made.observed = question.observed;
  made.draws = std::move(draws);
  if (!made.observed) return made;
  if (const std::vector<double> finite = finite_of(made.draws); !finite.empty())
    made.score = score(finite, *made.observed);
  for (std::size_t k = 0; k < made.wis_of_tenths.size(); ++k) {
    // Neighbours share parameters, so that tenths of the order are independent.
    const std::size_t n = made.draws.size(), n_tenths = made.wis_of_tenths.size();
    std::vector<double> tenth;
    for (std::size_t i = k * n / n_tenths; i < (k + 1) * n / n_tenths; ++i) {
      if (std::isfinite(made.draws[i])) tenth.push_back(made.draws[i]);
    }
    if (tenth.empty()) continue;
    const Score of_tenth = score(tenth, *made.observed);
    made.wis_of_tenths[k] = of_tenth.wis.total;
    made.crps_of_tenths[k] = of_tenth.crps;
  }
  return made;
}

void summarise(Backtest& result, Key key) {
  std::vector<const Forecast*> all;
  std::vector<Score> scores;
  std::vector<double> ratios;
  double bias = 0;
  for (const Forecast& one : result.forecasts) {
    if (!one.score) continue;
    all.push_back(&one);
    scores.push_back(*one.score);
    bias += one.score->bias;
    result.pits.push_back((one.score->below + one.score->at_or_below) / 2);
    const double median = one.score->quantiles[one.score->quantiles.size() / 2];
    if (median > 0) ratios.push_back(one.score->observed / median);
  }
  result.n_scored = all.size();
  result.n_compared = static_cast<std::size_t>(std::ranges::count_if(result.forecasts, is_compared));
  using Tuple = std::tuple<std::string, std::string, std::string>;
  result.programmes = grouped_by(result.forecasts, [](const Forecast& one) { return Tuple{one.programme, "", ""}; });
  result.series = grouped_by(result.forecasts, [](const Forecast& one) {
    return Tuple{one.programme, one.measure, one.region};
  });
  if (all.empty()) return;

  const auto n = static_cast<double>(all.size());
  result.bias = bias / n;
  std::set<std::string_view> programmes;
  for (const Forecast* one : all) programmes.insert(one->programme);
  result.covered50 = coverage(scores, 0.5, programmes.size());
  result.covered90 = coverage(scores, 0.9, programmes.size());
  result.multiplier50 = multiplier(scores, 0.5, result.covered50->share);
  result.multiplier90 = multiplier(scores, 0.9, result.covered90->share);
  if (all.size() >= kHistogramFrom) result.pit = pit_histogram(scores, kPitBins);
  if (!ratios.empty()) result.outside = outside_view(ratios);
  result.wis = mean_score(
      all, [](const Forecast& one) { return one.score->wis.total / one.denominator; },
      [](const Forecast& one, std::size_t k) { return one.wis_of_tenths[k] / one.denominator; });
  result.crps = mean_score(
      all, [](const Forecast& one) { return one.score->crps / one.denominator; },
      [](const Forecast& one, std::size_t k) { return one.crps_of_tenths[k] / one.denominator; });
  result.natural_wis = mean_score(
      all, [](const Forecast& one) { return one.score->wis.total; },
      [](const Forecast& one, std::size_t k) { return one.wis_of_tenths[k]; });
  result.natural_crps = mean_score(
      all, [](const Forecast& one) { return one.score->crps; },
      [](const Forecast& one, std::size_t k) { return one.crps_of_tenths[k]; });
  double log_wis = 0, log_crps = 0;
  for (const Score& one : scores) {
    log_wis += one.log_wis / n;
    log_crps += one.log_crps / n;
  }
  if (std::isfinite(log_wis)) result.log_wis = log_wis;
  if (std::isfinite(log_crps)) result.log_crps = log_crps;

  for (std::size_t b = 0; b < kBaselineNames.size(); ++b) {
    std::vector<Compared> shares, natural, logs;
    for (const Forecast* one : all) {
      if (!is_compared(*one)) continue;
      Compared compared{one->programme, *one->score, *one->baselines[b]};
      natural.push_back(compared);
      shares.push_back(compared);
      shares.back().ours.wis = scaled(compared.ours.wis, 1 / one->denominator);
      shares.back().theirs.wis = scaled(compared.theirs.wis, 1 / one->denominator);
      if (!std::isfinite(compared.ours.log_wis) || !std::isfinite(compared.theirs.log_wis)) continue;
      logs.push_back(compared);
      logs.back().ours.wis.total = compared.ours.log_wis;
      logs.back().theirs.wis.total = compared.theirs.log_wis;
    }
    if (shares.empty()) continue;
    SkillOf of{skill(shares, make_key(key.value, b)), std::nullopt, std::nullopt};
    const auto ratio_of = [&](const std::vector<Compared>& compared) -> std::optional<double> {
      const double ratio = skill(compared, key).ratio;
      return std::isfinite(ratio) ? std::optional(ratio) : std::nullopt;
    };
    of.natural = ratio_of(natural);
    of.logs = ratio_of(logs);
    result.skill[b] = of;

    for (const GroupScore& group : result.programmes) {
      if (group.n_compared == 0 || group.ours.total <= group.theirs[b].total) continue;
      result.why.push_back(fmt::format(
          "{} beats the model on {} (WIS {:.3g} against {:.3g} of the denominator, {}): {}; {}", kInWords[b],
          group.programme, group.theirs[b].total, group.ours.total, plural(group.n_compared, "forecast"),
          reason(group.ours, group.theirs[b]), what_happened(result.forecasts, group.programme)));
    }
  }
}

}  // namespace uptake
