// The sections on money: what a programme was worth, what it cost, and whether that is good value.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

#include "report/report_sections.hpp"
#include "results/numbers.hpp"

namespace uptake {

namespace {
using Json = nlohmann::ordered_json;
constexpr double kMillion = 1e6;

/// What a year in use is worth at the pace of a financial year.
struct FullYear {
  double gross = 0, anyway = 0;
};

/// Flow of a year per organisation-year, times the organisations in use at the year's end: a year of what is in use,
/// at the year's own mix of experience. Programme by programme, for a value per organisation differs between them.
std::optional<FullYear> full_year_effect(const Run& run, std::string_view metric, int year) {
  const Cube *flow = run.cube(fmt::format("year/{}", metric)), *time = run.cube("year/home_years"),
             *stock = run.cube("adopters");
  if (!flow || !time || !stock) return std::nullopt;
  const Date end = run.year_to[static_cast<std::size_t>(year)];
  const auto after = std::ranges::upper_bound(run.times, end);
  if (after == run.times.begin()) return std::nullopt;
  const int month = static_cast<int>(after - run.times.begin()) - 1;
  constexpr std::chrono::days kNear{32};
  if (end - run.times[static_cast<std::size_t>(month)] > kNear) return std::nullopt;
  const auto of = [&](View view, int programme) -> std::optional<double> {
    const auto value = flow->at(run.lead, view, programme, year, run.place),
               years = time->at(run.lead, view, programme, year, run.place),
               in_use = stock->at(run.lead, view, programme, month, run.place);
    if (!value || !years || !in_use) return std::nullopt;
    return years->mean > 0 ? value->mean / years->mean * in_use->mean : 0;
  };
  FullYear sum;
  bool any = false;
  for (int p = 0; p < run.n_own_programmes(); ++p) {
    const auto gross = of(View::gross, p), anyway = of(View::counterfactual, p);
    if (!gross || !anyway) continue;
    sum.gross += *gross;
    sum.anyway += *anyway;
    any = true;
  }
  return any ? std::optional(sum) : std::nullopt;
}

/// A column of the table of years, with its values by year.
struct YearColumn {
  Metric metric;
  std::string heading;
  bool is_full_year;
  std::vector<std::optional<double>> values;
};

std::vector<YearColumn> year_columns(const Run& run) {
  constexpr std::array kFlows{Metric::patients_in_year, Metric::admissions_avoided, Metric::savings_cash_gbp,
                              Metric::capacity_released_gbp, Metric::cost_gbp};
  constexpr std::array kFullYears{Metric::savings_cash_gbp, Metric::capacity_released_gbp};
  std::vector<YearColumn> columns;
  const auto add = [&](YearColumn column, const auto& value) {
    for (int y = 0; y < static_cast<int>(run.years.size()); ++y) column.values.push_back(value(y));
    if (std::ranges::any_of(column.values, [](const auto& v) { return v.has_value(); }))
      columns.push_back(std::move(column));
  };
  for (const Metric metric : kFlows) {
    const Cube* cube = run.cube(fmt::format("year/{}", spec(metric).name));
    if (!cube) continue;
    add({metric, std::string(spec(metric).brief), false, {}}, [&](int y) -> std::optional<double> {
      const auto net = cube->at(run.lead, View::net, run.programme, y, run.place);
      return net ? std::optional(net->mean) : std::nullopt;
    });
  }
  for (const Metric metric : kFullYears) {
    add({metric, fmt::format("full-year {}", spec(metric).brief), true, {}}, [&](int y) -> std::optional<double> {
      const auto effect = full_year_effect(run, spec(metric).name, y);
      return effect ? std::optional(effect->gross - effect->anyway) : std::nullopt;
    });
  }
  return columns;
}

/// What of a financial year was not simulated.
struct Missing {
  bool is_late, is_cut;  ///< its beginning, its end
};
Missing missing_of(const Run& run, std::size_t y) {
  const std::chrono::year_month_day from{run.year_from[y]}, to{run.year_to[y]};
  constexpr auto kFirst = std::chrono::April / 1, kLast = std::chrono::March / 31;
  return {std::chrono::month_day(from.month(), from.day()) != kFirst,
          std::chrono::month_day(to.month(), to.day()) != kLast};
}

}  // namespace

std::string year_label(const Run& run, std::size_t y) {
  const auto [is_late, is_cut] = missing_of(run, y);
  if (!is_late && !is_cut) return run.years[y];
  return fmt::format(
      "{}, part: {}{}{}", run.years[y], is_late ? fmt::format("from {}", short_date(run.year_from[y])) : std::string(),
      is_late && is_cut ? " " : "", is_cut ? fmt::format("to {}", short_date(run.year_to[y])) : std::string());
}

namespace {
/// Money of each year as a drawing, and everything of each year as a table.
std::string years(const Run& run, Json& data) {
  std::vector<YearColumn> columns = year_columns(run);
  if (columns.empty() || run.years.empty()) return "";
  std::vector<Cell> head{{"Year"}};
  std::vector<std::vector<Cell>> rows;
  for (std::size_t y = 0; y < run.years.size(); ++y) rows.push_back({{year_label(run, y)}});
  // A few weeks at the horizon are no year to draw.
  constexpr std::chrono::days kStub{31};
  const std::chrono::days n_days = run.year_to.back() - run.year_from.back() + std::chrono::days(1);
  const std::size_t n_drawn = run.years.size() - (n_days <= kStub ? 1 : 0);
  Json panels = Json::array();
  LargestMoney money;
  for (const YearColumn& column : columns)
    for (const auto& value : column.values) money.add(column.metric, std::array{value.value_or(0)});
  for (const YearColumn& column : columns) {
    const bool is_money = spec(column.metric).read_as == ReadAs::money;
    std::vector<double> figures;
    for (const auto& value : column.values) figures.push_back(value.value_or(0));
    const RowUnit unit(column.metric, Medium::page, figures, money);
    head.push_back(number_cell(is_money ? fmt::format("{}, {}", column.heading, unit.name()) : column.heading));
    Json bars = Json::array();
    for (std::size_t y = 0; y < rows.size(); ++y) {
      rows[y].push_back(number_cell(column.values[y] ? unit.text(*column.values[y]) : "–"));
      if (y < n_drawn) bars.push_back(column.values[y] ? Json(std::round(*column.values[y])) : Json());
    }
    if (is_money && !column.is_full_year)
      panels.push_back({{"name", fmt::format("{}, GBP", column.heading)}, {"values", std::move(bars)}});
  }
  std::string html = "<h3>Year by year</h3>\n";
  if (panels.size() > 1) {  // a cost alone is no comparison
    std::vector<std::string> partial;
    std::string parts;
    for (std::size_t y = 0; y < n_drawn; ++y) {
      const auto [is_late, is_cut] = missing_of(run, y);
      if (!is_late && !is_cut) continue;
      partial.push_back(run.years[y]);
      parts += fmt::format("{}{}", parts.empty() ? "" : "; ", year_label(run, y));
    }
    data["years"] = {{"years", std::vector<std::string>(run.years.begin(),
                                                        run.years.begin() + static_cast<std::ptrdiff_t>(n_drawn))},
                     {"partial", partial},
                     {"panels", std::move(panels)},
                     {"label", "Cash, capacity and cost in each financial year, net; the table says the same"}};
    html += fmt::format(
        "<figure class=\"drawn\"><div id=\"years\"></div><figcaption>Net, in each financial year, all on one "
        "scale.{}{}</figcaption></figure>\n",
        parts.empty() ? std::string() : fmt::format(" Dashed: part of a year only ({}).", parts),
        n_drawn == run.years.size()
            ? std::string()
            : fmt::format(" Not drawn: the {} of {} that {} simulated, too few for a bar; the table has {}.",
                          n_days.count() == 1 ? std::string("one day") : fmt::format("{} days", n_days.count()),
                          run.years.back(), n_days.count() == 1 ? "was" : "were", n_days.count() == 1 ? "it" : "them"));
  }
  html += table(fmt::format("In each financial year, net, {}", run.place_words()), head, rows);
  const auto has_full_year = std::ranges::any_of(columns, &YearColumn::is_full_year);
  if (has_full_year)
    html += paragraph(
        "Savings are recurrent: they come while organisations stay in use and end when they stop; none is one-off. "
        "Full-year: what the organisations in use at the year's end save in a whole year, at that year's saving per "
        "organisation and year. Set-up costs fall once, when use begins; delivery and running costs recur.");
  return html;
}
}  // namespace

std::string pounds(double value) {
  const double size = std::abs(value);
  // Never broken: it stands in headings.
  return size >= kMillion ? fmt::format("GBP\u00a0{}\u00a0m", shown(value / kMillion))
                          : fmt::format("GBP\u00a0{}", shown(value));
}

std::string short_interval(Metric metric, const Spread& s) {
  if (all_agree(s)) return "";
  const RowUnit unit(metric, Medium::page, {s});
  return fmt::format(" (90 %: {})", spec(metric).read_as == ReadAs::money
                                        ? fmt::format("{} to {}", pounds(s.p05), pounds(s.p95))
                                        : unit.range(s));
}

Beside beside(const Run& run) { return is_same_world(run) ? Beside::nothing : Beside::comparator; }

std::vector<Cell> beside_row(Beside what, Cell name, std::vector<Cell> net, std::vector<Cell> own,
                             std::vector<Cell> anyway) {
  if (what == Beside::nothing) return net_first(std::move(name), std::move(own), {});
  std::ranges::move(anyway, std::back_inserter(own));
  return net_first(std::move(name), std::move(net), std::move(own));
}

std::vector<Cell> ledger_head(Beside what, std::string_view first) {
  return beside_row(what, {std::string(first)}, {number_cell("net"), number_cell("90 %")},
                    {number_cell("gross"), number_cell("90 %")}, {number_cell("anyway")});
}

namespace {
/// " (2 of 34 programmes)" behind a total that not all of them enter.
std::string of_how_many(const Run& run, Metric metric, int programme) {
  const int n = run.n_own_programmes();
  if (n < 2 || programme < n) return "";
  // A file of an earlier version does not say.
  const auto n_in = run.file.number_attribute(fmt::format("report/{}", spec(metric).name), "programmes_in_all");
  return !n_in || *n_in >= n ? std::string() : fmt::format(" ({} of {} programmes)", *n_in, n);
}
}  // namespace

std::optional<std::vector<Cell>> ledger_row(const Run& run, Beside what, Metric metric, int programme, int report,
                                            int place, LargestMoney money) {
  const auto at = [&](View view) { return run.report(metric, run.lead, view, programme, report, place); };
  const auto gross = at(View::gross), anyway = at(View::counterfactual), net = at(View::net);
  if (!gross && (!net || what == Beside::nothing)) return std::nullopt;
  const RowUnit unit(metric, Medium::page, {gross, anyway, net}, money);
  return beside_row(what, {unit.label(place) + of_how_many(run, metric, programme)},
                    {number_cell(unit.mean(net)), number_cell(unit.range(net))},
                    {number_cell(unit.mean(gross)), number_cell(unit.range(gross))}, {number_cell(unit.mean(anyway))});
}

Json waterfall_data(const Spread& gross, const Spread& anyway, const Spread& net, double factor,
                    const std::function<std::string(double)>& text, std::string_view unit_name, std::string_view label,
                    const std::array<std::string, 3>& names) {
  const auto bar = [&](std::string_view name, std::string_view kind, double from, double to, const Spread& s) {
    return Json{
        {"name", name},        {"kind", kind}, {"from", from / factor}, {"to", to / factor}, {"value", s.mean / factor},
        {"text", text(s.mean)}};
  };
  Json bars = Json::array();
  bars.push_back(bar(names[0], "gross", 0, gross.mean, gross));
  bars.push_back(bar(names[1], "anyway", net.mean, gross.mean, anyway));
  bars.push_back(bar(names[2], "net", 0, net.mean, net));
  for (const auto& [index, s] : {std::pair{0, &gross}, {2, &net}}) {
    bars[static_cast<std::size_t>(index)]["low"] = s->p05 / factor;
    bars[static_cast<std::size_t>(index)]["high"] = s->p95 / factor;
  }
  return {{"bars", std::move(bars)}, {"unit", unit_name}, {"label", label}};
}

namespace {
/// "; cash and capacity exceed what it cost in 17 % of the worlds", of the first report date.
std::string chance_of_worth(const Run& run) {
  const auto chance = chance_above(run, std::string(spec(Metric::net_present_value_gbp).name), 0);
  if (!chance) return "";
  return fmt::format("; cash and capacity exceed what it cost in {}{}", chance_text(*chance, run.n_replicates()),
                     *chance > 0 && *chance < 1 ? " of the worlds" : "");
}

/// What an appraiser asks first: what is discounted, and whether costs are raised for optimism.
std::string how_money_is_counted(const Run& run) {
  const std::vector<std::string> keys = run.file.texts("parameters/key"), priors = run.file.texts("parameters/prior");
  const std::vector<double> values = run.file.numbers("parameters/value").values;
  const auto percent = [&](Parameter id) -> std::string {
    const auto at = static_cast<std::size_t>(std::ranges::find(keys, spec(id).key) - keys.begin());
    if (at >= std::min(values.size(), priors.size())) return "";
    const bool is_drawn = run.is_drawn() && !priors[at].starts_with("fixed");
    return fmt::format("{:.3g} %{}", 100 * values[at],
                       is_drawn ? fmt::format(" by default, drawn from {}", short_prior(priors[at])) : std::string());
  };
  const std::string money = percent(Parameter::discount_money), health = percent(Parameter::discount_health),
                    optimism = percent(Parameter::optimism_cost);
  if (money.empty() || health.empty() || optimism.empty()) return "";
  const bool has_return = run.headline("roi_fiscal", View::gross) || run.headline("roi_net", View::net);
  return fmt::format(
      "Net present values and returns per pound are discounted to the start, money by {} a year and QALYs "
      "by {}; all other sums are not. Costs are raised for optimism bias by {}.{}",
      money, health, optimism,
      has_return ? " A return per pound is the mean gain of all worlds over their mean cost. Its 90 % range is that of "
                   "the worlds' own returns, which may lie to one side of it where some worlds cost little."
                 : "");
}
/// A file of an earlier version does not say what was nobody's.
std::string money_defaults_of(const Run& run) {
  if (!run.file.has("provenance/money_defaults")) return "";
  const std::vector<std::string> defaults = lines_of(run.file.text("provenance/money_defaults"));
  if (defaults.empty()) return "";
  constexpr std::size_t kMostOpen = 10;  // more would hide the tables that follow
  const std::string heading = money_defaults_heading(defaults.size());
  return defaults.size() > kMostOpen ? folded(heading, list(defaults)) : paragraph(heading) + list(defaults);
}
}  // namespace

Section outcomes_and_savings(const Run& run, Json& data) {
  const auto cash = run.headline("savings_cash_gbp", View::net), cost = run.headline("cost_gbp", View::net),
             capacity = run.headline("capacity_released_gbp", View::net);
  std::string html;
  if (cash || cost)
    html = paragraph(fmt::format(
        "Cash and capacity are not the same money: a bed that is freed is used by somebody else unless it is "
        "closed. Only the value of what is avoided and what follows from it, such as the net present "
        "value, count both; health gained is in neither. Money is in {} prices. {}",
        kPriceYear, how_money_is_counted(run)));
  if (cash || cost) html += money_defaults_of(run);
  if (!run.headline("carbon_kg", View::gross)) {
    html += paragraph("Carbon is not shown: no factor per admission, bed day or journey was read.");
  }
  if (run.n_own_programmes() > 1)
    html += paragraph(
        "A total is of the programmes that bring something to it, and says how many these are where not all do. Costs "
        "are of all that cost anything: net present values and ratios set benefits of some, whose number is said, "
        "against costs of all. Social value per public pound is given of all together only where each of them has "
        "one.");
  const Beside what = beside(run);
  bool has_share = true, has_range_of_share = true;
  for (std::size_t r = 0; r < run.report_to.size(); ++r) {
    std::vector<std::vector<Cell>> rows;
    const auto same_as_admissions = [&](View view) {
      const auto one = run.report("events_avoided", run.lead, view, run.programme, static_cast<int>(r), run.place),
                 other =
                     run.report("admissions_avoided", run.lead, view, run.programme, static_cast<int>(r), run.place);
      return one && other && one->mean == other->mean && one->p05 == other->p05 && one->p95 == other->p95;
    };
    LargestMoney money;
    for (const Metric metric : kOutcomeRows)
      for (const View view : {View::gross, View::counterfactual, View::net})
        money.add(metric, {run.report(metric, run.lead, view, run.programme, static_cast<int>(r), run.place)});
    if (const auto gross =
            run.report(subject_of(run).metric, run.lead, View::gross, run.programme, static_cast<int>(r), run.place);
        gross && gross->mean != 0 && !is_same_world(run) && run.file.has("report/attributable_share") &&
        !run.report(Metric::attributable_share, run.lead, View::net, run.programme, static_cast<int>(r), run.place))
      has_share = false;
    if (const auto share =
            run.report(Metric::attributable_share, run.lead, View::net, run.programme, static_cast<int>(r), run.place))
      has_range_of_share = has_range_of_share && has_range(Metric::attributable_share, *share);
    const bool no_other_events = same_as_admissions(View::gross) && same_as_admissions(View::net);
    for (const Metric metric : kOutcomeRows)
      if (metric == Metric::events_avoided && no_other_events) {
        continue;
      } else if (auto row = ledger_row(run, what, metric, run.programme, static_cast<int>(r), run.place, money))
        rows.push_back(std::move(*row));
    html += table(fmt::format("Cumulative, {} to {}, {}", date_text(run.report_from[r]), date_text(run.report_to[r]),
                              run.place_words()),
                  ledger_head(what, "Outcome"), rows);
  }
  if (!has_share) html += paragraph(kNoShare);
  if (!has_range_of_share) html += paragraph(kNoRangeOfShare);
  const bool is_same = is_same_world(run);
  if (!is_same) html += years(run, data);  // net alone
  std::string heading = "What it was worth, and what it cost";
  if (!cash && !cost) {
    heading = "What it was worth and what it cost is not stated";
  } else if (is_same) {
    heading = "What it was worth and what it cost, gross: net is 0";
  } else if (cash && capacity && cost) {
    const bool adds_all = cash->mean >= 0 && capacity->mean >= 0 && cost->mean >= 0;
    const std::string of_cash = pounds(cash->mean), of_capacity = pounds(capacity->mean), of_cost = pounds(cost->mean);
    heading =
        capitalised(what_adds(run)) +
        (adds_all ? fmt::format(" added {} of cash, {} of capacity, and {} of cost", of_cash, of_capacity, of_cost)
                  : fmt::format(" changed cash savings by {}, capacity released by {}, and cost by {}", of_cash,
                                of_capacity, of_cost)) +
        chance_of_worth(run);
  } else if (cost) {
    const std::string of_cost = pounds(cost->mean) + short_interval(Metric::cost_gbp, *cost);
    heading = fmt::format(
        "{} {}; its worth in money is not known", capitalised(what_adds(run)),
        cost->mean >= 0 ? fmt::format("added {} of cost", of_cost) : fmt::format("changed cost by {}", of_cost));
  }
  return {"outcomes", std::move(heading), std::move(html), "What it was worth, and what it cost"};
}

namespace {
/// What decides whether a QALY's worth of GBP 20,000 is reached, and where it turns.
std::string turning_sentence(const TurningPoint& one) {
  constexpr std::string_view kVerdict = "the verdict at GBP 20,000 a QALY";
  if (one.is_fixed) return rests_on(one.id, one.fixed_at, kVerdict, one.turns_at);
  std::string text =
      fmt::format("{}, drawn from {} (90 %: {} to {}), has a part in {}: ", spec(one.id).key, short_prior(one.prior),
                  amount_of(one.id, one.low), amount_of(one.id, one.high), kVerdict);
  if (!std::isfinite(one.turns_at) || one.turns_at <= 0)
    return text + "the mean verdict is the same for any value of it above 0.";
  return text +
         fmt::format("were it the same in every world, the mean would turn at {}.", amount_of(one.id, one.turns_at));
}
}  // namespace

Section cost_effectiveness(const Run& run, Json& data) {
  if (run.n_own_programmes() > 1) {
    return {"cost-effectiveness", "Cost-effectiveness is told of one programme at a time",
            paragraph("Quality-adjusted life years are known for some of these programmes only, and costs for all: a "
                      "ratio of the two would say nothing. Run a programme by itself."),
            "Is it worth its cost?"};
  }
  if (is_same_world(run)) {
    return {"cost-effectiveness", "Cost-effectiveness: net is 0",
            paragraph("Net is 0 throughout: there is nothing to weigh."), "Is it worth its cost?"};
  }
  const auto known = cost_effectiveness_of(run);
  if (!known) {
    return {"cost-effectiveness", "Cost-effectiveness is not known",
            paragraph("No quality-adjusted life year per avoided event was read for this, so neither a plane nor an "
                      "acceptability curve is drawn. A number in its place would be an invention."),
            "Is it worth its cost?"};
  }
  constexpr std::size_t kMostPoints = 500;
  constexpr double kUsualThreshold = 20000;  // NICE's lower one until April 2026
  const auto three_digits = [](double value) {
    if (value == 0) return 0.0;
    const double step = std::pow(10.0, std::floor(std::log10(std::abs(value))) - 2);
    return step >= 1 ? std::round(value / step) * step : std::round(value * 1000) / 1000;
  };
  Json points = Json::array(), curve = Json::array();
  for (std::size_t r = 0; r < std::min(known->qalys.size(), kMostPoints); ++r)
    points.push_back({three_digits(known->qalys[r]), three_digits(known->cost[r])});
  std::vector<std::vector<Cell>> rows;
  std::string heading = "Is it worth its cost?";
  const int n = static_cast<int>(known->qalys.size());
  for (const auto& [threshold, share] : known->acceptability) {
    curve.push_back({threshold, share});
    rows.push_back({{fmt::format("GBP {}", grouped(threshold))}, number_cell(chance_text(share, n))});
    if (threshold == kUsualThreshold)
      heading = fmt::format("At GBP 20,000 a QALY it is worth its cost in {}{}", chance_text(share, n),
                            share > 0 && share < 1 ? " of the worlds" : "");
  }
  data["plane"] = {{"points", points},
                   {"threshold", kUsualThreshold},
                   {"label", "Extra cost against extra QALYs, one point a world; the line is GBP 20,000 per QALY"}};
  data["acceptability"] = {{"curve", curve}, {"label", "Chance of being cost-effective by what a QALY is worth"}};
  const std::string what = escaped(what_adds(run));
  std::string html =
      "<div class=\"maps drawn\"><figure><div id=\"plane\"></div><figcaption>Each point is one pair of worlds. Dashed: "
      "GBP 20,000 per QALY; below it " +
      what + " is worth its cost. " +
      std::string(known->net_of_savings
                      ? "Extra cost: of all funders, less what the avoided care would have cost the NHS, "
                        "in cash and in capacity."
                      : "Extra cost: of all funders; no saving was read to take from it.") +
      "</figcaption></figure><figure><div "
      "id=\"acceptability\"></div><figcaption>Share of the pairs of worlds in which " +
      what + " is worth its cost.</figcaption></figure></div>\n";
  html += table("Chance of being cost-effective", {{"If a QALY is worth"}, number_cell("chance")}, rows);
  std::vector<std::string> turns;
  for (const TurningPoint& one : turning_points(run, kUsualThreshold)) turns.push_back(turning_sentence(one));
  html += list(turns);
  return {"cost-effectiveness", std::move(heading), std::move(html), "Is it worth its cost?"};
}

}  // namespace uptake
