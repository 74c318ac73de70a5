// One programme's model put beside its record: what it would have been reported as, and how likely what was reported is.
#include "calibration/historic.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "statistics/scores.hpp"
#include "statistics/special_functions.hpp"

namespace uptake {

namespace {
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kLogRootTwoPi = 0.918938533204672742;

std::uint64_t identity_of_days(const ObservedPoint& point) {
  return identity_of(fmt::format("days:{}..{}", iso(point.from), iso(point.to)));
}

Date middle_of(const ObservedPoint& point) { return point.from + (point.to - point.from) / 2; }

double logit(double share) { return std::log(share / (1 - share)); }

/// Values between which a number lies that was published as `value`.
struct Interval {
  double low, high;
};
Interval interval_of(const ObservedPoint& point, bool is_count) {
  switch (point.rounding) {
    case Rounding::at_least:
      return {point.value, point.value + point.step};
    case Rounding::nearest:
      return {point.value - point.step / 2, point.value + point.step / 2};
    case Rounding::exact:
      break;
  }
  return is_count ? Interval{point.value - 0.5, point.value + 0.5} : Interval{point.value, point.value};
}

/// What is published of a number that was counted.
double published(double counted, const ObservedPoint& point, bool is_count) {
  switch (point.rounding) {
    case Rounding::at_least:
      return std::floor(counted / point.step) * point.step;
    case Rounding::nearest:
      return std::round(counted / point.step) * point.step;
    case Rounding::exact:
      break;
  }
  return is_count ? std::round(counted) : counted;
}
}  // namespace

// ---- the model of one programme ---------------------------------------------------------------------------------------

struct HistoricModel::Inside {
  /// A series, with what the model needs for it.
  struct Series {
    int region = -1;
    double n_eligible = 0;  ///< organisations of the population that stand for the denominator
    bool is_count = false;  ///< of organisations: whole numbers
  };
  HistoricProgramme programme;
  std::string identity;
  std::shared_ptr<const Model> model;
  std::vector<Series> series;
  std::vector<CalibratedParameter> parameters;

  [[nodiscard]] DrawId report_id(std::uint64_t what) const {
    return {what, model->programmes.front().identity, static_cast<std::uint16_t>(Stream::report), 0};
  }

  /// All parameters of one world: those that are calibrated as given, the rest from their priors.
  [[nodiscard]] Draw draw_of(std::span<const double> natural, Key key) const {
    const Draw prior = draw_parameters(model->scenario, key);
    std::vector<double> values(prior.values().begin(), prior.values().end());
    for (std::size_t j = 0; j < natural.size(); ++j)
      values[static_cast<std::size_t>(programme.calibrated[j])] = natural[j];
    return Draw(std::move(values), 1);
  }
  [[nodiscard]] bool are_possible(std::span<const double> natural) const {
    for (std::size_t j = 0; j < natural.size(); ++j) {
      if (!(natural[j] >= parameters[j].lowest && natural[j] <= parameters[j].highest)) return false;
    }
    return true;
  }

  /// The boundary at which an observation was counted in this world.
  [[nodiscard]] int boundary_of(const ObservedPoint& point, Key key) const {
    Date date = point.to;
    if (point.from < point.to) {
      const double u = uniform(key, report_id(identity_of_days(point)));
      const auto days = static_cast<double>((point.to - point.from).count() + 1);
      date = point.from + std::chrono::days{static_cast<int>(u * days)};
    }
    return model->calendar().boundary_at_end_of(date);
  }
  [[nodiscard]] std::vector<Target> targets_of(std::span<const Asked> asked, Key key) const {
    std::vector<Target> targets;
    targets.reserve(asked.size());
    for (const Asked& one : asked) {
      const ObservedSeries& of = programme.series[one.series];
      targets.push_back({0, of.counts, series[one.series].region, boundary_of(one.point, key)});
    }
    return targets;
  }

