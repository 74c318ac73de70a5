// A comparison as a page: strategies or scenarios side by side, in the same worlds.
#include "report/compare_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "report/page.hpp"
#include "report/report_sections.hpp"
#include "results/compare_report.hpp"
#include "results/finding.hpp"
#include "results/numbers.hpp"
#include "uptake/version.hpp"

namespace uptake {

namespace {
using Json = nlohmann::ordered_json;

/// What is compared first, in this order.
constexpr std::array kFirst{
    Metric::ever_adopted,          Metric::adopters,         Metric::patients_benefited,    Metric::admissions_avoided,
    Metric::events_avoided,        Metric::bed_days_avoided, Metric::diagnosis_days_sooner, Metric::savings_cash_gbp,
    Metric::capacity_released_gbp, Metric::cost_gbp,         Metric::net_present_value_gbp, Metric::deprivation_gap,
};
bool is_first(Metric metric) { return std::ranges::find(kFirst, metric) != kFirst.end(); }

/// The programme that stands for all, and the dates that every comparison has.
struct Frame {
  std::string programme;
  std::vector<Period> periods;
};
Frame frame_of(const CompareReport& report) {
  const Pairing& first = report.comparisons.front().pairing;
  Frame frame;
  const bool has_total = first.programmes.back() == "all" || first.programmes.size() == 1;
  if (has_total) frame.programme = first.programmes[static_cast<std::size_t>(total_programme(first.programmes))];
  for (const Period& period : first.reports)
    if (std::ranges::all_of(report.comparisons, [&](const Comparison& one) {
          return std::ranges::any_of(one.pairing.reports, [&](const Period& p) { return p.to == period.to; });
        }))
      frame.periods.push_back(period);
  return frame;
}

const Difference* find(const Comparison& comparison, Metric metric, std::string_view programme, Date to) {
  const auto at = std::ranges::find_if(comparison.rows, [&](const Difference& row) {
    return row.metric == metric && row.programme == programme && row.period.to == to;
  });
  return at == comparison.rows.end() ? nullptr : &*at;
}

/// A programme by its title.
std::string title_of(const RunValues& run, const std::string& programme) {
  const auto at = static_cast<std::size_t>(std::ranges::find(run.programmes, programme) - run.programmes.begin());
  if (programme == "all") return "All together";
  return at < run.titles.size() && !run.titles[at].empty() ? run.titles[at] : programme;
}

std::string name_of(const Comparison& comparison) { return side_name(comparison.subject, comparison.baseline); }

/// "“twice” instead of “as-delivered”: 512 more organisations brought into use (90 % interval: …), for a cost that is GBP 3
/// million higher (…). By organisations brought into use it does better in 98 % of the worlds, by net present value in …"
std::string finding_of(const Comparison& comparison, const Frame& frame) {
  const Period& period = frame.periods.front();
  const auto known = [&](Metric metric) { return find(comparison, metric, frame.programme, period.to) != nullptr; };
  const Subject& subject = subject_of(known);
  const std::string opening =
      fmt::format("“{}” instead of “{}”", name_of(comparison), side_name(comparison.baseline, comparison.subject));
  const Difference* row = find(comparison, subject.metric, frame.programme, period.to);
  if (!row) return opening + ": nothing that both measure.";
  // "512 more", and the interval beside it, in which either end may be on the other side of 0.
  const auto amount = [](const Statistics& s, Metric metric, std::string_view up, std::string_view down) {
    const bool is_money = spec(metric).read_as == ReadAs::money;
    const RowUnit unit(metric, Medium::page, {s});
    const auto of = [&](double value) {
      const std::string number = unit.text(std::abs(value));
      return is_money ? fmt::format("GBP {}{}", number, unit.factor() > 1 ? " million" : "") : number;
    };
    const auto way = [&](double value) { return value < 0 ? down : up; };
    std::string text = fmt::format("{} {}", of(s.mean), way(s.mean));
    if (all_agree(s)) return std::pair(text, std::string());
    const bool crosses = s.p05 < 0 && s.p95 > 0;
    const double near = s.mean < 0 ? s.p95 : s.p05, far = s.mean < 0 ? s.p05 : s.p95;
    const std::string between = is_money ? fmt::format("{} to {}", of(std::abs(near)), of(std::abs(far)))
                                         : span_text(std::abs(near), std::abs(far));
    return std::pair(text, crosses
                               ? fmt::format(" (90 % interval: {} {} to {} {})", of(far), way(far), of(near), way(near))
                               : fmt::format(" (90 % interval {})", between));
  };
  if (row->difference.mean == 0 && row->difference.sd == 0)
    return fmt::format("{}: the same number of {} {} in every world.", opening, subject.noun, subject.verb);
  const auto [more, between] = amount(row->difference, subject.metric, "more", "fewer");
  std::string text = fmt::format("{}: {} {} {}{}", opening, more, subject.noun, subject.verb, between);
  if (const Difference* cost = find(comparison, Metric::cost_gbp, frame.programme, period.to);
      cost && cost->difference.mean != 0) {
    const auto [higher, within] = amount(cost->difference, Metric::cost_gbp, "higher", "lower");
    text += fmt::format(", for a cost that is {}{}", higher, within);
  }
  const auto chance = [&](double share) {
    return fmt::format("{}{}", chance_text(share, static_cast<int>(comparison.pairing.n_replicates)),
                       share > 0 && share < 1 ? " of the worlds" : "");
  };
  text += fmt::format(". By {} {} it does better in {}", subject.noun, subject.verb, chance(row->p_better));
  if (const Difference* worth = find(comparison, Metric::net_present_value_gbp, frame.programme, period.to); worth)
    text += fmt::format(", by net present value (health not counted) in {}", chance(worth->p_better));
  return text + ".";
}

Section finding(const CompareReport& report, const Frame& frame) {
  const RunValues& first = *report.comparisons.front().baseline.run;
  std::string html;
  if (!frame.periods.empty() && !frame.programme.empty()) {
    html += paragraph(
        fmt::format("From {} to {}, in {}, {}:", date_text(frame.periods.front().from),
                    date_text(frame.periods.front().to), in_sentence(report.comparisons.front().subject.run->place),
                    frame.programme == "all" ? "all programmes together" : title_of(first, frame.programme)));
    for (std::size_t k = 0; k < report.comparisons.size(); ++k) {
      const Side& subject = report.comparisons[k].subject;
      const auto other = same_as(report, k);
      html += fmt::format("<p class=\"finding\">{}</p>\n",
                          escaped(other ? fmt::format("“{}” {} “{}”.", side_name(subject, *other), kIsTheSameAs,
                                                      side_name(*other, subject))
                                        : finding_of(report.comparisons[k], frame)));
    }
  }
  html += fmt::format(
      "<p class=\"standing\">{} What would have happened anyway is in both sides and drops out of the "
      "difference.</p>\n",
      first.mode == ParameterMode::posterior
          ? "Parameters of calibrated programmes are drawn from the record, the others from prior assumptions."
      : first.mode == ParameterMode::prior
          ? "These figures follow from prior assumptions about every uncertain number, drawn anew in each "
            "of the simulated worlds; they are not calibrated to the record."
          : "All parameters stand at their defaults: the intervals show luck alone, not what is unknown.");
  html += paragraph(fmt::format("{} of worlds: the same organisations, parameters and luck on both sides.",
                                plural(n_compared(report), "pair")));
  if (!first.population_note.empty()) html += paragraph(first.population_note);
  html += list(notes_of(report));
  return {"finding", "The finding", std::move(html)};
}

/// Head of a table with a column for each side, by strategy, and by run where several have the strategy.
std::vector<Cell> head_of_sides(const std::vector<Side>& sides, std::string_view first) {
  std::vector<Cell> head{{std::string(first)}};
  const auto name = [](const Side& side) { return side.run->strategies[static_cast<std::size_t>(side.strategy)]; };
  for (const Side& side : sides)
    head.push_back(number_cell(std::ranges::count(sides, name(side), name) == 1
                                   ? name(side)
                                   : fmt::format("{}: {}", side.run->label, name(side))));
  return head;
}

/// One table of all sides, and a drawing for each measure that differs.
Section side_by_side(const CompareReport& report, const Frame& frame, Json& data) {
  if (frame.periods.empty() || frame.programme.empty()) return {};
  const Period& period = frame.periods.front();
  const std::vector<Side> sides = sides_of(report);
  const std::vector<Cell> head = head_of_sides(sides, "Measure");
  std::vector<std::vector<Cell>> rows;
  std::string drawings;
  LargestMoney money;
  for (const Metric metric : kFirst)
    for (const Comparison& comparison : report.comparisons)
      if (const Difference* row = find(comparison, metric, frame.programme, period.to))
        money.add(metric, std::array{row->subject, row->baseline, row->difference.p05, row->difference.p95});
  for (const Metric metric : kFirst) {
    std::vector<std::optional<double>> means;
    for (const Side& side : sides) {
      std::optional<double> mean;
      for (const Comparison& comparison : report.comparisons) {
        const Difference* row = find(comparison, metric, frame.programme, period.to);
        if (!row) continue;
        const auto is = [&](const Side& s) { return s.run == side.run && s.strategy == side.strategy; };
        if (is(comparison.subject)) mean = row->subject;
        if (is(comparison.baseline)) mean = row->baseline;
      }
      means.push_back(mean);
    }
    if (std::ranges::none_of(means, [](const auto& m) { return m.has_value(); })) continue;
    std::vector<double> figures;
    bool differs = false, repeated = false;
    for (const Comparison& comparison : report.comparisons) {
      const Difference* row = find(comparison, metric, frame.programme, period.to);
      if (!row) continue;
      const Statistics& d = row->difference;
      figures.insert(figures.end(), {row->subject, row->baseline, d.p05, d.p95});
      repeated = repeated || is_repeated(comparison, *row);
      differs = differs || d.sd > 0 || d.mean != 0;
    }
    if (repeated) continue;
    const RowUnit unit(metric, Medium::page, figures, money);
    Json bars = Json::array();
    for (const Comparison& comparison : report.comparisons)
      if (const Difference* row = find(comparison, metric, frame.programme, period.to))
        bars.push_back({{"name", name_of(comparison)},
                        {"mean", row->difference.mean / unit.factor()},
                        {"text", unit.text(row->difference.mean)},
                        {"low", row->difference.p05 / unit.factor()},
                        {"high", row->difference.p95 / unit.factor()}});
    std::vector<Cell> row{{unit.label()}};
    for (const auto& mean : means) row.push_back(number_cell(mean ? unit.text(*mean) : "–"));
    rows.push_back(std::move(row));
    if (differs)
      drawings += fmt::format(
          "<div><h3>{}</h3>{}</div>\n", escaped(unit.label()),
          forest_figure(data, std::move(bars), "", fmt::format("{}: difference to the baseline", unit.label()), ""));
  }
  std::string html =
      table(fmt::format("Means, {} to {}, gross", date_text(period.from), date_text(period.to)), head, rows) +
      paragraph(fmt::format(
          "{} In the tables below, 90 % is the range that nine in ten of the pairs fall in, ± the simulation error of "
          "the mean difference (its standard error), and better means: less cost, a gap nearer 0, a shorter time, else "
          "more.",
          gross_or_net(report, Medium::page, [&](Metric metric) {
            return report.asked.empty() || std::ranges::find(report.asked, metric) != report.asked.end();
          })));
  if (!drawings.empty())
    html += fmt::format(
        "<div class=\"drawn\"><h3>What differs</h3>\n<p>Difference to “{}”; dots: means; lines: 90 % intervals. The "
        "tables below "
        "say the same.</p>\n<div class=\"courses\">{}</div></div>\n",
        escaped(side_name(report.comparisons.front().baseline, report.comparisons.front().subject)), drawings);
  return {"side-by-side", "Side by side", std::move(html)};
}

std::string difference_table(const Comparison& comparison, const std::string& programme, const Period& period,
                             const std::vector<Metric>& asked) {
  std::vector<std::vector<Cell>> rows;
  LargestMoney money;
  const auto add = [&](const Difference& row) {
    const Statistics& d = row.difference;
    const RowUnit unit(row.metric, Medium::page, std::array{row.subject, row.baseline, d.p05, d.p95}, money);
    std::vector<Cell> cells = net_first(
        {unit.label(comparison.subject.run->place_index())},
        {number_cell(unit.text(d.mean)), number_cell(unit.range(d))},
        {number_cell(unit.text(row.baseline)), number_cell(unit.text(row.subject)), number_cell(unit.text(d.mcse)),
         number_cell(d.mean == 0 && d.sd == 0
                         ? std::string("the same")
                         : chance_text(row.p_better, static_cast<int>(comparison.pairing.n_replicates)))});
    if (row.variance)
      cells.push_back(
          number_cell(row.variance->paired > 0 ? shown(row.variance->independent / row.variance->paired) : "–"));
    rows.push_back(std::move(cells));
  };
  const auto mine = [&](const Difference& row) {
    return row.programme == programme && row.period.to == period.to && !is_repeated(comparison, row) &&
           (asked.empty() || std::ranges::find(asked, row.metric) != asked.end());
  };
  const auto as_table = [&](std::string_view which) {
    std::vector<Cell> head =
        net_first({"Measure"}, {number_cell("difference"), number_cell("90 %")},
                  {number_cell("baseline"), number_cell("strategy"), number_cell("±"), number_cell("better in")});
    if (!rows.empty() && rows.front().size() > head.size())
      head.push_back(number_cell("times the variance with independent seeds"));
    return table(fmt::format("{}: {} minus {}, {} to {}{}", title_of(*comparison.subject.run, programme),
                             name_of(comparison), side_name(comparison.baseline, comparison.subject),
                             date_text(period.from), date_text(period.to), which),
                 head, rows);
  };
  for (const Difference& row : comparison.rows)
    if (mine(row) && spec(row.metric).needs != Needs::growth)  // whose prices are those of each year
      money.add(row.metric, std::array{row.subject, row.baseline, row.difference.p05, row.difference.p95});
  std::string html;
  for (const Metric metric : kFirst)
    for (const Difference& row : comparison.rows)
      if (row.metric == metric && mine(row)) add(row);
  if (!rows.empty()) html += as_table("");
  rows.clear();
  for (const Difference& row : comparison.rows)
    if (mine(row) && !is_first(row.metric)) add(row);
  if (!rows.empty())
    html += asked.empty() ? folded(fmt::format("Table: other measures ({})", rows.size()), as_table(", other measures"))
                          : as_table(", other measures");
  return html;
}

/// Peers: what of a difference comes through them.
std::string peers_table(const Comparison& comparison, const std::string& programme, const Period& period) {
  std::vector<std::vector<Cell>> rows;
  for (const Difference& row : comparison.rows) {
    if (!row.peers || row.programme != programme || row.period.to != period.to) continue;
    if (row.metric != Metric::ever_adopted && row.metric != Metric::admissions_avoided) continue;
    rows.push_back({{std::string(spec(row.metric).label)},
                    number_cell(shown(row.peers->without.mean)),
                    number_cell(range(row.peers->without)),
                    number_cell(shown(row.peers->through.mean)),
                    number_cell(range(row.peers->through))});
  }
  if (rows.empty()) return "";
  return table("What of the difference comes through peers",
               {{"Measure"},
                number_cell("without peers"),
                number_cell("90 %"),
                number_cell("through peers"),
                number_cell("90 %")},
               rows) +
         paragraph("How strongly peers are heard is prior, not data: the record does not tell it from commissioning.");
}

/// Why an order that serves the most deprived first can do worse by the gap: there was none to close.
std::string no_gap_to_close(const Comparison& comparison, const std::string& programme, const Period& period) {
  const Difference* gap = find(comparison, Metric::deprivation_gap, programme, period.to);
  constexpr double kPoint = 0.01, kPercent = 100, kErrors = 3;
  if (!gap || gap->baseline < -kPoint / 2 || std::abs(gap->baseline) > kPoint) return "";
  if (gap->difference.mean < kPoint / 2 || gap->difference.mean < kErrors * gap->difference.mcse) return "";
  const auto points = [](double share) { return fmt::format("{:.1f}", kPercent * std::abs(share)); };
  return paragraph(
      fmt::format("Under “{}” the most deprived fifth is within one percentage point of the rest, so there is no gap "
                  "to close: “{}” "
                  "puts it {} points ahead, and a gap in favour of the most deprived is counted as further from 0 too.",
                  side_name(comparison.baseline, comparison.subject), name_of(comparison), points(gap->subject)));
}

std::string losses_table(const RunValues& run, std::span<const Loss> lost, const Period& period,
                         std::string_view caption) {
  std::vector<std::vector<Cell>> rows;
  for (const Loss& loss : lost) {
    if (loss.period.to != period.to || (loss.programme == "all" && loss.metric == Metric::events_avoided)) continue;
    rows.push_back({{fmt::format("{}: {}", title_of(run, loss.programme), spec(loss.metric).label)},
                    number_cell(shown(loss.lost.mean)),
                    number_cell(range(loss.lost))});
  }
  if (rows.empty()) return "";
  const std::string html = table(caption, {{"Programme and measure"}, number_cell("lost"), number_cell("90 %")}, rows);
  constexpr std::size_t kMostRows = 15;
  return rows.size() > kMostRows ? folded(fmt::format("Table: {} ({} lines)", caption, rows.size()), html) : html;
}

/// The programmes of a comparison, in a table of their own where there are several.
std::string programmes_table(const Comparison& comparison, const Period& period) {
  constexpr std::array kColumns{Metric::ever_adopted, Metric::patients_benefited, Metric::events_avoided};
  std::vector<std::vector<Cell>> rows;
  for (const std::string& programme : comparison.pairing.programmes) {
    if (programme == "all") continue;
    std::vector<Cell> cells{{title_of(*comparison.subject.run, programme)}};
    for (const Metric metric : kColumns) {
      const Difference* row = find(comparison, metric, programme, period.to);
      cells.push_back(number_cell(row ? shown(row->difference.mean) : "–"));
      cells.push_back(number_cell(row ? range(row->difference) : ""));
    }
    rows.push_back(std::move(cells));
  }
  if (rows.size() < 2) return "";
  std::vector<Cell> head{{"Programme"}};
  for (const Metric metric : kColumns) {
    head.push_back(number_cell(std::string(spec(metric).brief)));
    head.push_back(number_cell("90 %"));
  }
  return folded(fmt::format("Table: difference by programme ({})", rows.size()),
                table("Difference by programme", head, rows));
}

Section differences_section(const CompareReport& report, const Comparison& comparison, const Frame& frame,
                            std::size_t number) {
  std::string html;
  for (std::size_t t = 0; t < comparison.pairing.reports.size(); ++t) {
    const Period& period = comparison.pairing.reports[t];
    std::string part =
        frame.programme.empty() ? "" : difference_table(comparison, frame.programme, period, report.asked);
    if (!frame.programme.empty()) part += no_gap_to_close(comparison, frame.programme, period);
    if (!frame.programme.empty()) part += peers_table(comparison, frame.programme, period);
    part += programmes_table(comparison, period);
    part += losses_table(*comparison.subject.run, comparison.displaced, period,
                         "Lost in programmes that the levers leave alone");
    html += t == 0 ? part : folded(fmt::format("Tables: to {}", date_text(period.to)), part);
  }
  return {fmt::format("difference-{}", number),
          fmt::format("{} minus {}", name_of(comparison), side_name(comparison.baseline, comparison.subject)),
          std::move(html)};
}

Section targets(const CompareReport& report) {
  if (report.targets.empty()) return {};
  const std::vector<Side> sides = sides_of(report);
  const std::vector<Cell> head = head_of_sides(sides, "Target");
  std::vector<std::vector<Cell>> rows;
  const std::size_t n = n_compared(report);
  for (const TargetLevel& target : report.targets) {
    std::vector<Cell> row{{target.text}};
    for (const Side& side : sides)
      row.push_back(number_cell(chance_text(chance_of(target, side, n), static_cast<int>(n))));
    rows.push_back(std::move(row));
  }
  return {"targets", "Chance that a target is met", table("Share of the worlds in which a target is met", head, rows)};
}

Section attention(const CompareReport& report) {
  if (report.lost_to_attention.empty()) return {};
  const RunValues& first = *report.comparisons.front().baseline.run;
  const auto name = [&](int strategy) { return first.strategies[static_cast<std::size_t>(strategy)]; };
  std::string html = paragraph(
      fmt::format("Lost = “{}” (attention unlimited) less “{}”, in the same worlds; below 0 a programme gains.",
                  name(report.attention.off), name(report.attention.on)));
  html += losses_table(first, report.lost_to_attention, first.reports.front(),
                       fmt::format("Lost to competition for attention, to {}", date_text(first.reports.front().to)));
  return {"attention", "What programmes cost each other in attention", std::move(html)};
}

Section drivers(const CompareReport& report) {
  if (report.drivers.empty()) return {};
  const RunValues& first = *report.comparisons.front().baseline.run;
  const std::string& together = first.programmes[static_cast<std::size_t>(total_programme(first.programmes))];
  const Period& period = first.reports.front();
  std::vector<Cell> head{{"Measure"}};
  for (const std::string_view driver : kDriverNames) {
    head.push_back(number_cell(std::string(driver)));
    head.push_back(number_cell("90 %"));
  }
  head.push_back(number_cell("together"));
  std::vector<std::vector<Cell>> rows;
  for (const DriverSplit& split : report.drivers) {
    if (split.programme != together || split.period.to != period.to || !is_first(split.metric)) continue;
    std::vector<double> figures{split.together.mean};
    for (const Statistics& s : split.by_driver) figures.insert(figures.end(), {s.mean, s.p05, s.p95});
    const RowUnit unit(split.metric, Medium::page, figures);
    std::vector<Cell> row{{unit.label()}};
    for (const Statistics& s : split.by_driver) {
      row.push_back(number_cell(unit.text(s.mean)));
      row.push_back(number_cell(unit.range(s)));
    }
    row.push_back(number_cell(unit.text(split.together.mean)));
    rows.push_back(std::move(row));
  }
  return {"split", fmt::format("What of “{}” effort, incentive and shock each make", report.split_strategy),
          table(fmt::format("Split over drivers (Shapley), to {}", date_text(period.to)), head, rows)};
}

Section provenance(const CompareReport& report, const std::string& command) {
  const RunValues& first = *report.comparisons.front().baseline.run;
  std::vector<std::vector<Cell>> rows;
  const auto add = [&](std::string what, std::string text) { rows.push_back({{std::move(what)}, {std::move(text)}}); };
  std::vector<const RunValues*> runs;
  for (const Side& side : sides_of(report))
    if (std::ranges::find(runs, side.run) == runs.end()) runs.push_back(side.run);
  for (const RunValues* run : runs) add(run->label, fmt::format("scenario {}, uptake {}", run->scenario, run->version));
  add("Seed", fmt::format("{}", first.seed));
  add("Replicates", grouped(static_cast<double>(n_compared(report))));
  add("Population", first.population_vintage);
  add("Program", fmt::format("uptake {} ({})", version(), git_id()));
  return {
      "provenance", "How to repeat it",
      preformatted("Command that repeats the comparison", command) + table("Provenance", {{"What"}, {"value"}}, rows)};
}
}  // namespace

std::string compare_page(const CompareReport& report, const std::string& command) {
  const Frame frame = frame_of(report);
  const CompareReport distinct = without_repeats(report);
  Json data{{"schema", 1}};
  std::vector<Section> sections{finding(report, frame), targets(report), side_by_side(distinct, frame, data)};
  for (std::size_t k = 0; k < distinct.comparisons.size(); ++k)
    sections.push_back(differences_section(distinct, distinct.comparisons[k], frame, k + 1));
  sections.push_back(attention(report));
  sections.push_back(drivers(report));
  sections.push_back(provenance(report, command));
  std::erase_if(sections, [](const Section& section) { return section.id.empty() || section.html.empty(); });
  const Comparison& first = report.comparisons.front();
  const bool one_run = std::ranges::all_of(report.comparisons,
                                           [](const Comparison& one) { return one.subject.run == one.baseline.run; });
  return page_html(
      one_run ? fmt::format("Strategies of {}, side by side", first.baseline.run->scenario)
              : std::string("Scenarios side by side"),
      fmt::format("{}; against {}.", capitalised(first.subject.run->place), side_name(first.baseline, first.subject)),
      sections, data);
}

}  // namespace uptake
