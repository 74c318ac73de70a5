#include "backtest/backtest.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "backtest/backtest_parts.hpp"
#include "calibration/pooling.hpp"
#include "calibration/reference_class.hpp"
#include "uptake/grouped.hpp"
#include "uptake/past_forecasts.hpp"

namespace uptake {

namespace {

/// Futures of each draw of the parameters. The number of draws of a forecast is a multiple of it.
constexpr std::size_t kFutures = 5;

/// A programme and what was known of it.
struct Cut {
  std::size_t programme = 0;
  Date cutoff{};
  std::string label;
};

const HistoricProgramme* find_programme(const HistoricRecord& record, const std::string& name) {
  const auto at = std::ranges::find_if(
      record.programmes, [&](const HistoricProgramme& one) { return one.spec.name == name || one.record == name; });
  return at == record.programmes.end() ? nullptr : &*at;
}

std::vector<Problem> problems_of(const HistoricRecord& record, const BacktestOptions& options) {
  std::vector<Problem> problems;
  const int n_ways = static_cast<int>(options.cutoff.has_value()) + static_cast<int>(!options.leave_out.empty()) +
                     static_cast<int>(!options.fractions.empty());
  if (n_ways != 1) {
    problems.push_back({"backtest",
                        n_ways == 0 ? "nothing says what was known" : "more than one option says what was known",
                        "give one of --cutoff, --leave-out and --fraction"});
  }
  const auto check = [&](const std::string& option, const std::string& name) {
    if (find_programme(record, name) != nullptr) return;
    std::vector<std::string_view> names;
    for (const HistoricProgramme& one : record.programmes) names.push_back(one.spec.name);
    const std::string nearest = nearest_name(name, names);
    problems.push_back({option + " " + name, fmt::format("is not in the record {}", record.name),
                        nearest.empty() ? fmt::format("it has {}", fmt::join(names, ", "))
                                        : fmt::format("did you mean \"{}\"?", nearest)});
  };
  if (!options.leave_out.empty()) check("--leave-out", options.leave_out);
  for (const std::string& name : options.programmes) check("--programme", name);
  if (!options.leave_out.empty() && !options.programmes.empty()) {
    problems.push_back(
        {"--programme", "does not go with --leave-out, which names the one that is forecast", "leave one of them out"});
  }
  for (const double fraction : options.fractions) {
    if (std::ranges::count(options.fractions, fraction) > 1)
      problems.push_back({fmt::format("--fraction {:g}", fraction), "is asked for twice", "ask for it once"});
    if (fraction > 0 && fraction < 1) continue;
    problems.push_back({fmt::format("--fraction {:g}", fraction), "is not between 0 and 1", "write 0.5 for the half"});
  }
  for (const Date date : options.dates) {
    if (!options.cutoff || date > *options.cutoff) continue;
    problems.push_back({"--dates " + iso(date), fmt::format("is not after the cut-off {}", iso(*options.cutoff)),
                        "forecast later days"});
  }
  if (options.n_draws < 20 || options.n_draws % kFutures != 0) {
    problems.push_back(
        {"backtest",
         fmt::format("{} draws of each forecast are not a multiple of {} from 20 on", options.n_draws, kFutures), ""});
  }
  return problems;
}

std::string known_of(const BacktestOptions& options) {
  if (options.cutoff) return iso(*options.cutoff);
  if (!options.leave_out.empty()) return "all programmes but " + options.leave_out;
  std::vector<std::string> shares;
  for (const double fraction : options.fractions) shares.push_back(fmt::format("{:g} %", 100 * fraction));
  return fmt::format("{} of each programme's period", fmt::join(shares, ", "));
}

/// What is to be forecast; programmes of which nothing can be go to `skipped`.
std::vector<Cut> cuts_of(const HistoricRecord& record, const BacktestOptions& options,
                         std::vector<std::string>& skipped) {
  std::vector<Cut> cuts;
  for (std::size_t g = 0; g < record.programmes.size(); ++g) {
    const HistoricProgramme& programme = record.programmes[g];
    const auto named = [&](const std::string& name) { return name == programme.spec.name || name == programme.record; };
    if (!options.leave_out.empty()) {
      // Nothing but the day on which it began.
      if (named(options.leave_out)) cuts.push_back({g, programme.start - std::chrono::days{1}, std::string(kLeftOut)});
      continue;
    }
    if (!options.programmes.empty() && std::ranges::none_of(options.programmes, named)) continue;
    if (options.cutoff) cuts.push_back({g, *options.cutoff, iso(*options.cutoff)});
    for (const double fraction : options.fractions) {
      if (const std::optional<Date> at = cut_at(programme, fraction)) {
        cuts.push_back({g, *at, fmt::format("{:g} %", 100 * fraction)});
      } else {
        skipped.push_back(fmt::format("{}: has no observation after its start that is fitted to", programme.spec.name));
        break;
      }
    }
  }
  return cuts;
}

/// Key of what belongs to one programme and cut, so that no two share their luck.
Key key_of(std::uint64_t seed, const std::string& programme, const std::string& cut, std::string_view purpose) {
  return make_key(seed, identity_of(fmt::format("{}/{}/{}", purpose, programme, cut)));
}

// ---- what the others say of a programme -----------------------------------------------------------------------------

/// Draws of the parameters of a programme that is left out.
constexpr std::size_t kLeftOutDraws = 2000;

/// Parameters of a programme of which nothing is known but its kind, as a new innovation has them: pooled ones from the
/// others (the robust mixture), the rest from their working priors.
WeightedDraws from_others(const HistoricModel& model, const Pooled& pooled, std::uint64_t seed) {
  const std::vector<CalibratedParameter>& parameters = model.parameters();
  const std::span<const Parameter> rows = pooled_parameters();
  const std::vector<double> drawn =
      drawn_from(robust_prior(pooled, covariates_of(model.programme().spec)), kLeftOutDraws, seed);
  const UnconstrainedPrior working = independent_prior(parameters);
  WeightedDraws result;
  result.n = kLeftOutDraws;
  result.n_parameters = parameters.size();
  for (std::size_t i = 0; i < kLeftOutDraws; ++i) {
    const std::vector<double> own = working.draw(calibration_key(seed, Purpose::prior, 0, 0, i));
    std::vector<double> natural = to_natural(parameters, own);
    for (std::size_t j = 0; j < rows.size(); ++j) {
      const auto at = std::ranges::find(parameters, spec(rows[j]).key, &CalibratedParameter::name);
      if (at != parameters.end())
        natural[static_cast<std::size_t>(at - parameters.begin())] = drawn[i * rows.size() + j];
    }
    const std::vector<double> row = to_unconstrained(parameters, natural);
    result.values.insert(result.values.end(), row.begin(), row.end());
  }
  result.weights.assign(result.n, 1 / static_cast<double>(result.n));
  return result;
}

/// Whether a posterior is what would be found here: of this record, all of it, by a method that is no approximation.
bool serves(const StoredPosterior& stored, const HistoricRecord& record) {
  const auto is_exact = [](const StoredFit& fit) { return fit.method != Method::kalman; };
  return stored.digest == record.digest && stored.cutoff.empty() && std::ranges::all_of(stored.fits, is_exact) &&
         std::ranges::all_of(record.programmes, [&](const HistoricProgramme& programme) {
           return !has_fitted(programme) || stored.find(programme.spec.name) != nullptr;
         });
}

/// The model itself as a forecaster.
class ModelForecaster {
 public:
  ModelForecaster(const HistoricRecord& record, std::shared_ptr<const Population> population, FitOptions fit,
                  const StoredPosterior* stored, const Control& control, const BacktestProgress& progress)
      : record_(record),
        population_(std::move(population)),
        fit_(std::move(fit)),
        stored_(stored != nullptr && serves(*stored, record) ? stored : nullptr),
        control_(control),
        progress_(progress) {}