  /// Share of the denominator that a value of `observe` is, in [0, 1].
  [[nodiscard]] double share_of(std::size_t at, double value) const {
    switch (programme.series[at].counts) {
      case Measure::uptake_share:
        return value;
      case Measure::capacity_beds:
        return value / programme.series[at].denominator;
      default:
        return value / series[at].n_eligible;
    }
  }
  /// Shift of a data set other than the series' own first one, the same for all that it counts in this world.
  [[nodiscard]] double shift_of(const Asked& asked, Key key) const {
    const ObservedSeries& of = programme.series[asked.series];
    const std::string& set = asked.point.data_set;
    if (of.points.empty() || set.empty() || set == of.points.front().data_set) return 0;
    const double u = uniform(key, report_id(identity_of("data-set:" + set)));
    return programme.reporting.level_shift * normal_quantile(u);
  }
  /// The logit about which reports of a world scatter. Nobody and everybody are a quarter of an organisation off, or of what
  /// the report is rounded to where that is less, so that they are reported as such.
  [[nodiscard]] double centre_of(const Asked& asked, double value, Key key) const {
    const double share = share_of(asked.series, value);
    const ObservedSeries& of = programme.series[asked.series];
    const double resolution =
        asked.point.step > 0 ? asked.point.step : (series[asked.series].is_count ? 1.0 : kInfinity);
    const double margin =
        0.25 * std::min(1 / std::max(1.0, series[asked.series].n_eligible), resolution / of.denominator);
    return logit(std::clamp(share, margin, 1 - margin)) + shift_of(asked, key);
  }
  /// Correlation of the model's own error over so many weeks, forwards or backwards (days that are not known may come in
  /// another order than their observations).
  [[nodiscard]] double correlation_over(int weeks) const {
    return std::exp(-std::abs(weeks) * model->calendar().step_years / programme.reporting.persistence);
  }
  [[nodiscard]] double counting_sd(const Asked& asked) const {
    return programme.reporting.counting * asked.point.counting_factor;
  }
  [[nodiscard]] double report(const Asked& asked, double logit_counted) const {
    const double share = 1 / (1 + std::exp(-logit_counted));
    return published(share * programme.series[asked.series].denominator, asked.point, series[asked.series].is_count);
  }
  [[nodiscard]] std::uint64_t identity_of_report(const Asked& asked, std::string_view what) const {
    const ObservedSeries& of = programme.series[asked.series];
    return identity_of(fmt::format("{}:{}:{}:{}:{}:{}", what, of.measure, of.region, asked.point.data_set,
                                   asked.point.date, iso(asked.point.to)));
  }
};

namespace {
/// What is known of the model's own error in one series: normal, at a boundary (none yet: -1).
struct Error {
  double mean = 0, variance = 0;
  int boundary = -1;
};

/// The model's own error goes on from one boundary to another.
void carry(const HistoricModel::Inside& inside, Error& error, int boundary) {
  const double stationary = inside.programme.reporting.discrepancy * inside.programme.reporting.discrepancy;
  const double correlation = error.boundary < 0 ? 0 : inside.correlation_over(boundary - error.boundary);
  error.mean *= correlation;
  error.variance = correlation * correlation * error.variance + (1 - correlation * correlation) * stationary;
  error.boundary = boundary;
}

/// What a world was reported as, and the error that the report shows. @param u two uniforms
double reported_as(const HistoricModel::Inside& inside, const Asked& asked, double value, Error& error,
                   std::array<double, 2> u, Key key) {
  error.mean += std::sqrt(error.variance) * normal_quantile(u[0]);
  error.variance = 0;
  return inside.report(
      asked, inside.centre_of(asked, value, key) + error.mean + inside.counting_sd(asked) * normal_quantile(u[1]));
}
}  // namespace

HistoricModel::HistoricModel(HistoricProgramme programme, const HistoricRecord& record,
                             std::shared_ptr<const Population> population, Date last) {
  auto inside = std::make_unique<Inside>();
  inside->identity = record.digest + ":" + programme.spec.name;
  Scenario scenario;
  scenario.name = record.name;
  scenario.title = record.title;
  scenario.file = record.file;
  scenario.population = record.population;
  scenario.population_options = record.population_options;
  scenario.programmes = {programme.spec};
  scenario.calendar.start = programme.start;
  const auto days = (last - programme.start).count() + 1;
  if (days < 7) {
    throw InputError({{record.file.string(),
                       fmt::format("{} starts on {}, less than a week before {}", programme.spec.name,
                                   iso(programme.start), iso(last)),
                       "ask for later observations, or let the programme start earlier"}});
  }
  scenario.calendar.n_weeks = static_cast<int>((days + 6) / 7);
  scenario.calendar.report_at = {scenario.calendar.last_day()};
  scenario.seed = record.seed;
  scenario.attention = false;  // one programme alone
  scenario.strategies = {{.name = "as-delivered", .delivery = Delivery::as_delivered, .levers = {}}};
  scenario.economy = default_economy();
  inside->model = make_model(std::move(scenario), std::move(population));

  const Population& who = *inside->model->population;
  std::vector<Problem> problems;
  for (const ObservedSeries& series : programme.series) {
    Inside::Series of;
    if (!series.model_region.empty()) {
      const auto at = std::ranges::find(who.regions, series.model_region, &Region::code);
      if (at == who.regions.end()) {
        problems.push_back(
            {record.file.string(),
             fmt::format("{}: the population has no region \"{}\"", programme.spec.name, series.model_region), ""});
      } else {
        of.region = static_cast<int>(at - who.regions.begin());
      }
    }
    if (problems.empty()) of.n_eligible = static_cast<double>(n_eligible(*inside->model, 0, of.region));
    if (problems.empty() && of.n_eligible == 0) {
      problems.push_back(
          {record.file.string(), fmt::format("{}: nobody in {} is eligible", programme.spec.name, series.region), ""});
    }
    of.is_count = series.counts != Measure::uptake_share && series.counts != Measure::capacity_beds &&
                  series.unit.find('%') == std::string::npos;
    inside->series.push_back(of);
  }
  if (!problems.empty()) throw InputError(std::move(problems));
  for (const Parameter id : programme.calibrated) {
    const ParameterSpec& row = spec(id);
    inside->parameters.push_back({std::string(row.key), std::string(row.unit),
                                  programme.spec.settings[static_cast<std::size_t>(id)].prior, row.lowest,
                                  row.highest});
  }
  inside->programme = std::move(programme);
  inside_ = std::move(inside);
}
HistoricModel::~HistoricModel() = default;
HistoricModel::HistoricModel(HistoricModel&&) noexcept = default;
HistoricModel& HistoricModel::operator=(HistoricModel&&) noexcept = default;

Date HistoricModel::last_day() const { return inside_->model->calendar().last_day(); }
const std::string& HistoricModel::identity() const { return inside_->identity; }
const HistoricProgramme& HistoricModel::programme() const { return inside_->programme; }
const std::vector<CalibratedParameter>& HistoricModel::parameters() const { return inside_->parameters; }

std::vector<double> HistoricModel::reported(std::span<const double> parameters, std::span<const Asked> asked,
                                            Key key) const {
  UPTAKE_EXPECTS(parameters.size() == inside_->parameters.size());
  std::vector<double> values(asked.size(), kNaN);
  if (asked.empty() || !inside_->are_possible(parameters)) return values;
  const Draw draw = inside_->draw_of(parameters, key);
  const std::vector<Target> targets = inside_->targets_of(asked, key);
  const int last = std::ranges::max(targets, {}, &Target::boundary).boundary;
  const auto rates = compile(inside_->model, 0, draw);
  World world = start(rates, draw_clocks(*inside_->model, draw, key));
  advance(world, rates, last);
  observe(*inside_->model, draw, key, world.history(), targets, values);
  // The model's own error runs through each series in the order of time.
  std::vector<std::size_t> order(asked.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return targets[i].boundary; });
  std::vector<Error> errors(inside_->programme.series.size());
  for (const std::size_t i : order) {
    Error& error = errors[asked[i].series];
    carry(*inside_, error, targets[i].boundary);
    const auto u = uniforms(key, inside_->report_id(inside_->identity_of_report(asked[i], "report")));
    values[i] = reported_as(*inside_, asked[i], values[i], error, u, key);
  }
  return values;
}

