#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <tuple>

#include "numbers.hpp"
#include "statistics.hpp"
#include "uptake/results.hpp"

namespace uptake {

namespace {
/// What the headline table shows, in its order, with labels short enough for one line in 80 columns.
struct Shown {
  Metric metric;
  std::string_view label;
};
constexpr std::array kShown{
    Shown{Metric::engaged, "ever engaged"},
    Shown{Metric::ever_adopted, "ever in use"},
    Shown{Metric::adopters, "in use at the end"},
    Shown{Metric::sustained_adopters, "in use for 52 weeks"},
    Shown{Metric::home_years, "organisation-years in use"},
    Shown{Metric::patients_benefited, "people reached, each once"},
    Shown{Metric::admissions_avoided, "admissions avoided"},
    Shown{Metric::bed_days_avoided, "bed-days avoided"},
    Shown{Metric::savings_cash_gbp, "cash savings"},
    Shown{Metric::capacity_released_gbp, "capacity released"},
    Shown{Metric::cost_gbp, "cost, all funders"},
    Shown{Metric::cost_public_gbp, "cost, public funders"},
    Shown{Metric::net_present_value_gbp, "net present value"},
    Shown{Metric::roi_fiscal, "cash per public GBP"},
    Shown{Metric::roi_net, "added cash per added GBP"},
    Shown{Metric::acceleration_months, "months sooner"},
    Shown{Metric::attributable_share, "net share of admissions"},
    Shown{Metric::deprivation_gap, "most deprived fifth - rest"},
};

/// What the answer rests on most (model.md 4.9): shown with value, prior and grade.
constexpr std::array kDecisive{Parameter::half_effort_factor,
                               Parameter::delivery_staff_days,
                               Parameter::a0,
                               Parameter::a1,
                               Parameter::p,
                               Parameter::eta,
                               Parameter::relative_risk};

constexpr std::string_view kUndefined = "-";

/// Text broken at blanks into lines of at most `width`, all but the first indented.
std::vector<std::string> wrapped(std::string_view text, std::size_t width, std::size_t indent) {
  std::vector<std::string> lines;
  std::string line;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word.empty()) continue;
    const bool fresh = line.find_first_not_of(' ') == std::string::npos;
    if (!fresh && line.size() + 1 + word.size() > width) {
      lines.push_back(std::move(line));
      line = std::string(indent, ' ') + std::string(word);
    } else {
      if (!fresh) line += ' ';
      line += word;
    }
  }
  if (!line.empty()) lines.push_back(std::move(line));
  return lines;
}
std::string paragraph(std::string_view text, std::size_t width, std::size_t indent = 0) {
  return fmt::format("{}\n", fmt::join(wrapped(text, width, indent), "\n"));
}

/// Statistics for England of one programme (or all) under one strategy.
class Spot {
 public:
  Spot(const RunRecord& record, int strategy, int programme, int time)
      : record_(record), report_(report_of(record)), strategy_(strategy), programme_(programme), time_(time) {}

  [[nodiscard]] std::optional<Statistics> operator()(Metric metric, View view) const {
    const Block* block = record_.layout.find(metric, Axis::report);
    if (block == nullptr) return std::nullopt;
    const Statistics s = report_->at(*block, strategy_, programme_, time_, 0, view).value;
    if (std::isnan(s.mean)) return std::nullopt;
    return s;
  }
  /// Share of replicates in which the metric is above `threshold`, of those in which it is defined.
  [[nodiscard]] std::optional<double> share_above(Metric metric, View view, double threshold) const {
    const Block* block = record_.layout.find(metric, Axis::report);
    if (block == nullptr) return std::nullopt;
    double above = 0, defined = 0;
    for (const double v :
         cell_values(record_.layout, *record_.ensemble, *block, strategy_, programme_, time_, 0, view)) {
      defined += std::isnan(v) ? 0 : 1;
      above += v > threshold ? 1 : 0;
    }
    if (defined == 0) return std::nullopt;
    return above / defined;
  }

