#include "results/outside_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "results/cell_statistics.hpp"
#include "results/compare.hpp"
#include "results/finding.hpp"
#include "results/spot.hpp"
#include "uptake/grouped.hpp"
#include "uptake/model.hpp"
#include "uptake/past_forecasts.hpp"
#include "uptake/posterior.hpp"
#include "uptake/scenario.hpp"

namespace uptake {

namespace {
/// What adoption is and what is in proportion to it: if more adopt than forecast, so much more comes of it. Costs are
/// not, for delivery is paid for whether anybody adopts; nor is any share, rate of return or chance.
constexpr std::array kAdoption{Metric::ever_adopted, Metric::adopters};
constexpr std::array kInProportion{Metric::patients_benefited,   Metric::events_avoided,    Metric::admissions_avoided,
                                   Metric::bed_days_avoided,     Metric::savings_gross_gbp, Metric::savings_cash_gbp,
                                   Metric::capacity_released_gbp};
/// Replicates that tell what comes of an adopter: any number of them is a sample. [A: quantiles need no more, and memory
/// must not grow with them]
constexpr std::size_t kMostWorlds = 1000;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

OutsideQuantiles quantiles_in(const Statistics& s) { return {s.p05, s.p25, s.p50, s.p75, s.p95}; }
OutsideQuantiles as_array(const std::vector<double>& values) {
  OutsideQuantiles all{};
  std::ranges::copy(values, all.begin());
  return all;
}

/// How those forecasts were made, and how that differs from this run.
std::string how_they_were_made(const Scenario& scenario) {
  const std::vector<PastForecast>& all = scenario.past_forecasts->forecasts;
  const auto n_left_out = static_cast<std::size_t>(std::ranges::count(all, kLeftOut, &PastForecast::cut));
  if (n_left_out == all.size()) return "None of them knew anything of the programme that it was of.";
  std::string text = n_left_out == 0
                         ? "Each was fitted to the first counts of the programme that it was of"
                         : fmt::format("All but {} were fitted to the first counts of the programme that they were of",
                                       grouped(n_left_out));
  std::size_t n_own = 0;
  for (const ProgrammeSpec& programme : scenario.programmes) {
    const PosteriorProgramme* const drawn = calibrated(scenario, programme.name);
    n_own += drawn != nullptr && drawn->kind == PosteriorKind::calibrated ? 1 : 0;
  }
  if (n_own == scenario.programmes.size()) return text + ", as this run is fitted to the record.";
  if (n_own > 0)
    return fmt::format("{}; of the programmes of this run {} of {} are: the others may be further off.", text, n_own,
                       scenario.programmes.size());
  return fmt::format("{}; this run is fitted to none{}, and may be further off.", text,
                     scenario.mode == ParameterMode::posterior ? " of its own (it draws from what other programmes say)"
                     : scenario.mode == ParameterMode::defaults ? " (all parameters stand at their defaults)"
                                                                : " (it follows from priors)");
}

/// As many adopters as there can be there.
double most_adopters(const RunRecord& record, const Spot& spot) {
  const std::vector<double> eligible = eligible_organisations(record, Geography::region);
  return eligible[static_cast<std::size_t>(spot.programme()) * record.layout.regions.size() +
                  static_cast<std::size_t>(spot.place())];
}

/// What comes of as many adopters, in proportion to each of the model's own worlds (how uncertain that is, no past
/// forecast tells); of those in which anybody adopts.
std::vector<double> in_proportion(const Spot& spot, Metric metric, std::span<const double> adopted, double adopters) {
  std::vector<double> values = spot.by_replicate(metric, View::gross);
  values.resize(std::min(values.size(), kMostWorlds));
  for (std::size_t r = 0; r < values.size(); ++r) values[r] = adopted[r] > 0 ? adopters * values[r] / adopted[r] : kNaN;
  std::erase_if(values, [](double value) { return std::isnan(value); });
  return values;
}

std::vector<OutsideRow> averaged(const RunRecord& record, const std::vector<double>& ratios, double weight) {
  const Scenario& scenario = record.model->scenario;
  const Spot spot(record, lead_strategy(scenario), total_programme(record.layout.programmes), 0);
  std::vector<OutsideRow> rows;
  const auto ever_adopted = spot(Metric::ever_adopted, View::gross);
  if (!ever_adopted) return rows;
  // A ratio has no limit where nobody adopts.
  const double most =
      ever_adopted->p50 > 0 ? most_adopters(record, spot) / ever_adopted->p50 : std::numeric_limits<double>::infinity();
  const auto add = [&](Metric metric, const Statistics& s, std::span<const double> forecasts) {
    OutsideRow row{.metric = metric, .model = quantiles_in(s), .outside = {}, .average = {}};
    row.outside = as_array(reference_quantiles(forecasts, ratios, most, kOutsideProbabilities));
    row.average = as_array(quantile_average(row.model, row.outside, weight));
    rows.push_back(row);
  };
  for (const Metric metric : kAdoption)
    if (const auto s = spot(metric, View::gross)) add(metric, *s, {&s->p50, 1});
  // Where the background rises by itself, gross holds that rise, which is in proportion to nobody's adoption.
  const auto rises = [](const ProgrammeSpec& one) { return one.outcome == OutcomeKind::uptake; };
  if (std::ranges::any_of(scenario.programmes, rises)) return rows;
  const std::vector<double> adopted = spot.by_replicate(Metric::ever_adopted, View::gross);
  for (const Metric metric : kInProportion) {
    const auto s = spot(metric, View::gross);
    if (!s || is_repeated(spot, metric)) continue;
    const std::vector<double> forecasts = in_proportion(spot, metric, adopted, ever_adopted->p50);
    if (!forecasts.empty()) add(metric, *s, forecasts);
  }
  return rows;
}
}  // namespace

std::optional<OutsideBeside> outside_beside(const RunRecord& record) {
  const Scenario& scenario = record.model->scenario;
  if (!scenario.past_forecasts || record.layout.reports.empty()) return std::nullopt;
  const bool is_made_up = scenario.population_options.synthetic.has_value();
  if ((is_made_up || is_about_growth(scenario)) && scenario.outside_weight == 0) return std::nullopt;
  const PastForecasts& past = *scenario.past_forecasts;
  const std::vector<double> ratios = past.ratios();
  OutsideBeside beside{.ratios = outside_view(ratios),
                       .n_programmes = past.n_programmes(),
                       .n_series = past.n_series(),
                       .weight = scenario.outside_weight,
                       .rows = {},
                       .rule = {},
                       .finding = {},
                       .limits = {}};
  if (beside.weight > 0) beside.rows = averaged(record, ratios, beside.weight);
  beside.rule = fmt::format("all {} of {}", plural(ratios.size(), "forecast"), past.file.filename().string());
  const std::string of_what = fmt::format("{} of {}, {}, in {}", plural(ratios.size(), "forecast"),
                                          plural(beside.n_programmes, "past programme"),
                                          grouped(beside.n_series) + " series", past.file.filename().string());
  beside.finding = fmt::format(
      "How forecasts of this model fared before: what happened was {:.2f} times what had been forecast (the median of "
      "{}); in one case in five it was less than {:.2f} times, in one in five more than {:.2f} times.",
      beside.ratios.p50, of_what, beside.ratios.p20, beside.ratios.p80);
  beside.limits =
      "Forecasts of one programme are right or wrong together, so these are worth far fewer cases than there are of "
      "them. Only adoption was ever observed: effects on patients, admissions, savings, and all that is net, were "
      "never back-tested. " +
      how_they_were_made(scenario);
  if (scenario.programmes.size() > 1)
    beside.limits += " They are of one programme each: of several together errors cancel in part.";
  return beside;
}

std::string average_in_words(double weight, std::span<const Metric> averaged) {
  const bool any_comes_of_it =
      std::ranges::any_of(averaged, [](Metric one) { return std::ranges::find(kAdoption, one) == kAdoption.end(); });
  return fmt::format(
      "Beside the model's own intervals, as asked, their average with the outside view: at each quantile {:g} times "
      "the model's plus {:g} times that of its median adoption scaled by those ratios, never beyond all who are "
      "eligible. {} No other figure is changed by it.",
      1 - weight, weight,
      any_comes_of_it
          ? "What comes of it is taken in proportion, as much for each adopter as in the model's own worlds."
          : "What comes of it is left out: it is known of none, or gross holds a rise that is nobody's adoption.");
}

}  // namespace uptake