Date last_day_of(const HistoricProgramme& programme) {
  Date last = programme.start;
  for (const ObservedSeries& series : programme.series)
    for (const ObservedPoint& point : series.points) last = std::max(last, point.to);
  return last;
}
bool has_fitted(const HistoricProgramme& programme) {
  return std::ranges::any_of(programme.series, [](const ObservedSeries& series) {
    return std::ranges::any_of(series.points, [](const ObservedPoint& point) { return point.use == Use::fit; });
  });
}
Population population_of(const HistoricRecord& record, const std::filesystem::path& data_folder) {
  Scenario where;
  where.population = record.population;
  where.population_options = record.population_options;
  return build_population(where, data_folder);
}

std::vector<Asked> HistoricModel::fitted(std::optional<Date> cutoff) const {
  std::vector<Asked> asked;
  for (std::size_t s = 0; s < inside_->programme.series.size(); ++s) {
    for (const ObservedPoint& point : inside_->programme.series[s].points) {
      if (point.use == Use::fit && (!cutoff || point.to <= *cutoff)) asked.push_back({s, point});
    }
  }
  return asked;
}

// Points of a series stay together and in order of time: that is how `fitted` lists them.
std::vector<double> HistoricModel::summaries(std::span<const Asked> asked, std::span<const double> values) const {
  UPTAKE_EXPECTS(asked.size() == values.size());
  std::vector<double> result;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const bool cumulative = inside_->programme.series[asked[i].series].is_cumulative();
    const bool follows = i > 0 && asked[i - 1].series == asked[i].series;
    const bool is_last = i + 1 == asked.size() || asked[i + 1].series != asked[i].series;
    result.push_back(cumulative && follows ? values[i] - values[i - 1] : values[i]);
    if (cumulative && follows && is_last) result.push_back(std::log1p(std::max(0.0, values[i])));
  }
  return result;
}