 private:
  const RunRecord& record_;
  std::shared_ptr<const ReportStatistics> report_;
  int strategy_, programme_, time_;
};

std::string interval_text(const Statistics& s) {
  if (s.p05 == s.p95) return rounded(s.mean);
  return fmt::format("{} (90 %: {} to {})", rounded(s.mean), rounded(s.p05), rounded(s.p95));
}

/// What "anyway" means: the world that the finding is measured against.
std::string comparator_in_words(const RunRecord& record) {
  const Strategy& comparator =
      record.model->scenario.strategies[static_cast<std::size_t>(record.model->scenario.comparator)];
  return fmt::format("{} ({})", comparator.name,
                     comparator.delivery == Delivery::no_network     ? "still commissioned, without network effort"
                     : comparator.delivery == Delivery::no_programme ? "neither commissioned nor supported"
                                                                     : "as delivered");
}

/// How far the figures can be trusted, said beside them.
std::string_view standing(ParameterMode mode) {
  return mode == ParameterMode::prior
             ? "The figures follow from prior assumptions; they are not calibrated to the record."
             : "All parameters stand at their defaults: the intervals show luck alone, not what is unknown.";
}

/// The finding in words, from the numbers alone.
std::string finding(const RunRecord& record, int strategy, int programme, int time) {
  const SummaryLayout& layout = record.layout;
  const Scenario& scenario = record.model->scenario;
  const Period& period = layout.reports[static_cast<std::size_t>(time)];
  const Spot place(record, strategy, programme, time);
  const std::string subject = scenario.programmes.size() == 1 ? "the programme" : "the programmes together";
  std::string text = fmt::format("Over {} to {}", iso(period.from), iso(period.to));
  const auto gross = place(Metric::admissions_avoided, View::gross), net = place(Metric::admissions_avoided, View::net);
  if (gross && net) {
    const bool fewer = gross->mean >= 0;
    const auto flipped = [&](Statistics s) {
      if (fewer) return s;
      s.mean = -s.mean;
      const double low = -s.p95;
      s.p95 = -s.p05;
      s.p05 = low;
      return s;
    };
    const std::string_view verb = fewer ? "avoided" : "added";
    text +=
        fmt::format(" {} {} {} emergency admissions; {} of them would not have been {} anyway, under {}", subject, verb,
                    interval_text(flipped(*gross)), interval_text(flipped(*net)), verb, comparator_in_words(record));
    const auto cash = place(Metric::savings_cash_gbp, View::net);
    const auto capacity = place(Metric::capacity_released_gbp, View::net);
    if (cash && capacity)
      text += fmt::format(", worth GBP {} in cash and, apart from that, GBP {} in capacity released ({} prices)",
                          interval_text(*cash), interval_text(*capacity), kPriceYear);
    return text + ". " + std::string(standing(scenario.mode));
  }
  const auto adopted = place(Metric::ever_adopted, View::gross), more = place(Metric::ever_adopted, View::net);
  if (!adopted || !more) return text + " nothing was measured.";
  return text + fmt::format(
                    " {} organisations took up {}; {} of them would not have done so anyway. No effect on "
                    "patients is known for a number to be given.",
                    interval_text(*adopted), subject, interval_text(*more));
}

constexpr int kNarrowest = 80;      // columns of a line of the table
constexpr std::size_t kWide = 104;  // columns from which the gross value has room for its interval too
constexpr std::size_t kLabel = 32, kNumber = 9, kInterval = 20;