  Answer operator()(const Ask& ask) {
    Answer answer;
    std::optional<WeightedDraws> draws;
    const HistoricModel model(ask.known, record_, population_, ask.last);
    if (ask.cutoff) {
      // What comes later is not even simulated.
      HistoricProgramme until_then = ask.known;
      for (ObservedSeries& series : until_then.series)
        std::erase_if(series.points, [&](const ObservedPoint& point) { return point.to > *ask.cutoff; });
      const HistoricModel until(std::move(until_then), record_, population_, *ask.cutoff);
      if (std::optional<ProgrammeFit> fit = fitted(until, ask.cutoff, ask.seed, answer)) draws = std::move(fit->draws);
    } else if (const std::optional<Pooled> pooled = pooled_without(ask.known.spec.name, ask.seed, answer)) {
      draws = from_others(model, *pooled, ask.seed);
    }
    if (!draws || control_.stop.stop_requested()) return {};
    Control forecasting = control_;
    forecasting.progress = [&](const Progress& now) {
      if (progress_.forecast) progress_.forecast(ask.known.spec.name, now);
    };
    if (ask.cutoff) {
      // Worlds that went as was reported go on; each draw of the parameters has a few futures.
      ForecastOptions options;
      options.seed = ask.seed;
      options.n_futures = kFutures;
      options.n_parameters = ask.n_draws / kFutures;
      answer.values = forecast(model, *draws, model.fitted(ask.cutoff), ask.asked, options, forecasting);
      answer.n_simulations += options.n_parameters * (options.n_states + options.n_futures);
    } else {
      answer.values = predict(model, *draws, ask.asked, ask.n_draws, ask.seed, forecasting);
      answer.n_simulations += ask.n_draws;
    }
    if (control_.stop.stop_requested()) return {};
    return answer;
  }