std::vector<Observed> HistoricModel::observed(std::span<const Asked> asked) const {
  std::vector<double> values;
  for (const Asked& one : asked) values.push_back(one.point.value);
  const std::vector<double> summary = summaries(asked, values);
  std::vector<Observed> result;
  std::size_t at = 0;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const ObservedSeries& of = inside_->programme.series[asked[i].series];
    const std::string name = fmt::format("{}, {}", of.measure, of.region);
    const bool follows = i > 0 && asked[i - 1].series == asked[i].series;
    const bool is_last = i + 1 == asked.size() || asked[i + 1].series != asked[i].series;
    result.push_back({of.is_cumulative() && follows
                          ? fmt::format("{}: {} to {}", name, asked[i - 1].point.date, asked[i].point.date)
                          : fmt::format("{}: {}", name, asked[i].point.date),
                      summary[at++]});
    if (of.is_cumulative() && follows && is_last)
      result.push_back({fmt::format("{}: ln of the last", name), summary[at++]});
  }
  return result;
}

CalibrationProblem HistoricModel::problem(std::vector<Asked> asked) const {
  std::vector<Observed> values = observed(asked);
  return {.parameters = inside_->parameters,
          .prior = independent_prior(inside_->parameters),
          .simulate = [this, asked = std::move(asked)](
                          std::span<const double> parameters,
                          Key key) { return summaries(asked, reported(parameters, asked, key)); },
          .observed = std::move(values)};
}

// ---- a particle filter over worlds --------------------------------------------------------------------------------------

namespace {
/// What one state of the filter is. Its draw, dates and shifts are those of the key that it was started with; `luck` is
/// the key of what is still open.
struct FilterState {
  World world;
  std::shared_ptr<const Rates> rates;
  std::shared_ptr<const Draw> draw;
  std::shared_ptr<const std::vector<Target>> targets;
  std::vector<Error> errors;  ///< by series; integrated over exactly (Rao-Blackwell)
  Key key, luck;
};

struct Steps {
  const HistoricModel::Inside& inside;
  std::span<const Asked> asked;  ///< in the order of time

