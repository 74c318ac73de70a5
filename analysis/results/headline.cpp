#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <span>
#include <tuple>
#include <vector>

#include "results/cell_statistics.hpp"
#include "results/compare.hpp"
#include "results/compare_report.hpp"
#include "results/finding.hpp"
#include "results/numbers.hpp"
#include "results/outside_view.hpp"
#include "results/published.hpp"
#include "results/spot.hpp"
#include "results/wording.hpp"
#include "uptake/results.hpp"

namespace uptake {

namespace {
/// What the headline table shows, in its order.
constexpr std::array kShown{
    Metric::engaged,
    Metric::ever_adopted,
    Metric::adopters,
    Metric::sustained_adopters,
    Metric::home_years,
    Metric::patients_benefited,
    Metric::events_avoided,
    Metric::admissions_avoided,
    Metric::bed_days_avoided,
    Metric::diagnosis_days_sooner,
    Metric::savings_cash_gbp,
    Metric::capacity_released_gbp,
    Metric::cost_gbp,
    Metric::cost_public_gbp,
    Metric::net_present_value_gbp,
    Metric::roi_fiscal,
    Metric::roi_social,
    Metric::roi_net,
    Metric::acceleration_months,
    Metric::attributable_share,
    Metric::deprivation_gap,
};

/// Whether nothing that the table shows differs from the comparator's world.
bool is_same_world(const Spot& place) {
  bool any = false;
  for (const Metric metric : kShown) {
    const auto net = place(metric, View::net);
    if (!net) continue;
    if (!is_nil(*net)) return false;
    any = true;
  }
  return any;
}

/// What the finding is about there.
const Subject& subject_of(const Spot& place) {
  return uptake::subject_of([&](Metric metric) { return place(metric, View::net).has_value(); });
}

/// What "anyway" means: the world that the finding is measured against.
std::string comparator_in_words(const RunRecord& record) {
  const Strategy& comparator =
      record.model->scenario.strategies[static_cast<std::size_t>(record.model->scenario.comparator)];
  return fmt::format("{} ({})", comparator.name, delivery_in_words(comparator.delivery));
}

/// How far the figures can be trusted, said beside them.
std::string standing(const Scenario& scenario) {
  switch (scenario.mode) {
    case ParameterMode::prior:
      return "The figures follow from prior assumptions; they are not calibrated to the record.";
    case ParameterMode::defaults:
      return "All parameters stand at their defaults: the intervals show luck alone, not what is unknown.";
    case ParameterMode::posterior:
      break;
  }
  std::string text = calibration_in_words(scenario);
  if (const std::string not_informed = not_informed_in_words(scenario); !not_informed.empty())
    text += " " + not_informed;
  const std::vector<std::string> warnings = calibration_warnings(scenario);
  constexpr std::size_t kMostShown = 2;  // all are in results.h5 [A]
  for (std::size_t i = 0; i < std::min(warnings.size(), kMostShown); ++i)
    text += fmt::format("{} {}", i == 0 ? " The calibration warns:" : ";", warnings[i]);
  if (warnings.size() > kMostShown) text += fmt::format("; and {} more", warnings.size() - kMostShown);
  if (!warnings.empty()) text += ".";
  return text + " Worlds start anew in every replicate: they are not made to pass through what was published.";
}

/// What a parameter is, and how it comes to its values in the replicates.
std::string how_it_stands(const Scenario& scenario, const ProgrammeSpec& programme, const ParameterSpec& row) {
  const Setting& setting = programme.settings[static_cast<std::size_t>(row.id)];
  if (const auto drawn = posterior_column(scenario, programme.name, row.id))
    return fmt::format("{:.3g}{} (90 %: {:.3g} to {:.3g}), drawn from the posterior", drawn->quantile(0.5),
                       unit_behind(row.unit), drawn->quantile(0.05), drawn->quantile(0.95));
  return value_in_words(scenario.mode, row, setting);
}

/// The finding in words, from the numbers alone.
std::string finding(const RunRecord& record, int strategy, int programme, int time) {
  const SummaryLayout& layout = record.layout;
  const Scenario& scenario = record.model->scenario;
  const Period& period = layout.reports[static_cast<std::size_t>(time)];
  const Spot place(record, strategy, programme, time);
  const std::string subject = scenario.programmes.size() == 1 ? "the programme" : "the programmes together";
  std::string text = fmt::format("Over {} to {}", iso(period.from), iso(period.to));
  const std::string where = place_in_words(*record.model, layout, focus_place(layout, scenario));
  if (where != kEngland) text += fmt::format(", in {},", in_sentence(where));
  const Subject& about = subject_of(place);
  const auto gross = place(about.metric, View::gross), net = place(about.metric, View::net);
  if (!gross || !net) return text + " nothing was measured.";
  const Told told(about, *gross, *net);
  if (is_same_world(place)) {
    text += fmt::format(
        " {}. {}", gross_text(told, subject, interval_text(told.gross)),
        same_world_text(layout.strategies[static_cast<std::size_t>(strategy)],
                        layout.strategies[static_cast<std::size_t>(layout.comparator)],
                        delivers_effort(*record.model, strategy) ? "" : ", for it delivers no network effort"));
    if (layout.strategies[static_cast<std::size_t>(layout.comparator)] == kDeliveryNames[2]) text += kWithoutProgramme;
  } else {
    const std::string under = fmt::format("under {}", comparator_in_words(record));
    text += ' ' + finding_text(told, subject, interval_text, under, under);
    const auto cash = place(Metric::savings_cash_gbp, View::net);
    const auto capacity = place(Metric::capacity_released_gbp, View::net);
    if (cash && capacity)
      text += fmt::format("{} worth GBP {} in cash and, apart from that, GBP {} in capacity released ({} prices)",
                          scenario.programmes.size() > 1 ? "; what all of them brought, net, is"
                          : told.is_part()               ? ","
                                                         : "; the difference is",
                          interval_text(*cash), interval_text(*capacity), kPriceYear);
  }
  text += ". ";
  if (scenario.programmes.size() == 1 && about.metric == Metric::events_avoided)
    text += fmt::format("The event is {}. ", event_in_words(scenario.programmes.front().event));
  const auto drifts = [](const ProgrammeSpec& one) { return one.outcome == OutcomeKind::uptake; };
  if (std::ranges::any_of(scenario.programmes, drifts)) text += fmt::format("{} ", kBackgroundRise);
  const auto has_none = [](const ProgrammeSpec& one) { return one.outcome == OutcomeKind::none; };
  if (std::ranges::all_of(scenario.programmes, has_none))
    text += "No effect on patients is known for a number to be given. ";
  text += standing(scenario);
  if (const std::string note = population_note(*record.model); !note.empty()) text += " " + note;
  return text;
}

constexpr std::size_t kWide = 104;  // columns from which the gross value has room for its interval too
constexpr std::size_t kLabel = 32, kNumber = 9, kInterval = 20;

/// One line a metric: gross with its interval alone.
std::string gross_table(const Spot& place, std::span<const Metric> shown) {
  std::string text = fmt::format("  {:<{}}{:>{}}\n", "", kLabel - 2, "gross, 90 % interval", kNumber + kInterval);
  LargestMoney money;
  for (const Metric metric : shown) money.add(metric, {place(metric, View::gross)});
  for (const Metric metric : shown) {
    const auto gross = place(metric, View::gross);
    if (!gross || is_repeated(place, metric)) continue;
    const RowUnit unit(metric, Medium::terminal, {gross}, money);
    const std::string row = fmt::format("  {:<{}} {:>{}} {:>{}}", unit.label(), kLabel - 2, unit.mean(gross),
                                        kNumber - 1, unit.range(gross), kInterval - 1);
    text += row.substr(0, row.find_last_not_of(' ') + 1) + '\n';
  }
  return text;
}

/// One line a metric: label, net with its interval, gross with its own where there is room, counterfactual. Where the
/// comparator's world is the same, gross says it all.
std::string table(const Spot& place, std::span<const Metric> shown, std::size_t width) {
  if (is_same_world(place)) return gross_table(place, shown);
  const bool wide = width >= kWide;
  const std::size_t gross_width = wide ? kNumber + kInterval + 2 : kNumber;
  std::string text = fmt::format("  {:<{}}{:>{}}{:>{}}{:>{}}\n", "", kLabel - 2, "net, 90 % interval",
                                 kNumber + kInterval, "gross", gross_width, "without", kNumber);
  LargestMoney money;
  for (const Metric metric : shown)
    money.add(metric, {place(metric, View::gross), place(metric, View::counterfactual), place(metric, View::net)});
  for (const Metric metric : shown) {
    const auto gross = place(metric, View::gross), without = place(metric, View::counterfactual);
    const auto net = place(metric, View::net);
    if (!gross && !without && !net) continue;
    if (is_repeated(place, metric)) continue;
    const RowUnit unit(metric, Medium::terminal, {gross, without, net}, money);
    // A blank stands before every column, whatever its number.
    std::string row = fmt::format("  {:<{}} {:>{}} {:>{}} {:>{}}", unit.label(), kLabel - 2, unit.mean(net),
                                  kNumber - 1, unit.range(net), kInterval - 1, unit.mean(gross), kNumber - 1);
    if (wide) row += fmt::format(" {:>{}}  ", unit.range(gross), kInterval - 1);
    row += fmt::format(" {:>{}}", unit.mean(without), kNumber - 1);
    text += row.substr(0, row.find_last_not_of(' ') + 1) + '\n';
  }
  return text;
}

/// How often the net effect has the sign that is hoped for, and how exact the mean is.
std::string chances(const Spot& place, std::size_t width) {
  struct Chance {
    Metric metric;
    View view;
    double threshold;
    std::string_view what, of;
  };
  std::string text;
  const Subject& about = subject_of(place);
  const bool is_same = is_same_world(place);
  const std::string more = fmt::format("A difference for the better ({} {})", about.noun, about.verb);
  for (const auto& [metric, view, threshold, what, of] :
       {Chance{about.metric, View::net, 0, more, "replicates"},
        Chance{Metric::net_present_value_gbp, View::net, 0, "A net present value above 0 (net; health not counted)",
               "replicates"},
        Chance{Metric::roi_net, View::net, 1, "Added cash above added cost", "replicates that cost more"},
        Chance{Metric::roi_fiscal, View::gross, 1, "Cash above public cost (gross)", "replicates"},
        Chance{Metric::roi_social, View::gross, 1, "Social value above public cost (gross)", "replicates"}}) {
    if (view == View::net && is_same) continue;
    if (const auto share = place.share_above(metric, view, threshold))
      text += "  " + paragraph(fmt::format("{}: {} {}.", what,
                                           *share == 0   ? "none of the"
                                           : *share == 1 ? "all of the"
                                                         : percent_of_worlds(*share) + " of the",
                                           of),
                               width - 2, 4);
  }
  if (const std::string few = few_worlds_text(place.n_replicates()); !few.empty())
    text += "  " + paragraph(few, width - 2, 4);
  const auto gross = place(about.metric, View::gross), net = place(about.metric, View::net);
  if (gross && net && std::isfinite(net->mcse)) {
    text += "  " + paragraph(fmt::format("Monte-Carlo error of the mean, {} {}: gross {}{}.", about.noun, about.verb,
                                         rounded(gross->mcse),
                                         is_same ? std::string() : fmt::format(", net {}", rounded(net->mcse))),
                             width - 2, 4);
  }
  return text;
}

/// What of the verdict on value and cost hangs on one price that no world varies.
std::string fixed_price(const RunRecord& record, const Spot& place, std::size_t width) {
  const Scenario& scenario = record.model->scenario;
  if (scenario.programmes.size() != 1) return "";
  const ProgrammeSpec& programme = scenario.programmes.front();
  const auto of = [&](Parameter id) -> const Setting& {
    constexpr std::size_t kOwn = kNProgrammeParameters;
    const auto at = static_cast<std::size_t>(id);
    return at < kOwn ? programme.settings[at] : scenario.economy[at - kOwn];
  };
  const auto is_known = [&](Parameter id) { return of(id).is_known(scenario.mode); };
  const auto price = sole_price({is_known(Parameter::value_per_event), is_known(Parameter::value_per_person),
                                 programme.event.ends_with("admission"), programme.outcome == OutcomeKind::stay});
  const auto value = place(Metric::savings_gross_gbp, View::net), cost = place(Metric::cost_gbp, View::net);
  if (!price || !value || !cost) return "";
  const bool is_fixed = !is_drawn(scenario.mode) || of(*price).prior.family == Family::fixed;
  const double fixed_at = is_drawn(scenario.mode) ? of(*price).prior.a : of(*price).value;
  if (!is_fixed || value->mean == 0) return "";
  return "  " +
         paragraph(rests_on(*price, fixed_at, kValueOverCost, fixed_at * cost->mean / value->mean), width - 2, 4);
}

/// Why the table has no share of benefit, where there is a benefit to have one of, or no range of it.
std::string no_share(const RunRecord& record, const Spot& place, std::size_t width) {
  const auto gross = place(subject_of(place).metric, View::gross);
  const bool is_due = record.layout.find(Metric::attributable_share, Axis::report) != nullptr && gross &&
                      gross->mean != 0 && !is_same_world(place);
  const auto share = place(Metric::attributable_share, View::net);
  if (!is_due || (share && has_range(Metric::attributable_share, *share))) return "";
  return "  " + paragraph(share ? kNoRangeOfShare : kNoShare, width - 2, 2);
}

/// Of several programmes: how many different people the sum over programmes may be.
std::string overlap(const Spot& place, std::size_t width) {
  const auto most = place(Metric::patients_benefited, View::gross);
  const auto least = place(Metric::patients_distinct_least, View::gross);
  const auto most_net = place(Metric::patients_benefited, View::net);
  const auto least_net = place(Metric::patients_distinct_least, View::net);
  // Where one programme alone reaches people, nobody is counted twice.
  if (!most || !least || !most_net || !least_net || most->mean == least->mean) return "";
  const std::string net = is_same_world(place)
                              ? std::string()
                              : fmt::format(" (net {} to {})", rounded(least_net->mean), rounded(most_net->mean));
  return "  " + paragraph(fmt::format("One person can meet several programmes: the people reached are between {} and "
                                      "{}{}, the largest programme of each region and the sum of all.",
                                      rounded(least->mean), rounded(most->mean), net),
                          width - 2, 2);
}

/// Of several programmes: what their totals count, and in which not all of them are.
std::string of_how_many(const RunRecord& record, int strategy, int time, std::size_t width) {
  const auto n = static_cast<int>(record.model->scenario.programmes.size());
  if (n < 2) return "";
  std::string pairs = "  An organisation counts once for each programme that it takes up.\n";
  std::string known;
  const auto n_in = [&](Metric metric) { return record.layout.n_in_total[static_cast<std::size_t>(metric)]; };
  for (const Metric metric : kShown) {
    const Spot total(record, strategy, n, time);
    const bool is_told = total(metric, View::gross) || (total(metric, View::net) && !is_same_world(total));
    if (n_in(metric) == 0 || n_in(metric) == n || !is_told) continue;
    known += fmt::format("{}{} {}", known.empty() ? "" : ", ", spec(metric).brief, n_in(metric));
  }
  if (known.empty()) return pairs;
  return pairs + "  " +
         paragraph(fmt::format("Not all of the {} programmes are in every total{}: {}.", n,
                               n_in(Metric::cost_gbp) == n ? ", but all are in the cost" : "", known),
                   width - 2, 2);
}

/// Whether all that is measured of two strategies, of one programme or all, has the same statistics at every report date.
bool has_same_figures(const RunRecord& record, int a, int b, int programme) {
  for (int time = 0; time < static_cast<int>(record.layout.reports.size()); ++time) {
    const Spot one(record, a, programme, time), other(record, b, programme, time);
    for (int m = 0; m < kNMetrics; ++m) {
      const auto metric = static_cast<Metric>(m);
      const View view = spec(metric).paired ? View::net : View::gross;
      const auto s = one(metric, view), t = other(metric, view);
      const auto figures = [](const Statistics& of) { return std::array{of.mean, of.sd, of.p05, of.p50, of.p95}; };
      if (s.has_value() != t.has_value() || (s && !same_figures(figures(*s), figures(*t)))) return false;
    }
  }
  return true;
}

/// The lead, the comparator or the first strategy before that has the same figures; nothing where none has.
std::optional<int> same_world_as(const RunRecord& record, int strategy, int lead, int programme) {
  for (const int other : {lead, record.layout.comparator})
    if (has_same_figures(record, strategy, other, programme)) return other;
  for (int other = 0; other < strategy; ++other)
    if (has_same_figures(record, strategy, other, programme)) return other;
  return std::nullopt;
}

/// The other worlds in a line each: what they come to, and how far from the comparator.
std::string others(const RunRecord& record, int lead, int programme, int time, std::size_t width) {
  std::string text;
  bool any_to_compare = false;
  const std::vector<int> worlds = worlds_of_drivers(record.layout.strategies, lead);
  for (int strategy = 0; strategy < static_cast<int>(record.layout.strategies.size()); ++strategy) {
    if (strategy == lead || strategy == record.layout.comparator) continue;
    if (std::ranges::find(worlds, strategy) != worlds.end()) continue;  // they only serve the split
    const Spot place(record, strategy, programme, time);
    const Delivery delivery = record.model->scenario.strategies[static_cast<std::size_t>(strategy)].delivery;
    std::string line =
        fmt::format("{}{}:", record.layout.strategies[static_cast<std::size_t>(strategy)],
                    delivery == Delivery::as_delivered ? "" : fmt::format(" ({})", delivery_in_words(delivery)));
    if (const auto other = same_world_as(record, strategy, lead, programme)) {
      text += "  " + paragraph(fmt::format("{} the same figures as {}", line,
                                           record.layout.strategies[static_cast<std::size_t>(*other)]),
                               width - 2, 4);
      continue;
    }
    std::string_view mark = " ";
    for (const Metric metric : {Metric::ever_adopted, Metric::admissions_avoided}) {
      const auto gross = place(metric, View::gross), net = place(metric, View::net);
      if (!gross || !net) continue;
      line += fmt::format("{}{} {}", mark, rounded(gross->mean), spec(metric).brief);
      if (delivery == Delivery::as_delivered) line += fmt::format(" (net {})", rounded(net->mean));
      mark = ", ";
    }
    text += "  " + paragraph(line, width - 2, 4);
    any_to_compare = any_to_compare || delivery == Delivery::as_delivered;
  }
  if (any_to_compare && time == 0)
    text += "  " + paragraph(fmt::format("How they differ from {}, world by world: `uptake compare SCENARIO`.",
                                         record.layout.strategies[static_cast<std::size_t>(lead)]),
                             width - 2, 4);
  return text;
}

/// Three significant digits in at most six columns.
std::string compact(double value) {
  for (const auto& [unit, mark] : {std::pair{1e9, "bn"}, std::pair{1e6, "m"}, std::pair{1e4, "k"}}) {
    if (std::abs(value) < unit) continue;
    const double scale = mark[0] == 'k' ? 1e3 : unit;
    const double n = value / scale;
    return fmt::format("{:.{}f}{}", n, std::abs(n) >= 100 ? 0 : std::abs(n) >= 10 ? 1 : 2, mark);
  }
  return rounded(value);
}
std::string compact(const std::optional<Statistics>& s) { return s ? compact(s->mean) : std::string(kUndefined); }

/// Text cut to fit, with two dots where something is missing.
std::string cut(const std::string& text, std::size_t width) {
  return text.size() <= width ? text : text.substr(0, width - 2) + "..";
}

/// What a programme that avoids no events brings, in as many columns as the table has for it.
std::string_view instead_of_events(OutcomeKind kind) {
  switch (kind) {
    case OutcomeKind::stay:
      return "shorter stays";
    case OutcomeKind::diagnosis:
      return "sooner diagnosis";
    case OutcomeKind::value:
      return "value per person";
    default:
      return "no effect size";
  }
}

/// Several programmes in a line each: means, net where it is not 0 by construction, and gross.
std::string programmes_table(const RunRecord& record, int strategy, int time, std::size_t width) {
  const SummaryLayout& layout = record.layout;
  const bool roomy = width >= 100;  // as in a file
  const std::size_t name_width = roomy ? 33 : 24, event_width = roomy ? 26 : 16;
  constexpr std::size_t kColumn = 6;
  const bool has_net = !is_same_world({record, strategy, total_programme(layout.programmes), time});
  std::string text = fmt::format("  {:<{}}{:>{}}{:>{}}{:>{}}\n", "", name_width - 2, spec(Metric::ever_adopted).brief,
                                 2 * kColumn + 1, "people", 2 * kColumn + 1, "avoided", 2 * kColumn + 1);
  text += fmt::format("  {:<{}}", "", name_width - 2);
  for (int k = 0; k < 3; ++k)
    text += has_net ? fmt::format("{:>{}}{:>{}}", "net", kColumn + 1, "gross", kColumn)
                    : fmt::format("{:>{}}", "gross", 2 * kColumn + 1);
  text += '\n';
  for (std::size_t j = 0; j < layout.programmes.size(); ++j) {
    const Spot place(record, strategy, static_cast<int>(j), time);
    std::string row = fmt::format("  {:<{}}", cut(layout.programmes[j], name_width - 2), name_width - 2);
    const auto add = [&](Metric metric) {
      if (has_net) row += fmt::format("{:>{}}", compact(place(metric, View::net)), kColumn + 1);
      row += fmt::format("{:>{}}", compact(place(metric, View::gross)), has_net ? kColumn : 2 * kColumn + 1);
    };
    add(Metric::ever_adopted);
    add(Metric::patients_benefited);
    const bool has_events = place(Metric::events_avoided, View::gross).has_value();
    add(has_events ? Metric::events_avoided : Metric::admissions_avoided);
    const bool is_total = j == record.model->scenario.programmes.size();
    std::string event;
    if (!is_total) {
      const ProgrammeSpec& programme = record.model->scenario.programmes[j];
      // An event is named where there is a figure of it alone.
      event = programme.event.empty()                                        ? instead_of_events(programme.outcome)
              : has_events || place(Metric::admissions_avoided, View::gross) ? programme.event
                                                                             : "no baseline read";
    } else if (!has_events) {
      event = "admissions";
    }
    row += ' ' + cut(event, event_width);
    text += row.substr(0, row.find_last_not_of(' ') + 1) + '\n';
  }
  return text;
}

/// Whether a figure lies outside the range beside it. Of another place or time than the values it says nothing.
bool is_outside(const PublishedBeside& one) {
  return one.used && !one.is_of_england_alone && !one.is_of_other_days && !std::isnan(one.gross.mean) &&
         (one.figure->value < one.gross.p05 || one.figure->value > one.gross.p95);
}
/// Whether no replicate comes as far.
bool is_beyond_all(const PublishedBeside& one) {
  return is_outside(one) && (one.figure->value < one.gross.p05 ? one.p_below == 0 : one.p_below == 1);
}
/// One world has no interval to lie outside of.
std::string mark_of(const PublishedBeside& one, std::size_t n_worlds) {
  return n_worlds == 1 ? "" : is_beyond_all(one) ? "!! " : is_outside(one) ? "! " : "";
}

/// Whether published figures stand beside a net value: where the comparator's world is the same, it is 0 by construction.
enum class BesideNet : std::uint8_t { yes, no };

/// A published figure in two lines: the numbers, and what they are and where they were published.
/// @param says_place whether not all of them are of the place that the run is about
std::string published_lines(const PublishedBeside& one, const RunRecord& record, BesideNet beside_net, bool says_place,
                            std::size_t width) {
  constexpr std::size_t kFigure = 11, kGross = 20, kNet = 9;
  const std::size_t label_width = kNarrowest - 2 - kFigure - kGross - kNet;
  const bool several = record.model->scenario.programmes.size() > 1;
  const bool is_flow = spec(one.metric).kind == MetricKind::flow;
  const Period asked = one.asked(record.model->scenario.calendar.start);
  const auto window = [&](const Period& period) {
    return is_flow ? fmt::format("{} to {}", iso(period.from), iso(period.to)) : iso(period.to);
  };
  std::vector<double> figures{one.figure->value};
  if (one.used) figures.insert(figures.end(), {one.gross.p05, one.gross.p95, one.net.mean});
  const RowUnit unit(one.metric, Medium::terminal, figures);
  std::string text =
      fmt::format("  {:<{}} {:>{}}", cut(several ? one.programme : unit.label(), label_width - 1), label_width,
                  mark_of(one, record.ensemble->n_replicates) + unit.text(one.figure->value), kFigure - 1);
  if (one.used) {
    text += fmt::format(" {:>{}}",
                        std::isnan(one.gross.mean) ? std::string(kUndefined)
                        : record.ensemble->n_replicates == 1
                            ? unit.text(one.gross.mean)
                            : fmt::format("{} to {}", unit.text(one.gross.p05), unit.text(one.gross.p95)),
                        kGross - 1);
    if (beside_net == BesideNet::yes) text += fmt::format(" {:>{}}", unit.text(one.net.mean), kNet - 1);
  }
  text += '\n';
  const bool has_no_start = is_flow && !one.from();
  const std::string published_window =
      has_no_start ? fmt::format("to {} (the source gives no start)", iso(asked.to)) : window(asked);
  std::string rest = several ? fmt::format("{}, {}", unit.label(), published_window) : published_window;
  if (says_place) rest += ", " + one.place;
  if (!one.used)
    rest += "; the model keeps no value near it";
  else if (has_no_start || one.used->to != asked.to || (is_flow && one.used->from != asked.from))
    rest += fmt::format("; model: {}", window(*one.used));
  rest += "; " + one.figure->source;
  return text + "    " + paragraph(rest, width - 4, 4);
}

/// Published figures beside the result. Of several programmes the first of each; the file has them all.
std::string published_table(const RunRecord& record, std::size_t width) {
  const auto all = published_beside(record);
  if (all.empty()) return {};
  const bool several = record.model->scenario.programmes.size() > 1;
  const BesideNet beside_net =
      is_same_world({record, lead_strategy(record.model->scenario), total_programme(record.layout.programmes), 0})
          ? BesideNet::no
          : BesideNet::yes;
  std::string text =
      fmt::format("{:<40}{:>11}{:>20}{}\n", "Published figures beside the result", "published", "gross, 5 to 95 %",
                  beside_net == BesideNet::yes ? fmt::format("{:>9}", "net") : std::string());
  std::vector<std::string> shown;
  std::size_t n_left_out = 0;
  bool any_outside = false, any_beyond = false;
  const std::string whole = place_in_words(*record.model, record.layout, 0);
  const bool says_place = focus_place(record.layout, record.model->scenario) != 0 ||
                          std::ranges::any_of(all, [&](const auto& one) { return one.place != whole; });
  for (const PublishedBeside& one : all) {
    const bool again = std::ranges::find(shown, one.programme) != shown.end();
    if (several && one.programme != "all" && again) {
      ++n_left_out;
      continue;
    }
    shown.push_back(one.programme);
    const std::string mark = mark_of(one, record.ensemble->n_replicates);
    any_outside = any_outside || !mark.empty();
    any_beyond = any_beyond || mark.starts_with("!!");
    text += published_lines(one, record, beside_net, says_place, width);
  }
  if (n_left_out > 0) text += fmt::format("  {} more in published.csv\n", n_left_out);
  if (std::ranges::any_of(all, &PublishedBeside::is_of_england_alone))
    text += "  " + paragraph(fmt::format("Figures of England stand beside values of {}.", whole), width - 2, 2);
  else if (focus_place(record.layout, record.model->scenario) != 0)
    text += "  The model's values are of the place that each figure is of.\n";
  const bool is_calibrated = record.model->scenario.mode == ParameterMode::posterior;
  if (any_outside)
    text +=
        fmt::format("  ! = outside the model's 90 % interval{}.\n", any_beyond ? ", !! = beyond every replicate" : "");
  const auto n_set = std::ranges::count_if(all, &PublishedBeside::set_parameters);
  const std::string no_test =
      n_set == 0 ? std::string()
                 : fmt::format(", but the sources of {} of {} also set parameters: agreement with {} is no test", n_set,
                               all.size(), n_set == 1 ? "it" : "them");
  const std::string account = is_calibrated ? "Calibrated programmes were fitted to some of them: no independent check."
                                            : fmt::format("They were not fitted to{}.", no_test);
  return text + "  " +
         paragraph(fmt::format("{} Why {} differ: what is counted, and the notes in published.csv.", account,
                               is_calibrated ? "others" : "they"),
                   width - 2, 2) +
         '\n';
}

/// How earlier forecasts fared, and the average with them where it was asked for.
std::string outside_text(const RunRecord& record, std::size_t width) {
  const auto beside = outside_beside(record);
  if (!beside) return "";
  std::string text = paragraph(beside->finding, width, 2) + "  " + paragraph(beside->limits, width - 2, 2);
  if (beside->rows.empty()) return text + '\n';
  std::vector<Metric> averaged;
  for (const OutsideRow& row : beside->rows) averaged.push_back(row.metric);
  text += "  " + paragraph(average_in_words(beside->weight, averaged), width - 2, 2);
  constexpr std::size_t kName = 24, kOwn = 27;  // 80 columns
  text += fmt::format("  {:<{}}{:>{}}{:>{}}\n", "gross: median (90 %)", kName, "model", kOwn, "average", kOwn);
  LargestMoney money;
  for (const OutsideRow& row : beside->rows) money.add(row.metric, row.average);
  for (const OutsideRow& row : beside->rows) {
    const RowUnit unit(row.metric, Medium::terminal, row.average, money);
    const auto cell = [&](const OutsideQuantiles& of) {
      return fmt::format("{} ({} to {})", unit.text(of[2]), unit.text(of.front()), unit.text(of.back()));
    };
    text += fmt::format("  {:<{}} {:>{}} {:>{}}\n", unit.label(), kName, cell(row.model), kOwn - 1, cell(row.average),
                        kOwn - 1);
  }
  return text + '\n';
}

/// What the growth ledger shows, in its order.
constexpr std::array kShownGrowth{
    Metric::investment_gbp,      Metric::jobs,
    Metric::companies_supported, Metric::pipeline_supported,
    Metric::pipeline_evaluated,  Metric::pipeline_in_new_setting,
    Metric::pipeline_fellows,
};

/// What the ledger says, in a sentence; empty without one.
std::string growth_finding(const RunRecord& record, int lead) {
  const SummaryLayout& layout = record.layout;
  const Spot place(record, lead, static_cast<int>(layout.programmes.size()) - 1, 0, 0);
  const auto invested = place(Metric::investment_gbp, View::gross), more = place(Metric::investment_gbp, View::net);
  const auto jobs = place(Metric::jobs, View::gross), more_jobs = place(Metric::jobs, View::net);
  if (!invested || !more || !jobs || !more_jobs) return "";
  const Period& period = layout.reports.front();
  const RowUnit unit(Metric::investment_gbp, Medium::terminal, {invested, more});
  const auto money = [&](const std::optional<Statistics>& s) {
    const std::string range = unit.range(s);
    return fmt::format("GBP {}{}{}", unit.mean(s), unit.factor() > 1 ? " m" : "",
                       range.empty() ? range : fmt::format(" (90 %: {})", range));
  };
  return fmt::format(
      "Over {} to {} the companies that the networks supported reported {} of investment and {} jobs; {} and {} jobs "
      "of this are assumed not to have come anyway. What follows of {} is apart from that.",
      iso(period.from), iso(period.to), money(invested), interval_text(*jobs), money(more), interval_text(*more_jobs),
      record.model->scenario.programmes.front().name);
}

/// The growth ledger in a block of its own: what companies report, and what of it would not have come anyway.
std::string growth(const RunRecord& record, int lead, std::size_t width) {
  const SummaryLayout& layout = record.layout;
  if (!record.model->scenario.growth || layout.reports.empty()) return "";
  // The ledger stands under "all", for all of the population: it is kept for nothing smaller.
  const Spot place(record, lead, static_cast<int>(layout.programmes.size()) - 1, 0, 0);
  const Period& period = layout.reports.front();
  std::string text = fmt::format("Growth ledger (self-reported survey, gross), {}\n{} to {}\n",
                                 place_in_words(*record.model, layout, 0), iso(period.from), iso(period.to));
  text += table(place, kShownGrowth, width);
  const Setting& job_share =
      record.model->scenario.economy[static_cast<std::size_t>(Parameter::growth_job_additionality) -
                                     static_cast<std::size_t>(kNProgrammeParameters)];
  const bool drawn = is_drawn(record.model->scenario.mode) && job_share.prior.family != Family::fixed;
  if (const auto roi = place(Metric::growth_roi, View::net))
    text +=
        "  " + paragraph(fmt::format("Return on growth funding {}: an accounting identity set to the published 3.96 "
                                     "with {:g} of the jobs taken to be additional{}, not a finding.",
                                     interval_text(*roi), job_share.value, drawn ? " by default" : ""),
                         width - 2, 2);
  text +=
      "  " + paragraph(
                 "What respondents say, not raised to those who do not answer unless asked; without = what is taken "
                 "to have come anyway. No part of the other figures, and never to be added to them.",
                 width - 2, 2);
  return text + '\n';
}

/// What the answer rests on: decisive parameters with their grades, then the notes of programmes and scenario.
std::string assumptions(const RunRecord& record, std::size_t width) {
  const Scenario& scenario = record.model->scenario;
  std::string text = "What this rests on (codes such as S40 are sources: scenarios/sources.bib)\n";
  for (const std::string& note : effort_notes(*record.model)) text += paragraph("- " + note, width, 2);
  for (const ProgrammeSpec& programme : scenario.programmes) {
    if (scenario.programmes.size() > 1) break;
    for (const Parameter id : decisive_parameters(*record.model, 0)) {
      const Setting& setting = programme.settings[static_cast<std::size_t>(id)];
      const ParameterSpec& p = spec(id);
      text += paragraph(
          fmt::format("- {} = {}{}{}{}", p.key, how_it_stands(scenario, programme, p),
                      // What is drawn from the posterior was said to be.
                      setting.grade == Grade::posterior ? std::string() : fmt::format("; {}", name_of(setting.grade)),
                      setting.source.empty() ? "" : ": ", setting.source),
          width, 2);
    }
    for (const std::string& note : notes_of(programme)) text += paragraph("- " + note, width, 2);
  }
  if (scenario.programmes.size() > 1)
    text += paragraph(
        "- Values, priors and grades by programme: group /parameters of results.h5; their notes: report.html.", width,
        2);
  if (const std::vector<std::string> defaults = money_defaults(*record.model); !defaults.empty()) {
    text += paragraph("- " + money_defaults_heading(defaults.size()), width, 2);
    for (const std::string& one : defaults) text += "  " + paragraph("- " + one, width - 2, 4);
  }
  for (const std::string& note : notes_of_scenario(*record.model)) text += paragraph("- " + note, width, 2);
  return text;
}

/// What the tables are made of and what their words mean, of those that are there.
std::string legend(const RunRecord& record, int programme, int n_reports) {
  const Scenario& scenario = record.model->scenario;
  bool has_net = false, has_both = false, has_money = false, has_gap = false, has_return = false;
  for (int time = 0; time < n_reports; ++time) {
    const Spot place(record, lead_strategy(scenario), programme, time);
    const auto is_there = [&](Metric metric) { return place(metric, View::gross) || place(metric, View::net); };
    has_net = has_net || !is_same_world(place);
    has_money = has_money || is_there(Metric::savings_cash_gbp) || is_there(Metric::cost_gbp);
    has_both = has_both || (is_there(Metric::savings_cash_gbp) && is_there(Metric::capacity_released_gbp));
    has_gap = has_gap || is_there(Metric::deprivation_gap);
    for (const Metric of : {Metric::roi_fiscal, Metric::roi_social, Metric::roi_net})
      has_return = has_return || is_there(of);
  }
  std::string text = fmt::format("Means over {}{}, {}.", plural(record.ensemble->n_replicates, "replicate"),
                                 has_return ? " (per pound: ratios of means)" : "",
                                 scenario.mode == ParameterMode::prior ? "each with parameters drawn from their priors"
                                 : scenario.mode == ParameterMode::defaults
                                     ? "all with default parameters"
                                     : "each with parameters drawn from the posterior or their priors");
  const std::string& comparator = record.layout.strategies[static_cast<std::size_t>(record.layout.comparator)];
  if (has_net)
    text += fmt::format(" Without = the same random worlds under {}; net = the difference, replicate by replicate.",
                        comparator);
  if (has_both)
    text +=
        " Cash and capacity are not the same money: only the value of what is avoided and the net present value count "
        "both, and neither counts health.";
  if (has_money && !money_defaults(*record.model).empty()) text += " Default prices that money rests on stand below.";
  text += " Stocks are at the last date, flows over the window; by region in summary.csv.";
  if (focus_place(record.layout, scenario) != 0)
    text +=
        " Months sooner and the deprivation gap are measured of the whole population alone, and are not given here.";
  return has_gap ? fmt::format("{} {}", text, kGapInWords) : text;
}

/// The split over drivers, and what is lost to competition for attention, where their worlds were run.
class Shares {
 public:
  explicit Shares(const RunRecord& record) : lost_(lost_to_attention(record)) {
    constexpr std::array kMetrics{Metric::ever_adopted, Metric::patients_benefited, Metric::events_avoided,
                                  Metric::admissions_avoided};
    drivers_ = split_over_drivers(record, kMetrics);
  }
  [[nodiscard]] std::string text(const Period& period, const std::string& programme, std::size_t width) const {
    return attention_text(lost_, period, width) + drivers_text(drivers_, programme, period, width);
  }

