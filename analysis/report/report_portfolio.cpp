// The sections on more than one thing at once: programmes side by side, what drives them together, what they take from
// each other, and the ledger of companies.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "report/report_sections.hpp"
#include "results/compare.hpp"
#include "results/numbers.hpp"

namespace uptake {

namespace {
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

Json three_numbers(std::string_view name, const Statistics& s) {
  return {{"name", name}, {"mean", s.mean}, {"text", shown(s.mean)}, {"low", s.p05}, {"high", s.p95}};
}

/// A title that fits beside a bar: cut between words where it is long, or within one that is too long itself.
std::string short_title(const std::string& title) {
  constexpr std::size_t kFits = 40;
  std::string text = title;
  if (text.size() <= kFits) return text;
  std::size_t cut = text.rfind(' ', kFits);
  if (cut == std::string::npos || cut == 0) {
    cut = kFits;
    while ((static_cast<unsigned char>(text[cut]) & 0xc0U) == 0x80U) --cut;  // not within a character of UTF-8
  }
  text.resize(cut);
  while (text.ends_with(',') || text.ends_with(':')) text.pop_back();
  return text + "…";
}

/// Head of a table of programmes: organisations, people and events, each with what else is shown of it.
/// @param which behind the name of each
std::vector<Cell> heads_of(std::string_view which, std::initializer_list<std::string_view> beside) {
  std::vector<Cell> head{{"Programme"}};
  for (const Metric metric : {Metric::ever_adopted, Metric::patients_benefited, Metric::events_avoided}) {
    head.push_back(number_cell(fmt::format("{}{}", spec(metric).brief, which)));
    for (const std::string_view more : beside) head.push_back(number_cell(std::string(more)));
  }
  return head;
}
}  // namespace

Section programme_by_programme(const Run& run) {
  if (run.n_own_programmes() < 2) return {};
  const Beside what = beside(run);
  std::vector<std::vector<Cell>> rows;
  for (std::size_t j = 0; j < run.programmes.size(); ++j) {
    const int p = static_cast<int>(j);
    const auto figures = [&](std::string_view metric, std::vector<Cell>& row) {
      const auto add = [&row](const std::optional<Spread>& s) {
        row.push_back(number_cell(s ? shown(s->mean) : "–"));
        row.push_back(number_cell(s ? range(*s) : ""));
      };
      const auto gross = run.report(metric, run.lead, View::gross, p, 0, run.place);
      if (what == Beside::nothing) return add(gross);
      add(run.report(metric, run.lead, View::net, p, 0, run.place));
      row.push_back(number_cell(gross ? shown(gross->mean) : "–"));
    };
    const auto is_known = [&](Metric metric) {
      return run.report(metric, run.lead, View::gross, p, 0, run.place).has_value();
    };
    const bool has_events = is_known(Metric::events_avoided),
               has_any = has_events || is_known(Metric::admissions_avoided);
    // An event is named where there is a figure of it alone.
    std::vector<Cell> row{{run.events[j].empty() || !has_any
                               ? run.title_of(j)
                               : fmt::format("{} (event: {})", run.title_of(j), run.events[j])}};
    figures("ever_adopted", row);
    figures("patients_benefited", row);
    figures(has_events ? "events_avoided" : "admissions_avoided", row);
    rows.push_back(std::move(row));
  }
  const std::string net =
      what == Beside::nothing
          ? std::string("All figures are gross; net is 0 by construction. ")
          : fmt::format("Net is what would not have happened without {}. Below 0, more came about than without it. ",
                        what_adds(run));
  return {
      "programmes", "Programme by programme",
      paragraph(net + "A dash means that no effect or no number of people was read for the programme, so that none is "
                      "shown. Events differ between programmes and are not added; the last line adds admissions alone, "
                      "and people once in each programme that reaches them.") +
          table(fmt::format("{} to {}, {}", date_text(run.report_from.front()), date_text(run.report_to.front()),
                            run.place_words()),
                what == Beside::nothing ? heads_of("", {"90 %"}) : heads_of(", net", {"90 %", "gross"}), rows)};
}

Section split(const Run& run, Json& data) {
  if (!run.file.has("shapley/driver")) return {};
  constexpr std::array kRows{Metric::ever_adopted,   Metric::patients_benefited, Metric::admissions_avoided,
                             Metric::events_avoided, Metric::savings_cash_gbp,   Metric::cost_gbp};
  const auto drivers = run.file.texts("shapley/driver");
  std::string html = paragraph(fmt::format(
      "What each driver adds to “{}”: the mean, over all orders in which the drivers could come, of what one adds to "
      "those before it (Shapley values), in worlds with the same luck. The parts sum to the world with all drivers "
      "less the world with none.",
      run.file.text("shapley/of")));
  std::string heading = "What of it effort, incentive and shock each make";
  std::vector<std::vector<Cell>> rows;
  LargestMoney money;
  for (const Metric metric : kRows) {
    const std::string path = fmt::format("shapley/{}", spec(metric).name);
    if (!run.file.has(path)) continue;
    const Cube cube(run.file.numbers(path));
    for (std::size_t d = 0; d < drivers.size(); ++d)
      money.add(metric, {cube.at(static_cast<int>(d), View::gross, run.programme, 0, run.place)});
  }
  for (const Metric metric : kRows) {
    const std::string path = fmt::format("shapley/{}", spec(metric).name);
    if (!run.file.has(path)) continue;
    const Cube cube(run.file.numbers(path));
    std::vector<std::pair<std::string, Spread>> parts;
    std::vector<double> figures;
    double sum = 0;
    for (std::size_t d = 0; d < drivers.size(); ++d) {
      const auto s = cube.at(static_cast<int>(d), View::gross, run.programme, 0, run.place);
      if (!s) continue;
      sum += s->mean;
      figures.insert(figures.end(), {s->mean, s->p05, s->p95});
      parts.emplace_back(drivers[d], *s);
    }
    if (std::ranges::all_of(parts, [](const auto& part) { return part.second.mean == 0; })) continue;
    const auto share = [&](double value) { return fmt::format("{:.0f} %", 100 * value / sum); };
    const RowUnit unit(metric, Medium::page, figures, money);
    Json bars = Json::array();
    for (const auto& [driver, s] : parts) {
      rows.push_back({{fmt::format("{}: {}", unit.label(), driver)},
                      number_cell(unit.text(s.mean)),
                      number_cell(unit.range(s)),
                      number_cell(sum == 0 ? "–" : share(s.mean))});
      bars.push_back({{"name", driver},
                      {"kind", "gross"},
                      {"from", 0},
                      {"to", s.mean},
                      {"value", s.mean},
                      {"low", s.p05},
                      {"high", s.p95}});
    }
    if (!data["bars"].empty()) continue;  // one drawing: of the first measure that is split
    data["bars"] =
        Json::array({{{"bars", std::move(bars)},
                      {"unit", spec(metric).label},
                      {"label", fmt::format("{} by what drives it; the table says the same", spec(metric).label)}}});
    html += fmt::format(
        "<figure class=\"drawn\"><div data-bars=\"0\"></div><figcaption>{} to {}. Bars: means; lines: "
        "90 % intervals.</figcaption></figure>\n",
        spec(metric).label, date_text(run.report_to.front()));
    const auto most = std::ranges::max_element(parts, {}, [](const auto& part) { return part.second.mean; });
    if (sum > 0 && most->second.mean <= sum)
      heading = fmt::format("On average {} makes {} of the {} {} that the drivers add", most->first,
                            share(most->second.mean), shown(sum), spec(metric).brief);
    if (metric != Metric::ever_adopted) heading = "What of it effort, incentive and shock each make";
  }
  if (rows.empty()) return {};
  html +=
      table(fmt::format("Split over drivers, {} to {}, {}", date_text(run.report_from.front()),
                        date_text(run.report_to.front()), run.place_words()),
            {{"Measure and driver"}, number_cell("mean"), number_cell("90 %"), number_cell("share of the sum")}, rows);
  return {"split", capitalised(heading), std::move(html), "Effort, incentive and shock"};
}

Section displacement(const Run& run, const fs::path& folder, Json& data) {
  if (!run.file.has("provenance/attention_off")) return {};
  const std::string on = run.file.text("provenance/attention_on"), off = run.file.text("provenance/attention_off");
  const auto index = [&](const std::string& name) {
    return static_cast<int>(std::ranges::find(run.strategies, name) - run.strategies.begin());
  };
  const auto n_strategies = static_cast<int>(run.strategies.size());
  if (index(on) >= n_strategies || index(off) >= n_strategies) throw run.file.broken("it names no strategy of its own");
  const RunValues values = read_values(folder, run.place == 0 ? std::string() : run.place_name());
  std::vector<std::string> programmes = run.programmes;
  std::erase(programmes, "all");
  const auto lost = losses(values, index(off), index(on), programmes);
  const auto find = [&](std::string_view programme, std::string_view metric) -> const Statistics* {
    const auto at = std::ranges::find_if(lost, [&](const Loss& loss) {
      return loss.period.to == run.report_to.front() && loss.programme == programme && spec(loss.metric).name == metric;
    });
    return at == lost.end() ? nullptr : &at->lost;
  };
  const auto cells = [](const Statistics* s, std::vector<Cell>& row) {
    row.push_back(number_cell(s ? shown(s->mean) : "–"));
    row.push_back(number_cell(s && !all_agree(*s) ? span_text(s->p05, s->p95) : ""));
  };
  std::vector<std::vector<Cell>> rows, totals;
  for (const Loss& loss : lost) {
    if (loss.period.to != run.report_to.front() || loss.programme != "all") continue;
    if (spec(loss.metric).name == "events_avoided") continue;  // unlike events
    cells(&loss.lost, totals.emplace_back(std::vector<Cell>{{std::string(spec(loss.metric).label)}}));
  }
  std::ranges::stable_sort(programmes, std::greater<>(), [&](const std::string& name) {
    const Statistics* s = find(name, "ever_adopted");
    return s ? s->mean : 0;
  });
  constexpr std::size_t kMostBars = 12;
  Json bars = Json::array();
  for (const std::string& name : programmes) {
    std::vector<Cell> row{{run.title_of(name)}};
    const Statistics *sites = find(name, "ever_adopted"), *events = find(name, "events_avoided");
    cells(sites, row);
    cells(find(name, "patients_benefited"), row);
    cells(events ? events : find(name, "admissions_avoided"), row);
    if (sites && bars.size() < kMostBars) bars.push_back(three_numbers(short_title(run.title_of(name)), *sites));
    rows.push_back(std::move(row));
  }
  if (rows.empty() || bars.empty()) return {};
  const std::size_t n_bars = bars.size();
  const Statistics* all = find("all", "ever_adopted");
  const auto in_use = run.headline("ever_adopted", View::gross);
  std::string heading = "What programmes cost each other in attention";
  if (all && in_use)
    heading =
        fmt::format("Competition for attention kept {} organisations{} from ever being in use, beside {} that were",
                    shown(all->mean), short_interval(Metric::ever_adopted, *all), shown(in_use->mean));
  std::string html =
      paragraph(fmt::format("Organisations attend to few things at once. Lost = “{}” (attention unlimited) less “{}”, "
                            "in the same worlds, to {}; below 0 a programme gains.",
                            off, on, date_text(run.report_to.front())));
  if (!totals.empty())
    html += table("Lost to competition for attention, all programmes together",
                  {{"Measure"}, number_cell("lost"), number_cell("90 %")}, totals);
  html += forest_figure(data, std::move(bars), "Organisations ever in use that are lost",
                        "Organisations ever in use that each programme loses to competition for attention",
                        fmt::format("The {} programmes that lose most organisations ever in use. Dots: means; lines: "
                                    "90 % intervals.",
                                    n_bars));
  html += folded(fmt::format("Table: lost by programme ({})", rows.size()),
                 table("Lost to competition for attention, by programme", heads_of("", {"90 %"}), rows));
  return {"displacement", std::move(heading), std::move(html), "What programmes cost each other in attention"};
}

namespace {
/// The line of the run under which its ledger stands: "all", for England.
int ledger_line(const Run& run) { return static_cast<int>(run.programmes.size()) - 1; }

struct Ledger {
  std::optional<Spread> gross, anyway, net;
};
Ledger ledger_of(const Run& run, Metric metric) {
  const auto at = [&](View view) { return run.report(metric, run.lead, view, ledger_line(run), 0, 0); };
  return {at(View::gross), at(View::counterfactual), at(View::net)};
}
}  // namespace

std::string growth_sentence(const Run& run) {
  const Ledger investment = ledger_of(run, Metric::investment_gbp), jobs = ledger_of(run, Metric::jobs);
  if (!investment.gross || !investment.net || !jobs.gross || !jobs.net) return "";
  const auto money = [](const Spread& s) {
    const RowUnit unit(Metric::investment_gbp, Medium::page, {s});
    const std::string range = unit.range(s);
    return fmt::format("GBP {}{}{}", unit.text(s.mean), unit.factor() > 1 ? " m" : "",
                       range.empty() ? range : fmt::format(" (90 % interval {})", range));
  };
  const std::string opening = run.is_about_growth()
                                  ? fmt::format("From {} to {}, the companies that the networks supported",
                                                date_text(run.report_from.front()), date_text(run.report_to.front()))
                                  : std::string("Apart from that, the companies supported");
  return fmt::format(
      "{} reported {} of investment and {} jobs; {} and {} jobs of this are assumed not to have come anyway.", opening,
      money(*investment.gross), interval(*jobs.gross), money(*investment.net), interval(*jobs.net));
}

Section growth(const Run& run, Json& data) {
  if (!run.file.has("report/investment_gbp")) return {};
  constexpr std::array kRows{Metric::companies_supported,
                             Metric::pipeline_supported,
                             Metric::pipeline_evaluated,
                             Metric::pipeline_in_new_setting,
                             Metric::pipeline_fellows,
                             Metric::investment_gbp,
                             Metric::jobs,
                             Metric::growth_roi};
  const int ledger = ledger_line(run);
  std::string html = paragraph(
      "Investment and jobs are what supported companies reported in a survey: self-reported and gross, and not all "
      "answered. The column “anyway” is what is taken to have come without the networks: an assumption, not a "
      "measurement. This ledger stands apart: it is never added to anything about health, and prices are those of each "
      "year.");
  Json figures = Json::array();
  std::string drawn;
  for (const Metric metric : {Metric::investment_gbp, Metric::jobs}) {
    const Ledger one = ledger_of(run, metric);
    if (!one.gross || !one.anyway || !one.net) continue;
    const RowUnit unit(metric, Medium::page, {one.gross, one.anyway, one.net});
    drawn += fmt::format("<figure><h3>{}</h3><div data-ledger=\"{}\"></div></figure>", escaped(unit.label()),
                         figures.size());
    figures.push_back(waterfall_data(*one.gross, *one.anyway, *one.net, unit.factor(),
                                     [&](double value) { return unit.text(value); }, "",
                                     fmt::format("{}: reported, taken to have come anyway, and net", unit.label()),
                                     {"Reported (gross)", "Would have come anyway", "Net"}));
  }
  if (!drawn.empty()) {
    data["ledger"] = std::move(figures);
    html += fmt::format(
        "<div class=\"maps drawn\">{}</div>\n<p class=\"drawn\">To {}. Bars: means; lines: 90 % intervals; the table "
        "says the same.</p>\n",
        drawn, date_text(run.report_to.front()));
  }
  for (std::size_t r = 0; r < run.report_to.size(); ++r) {
    std::vector<std::vector<Cell>> rows;
    for (const Metric metric : kRows) {
      const Cube* cube = run.cube(fmt::format("report/{}", spec(metric).name));
      const int place = cube && cube->by_place() ? run.place : 0;
      if (auto row = ledger_row(run, Beside::comparator, metric, ledger, static_cast<int>(r), place))
        rows.push_back(std::move(*row));
    }
    if (rows.empty()) continue;
    html += table(fmt::format("Growth ledger, {} to {}, {}: self-reported", date_text(run.report_from[r]),
                              date_text(run.report_to[r]), run.place_words()),
                  ledger_head(Beside::comparator, "Measure"), rows);
  }
  std::vector<Cell> head{{"Year"}};
  std::vector<std::vector<Cell>> years;
  for (std::size_t y = 0; y < run.years.size(); ++y) years.push_back({{year_label(run, y)}});
  for (const Metric metric : {Metric::companies_supported, Metric::investment_gbp, Metric::jobs}) {
    const Cube* cube = run.cube(fmt::format("year/{}", spec(metric).name));
    if (!cube) continue;
    const auto at = [&](std::size_t y, View view) {
      return cube->at(run.lead, view, ledger, static_cast<int>(y), run.place);
    };
    std::vector<double> amounts;
    for (std::size_t y = 0; y < years.size(); ++y)
      if (const auto s = at(y, View::gross)) amounts.push_back(s->mean);
    const RowUnit unit(metric, Medium::page, amounts);
    head.push_back(number_cell(fmt::format("{}, net", unit.label())));
    head.push_back(number_cell("gross"));
    for (std::size_t y = 0; y < years.size(); ++y)
      for (const View view : {View::net, View::gross}) years[y].push_back(number_cell(unit.mean(at(y, view))));
  }
  if (!years.empty() && head.size() > 1)
    html += folded("Table: growth ledger year by year",
                   table("Growth ledger in each financial year: self-reported", head, years));
  html += paragraph("The return on growth funding is an identity set to the published 3.96, not a finding.");
  const Ledger investment = ledger_of(run, Metric::investment_gbp);
  std::string heading = "Growth ledger: what supported companies report";
  if (investment.gross && investment.net)
    heading = fmt::format("Growth ledger: {} of the {} reported as invested is assumed not to have come anyway{}",
                          pounds(investment.net->mean), pounds(investment.gross->mean),
                          short_interval(Metric::investment_gbp, *investment.net));
  return {"growth", std::move(heading), std::move(html), "Growth ledger: what companies report"};
}

}  // namespace uptake