  [[nodiscard]] FilterState start(std::span<const double> parameters, Key key) const {
    auto draw = std::make_shared<const Draw>(inside.draw_of(parameters, key));
    auto rates = compile(inside.model, 0, *draw);
    auto targets = std::make_shared<const std::vector<Target>>(inside.targets_of(asked, key));
    World world = uptake::start(rates, draw_clocks(*inside.model, *draw, key));
    return {std::move(world),
            std::move(rates),
            std::move(draw),
            std::move(targets),
            std::vector<Error>(inside.programme.series.size()),
            key,
            key};
  }
  void advance(FilterState& state, int interval) const {
    const int boundary = (*state.targets)[static_cast<std::size_t>(interval)].boundary;
    if (boundary > state.world.boundary()) uptake::advance(state.world, state.rates, boundary);
  }
  /// The value that the world has, and its series' error carried to its day.
  double value_of(FilterState& state, int interval) const {
    const auto at = static_cast<std::size_t>(interval);
    double value = 0;
    uptake::observe(*inside.model, *state.draw, state.key, state.world.history(), {&(*state.targets)[at], 1},
                    {&value, 1});
    carry(inside, state.errors[asked[at].series], (*state.targets)[at].boundary);
    return value;
  }
  [[nodiscard]] std::array<double, 2> luck_of(const FilterState& state, const Asked& one, std::string_view what) const {
    return uniforms(state.luck, inside.report_id(inside.identity_of_report(one, what)));
  }
  double observe(FilterState& state, int interval) const {
    const Asked& one = asked[static_cast<std::size_t>(interval)];
    const double value = value_of(state, interval);
    Error& error = state.errors[one.series];
    const double counting = inside.counting_sd(one) * inside.counting_sd(one);
    const double variance = error.variance + counting, sd = std::sqrt(variance);
    const double expected = inside.centre_of(one, value, state.key) + error.mean;
    const double denominator = inside.programme.series[one.series].denominator;
    const auto z = [&](double counted) {
      const double share = counted / denominator;
      return share <= 0 ? -kInfinity : (share >= 1 ? kInfinity : (logit(share) - expected) / sd);
    };
    const auto [low, high] = interval_of(one.point, inside.series[one.series].is_count);
    double log_probability = -kInfinity, seen = 0;
    if (low < high) {
      // By the smaller tail, so that far values keep their digits. Somewhere inside was the count.
      const bool is_upper = z(low) > 0;
      const double a = is_upper ? normal_cdf(-z(high)) : normal_cdf(z(low));
      const double b = is_upper ? normal_cdf(-z(low)) : normal_cdf(z(high));
      if (!(b > a) || !(b - a > 1e-280)) {
        // So far out that the tail has no digits: its leading term at the nearer end (Abramowitz & Stegun 26.2.12).
        seen = is_upper ? z(low) : z(high);
        if (!std::isfinite(seen)) return -kInfinity;
        log_probability = -0.5 * seen * seen - kLogRootTwoPi - std::log(std::abs(seen));
        take_up(error, variance, seen * sd);
        return log_probability;
      }
      log_probability = std::log(b - a);
      const double tail = std::clamp(a + luck_of(state, one, "seen")[0] * (b - a), 1e-300, 1 - 1e-16);
      seen = (is_upper ? -1 : 1) * normal_quantile(tail);
    } else {
      const double share = low / denominator;
      if (!(share > 0 && share < 1)) return -kInfinity;
      seen = z(low);
      log_probability = -0.5 * seen * seen - kLogRootTwoPi - std::log(sd * share * (1 - share) * denominator);
    }
    take_up(error, variance, seen * sd);
    return log_probability;
  }
  /// What a report that lies `gap` above what was expected says of the error (Kalman 1960).
  static void take_up(Error& error, double variance, double gap) {
    const double gain = error.variance / variance;
    error.mean += gain * gap;
    error.variance *= 1 - gain;
  }
  void reclock(FilterState& state, Key key) const {
    uptake::reclock(state.world, key);
    state.luck = key;
  }
};
static_assert(Stepper<Steps>);

void sort_by_time(std::vector<Asked>& asked) {
  std::ranges::stable_sort(asked, {}, [](const Asked& one) { return middle_of(one.point); });
}
}  // namespace