 private:
  std::optional<ProgrammeFit> fitted(const HistoricModel& model, std::optional<Date> cutoff, std::uint64_t seed,
                                     Answer& answer) const {
    FitOptions options = fit_;
    options.cutoff = cutoff;
    options.abc.seed = seed;
    options.abc.checkpoint.clear();
    const std::string& name = model.programme().spec.name;
    ProgrammeFit fit = fit_programme(model, options, control_, [&](const CalibrationProgress& now) {
      if (progress_.fit) progress_.fit(name, now);
    });
    answer.n_simulations += fit.n_simulations;
    if (fit.completion == Completion::interrupted) return std::nullopt;
    std::vector<std::string_view> uninformed;  // in one sentence, after what matters more
    const auto warn = [&](const std::string& text) {
      answer.warnings.push_back(cutoff ? text : fmt::format("{}: {}", name, text));
    };
    for (const std::string& warning : fit.warnings)
      if (warning.find("is not informed") == std::string::npos) warn(warning);
    for (std::size_t j = 0; j < fit.parameters.size(); ++j)
      if (fit.contraction[j] < kInformed) uninformed.push_back(fit.parameters[j].name);
    if (!uninformed.empty()) warn(fmt::format("not informed by what was known: {}", fmt::join(uninformed, ", ")));
    return fit;
  }

  std::optional<Pooled> pooled_without(const std::string& name, std::uint64_t seed, Answer& answer) const {
    std::vector<PooledProgramme> parts;
    for (const HistoricProgramme& other : record_.programmes) {
      if (other.spec.name == name) continue;
      const auto add = [&](const auto& fit) {
        PooledProgramme part =
            pooled_programme(other.spec.name, fit.parameters, fit.draws, fit.contraction, covariates_of(other.spec));
        if (!part.parameters.empty()) parts.push_back(std::move(part));
      };
      if (stored_ != nullptr) {
        const auto at = std::ranges::find(stored_->fits, other.spec.name, &StoredFit::programme);
        if (at != stored_->fits.end()) add(*at);
        continue;
      }
      if (!has_fitted(other)) continue;
      const HistoricModel model(other, record_, population_, last_day_of(other));
      const std::optional<ProgrammeFit> fit =
          fitted(model, std::nullopt, key_of(seed, other.spec.name, "all", "other").value, answer);
      if (!fit) return std::nullopt;
      add(*fit);
    }
    if (parts.size() < kFewestPooled) {
      throw InputError({{"--leave-out " + name,
                         fmt::format("leaves {}, too few to pool", plural(parts.size(), "calibrated programme")),
                         fmt::format("a pool needs {}", kFewestPooled)}});
    }
    Pooled pooled = pool(reference_model(), parts, reference_options(seed), control_);
    for (const std::string& warning : pooled.warnings) answer.warnings.push_back(warning);
    return pooled;
  }