/// One line a metric: label, gross with its interval where there is room, counterfactual, net with its interval.
std::string table(const Spot& place, std::size_t width) {
  const bool wide = width >= kWide;
  const std::size_t gross_width = wide ? kNumber + kInterval + 2 : kNumber;
  std::string text = fmt::format("  {:<{}}{:>{}}{:>{}}{:>{}}\n", "", kLabel - 2, "gross", gross_width, "without",
                                 kNumber, "net, 90 % interval", kNumber + kInterval);
  for (const auto& [metric, label] : kShown) {
    const MetricSpec& m = spec(metric);
    const auto gross = place(metric, View::gross), without = place(metric, View::counterfactual);
    const auto net = place(metric, View::net);
    if (!gross && !without && !net) continue;
    double largest = 0;
    for (const auto& view : {gross, without, net}) {
      if (view) largest = std::max({largest, std::abs(view->p05), std::abs(view->p95)});
    }
    const bool millions = m.money && largest >= 1e6;
    const double unit = millions ? 1e6 : 1;
    const auto mean = [&](const std::optional<Statistics>& s) {
      return s ? rounded(s->mean / unit) : std::string(kUndefined);
    };
    const auto interval = [&](const std::optional<Statistics>& s) {
      return s && s->p05 != s->p95 ? fmt::format("{} to {}", rounded(s->p05 / unit), rounded(s->p95 / unit)) : "";
    };
    std::string row = fmt::format("  {:<{}}{:>{}}", millions ? fmt::format("{}, GBP m", label) : std::string(label),
                                  kLabel - 2, mean(gross), kNumber);
    if (wide) row += fmt::format("{:>{}}  ", interval(gross), kInterval);
    row += fmt::format("{:>{}}{:>{}}{:>{}}", mean(without), kNumber, mean(net), kNumber, interval(net), kInterval);
    text += row.substr(0, row.find_last_not_of(' ') + 1) + '\n';
  }
  return text;
}

/// How often the net effect has the sign that is hoped for, and how exact the mean is.
std::string chances(const Spot& place) {
  std::string text;
  for (const auto& [metric, threshold, what] :
       {std::tuple{Metric::admissions_avoided, 0.0, "Fewer admissions than without"},
        std::tuple{Metric::net_present_value_gbp, 0.0, "A net present value above 0 (net)"},
        std::tuple{Metric::roi_net, 1.0, "Added cash above added cost"}}) {
    if (const auto share = place.share_above(metric, View::net, threshold)) {
      text += fmt::format("  {}: {:.0f} % of replicates.\n", what, 100 * *share);
    }
  }
  const auto gross = place(Metric::admissions_avoided, View::gross), net = place(Metric::admissions_avoided, View::net);
  if (gross && net && std::isfinite(net->mcse)) {
    text += fmt::format("  Monte-Carlo error of the mean admissions avoided: gross {}, net {}.\n", rounded(gross->mcse),
                        rounded(net->mcse));
  }
  return text;
}

/// The other worlds in a line each: what they come to, and how far from the comparator.
std::string others(const RunRecord& record, int lead, int programme, int time, std::size_t width) {
  std::string text;
  for (int strategy = 0; strategy < static_cast<int>(record.layout.strategies.size()); ++strategy) {
    if (strategy == lead || strategy == record.layout.comparator) continue;
    const Spot place(record, strategy, programme, time);
    const Delivery delivery = record.model->scenario.strategies[static_cast<std::size_t>(strategy)].delivery;
    std::string line = fmt::format("{}{}:", record.layout.strategies[static_cast<std::size_t>(strategy)],
                                   delivery == Delivery::no_programme ? " (neither commissioned nor supported)" : "");
    std::string_view mark = " ";
    for (const auto& [metric, label] : {std::pair{Metric::ever_adopted, "ever in use"},
                                        std::pair{Metric::admissions_avoided, "admissions avoided"}}) {
      const auto gross = place(metric, View::gross), net = place(metric, View::net);
      if (!gross || !net) continue;
      line += fmt::format("{}{} {}", mark, rounded(gross->mean), label);
      if (delivery == Delivery::as_delivered) line += fmt::format(" (net {})", rounded(net->mean));
      mark = ", ";
    }
    text += "  " + paragraph(line, width - 2, 4);
  }
  return text;
}