LogLikelihood HistoricModel::log_likelihood(std::vector<Asked> asked, FilterOptions options) const {
  const ReportingModel& reporting = inside_->programme.reporting;
  if (!(reporting.discrepancy + reporting.counting > 0)) {
    throw InputError(
        {{inside_->programme.spec.name, "has no error of reports: without one no likelihood can be estimated",
          "state a discrepancy or an error of counting above 0, or use --method abc"}});
  }
  sort_by_time(asked);
  return [this, asked = std::move(asked), options](std::span<const double> parameters, Key key) {
    if (!inside_->are_possible(parameters)) return -kInfinity;
    return filtered_log_likelihood(Steps{*inside_, asked}, parameters, static_cast<int>(asked.size()), options, key);
  };
}

std::vector<double> HistoricModel::continued(std::span<const double> parameters, std::span<const Asked> known,
                                             std::span<const Asked> asked, std::size_t n, FilterOptions options,
                                             Key key) const {
  UPTAKE_EXPECTS(parameters.size() == inside_->parameters.size());
  std::vector<double> values(asked.size() * n, kNaN);
  if (!inside_->are_possible(parameters)) return values;
  std::vector<Asked> all(known.begin(), known.end());
  sort_by_time(all);
  const std::size_t n_known = all.size();
  all.insert(all.end(), asked.begin(), asked.end());
  const Steps steps{*inside_, all};
  const auto past = filtered(steps, parameters, static_cast<int>(n_known), options, key);
  const Key own = filter_key(key, static_cast<int>(n_known), options.n_states);  // whatever is asked
  if (past.states.empty()) return values;  // no world of these parameters can have gone like that
  const std::vector<std::size_t> from = resampled_states(past.weights, n, uniform_number(own, 0));
  std::vector<int> order(asked.size());
  std::iota(order.begin(), order.end(), static_cast<int>(n_known));
  for (std::size_t i = 0; i < n; ++i) {
    const Key fresh = filter_key(own, 0, i);
    FilterState state = past.states[from[i]];
    steps.reclock(state, fresh);
    std::ranges::stable_sort(order, {}, [&](int t) { return (*state.targets)[static_cast<std::size_t>(t)].boundary; });
    for (const int t : order) {
      const auto at = static_cast<std::size_t>(t);
      steps.advance(state, t);
      const double value = steps.value_of(state, t);
      values[(at - n_known) * n + i] = reported_as(*inside_, all[at], value, state.errors[all[at].series],
                                                   steps.luck_of(state, all[at], "report"), state.key);
    }
  }
  return values;
}

// ---- forecasts and fits ---------------------------------------------------------------------------------------------

