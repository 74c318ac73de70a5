#include "results/sensitivity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>

#include "results/compare.hpp"
#include "results/finding.hpp"
#include "statistics/statistics.hpp"
#include "uptake/error.hpp"
#include "uptake/scenario.hpp"
#include "uptake/world.hpp"

namespace uptake {

namespace {
constexpr double kLow = 0.05, kHigh = 0.95;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr std::array kShares{Parameter::share_geography, Parameter::share_community, Parameter::share_ownership,
                             Parameter::share_pathway};

/// A parameter that can move, and where it stands in Draw::values().
struct Movable {
  int programme;  ///< -1 = economy
  const ParameterSpec* spec;
  const Setting* setting;
  std::size_t index;
};

std::vector<Movable> movables(const Scenario& scenario) {
  std::vector<Movable> all;
  std::size_t index = 0;
  const auto add = [&](int programme, const ParameterSpec& row, const Setting& setting) {
    const PosteriorProgramme* const drawn =
        programme < 0 ? nullptr : calibrated(scenario, scenario.programmes[static_cast<std::size_t>(programme)].name);
    const bool is_calibrated = drawn && drawn->column(row.id);
    if (is_calibrated || setting.prior.family != Family::fixed) all.push_back({programme, &row, &setting, index});
    ++index;
  };
  for (std::size_t j = 0; j < scenario.programmes.size(); ++j)
    for (const ParameterSpec& row : parameter_table().first(kNProgrammeParameters))
      add(static_cast<int>(j), row, scenario.programmes[j].settings[static_cast<std::size_t>(row.id)]);
  for (const ParameterSpec& row : parameter_table().subspan(kNProgrammeParameters))
    add(-1, row, scenario.economy[static_cast<std::size_t>(row.id) - kNProgrammeParameters]);
  return all;
}

/// A quantile of a calibrated parameter; none for the others.
std::optional<double> posterior_value(const Movable& one, const Scenario& scenario, double u) {
  if (one.programme < 0) return std::nullopt;
  const auto drawn =
      posterior_column(scenario, scenario.programmes[static_cast<std::size_t>(one.programme)].name, one.spec->id);
  return drawn ? std::optional(drawn->quantile(u)) : std::nullopt;
}

/// The value of a parameter at a point of its posterior, or of its prior where it is not calibrated.
double value_at(const Movable& one, const Scenario& scenario, double u) {
  if (const auto calibrated_value = posterior_value(one, scenario, u)) return *calibrated_value;
  if (one.setting->prior.family != Family::gamma_share)
    return quantile(one.setting->prior, u, one.spec->lowest, one.spec->highest);
  // A gamma variate among four: its own point against the means of the others.
  double others = 0;
  for (const Parameter id : kShares) {
    const Setting& setting =
        scenario.programmes[static_cast<std::size_t>(one.programme)].settings[static_cast<std::size_t>(id)];
    if (id != one.spec->id) others += setting.prior.a;
  }
  const double own = quantile(one.setting->prior, u, 0, std::numeric_limits<double>::infinity());
  return own / (own + others);
}

Draw moved(const Draw& defaults, const Movable& one, double value, int n_programmes) {
  std::vector<double> values(defaults.values().begin(), defaults.values().end());
  if (std::ranges::find(kShares, one.spec->id) != kShares.end()) {
    const std::size_t first = one.index - static_cast<std::size_t>(one.spec->id);
    double rest = 0;
    for (const Parameter id : kShares)
      if (id != one.spec->id) rest += values[first + static_cast<std::size_t>(id)];
    for (const Parameter id : kShares)
      if (id != one.spec->id) values[first + static_cast<std::size_t>(id)] *= rest > 0 ? (1 - value) / rest : 0;
  }
  values[one.index] = value;
  return Draw(std::move(values), n_programmes);
}

/// The vector that assumptions are moved from: calibrated parameters at their medians, all others at their defaults.
Draw base_of(const Scenario& scenario, const std::vector<Movable>& all) {
  Scenario at_defaults = scenario;
  at_defaults.mode = ParameterMode::defaults;
  Draw base = draw_parameters(at_defaults, {});
  for (const Movable& one : all)
    if (const auto median = posterior_value(one, scenario, 0.5))
      base = moved(base, one, *median, static_cast<int>(scenario.programmes.size()));
  return base;
}

/// What a setting comes to, and the part of each replicate in it: the value, or the residual of a ratio.
struct Outcome {
  double value = 0;
  std::vector<double> parts;
};
/// Mean over the replicates in which the base is defined too.
Outcome mean_outcome(std::span<const double> values, std::span<const double> base) {
  Outcome outcome{0, {values.begin(), values.end()}};
  double n = 0;
  for (std::size_t r = 0; r < values.size(); ++r) {
    if (std::isnan(base[r])) outcome.parts[r] = kNaN;
    if (std::isnan(outcome.parts[r])) continue;
    outcome.value += values[r];
    n += 1;
  }
  outcome.value = n > 0 ? outcome.value / n : kNaN;
  return outcome;
}
/// Standard error of the change from the base, replicate by replicate.
double error_of_change(const Outcome& outcome, const Outcome& base) {
  std::vector<double> change(base.parts.size());
  std::ranges::transform(outcome.parts, base.parts, change.begin(), std::minus<>{});
  return standard_error(change);
}
}  // namespace

bool is_nil(const OneWayStudy& study) {
  return study.base == 0 && study.base_error == 0 && std::ranges::all_of(study.parameters, [](const OneWay& one) {
           return one.at_low == 0 && one.at_high == 0 && one.error_low == 0 && one.error_high == 0;
         });
}

bool is_given(const Model& model, const SummaryLayout& layout, Metric metric) {
  const Block* block = layout.find(metric, Axis::report);
  return block != nullptr && !spec(metric).own_world && focus_place(layout, model.scenario) < block->n_places;
}

Metric leading_metric(const Model& model, const SummaryLayout& layout) {
  // Unlike events of several programmes are not added up: their total has none.
  const bool several = model.scenario.programmes.size() > 1;
  return subject_of([&](Metric metric) {
           return is_given(model, layout, metric) && !(several && spec(metric).needs == Needs::events);
         })
      .metric;
}

OneWayStudy one_way(const std::shared_ptr<const Model>& model, const SummaryLayout& layout, Metric metric,
                    int n_replicates, const Control& control) {
  UPTAKE_EXPECTS(is_given(*model, layout, metric) && n_replicates >= 1);
  const int lead = lead_strategy(model->scenario);
  const int programme = total_programme(layout.programmes);
  const int place = focus_place(layout, model->scenario);
  const std::vector<Movable> all = movables(model->scenario);
  const Draw base_draw = base_of(model->scenario, all);
  const auto ratio = ratio_of_means(metric, layout.benefit[static_cast<std::size_t>(programme)]);
  const auto n = static_cast<std::size_t>(n_replicates);
  const std::size_t n_settings = 1 + 2 * all.size();

  // Setting 0 is the base; 1 + 2 k and 2 + 2 k are the ends of parameter k. Replicates run fastest.
  const auto result = [&](std::size_t task) {
    const std::size_t setting = task / n, replicate = task % n;
    const Key key = make_key(model->scenario.seed, replicate);
    Draw draw = base_draw;
    if (setting > 0) {
      const Movable& one = all[(setting - 1) / 2];
      draw = moved(draw, one, value_at(one, model->scenario, setting % 2 == 1 ? kLow : kHigh), model->n_programmes());
    }
    const std::vector<History> histories = simulate(model, draw, key);
    Summary summary(layout.size);
    outcomes(*model, layout, draw, key, histories, summary);
    const auto value = [&](Metric of, View view) {
      return value_in_view(layout, summary, *layout.find(of, Axis::report), lead, programme, 0, place, view);
    };
    if (!ratio) return std::vector<double>{value(metric, View::net)};
    return std::vector<double>{value(ratio->over, ratio->over_in), value(ratio->under, ratio->under_in)};
  };
  // By setting and replicate; those that a stop leaves out stay undefined.
  std::vector<std::vector<double>> over(n_settings, std::vector<double>(n, kNaN)),
      under(ratio ? over : decltype(over)());
  run_tasks(
      n_settings * n, result,
      [&](std::size_t task, std::vector<double>&& values) {
        over[task / n][task % n] = values.front();
        if (ratio) under[task / n][task % n] = values.back();
      },
      control);
  std::vector<Outcome> found_at;
  for (std::size_t setting = 0; setting < n_settings; ++setting) {
    if (!ratio) {
      found_at.push_back(mean_outcome(over[setting], over.front()));
      continue;
    }
    MeanRatio found = mean_ratio(*ratio, over[setting], under[setting]);
    found_at.push_back({found.value, std::move(found.residual)});
  }
  const Outcome& base = found_at.front();

  if (std::isnan(base.value) && !control.stop.stop_requested())
    throw InputError(
        {{fmt::format("--metric {}", spec(metric).name),
          "is undefined at the defaults: there is no base to move assumptions from", "choose another metric"}});
  OneWayStudy study;
  study.metric = spec(metric).name;
  study.unit = spec(metric).unit;
  study.strategy = layout.strategies[static_cast<std::size_t>(lead)];
  study.comparator = layout.strategies[static_cast<std::size_t>(layout.comparator)];
  study.region = layout.regions[static_cast<std::size_t>(place)];
  study.place = place_in_words(*model, layout, place);
  study.date = layout.reports.front().label;
  study.n_replicates = n_replicates;
  study.is_calibrated = model->scenario.mode == ParameterMode::posterior;
  study.base = base.value;
  study.base_error = standard_error(base.parts);
  for (std::size_t k = 0; k < all.size(); ++k) {
    const Movable& one = all[k];
    const bool several = model->n_programmes() > 1 && one.programme >= 0;
    const Outcome &low = found_at[1 + 2 * k], &high = found_at[2 + 2 * k];
    study.parameters.push_back(
        {several ? fmt::format("{}.{}", model->scenario.programmes[static_cast<std::size_t>(one.programme)].name,
                               one.spec->key)
                 : std::string(one.spec->key),
         std::string(one.spec->unit), std::string(name_of(one.setting->grade)), one.setting->source,
         posterior_value(one, model->scenario, 0.5).value_or(one.setting->value), value_at(one, model->scenario, kLow),
         value_at(one, model->scenario, kHigh), low.value, high.value, error_of_change(low, base),
         error_of_change(high, base)});
  }
  const auto width = [](const OneWay& one) {
    const double difference = std::abs(one.at_high - one.at_low);
    return std::isnan(difference) ? -1.0 : difference;
  };
  std::ranges::stable_sort(study.parameters, [&](const OneWay& a, const OneWay& b) { return width(a) > width(b); });
  return study;
}

}  // namespace uptake
