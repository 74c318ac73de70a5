#include "results/compare_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "files/json_text.hpp"
#include "results/numbers.hpp"
#include "results/wording.hpp"
#include "statistics/statistics.hpp"
#include "uptake/version.hpp"

namespace uptake {

namespace {
using Json = nlohmann::ordered_json;

const std::string& strategy_name(const Side& side) {
  return side.run->strategies[static_cast<std::size_t>(side.strategy)];
}

bool same_side(const Side& a, const Side& b) { return a.run == b.run && a.strategy == b.strategy; }
}  // namespace

std::string side_name(const Side& side, const Side& other) {
  const bool is_clear = side.run == other.run || strategy_name(side) != strategy_name(other);
  return is_clear ? strategy_name(side) : fmt::format("{} ({})", strategy_name(side), side.run->label);
}

std::vector<Side> sides_of(const CompareReport& report) {
  std::vector<Side> sides;
  for (const Comparison& comparison : report.comparisons)
    for (const Side& side : {comparison.baseline, comparison.subject})
      if (std::ranges::none_of(sides, [&](const Side& known) { return same_side(known, side); })) sides.push_back(side);
  return sides;
}

bool same_figures(std::span<const double> a, std::span<const double> b) {
  constexpr double kRounding = 1e-6;  // results keep 23 binary digits
  return std::ranges::equal(a, b, [](double x, double y) {
    return std::abs(x - y) <= kRounding * std::max(std::abs(x), std::abs(y)) || (std::isnan(x) && std::isnan(y));
  });
}

std::optional<Side> same_as(const CompareReport& report, std::size_t comparison) {
  const Comparison& own = report.comparisons[comparison];
  const auto is_same = [&](const Side& other) {
    return std::ranges::all_of(own.rows, [&](const Difference& row) {
      const auto values = [&](const Side& side) {
        const auto all = side.run->find(side.strategy, row.metric, row.programme, row.period.to);
        return all.first(std::min(all.size(), own.pairing.n_replicates));
      };
      return same_figures(values(own.subject), values(other));
    });
  };
  if (own.rows.empty()) return std::nullopt;
  if (is_same(own.baseline)) return own.baseline;
  for (std::size_t k = 0; k < comparison; ++k)
    if (const Side& other = report.comparisons[k].subject; is_same(other)) return other;
  return std::nullopt;
}

CompareReport without_repeats(const CompareReport& report) {
  CompareReport distinct = report;
  distinct.comparisons.clear();
  for (std::size_t k = 0; k < report.comparisons.size(); ++k)
    if (!same_as(report, k)) distinct.comparisons.push_back(report.comparisons[k]);
  if (distinct.comparisons.empty()) distinct.comparisons.push_back(report.comparisons.front());
  return distinct;
}

std::size_t n_compared(const CompareReport& report) {
  std::size_t n = report.comparisons.front().pairing.n_replicates;
  for (const Comparison& comparison : report.comparisons) n = std::min(n, comparison.pairing.n_replicates);
  return n;
}

std::vector<std::string> notes_of(const CompareReport& report) {
  std::vector<std::string> notes;
  for (const Comparison& comparison : report.comparisons)
    for (const std::string& note : comparison.pairing.notes)
      if (std::ranges::find(notes, note) == notes.end()) notes.push_back(note);
  if (const std::size_t n = n_compared(report); n < kFewWorlds)
    notes.push_back(
        fmt::format("only {} of worlds: too few for intervals and chances to mean much", plural(n, "pair")));
  return notes;
}

std::string gross_or_net(const CompareReport& report, Medium medium, const std::function<bool(Metric)>& is_shown) {
  std::vector<std::string_view> net;
  for (const MetricSpec& metric : metric_table()) {
    const bool is_compared = std::ranges::any_of(report.comparisons, [&](const Comparison& one) {
      return std::ranges::find(one.rows, metric.id, &Difference::metric) != one.rows.end();
    });
    if (metric.paired && is_compared && is_shown(metric.id))
      net.push_back(medium == Medium::page ? metric.label : metric.brief);
  }
  std::string text = "Values are gross: what would have happened anyway is in both.";
  if (!net.empty()) text += fmt::format(" Net, each side against its own comparator: {}.", fmt::join(net, "; "));
  return text;
}

bool is_repeated(const Comparison& comparison, const Difference& row) {
  if (row.metric != Metric::events_avoided) return false;
  return std::ranges::any_of(comparison.rows, [&](const Difference& other) {
    return other.metric == Metric::admissions_avoided && other.programme == row.programme &&
           other.period.to == row.period.to && other.subject == row.subject && other.baseline == row.baseline &&
           other.difference.sd == row.difference.sd;
  });
}

namespace {
// ---- JSON ---------------------------------------------------------------------------------------------------------

void add_statistics(Json& entry, const Statistics& s) {
  const auto values = in_order(s);
  for (std::size_t k = 0; k < values.size(); ++k) entry[kStatisticNames[k]] = values[k];  // NaN is dumped as null
}

/// What names a row: metric, unit, dates.
void add_metric(Json& entry, const std::string& programme, const std::string& region, Metric metric,
                std::string_view view, const Period& period) {
  const MetricSpec& m = spec(metric);
  entry["programme"] = programme;
  entry["region"] = region;
  entry["metric"] = m.name;
  entry["view"] = view;
  entry["unit"] = m.unit;
  entry["from"] = iso(period.from);
  entry["to"] = iso(period.to);
  entry["price_year"] = m.money ? Json(kPriceYear) : Json();
}

Json difference_json(const Comparison& comparison, const Difference& row) {
  Json entry{{"strategy", strategy_name(comparison.subject)},
             {"run", comparison.subject.run->label},
             {"baseline", strategy_name(comparison.baseline)},
             {"baseline_run", comparison.baseline.run->label}};
  add_metric(entry, row.programme, comparison.subject.run->region, row.metric, "difference", row.period);
  add_statistics(entry, row.difference);
  entry["strategy_mean"] = row.subject;
  entry["baseline_mean"] = row.baseline;
  entry["better"] = kBetterNames[static_cast<std::size_t>(spec(row.metric).better)];
  entry["p_better"] = row.p_better;
  entry["p_worse"] = row.p_worse;
  if (row.variance)
    entry["variance"] = {{"paired", row.variance->paired},
                         {"independent", row.variance->independent},
                         {"reduction", row.variance->independent / row.variance->paired}};
  if (row.peers)
    entry["peers"] = {{"without", statistics_json(row.peers->without)},
                      {"through", statistics_json(row.peers->through)}};
  return entry;
}

// ---- Text ---------------------------------------------------------------------------------------------------------

constexpr std::size_t kLabel = 28, kNumber = 9, kInterval = 20, kError = 7, kChance = 7;
constexpr std::size_t kWide = 100;  // columns from which there is room for the subject's mean and the deviation

std::string percent(double share) { return fmt::format("{:.0f} %", 100 * share); }

/// Equity beside the deprivation gap, which the headline shows.
const std::vector<Metric> kEquity{Metric::regional_cv, Metric::concentration_index};

/// Whether the table has a line of a metric: what the headline shows, and equity or what was asked for by name.
bool has_line(Metric metric, const std::vector<Metric>& asked) {
  const std::vector<Metric>& more = asked.empty() ? kEquity : asked;
  return std::ranges::find(shown_metrics(), metric) != shown_metrics().end() ||
         std::ranges::find(more, metric) != more.end();
}

/// The rows of one table: a programme at a date.
std::string difference_rows(const Comparison& comparison, const std::string& programme, const Period& period,
                            std::size_t width, const std::vector<Metric>& asked) {
  const bool wide = width >= kWide;
  std::string text =
      fmt::format("  {:<{}}{:>{}}{:>{}}", "", kLabel - 2, "difference, 90 %", kNumber + kInterval, "baseline", kNumber);
  if (wide) text += fmt::format("{:>{}}", "strategy", kNumber);
  if (wide) text += fmt::format("{:>{}}", "sd", kNumber);
  text += fmt::format("{:>{}}{:>{}}\n", "+-", kError, "better", kChance);
  LargestMoney money;
  const auto add = [&](const Difference& row) {
    const Statistics& d = row.difference;
    const RowUnit unit(row.metric, Medium::terminal, std::array{row.subject, row.baseline, d.p05, d.p95}, money);
    // A blank stands before every column, whatever its number.
    text +=
        fmt::format("  {:<{}} {:>{}} {:>{}} {:>{}}", unit.label(comparison.subject.run->place_index()), kLabel - 2,
                    unit.text(d.mean), kNumber - 1, unit.range(d), kInterval - 1, unit.text(row.baseline), kNumber - 1);
    if (wide) text += fmt::format(" {:>{}}", unit.text(row.subject), kNumber - 1);
    if (wide) text += fmt::format(" {:>{}}", unit.text(d.sd), kNumber - 1);
    text += fmt::format(" {:>{}} {:>{}}\n", unit.text(d.mcse), kError - 1, percent(row.p_better), kChance - 1);
    if (row.variance)
      text += row.variance->paired > 0 ? fmt::format("    independent seeds: {} times the variance of these pairs\n",
                                                     rounded(row.variance->independent / row.variance->paired))
                                       : std::string("    independent seeds vary; these pairs do not\n");
  };
  // The growth ledger stands under "all" alone, beside one programme too.
  const auto here = [&](const Difference& row) {
    const bool is_ledger = spec(row.metric).needs == Needs::growth && row.programme == "all";
    return (row.programme == programme || is_ledger) && row.period.to == period.to;
  };
  for (const Difference& row : comparison.rows)
    if (here(row) && spec(row.metric).needs != Needs::growth)  // whose prices are those of each year
      money.add(row.metric, std::array{row.subject, row.baseline, row.difference.p05, row.difference.p95});
  for (const Metric shown : shown_metrics())
    for (const Difference& row : comparison.rows)
      if (here(row) && row.metric == shown && !is_repeated(comparison, row)) add(row);
  // Metrics without a line in the headline: equity, or what was asked for by name.
  for (const Difference& row : comparison.rows)
    if (here(row) && std::ranges::find(shown_metrics(), row.metric) == shown_metrics().end() &&
        has_line(row.metric, asked))
      add(row);
  return text;
}

/// What the peers make of a difference, for the metrics that a reader looks at first.
std::string peers_text(const Comparison& comparison, const std::string& programme, const Period& period,
                       std::size_t width) {
  std::string text;
  for (const Difference& row : comparison.rows) {
    if (!row.peers || row.programme != programme || row.period.to != period.to) continue;
    if (row.metric != Metric::ever_adopted && row.metric != Metric::admissions_avoided) continue;
    text += "  " +
            paragraph(fmt::format("Peers: {}: without peer influence (bass.q = 0) the difference is {}; {} of it comes "
                                  "through peers.",
                                  spec(row.metric).brief, interval_text(row.peers->without),
                                  interval_text(row.peers->through)),
                      width - 2, 4);
  }
  if (!text.empty())
    text += "  " + paragraph(
                       "How strongly peers are heard is prior, not data: the record does not tell it from "
                       "commissioning.",
                       width - 2, 4);
  return text;
}

std::string losses_text(std::span<const Loss> lost, const Period& period, std::string_view opening, std::size_t width) {
  std::string text;
  for (const std::string_view name : {"ever_adopted", "patients_benefited", "admissions_avoided", "events_avoided"}) {
    std::vector<const Loss*> rows;
    for (const Loss& loss : lost)
      if (loss.period.to == period.to && spec(loss.metric).name == name) rows.push_back(&loss);
    if (rows.empty()) continue;
    const Loss& sum = *rows.back();  // "all", or the only programme
    std::string line = fmt::format("{}, {}: {}", opening, spec(sum.metric).brief, interval_text(sum.lost));
    if (rows.size() > 1 && sum.programme != "all") {  // events of different kinds have no sum
      std::ranges::stable_sort(rows, [](const Loss* a, const Loss* b) { return a->lost.mean > b->lost.mean; });
      line = fmt::format("{}, {} (each of its own kind)", opening, spec(sum.metric).brief);
      std::string_view mark = ": ";
      for (std::size_t k = 0; k < std::min<std::size_t>(rows.size(), 3); ++k) {
        line += fmt::format("{}{} {}", mark, rows[k]->programme, rounded(rows[k]->lost.mean));
        mark = ", ";
      }
    } else if (rows.size() > 1) {
      rows.pop_back();
      std::ranges::stable_sort(rows, [](const Loss* a, const Loss* b) { return a->lost.mean > b->lost.mean; });
      std::string_view mark = "; most: ";
      for (std::size_t k = 0; k < std::min<std::size_t>(rows.size(), 3) && rows[k]->lost.mean > 0; ++k) {
        line += fmt::format("{}{} {}", mark, rows[k]->programme, rounded(rows[k]->lost.mean));
        mark = ", ";
      }
    } else if (sum.programme != "all") {
      line += fmt::format(" ({})", sum.programme);
    }
    text += "  " + paragraph(line + ".", width - 2, 4);
  }
  return text;
}

/// The other programmes in a line each, where there are several.
std::string programmes_text(const Comparison& comparison, const Period& period, std::size_t width) {
  std::string text;
  for (const std::string& programme : comparison.pairing.programmes) {
    if (programme == "all") continue;
    std::string line = programme + ":", mark = " ";
    for (const Difference& row : comparison.rows) {
      if (row.programme != programme || row.period.to != period.to) continue;
      if (row.metric != Metric::ever_adopted && row.metric != Metric::patients_benefited &&
          row.metric != Metric::admissions_avoided)
        continue;
      line += fmt::format("{}{} {}", mark, interval_text(row.difference), spec(row.metric).brief);
      mark = "; ";
    }
    if (mark != " ") text += "  " + paragraph(line, width - 2, 4);
  }
  return text;
}
}  // namespace

Json statistics_json(const Statistics& s) {
  Json entry = Json::object();
  add_statistics(entry, s);
  return entry;
}

std::vector<Json> driver_rows(const DriverSplit& split, const std::string& strategy, const std::string& region) {
  std::vector<Json> rows;
  const auto add = [&](std::string_view driver, const Statistics& s) {
    Json& entry = rows.emplace_back(Json{{"strategy", strategy}, {"driver", driver}});
    add_metric(entry, split.programme, region, split.metric, "shapley", split.period);
    add_statistics(entry, s);
  };
  for (std::size_t driver = 0; driver < kDriverNames.size(); ++driver)
    add(kDriverNames[driver], split.by_driver[driver]);
  add("together", split.together);
  return rows;
}

Json loss_row(const Loss& loss, std::string_view cause, const std::string& strategy, const std::string& baseline,
              const std::string& region) {
  Json entry{{"cause", cause}, {"strategy", strategy}, {"baseline", baseline}};
  add_metric(entry, loss.programme, region, loss.metric, "lost", loss.period);
  add_statistics(entry, loss.lost);
  return entry;
}

std::string drivers_text(std::span<const DriverSplit> drivers, const std::string& programme, const Period& period,
                         std::size_t width) {
  std::string text;
  for (const DriverSplit& split : drivers) {
    if (split.programme != programme || split.period.to != period.to) continue;
    if (split.metric != Metric::ever_adopted && split.metric != Metric::patients_benefited &&
        spec(split.metric).name != "events_avoided" && split.metric != Metric::admissions_avoided)
      continue;
    std::string line = fmt::format("{}: {} together", spec(split.metric).brief, interval_text(split.together));
    for (std::size_t driver = 0; driver < kDriverNames.size(); ++driver)
      line += fmt::format(", {} {}", kDriverNames[driver], interval_text(split.by_driver[driver]));
    text += "  " + paragraph(line + ".", width - 2, 4);
  }
  if (text.empty()) return text;
  return "  Split over drivers (Shapley, 8 worlds with the same clocks)\n" + text;
}

std::string attention_text(std::span<const Loss> lost, const Period& period, std::size_t width) {
  return losses_text(lost, period, "Lost to competition for attention", width);
}

std::string compare_json(const CompareReport& report) {
  const RunValues& first = *report.comparisons.front().baseline.run;
  const std::vector<Side> sides = sides_of(report);
  std::vector<std::string> runs;
  for (const Side& side : sides)
    if (std::ranges::find(runs, side.run->label) == runs.end()) runs.push_back(side.run->label);
  Json head{{"schema", kJsonSchema},    {"scenario", first.scenario},
            {"seed", first.seed},       {"replicates", n_compared(report)},
            {"version", version()},     {"runs", runs},
            {"notes", notes_of(report)}};
  std::string text = json_text(head);
  text.pop_back();
  const auto add_list = [&](std::string_view name, const auto& write) {
    text += fmt::format(",\n\"{}\": [", name);
    std::string_view separator = "\n";
    write([&](const Json& entry) {
      text += separator;
      text += json_text(entry);
      separator = ",\n";
    });
    text += "\n]";
  };
  add_list("metrics", [&](const auto& add) {
    for (const Comparison& comparison : report.comparisons)
      for (const Difference& row : comparison.rows) add(difference_json(comparison, row));
  });
  add_list("targets", [&](const auto& add) {
    for (const TargetLevel& target : report.targets)
      for (const Side& side : sides) {
        const std::size_t n = n_compared(report);
        const double p = chance_of(target, side, n);
        add(Json{{"target", target.text},
                 {"strategy", strategy_name(side)},
                 {"run", side.run->label},
                 {"p_met", p},
                 {"mcse", std::sqrt(p * (1 - p) / static_cast<double>(n))}});
      }
  });
  add_list("displacement", [&](const auto& add) {
    for (const Comparison& comparison : report.comparisons)
      for (const Loss& loss : comparison.displaced)
        add(loss_row(loss, "strategy", strategy_name(comparison.subject), strategy_name(comparison.baseline),
                     comparison.subject.run->region));
    const auto name = [&](int strategy) { return first.strategies[static_cast<std::size_t>(strategy)]; };
    for (const Loss& loss : report.lost_to_attention)
      add(loss_row(loss, "attention", name(report.attention.on), name(report.attention.off), first.region));
  });
  add_list("shapley", [&](const auto& add) {
    for (const DriverSplit& split : report.drivers)
      for (const Json& entry : driver_rows(split, report.split_strategy, first.region)) add(entry);
  });
  return text + "}\n";
}

std::string compare_table(const CompareReport& report, int width) {
  const auto columns = static_cast<std::size_t>(std::max(width, kNarrowest));
  const RunValues& first = *report.comparisons.front().baseline.run;
  std::string text;
  for (std::size_t k = 0; k < report.comparisons.size(); ++k)
    if (const auto other = same_as(report, k))
      text += paragraph(fmt::format("{} {} {}.", side_name(report.comparisons[k].subject, *other), kIsTheSameAs,
                                    side_name(*other, report.comparisons[k].subject)),
                        columns) +
              '\n';
  for (const Comparison& comparison : without_repeats(report).comparisons) {
    const std::vector<std::string>& programmes = comparison.pairing.programmes;
    for (std::size_t time = 0; time < comparison.pairing.reports.size(); ++time) {
      const Period& period = comparison.pairing.reports[time];
      text += paragraph(fmt::format("{} minus {}", side_name(comparison.subject, comparison.baseline),
                                    side_name(comparison.baseline, comparison.subject)),
                        columns);
      const bool has_total = programmes.back() == "all" || programmes.size() == 1;
      const std::string& total = programmes[static_cast<std::size_t>(total_programme(programmes))];
      text +=
          paragraph(fmt::format("{}, {}, {} to {}{}", has_total ? total : "by programme", comparison.subject.run->place,
                                iso(period.from), iso(period.to), time == 0 ? " (headline)" : ""),
                    columns);
      if (has_total) {
        text += difference_rows(comparison, total, period, columns, report.asked);
        text += peers_text(comparison, total, period, columns);
      }
      if (programmes.size() > 2 || !has_total) text += programmes_text(comparison, period, columns);
      text += losses_text(comparison.displaced, period, "Lost in programmes that the levers leave alone", columns);
      text += '\n';
    }
  }
  if (!report.targets.empty()) {
    text += "Chance that a target is met\n";
    for (const TargetLevel& target : report.targets) {
      std::string line = target.text + ":", mark = " ";
      for (const Side& side : sides_of(report)) {
        const bool one_run = std::ranges::all_of(sides_of(report), [&](const Side& s) { return s.run == side.run; });
        line +=
            fmt::format("{}{}{} {}", mark, strategy_name(side), one_run ? "" : fmt::format(" ({})", side.run->label),
                        percent(chance_of(target, side, n_compared(report))));
        mark = ", ";
      }
      text += "  " + paragraph(line + ".", columns - 2, 4);
    }
    text += '\n';
  }
  const std::string& together = first.programmes[static_cast<std::size_t>(total_programme(first.programmes))];
  for (const Period& period : first.reports) {
    const std::string lost = attention_text(report.lost_to_attention, period, columns);
    const std::string split = drivers_text(report.drivers, together, period, columns);
    const std::string window = fmt::format("{} to {}", iso(period.from), iso(period.to));
    if (!lost.empty())
      text +=
          fmt::format("{}, {}\n{}\n", first.strategies[static_cast<std::size_t>(report.attention.on)], window, lost);
    if (!split.empty()) text += fmt::format("{}, {}, {}\n{}\n", report.split_strategy, together, window, split);
  }
  const bool has_gap = std::ranges::any_of(report.comparisons, [](const Comparison& one) {
    return std::ranges::count(one.rows, Metric::deprivation_gap, &Difference::metric) > 0;
  });
  const auto is_shown = [&](Metric metric) { return has_line(metric, report.asked); };
  text += paragraph(
      fmt::format("Means over {}, paired by number: the same clocks and parameters on both "
                  "sides (seed {}). +- is the Monte-Carlo standard error of the mean difference; better is "
                  "the share of replicates in which the strategy does better than the baseline (less cost, "
                  "gaps nearer 0, shorter times, else more). {}{}{}",
                  plural(n_compared(report), "replicate"), first.seed, gross_or_net(report, Medium::terminal, is_shown),
                  has_gap ? " " : "", has_gap ? kGapInWords : ""),
      columns);
  if (!first.population_note.empty()) text += paragraph("- " + first.population_note, columns, 2);
  for (const std::string& note : notes_of(report)) text += paragraph("- " + note, columns, 2);
  return text;
}

}  // namespace uptake