namespace {
/// Generations of predictive keys that no calibration reaches.
constexpr std::size_t kPredictiveGeneration = (1U << 12) - 1;

std::uint64_t seed_of(const HistoricModel& model, std::uint64_t seed) {
  return mix64(seed ^ identity_of(model.programme().spec.name));
}

std::vector<double> correlation_of(const WeightedDraws& draws) {
  const std::size_t p = draws.n_parameters;
  const std::vector<double> means = means_of(draws), sds = sds_of(draws);
  std::vector<double> result(p * p, 0.0);
  for (std::size_t i = 0; i < draws.n; ++i) {
    for (std::size_t a = 0; a < p; ++a)
      for (std::size_t b = 0; b < p; ++b)
        result[a * p + b] += draws.weights[i] * (draws.row(i)[a] - means[a]) * (draws.row(i)[b] - means[b]);
  }
  for (std::size_t a = 0; a < p; ++a)
    for (std::size_t b = 0; b < p; ++b) result[a * p + b] /= sds[a] * sds[b];
  return result;
}

/// A posterior that presses against the end of what its prior allows is decided by that end.
void warn_of_ends(ProgrammeFit& fit) {
  constexpr double kEnd = 0.1, kMost = 0.3;  // of the range, of the draws [A]
  for (std::size_t j = 0; j < fit.parameters.size(); ++j) {
    const CalibratedParameter& parameter = fit.parameters[j];
    if (parameter.prior.family != Family::uniform) continue;
    const double low = parameter.prior.a, high = parameter.prior.b;
    double at_low = 0, at_high = 0;
    for (std::size_t i = 0; i < fit.draws.n; ++i) {
      const double place = (to_natural(fit.parameters, fit.draws.row(i))[j] - low) / (high - low);
      at_low += place < kEnd;
      at_high += place > 1 - kEnd;
    }
    const double share = std::max(at_low, at_high) / static_cast<double>(fit.draws.n);
    if (share < kMost) continue;
    fit.warnings.push_back(fmt::format(
        "{} presses against the {} end of its prior ({:.0f} % of draws in its last tenth): the prior decides",
        parameter.name, at_high > at_low ? "upper" : "lower", 100 * share));
  }
}

void add_points(const HistoricModel& model, const FitOptions& options, std::uint64_t seed, std::size_t n_predictive,
                const Control& control, ProgrammeFit& fit) {
  std::vector<Asked> asked;
  for (std::size_t s = 0; s < model.programme().series.size(); ++s)
    for (const ObservedPoint& point : model.programme().series[s].points) asked.push_back({s, point});
  const std::vector<double> values = predict(model, fit.draws, asked, n_predictive, seed, control);
  if (values.empty()) return;
  for (std::size_t t = 0; t < asked.size(); ++t) {
    const std::span<const double> draws(values.data() + t * n_predictive, n_predictive);
    const ObservedPoint& point = asked[t].point;
    PointFit one{.asked = asked[t], .observed = point.value};
    one.was_fitted = point.use == Use::fit && (!options.cutoff || point.to <= *options.cutoff);
    constexpr std::array kShown{0.05, 0.25, 0.5, 0.75, 0.95};
    const std::vector<double> quantiles = quantiles_of(draws, kShown);
    one.p05 = quantiles[0];
    one.p25 = quantiles[1];
    one.p50 = quantiles[2];
    one.p75 = quantiles[3];
    one.p95 = quantiles[4];
    double below = 0;
    for (const double v : draws) below += v < point.value ? 1.0 : (v == point.value ? 0.5 : 0.0);
    one.pit = below / static_cast<double>(draws.size());
    fit.points.push_back(std::move(one));
  }
}
}  // namespace

std::vector<double> predict(const HistoricModel& model, const WeightedDraws& draws, std::span<const Asked> asked,
                            std::size_t n, std::uint64_t seed, const Control& control) {
  std::vector<double> values(asked.size() * n);
  const std::size_t done = run_tasks(
      n,
      [&](std::size_t i) {
        const std::vector<double> natural = to_natural(model.parameters(), draws.row(i % draws.n));
        return model.reported(natural, asked, calibration_key(seed, Purpose::predictive, kPredictiveGeneration, 0, i));
      },
      [&](std::size_t i, std::vector<double>&& reported) {
        for (std::size_t t = 0; t < asked.size(); ++t) values[t * n + i] = reported[t];
      },
      control);
  if (done < n) values.clear();
  return values;
}

std::vector<double> forecast(const HistoricModel& model, const WeightedDraws& draws, std::span<const Asked> known,
                             std::span<const Asked> asked, const ForecastOptions& options, const Control& control) {
  const std::size_t n = options.n_parameters * options.n_futures;
  std::vector<double> values(asked.size() * n);
  FilterOptions filter;
  filter.n_states = options.n_states;
  const std::uint64_t seed = seed_of(model, options.seed);
  const std::size_t done = run_tasks(
      options.n_parameters,
      [&](std::size_t i) {
        const std::vector<double> natural = to_natural(model.parameters(), draws.row(i % draws.n));
        return model.continued(natural, known, asked, options.n_futures, filter,
                               calibration_key(seed, Purpose::predictive, kPredictiveGeneration, 1, i));
      },
      [&](std::size_t i, std::vector<double>&& futures) {
        for (std::size_t t = 0; t < asked.size(); ++t) {
          std::copy_n(futures.begin() + static_cast<std::ptrdiff_t>(t * options.n_futures), options.n_futures,
                      values.begin() + static_cast<std::ptrdiff_t>(t * n + i * options.n_futures));
        }
      },
      control);
  if (done < options.n_parameters) values.clear();
  return values;
}