 private:
  std::vector<Loss> lost_;
  std::vector<DriverSplit> drivers_;
};
}  // namespace

std::span<const Metric> shown_metrics() { return kShown; }

std::string headline_table(const RunRecord& of, int width) {
  RunRecord record = of;
  record.report = report_of(of);
  const SummaryLayout& layout = record.layout;
  const Scenario& scenario = record.model->scenario;
  const auto columns = static_cast<std::size_t>(std::max(width, kNarrowest));
  const int n_reports = std::min(2, static_cast<int>(layout.reports.size()));
  // All together, or the only one by its name.
  const int programme = total_programme(layout.programmes);
  std::string text;
  const int lead = lead_strategy(scenario);
  const Shares shares(record);
  bool says_why = false;  // once is enough
  const bool ledger_leads = n_reports > 0 && is_about_growth(scenario);
  if (ledger_leads) text += paragraph(growth_finding(record, lead), columns) + '\n' + growth(record, lead, columns);
  if (n_reports > 0) text += paragraph(finding(record, lead, programme, 0), columns) + '\n';
  for (int time = 0; time < n_reports; ++time) {
    const Period& period = layout.reports[static_cast<std::size_t>(time)];
    const Spot place(record, lead, programme, time);
    text += fmt::format("{}, {}, {}\n{} to {}{}\n", layout.strategies[static_cast<std::size_t>(lead)],
                        layout.programmes[static_cast<std::size_t>(programme)],
                        place_in_words(*record.model, layout, focus_place(layout, scenario)), iso(period.from),
                        iso(period.to), time == 0 ? " (headline)" : "");
    if (programme > 0) text += programmes_table(record, lead, time, columns) + '\n';
    // Totals of several programmes once: later dates are in the files.
    const std::string why = says_why ? std::string() : no_share(record, place, columns);
    says_why = says_why || !why.empty();
    if (programme == 0 || time == 0)
      text += table(place, kShown, columns) + of_how_many(record, lead, time, columns) + overlap(place, columns) + why +
              others(record, lead, programme, time, columns);
    text += shares.text(period, layout.programmes[static_cast<std::size_t>(programme)], columns);
    if (programme == 0 || time == 0) text += chances(place, columns) + fixed_price(record, place, columns);
    while (text.ends_with("\n\n")) text.pop_back();
    text += '\n';
  }
  if (!ledger_leads) text += growth(record, lead, columns);
  text += outside_text(record, columns);
  text += published_table(record, columns);
  text += paragraph(legend(record, programme, n_reports), columns);
  text += assumptions(record, columns);
  return text;
}

}  // namespace uptake