/// What the answer rests on: decisive parameters with their grades, then the notes of programmes and scenario.
std::string assumptions(const RunRecord& record, std::size_t width) {
  const Scenario& scenario = record.model->scenario;
  std::string text = "What this rests on\n";
  for (const ProgrammeSpec& programme : scenario.programmes) {
    const Setting& effort = programme.settings[static_cast<std::size_t>(Parameter::delivery_staff_days)];
    if (effort.grade == Grade::assumption)
      text +=
          paragraph(fmt::format("- The effort assumption decides the answer: the effort as delivered ({}: {} {}) is "
                                "taken to have 75 % of its full effect, the rest turning on {}; neither was "
                                "measured. The days themselves decide the cost alone.",
                                programme.name, rounded(effort.value), spec(Parameter::delivery_staff_days).unit,
                                spec(Parameter::half_effort_factor).key),
                    width, 2);
    if (scenario.programmes.size() > 1) continue;
    for (const Parameter id : kDecisive) {
      const Setting& setting = programme.settings[static_cast<std::size_t>(id)];
      const ParameterSpec& p = spec(id);
      text += paragraph(
          fmt::format("- {} = {:g}{}{}; {}{}{}", p.key, setting.value, p.unit == "1" ? "" : fmt::format(" {}", p.unit),
                      scenario.mode == ParameterMode::prior ? fmt::format(", drawn from {}", to_text(setting.prior))
                                                            : std::string(", fixed at its default"),
                      kGradeNames[static_cast<std::size_t>(setting.grade)], setting.source.empty() ? "" : ": ",
                      setting.source),
          width, 2);
    }
    for (const std::string& note : programme.notes) text += paragraph("- " + note, width, 2);
    if (!programme.no_outcome_note.empty()) text += paragraph("- " + programme.no_outcome_note, width, 2);
  }
  if (scenario.programmes.size() > 1)
    text += paragraph(
        "- Values, priors, grades and notes by programme: group /parameters of results.h5, and the "
        "programme files.",
        width, 2);
  for (const std::string& note : scenario.notes) text += paragraph("- " + note, width, 2);
  return text;
}
}  // namespace

std::string headline_table(const RunRecord& of, int width) {
  RunRecord record = of;
  record.report = report_of(of);
  const SummaryLayout& layout = record.layout;
  const Scenario& scenario = record.model->scenario;
  const auto columns = static_cast<std::size_t>(std::max(width, kNarrowest));
  const int n_strategies = static_cast<int>(layout.strategies.size());
  const int n_reports = std::min(2, static_cast<int>(layout.reports.size()));
  const int programme = static_cast<int>(layout.programmes.size()) - 1;
  const std::string& comparator = layout.strategies[static_cast<std::size_t>(layout.comparator)];
  std::string text;
  std::optional<int> lead;
  for (int strategy = 0; strategy < n_strategies && !lead; ++strategy)
    if (strategy != layout.comparator) lead = strategy;
  if (lead && n_reports > 0) text += paragraph(finding(record, *lead, programme, 0), columns) + '\n';
  for (int time = 0; time < n_reports && lead; ++time) {
    const Period& period = layout.reports[static_cast<std::size_t>(time)];
    const Spot place(record, *lead, programme, time);
    text += fmt::format("{}, {}, England\n{} to {}{}\n", layout.strategies[static_cast<std::size_t>(*lead)],
                        layout.programmes[static_cast<std::size_t>(programme)], iso(period.from), iso(period.to),
                        time == 0 ? " (headline)" : "");
    text += table(place, columns) + others(record, *lead, programme, time, columns);
    text += chances(place);
    text += '\n';
  }
  text += paragraph(fmt::format("Means over {} replicates, {}. Without = the same random worlds under {}; net = the "
                                "difference, replicate by replicate. Cash and capacity are never added. Stocks are at "
                                "the last date, flows over the window; by region in summary.csv.",
                                record.ensemble->n_replicates,
                                scenario.mode == ParameterMode::prior ? "each with parameters drawn from their priors"
                                                                      : "all with default parameters",
                                comparator),
                    columns);
  text += assumptions(record, columns);
  return text;
}

}  // namespace uptake