ProgrammeFit fit_programme(const HistoricModel& model, const FitOptions& options, const Control& control,
                           const TellCalibration& progress) {
  const auto begun = std::chrono::steady_clock::now();
  const std::uint64_t seed = seed_of(model, options.abc.seed);
  const std::vector<Asked> asked = model.fitted(options.cutoff);
  if (asked.empty()) {
    throw InputError({{model.programme().spec.name,
                       options.cutoff ? fmt::format("has no observation to fit to by {}", iso(*options.cutoff))
                                      : std::string("has no observation to fit to"),
                       ""}});
  }
  ProgrammeFit fit;
  fit.programme = model.programme().spec.name;
  fit.method = options.method;
  fit.parameters = model.parameters();
  fit.series = model.programme().series;
  fit.n_fitted = asked.size();
  const CalibrationProblem problem = model.problem(asked);
  WeightedDraws posterior;
  switch (options.method) {
    case Method::abc: {
      AbcOptions abc = options.abc;
      abc.seed = seed;
      abc.identity = fmt::format("{} {}", model.identity(), options.cutoff ? iso(*options.cutoff) : "-");
      AbcResult result = calibrate_abc(problem, abc, control, progress);
      fit.completion = result.completion;
      fit.n_simulations = result.n_simulations + result.n_predictive;
      fit.diagnostics = std::move(result.diagnostics);
      fit.generations = std::move(result.generations);
      fit.contraction = fit.diagnostics.contraction;
      fit.warnings = fit.diagnostics.warnings;
      posterior = std::move(result.posterior);
      break;
    }
    case Method::tempered: {
      TemperingOptions tempering;
      tempering.seed = seed;
      tempering.n_particles = options.n_tempered;
      FilterOptions filter;
      filter.n_states = options.n_states;
      const TemperedResult result = calibrate_tempered(
          problem.parameters, problem.prior, model.log_likelihood(asked, filter), tempering, control, progress);
      fit.completion = result.completion;
      fit.n_simulations = result.n_likelihoods * options.n_states;
      fit.log_evidence = result.log_evidence;
      posterior = result.posterior;
      break;
    }
    case Method::kalman: {
      KalmanOptions kalman;
      kalman.seed = seed;
      const KalmanResult result = calibrate_kalman(problem, kalman, control, progress);
      fit.completion = result.completion;
      fit.n_simulations = result.n_simulations;
      fit.warnings.emplace_back(
          "approximate: made by ensemble Kalman inversion, too wide for counts; for a first look only");
      posterior = result.posterior;
      break;
    }
  }
  const auto conclude = [&] {
    fit.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    return std::move(fit);
  };
  if (fit.completion == Completion::interrupted || posterior.n == 0) {
    fit.completion = Completion::interrupted;
    return conclude();
  }
  fit.draws =
      resampled(posterior, options.n_draws, calibration_key(seed, Purpose::resampling, kPredictiveGeneration, 0, 0));
  fit.correlation = correlation_of(fit.draws);
  if (fit.contraction.empty()) {
    const std::vector<double> before = variances_of(problem.prior, seed), after = sds_of(posterior);
    for (std::size_t j = 0; j < before.size(); ++j) {
      fit.contraction.push_back(1 - after[j] * after[j] / before[j]);
      if (fit.contraction[j] < kInformed)
        fit.warnings.push_back(fmt::format("{} is not informed by these data (contraction {:.2f})",
                                           fit.parameters[j].name, fit.contraction[j]));
    }
  }
  warn_of_ends(fit);
  constexpr std::size_t kPredictive = 1000;
  add_points(model, options, seed, kPredictive, control, fit);
  if (fit.points.empty()) fit.completion = Completion::interrupted;
  return conclude();
}

}  // namespace uptake