  const HistoricRecord& record_;
  std::shared_ptr<const Population> population_;
  FitOptions fit_;
  const StoredPosterior* stored_;
  const Control& control_;
  const BacktestProgress& progress_;
};

}  // namespace

Backtest backtest_with(const HistoricRecord& record, const BacktestOptions& options, const Forecaster& forecaster) {
  if (std::vector<Problem> problems = problems_of(record, options); !problems.empty())
    throw InputError(std::move(problems));
  const auto began = std::chrono::steady_clock::now();
  const std::uint64_t seed = options.fit.abc.seed;
  const bool is_left_out = !options.leave_out.empty();
  Backtest result;
  result.history = record.name;
  result.known = known_of(options);
  result.assumed.emplace_back(
      "known throughout: who could adopt, the table of organisations, and each programme's plan as it was commissioned "
      "(window, staff-days, mandates); priors are the record's own, and whether they were set without later "
      "observations "
      "is for whoever made it to say (those of the shipped record were, but for the sizes of errors and of shifts "
      "between data sets, read off counts of all dates)");
  for (const Cut& cut : cuts_of(record, options, result.skipped)) {
    const HistoricProgramme& programme = record.programmes[cut.programme];
    const std::string& name = programme.spec.name;
    std::vector<Date> dates;
    for (const Date date : options.dates)
      if (date > cut.cutoff && std::ranges::find(dates, date) == dates.end()) dates.push_back(date);
    std::vector<Question> asked = questions(programme, cut.cutoff, dates);
    if (asked.empty()) {
      result.skipped.push_back(fmt::format("{}: nothing was observed after {}", name, iso(cut.cutoff)));
      continue;
    }
    const bool knows_something = std::ranges::any_of(
        programme.series, [&](const ObservedSeries& series) { return !past_points(series, cut.cutoff).empty(); });
    if (!is_left_out && !knows_something) {
      result.skipped.push_back(
          fmt::format("{}: no observation that is fitted to was over by {}", name, iso(cut.cutoff)));
      continue;
    }

    const HistoricProgramme known =
        as_known(programme, cut.cutoff, is_left_out ? Unknown::values : Unknown::values_and_events, result.assumed);
    std::vector<Asked> points;
    Date last = cut.cutoff;
    for (const Question& one : asked) {
      points.push_back(one.asked);
      last = std::max(last, one.asked.point.to);
    }
    Answer answer;
    try {
      answer = forecaster({.known = known,
                           .asked = points,
                           .last = last,
                           .cutoff = is_left_out ? std::nullopt : std::optional(cut.cutoff),
                           .n_draws = options.n_draws,
                           .seed = key_of(seed, name, cut.label, "fit").value});
    } catch (const InputError& error) {
      if (is_left_out || record.programmes.size() == 1) throw;
      result.skipped.push_back(fmt::format("{}: {}", name, error.problems().front().text()));
      continue;
    }
    result.n_simulations += answer.n_simulations;
    if (!answer.values.empty() && std::ranges::none_of(answer.values, [](double v) { return std::isfinite(v); })) {
      result.skipped.push_back(
          fmt::format("{} ({}): no draw of the posterior can have made what was known; calibrate with a larger budget",
                      name, cut.label));
      continue;
    }
    if (answer.values.empty()) {
      result.completion = Completion::interrupted;
      break;
    }
    for (const std::string& warning : answer.warnings)
      result.warnings.push_back(fmt::format("{} ({}): {}", name, cut.label, warning));

    for (std::size_t s = 0; s < programme.series.size(); ++s) {
      std::vector<std::size_t> own;  // questions about this series
      std::vector<Question> of_series;
      for (std::size_t t = 0; t < asked.size(); ++t) {
        if (asked[t].asked.series != s) continue;
        own.push_back(t);
        of_series.push_back(asked[t]);
      }
      if (own.empty()) continue;
      const std::vector<std::size_t> past = past_points(programme.series[s], cut.cutoff);
      const std::string series_name = fmt::format("{}/{}", programme.series[s].measure, programme.series[s].region);
      const auto theirs = is_left_out
                              ? ByBaseline<std::vector<std::vector<double>>>{}
                              : rivals(programme, s, cut.cutoff, of_series,
                                       key_of(seed, fmt::format("{}/{}", name, series_name), cut.label, "rivals"));
      for (std::size_t k = 0; k < own.size(); ++k) {
        const auto begin = answer.values.begin() + static_cast<std::ptrdiff_t>(own[k] * options.n_draws);
        Forecast made = scored(programme, of_series[k], {begin, begin + static_cast<std::ptrdiff_t>(options.n_draws)});
        made.cut = cut.label;
        if (!is_left_out) {
          made.n_past = static_cast<int>(past.size());
          if (!past.empty()) made.before = programme.series[s].points[past.back()].value;
        }
        for (std::size_t b = 0; b < kBaselineNames.size(); ++b) {
          if (made.observed && !theirs[b].empty()) made.baselines[b] = score(theirs[b][k], *made.observed);
        }
        result.forecasts.push_back(std::move(made));
      }
    }
    const auto n_failed = std::ranges::count_if(answer.values, [](double value) { return !std::isfinite(value); });
    if (n_failed > 0) {
      result.warnings.push_back(
          fmt::format("{} ({}): {:.2g} % of draws could not be simulated and are left out", name, cut.label,
                      100 * static_cast<double>(n_failed) / static_cast<double>(answer.values.size())));
    }
  }
  if (result.completion == Completion::complete && result.forecasts.empty()) {
    std::vector<Problem> problems;
    for (const std::string& reason : result.skipped) {
      const auto colon = reason.find(": ");
      problems.push_back(
          {reason.substr(0, colon), reason.substr(colon + 2), "choose another cut-off, or give --dates"});
    }
    if (problems.empty()) problems.push_back({record.name, "has nothing to forecast", ""});
    throw InputError(std::move(problems));
  }
  summarise(result, key_of(seed, "", result.known, "bootstrap"));
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  return result;
}

Backtest backtest(const HistoricRecord& record, std::shared_ptr<const Population> population,
                  const BacktestOptions& options, const StoredPosterior* stored, const Control& control,
                  const BacktestProgress& progress) {
  ModelForecaster model(record, std::move(population), options.fit, stored, control, progress);
  Backtest result = backtest_with(record, options, std::ref(model));
  if (!options.leave_out.empty() && stored != nullptr && !serves(*stored, record)) {
    result.warnings.push_back(fmt::format(
        "{} is not of this whole record by an exact method: the others were calibrated here", stored->file.string()));
  }
  return result;
}

}  // namespace uptake
