#include "uptake/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "file.hpp"
#include "numbers.hpp"
#include "page.hpp"
#include "run_view.hpp"
#include "uptake/calendar.hpp"
#include "uptake/compare.hpp"
#include "uptake/error.hpp"
#include "uptake/outcomes.hpp"
#include "uptake/results.hpp"
#include "uptake/tiles.hpp"
#include "uptake/version.hpp"

// Linked in by assets.S.
extern "C" {
extern const char uptake_asset_page_css[], uptake_asset_page_css_end[];
extern const char uptake_asset_draw_js[], uptake_asset_draw_js_end[];
extern const char uptake_asset_page_js[], uptake_asset_page_js_end[];
extern const char uptake_asset_d3_js[], uptake_asset_d3_js_end[];
}

namespace uptake {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

// ---- Sections -----------------------------------------------------------------------------------------------------

Section finding(const Run& run) {
  std::string html =
      fmt::format("<p class=\"finding\">{}</p>\n",
                  escaped(finding_sentence(run, date_text(run.report_from.front()), date_text(run.report_to.front()))));
  html += fmt::format(
      "<p class=\"standing\">{}</p>\n",
      run.is_calibrated() ? escaped(calibration_sentence(run))
      : run.is_drawn() ? "These figures follow from prior assumptions about every uncertain number, drawn anew in each "
                         "of the simulated worlds. They are not calibrated to the record."
                       : "All parameters stand at their defaults: the intervals show luck alone, not what is unknown.");
  std::string chances;
  const Subject& subject = subject_of(run);
  const auto add = [&](const std::string& metric, double bound, std::string_view what) {
    if (const auto chance = chance_above(run, metric, bound)) {
      chances += fmt::format("<li>{}: <strong>{:.0f} %</strong></li>\n", escaped(what), 100 * *chance);
    }
  };
  add(std::string(spec(subject.metric).name), 0,
      fmt::format("The support made a difference for the better ({})", subject.noun));
  add("net_present_value_gbp", 0, "What it was worth exceeds what it cost (net present value above 0)");
  add("roi_net", 1, "Of the worlds that cost more: every additional pound returned more than a pound of cash");
  const auto add_gross = [&](const std::string& metric, std::string_view what) {
    const std::vector<double> values = value_by_replicate(run, metric, run.lead, run.programme, 0);
    if (const auto chance = share_above(values, 1))
      chances += fmt::format("<li>{}: <strong>{:.0f} %</strong></li>\n", escaped(what), 100 * *chance);
  };
  add_gross("roi_fiscal", "Cash exceeds what public funders paid (gross: with what would have happened anyway)");
  add_gross("roi_social", "Social value exceeds what public funders paid (gross)");
  if (!chances.empty()) html += "<h3>How likely</h3>\n<ul>\n" + chances + "</ul>\n";
  const auto net = run.headline(spec(subject.metric).name, View::net);
  if (net) {
    html += paragraph(fmt::format(
        "{} paired worlds: the same organisations and the same luck, with and without the support. The net figure is "
        "their difference; simulation error of its mean: {}.",
        grouped(run.n_replicates()), rounded(net->mcse)));
  }
  return {"finding", "The finding", html};
}

Section waterfall(const Run& run, Json& data) {
  const Subject& subject = subject_of(run);
  const auto gross = run.headline(spec(subject.metric).name, View::gross),
             net = run.headline(spec(subject.metric).name, View::net),
             anyway = run.headline(spec(subject.metric).name, View::counterfactual);
  if (!gross || !net || !anyway) return {};
  const std::string label = fmt::format("From gross to net: {} {}", subject.noun, subject.verb);
  const auto bar = [](std::string name, std::string_view kind, double from, double to, const Spread& s) {
    return Json{{"name", std::move(name)}, {"kind", kind},   {"from", from},   {"to", to},
                {"value", s.mean},         {"low", nullptr}, {"high", nullptr}};
  };
  Json bars = Json::array();
  bars.push_back(bar("With the support (gross)", "gross", 0, gross->mean, *gross));
  bars.push_back(bar("Would have happened anyway", "anyway", net->mean, gross->mean, *anyway));
  bars.push_back(bar("Because of the support (net)", "net", 0, net->mean, *net));
  bars[0]["low"] = gross->p05, bars[0]["high"] = gross->p95;
  bars[1].erase("low"), bars[1].erase("high");
  bars[2]["low"] = net->p05, bars[2]["high"] = net->p95;
  data["waterfall"] = {{"bars", bars}, {"unit", ""}, {"label", label}};
  std::vector<std::vector<Cell>> rows;
  for (const auto& [name, s] : {std::pair{"With the support (gross)", *gross},
                                {"Would have happened anyway (counterfactual)", *anyway},
                                {"Because of the support (net)", *net}}) {
    rows.push_back({{name}, number_cell(rounded(s.mean)), number_cell(rounded(s.p50)), number_cell(range(s))});
  }
  return {
      "gross-to-net",
      fmt::format("{} of {} {} {} are due to the support", rounded(net->mean), rounded(gross->mean), subject.noun,
                  subject.verb),
      fmt::format("<figure class=\"drawn\"><div id=\"waterfall\"></div><figcaption>Bars: means; lines: 90 % "
                  "intervals. Dashed: what the comparator “{}” reaches on its own.</figcaption></figure>\n",
                  escaped(run.strategy(run.comparator))) +
          table(label, {{"World"}, number_cell("mean"), number_cell("median"), number_cell("90 % interval")}, rows)};
}

struct Course {
  std::string_view metric, heading;
};
constexpr std::array kCourses{Course{"adopters", "In use"}, Course{"ever_adopted", "Ever in use"},
                              Course{"engaged", "Ever engaged"}, Course{"uptake_share", "Uptake of the treatment"},
                              Course{"capacity_beds", "Beds open"}};

Json series(const Cube& cube, int strategy, View view, int programme, int place, std::size_t n_times,
            std::span<const std::size_t> which) {
  Json all = Json::array();
  for (std::size_t k = 0; k < which.size(); ++k) all.push_back(Json::array());
  for (std::size_t t = 0; t < n_times; ++t) {
    const auto s = cube.at(strategy, view, programme, static_cast<int>(t), place);
    const std::array<double, 5> values =
        s ? std::array{s->p05, s->p25, s->p50, s->p75, s->p95} : std::array<double, 5>{};
    for (std::size_t k = 0; k < which.size(); ++k) {
      if (!s) {
        all[k].push_back(nullptr);
        continue;
      }
      const double value = values[which[k]];
      // Whole organisations are enough for a picture, and keep the page small.
      all[k].push_back(std::abs(value) >= 20 ? Json(static_cast<std::int64_t>(std::lround(value)))
                                             : Json(std::round(value * 1000) / 1000));
    }
  }
  return all;
}

Section course(const Run& run, Json& data) {
  std::string html;
  if (run.programmes.size() > 1) {
    html += "<p class=\"drawn controls\"><label for=\"programme\">Programme</label> <select id=\"programme\">";
    for (std::size_t p = 0; p < run.programmes.size(); ++p) {
      html += fmt::format("<option value=\"{}\"{}>{}</option>", p,
                          static_cast<int>(p) == run.programme ? " selected" : "", escaped(run.programmes[p]));
    }
    html += "</select></p>\n";
  }
  html += fmt::format(
      "<ul class=\"key drawn\"><li><span class=\"swatch\" style=\"border-color:#005eb8\"></span>{}</li><li><span "
      "class=\"swatch\" style=\"border-color:#425563;border-top-style:dashed\"></span>{} (comparator)</li><li><span "
      "style=\"color:#ae2573\" aria-hidden=\"true\">◆</span> published figure</li></ul>\n",
      escaped(run.strategy(run.lead)), escaped(run.strategy(run.comparator)));
  constexpr std::array<std::size_t, 5> kAll{0, 1, 2, 3, 4};
  Json courses = Json::object();
  for (const auto& [metric, heading] : kCourses) {
    const Cube* cube = run.cube(std::string(metric));
    if (!cube) continue;
    Json values = Json::array();
    for (int s = 0; s < static_cast<int>(run.strategies.size()); ++s) {
      if (s != run.lead && s != run.comparator) {
        values.push_back(nullptr);
        continue;
      }
      Json by_programme = Json::array();
      for (int p = 0; p < static_cast<int>(run.programmes.size()); ++p) {
        by_programme.push_back(Json::array({series(*cube, s, View::gross, p, run.place, run.times.size(), kAll)}));
      }
      values.push_back(std::move(by_programme));
    }
    courses[std::string(metric)] = {{"unit", cube->data().units == "1" ? "share" : cube->data().units},
                                    {"long_name", cube->data().long_name},
                                    {"values", std::move(values)}};
    html += fmt::format(
        "<figure class=\"drawn\"><h3>{}</h3><div data-fan=\"{}\"></div><figcaption>{}, {}. Line: median; bands: 50 and "
        "90 % of the worlds.</figcaption></figure>\n",
        heading, metric, escaped(cube->data().long_name), escaped(run.place_name()));
    std::vector<std::vector<Cell>> rows;
    for (std::size_t r = 0; r < run.report_to.size(); ++r) {
      const auto own = run.report(metric, run.lead, View::gross, run.programme, static_cast<int>(r), run.place);
      const auto other =
          run.report(metric, run.lead, View::counterfactual, run.programme, static_cast<int>(r), run.place);
      const auto net = run.report(metric, run.lead, View::net, run.programme, static_cast<int>(r), run.place);
      if (!own || !other || !net) continue;
      rows.push_back({{date_text(run.report_to[r])},
                      number_cell(rounded(own->mean)),
                      number_cell(range(*own)),
                      number_cell(rounded(other->mean)),
                      number_cell(rounded(net->mean)),
                      number_cell(range(*net))});
    }
    if (!rows.empty()) {
      html += table(fmt::format("{} ({})", heading, cube->data().units),
                    {{"Date"},
                     number_cell("with support"),
                     number_cell("90 %"),
                     number_cell("without"),
                     number_cell("difference"),
                     number_cell("90 %")},
                    rows);
    }
  }
  data["course"] = std::move(courses);
  return {"adoption", "How adoption went, with and without the support", html};
}

/// Where the places lie; another country has no tiles here, and then no map.
TileMap tile_map(const fs::path& tables) {
  try {
    return read_tiles(tables);
  } catch (const FileError&) {
    return {};
  }
}

Section maps(const Run& run, const TileMap& tiles, Json& data) {
  const Cube* adopters = run.cube("adopters");
  if (!adopters) return {};
  // Eligible organisations of each place: from the share in use and the number in use where both are known.
  Json map = Json::object();
  const auto layer = [&](const std::string& name, const std::string& path, const std::vector<std::string>& places,
                         const std::vector<Tile>& of_places) {
    const Cube* cube = run.cube(path);
    if (!cube || of_places.empty() || !run.file.has(name == "region" ? "eligible" : "icb/eligible")) return;
    const Labelled eligible = run.file.numbers(name == "region" ? "eligible" : "icb/eligible");
    Json positions = Json::array();
    std::vector<int> index;
    for (const Tile& tile : of_places) {
      const auto found = std::ranges::find(places, tile.name);
      if (found == places.end()) continue;
      index.push_back(static_cast<int>(found - places.begin()));
      positions.push_back(
          {{"name", tile.full_name}, {"short", tile.short_name}, {"column", tile.column}, {"row", tile.row}});
    }
    if (index.empty()) return;
    Json counts = Json::array(), values = Json::array();
    for (std::size_t p = 0; p < run.programmes.size(); ++p) {
      Json row = Json::array();
      for (const int place : index) row.push_back(eligible.values[p * places.size() + static_cast<std::size_t>(place)]);
      counts.push_back(std::move(row));
    }
    for (int s = 0; s < static_cast<int>(run.strategies.size()); ++s) {
      if (s != run.lead) {
        values.push_back(nullptr);
        continue;
      }
      Json by_programme = Json::array();
      for (int p = 0; p < static_cast<int>(run.programmes.size()); ++p) {
        Json by_time = Json::array();
        for (std::size_t t = 0; t < run.times.size(); ++t) {
          Json row = Json::array();
          for (const int place : index) {
            const auto v = cube->at(s, View::gross, p, static_cast<int>(t), place);
            row.push_back(v ? Json(std::round(v->mean * 10) / 10) : Json(nullptr));
          }
          by_time.push_back(std::move(row));
        }
        by_programme.push_back(std::move(by_time));
      }
      values.push_back(std::move(by_programme));
    }
    map[name] = {{"tiles", std::move(positions)}, {"eligible", std::move(counts)}, {"values", std::move(values)}};
  };
  layer("region", "adopters", run.regions, tiles.regions);
  layer("board", "icb/adopters", run.boards, tiles.boards);
  data["map"] = map;

  std::string html;
  if (!map.empty()) {
    html +=
        "<p class=\"drawn controls\"><label for=\"map-slider\">Month</label> <input id=\"map-slider\" type=\"range\" "
        "min=\"0\" value=\"0\"> <output id=\"map-time\" for=\"map-slider\"></output> <button type=\"button\" "
        "id=\"map-play\">Play</button></p>\n<div class=\"maps drawn\">";
    if (map.contains("region")) {
      html +=
          "<figure><h3>Networks</h3><div data-tiles=\"region\"></div><figcaption>Share of eligible organisations "
          "in use, <span data-when></span>; equal tiles, so a large area is not a large number.</figcaption></figure>";
    }
    if (map.contains("board")) {
      html +=
          "<figure><h3>Integrated care boards</h3><div data-tiles=\"board\"></div><figcaption>Share of eligible "
          "organisations in use, <span data-when></span>.</figcaption></figure>";
    }
    html += "</div>\n";
  }
  std::vector<std::vector<Cell>> rows;
  for (std::size_t place = 0; place < run.regions.size(); ++place) {
    const int p = static_cast<int>(place);
    const auto own = run.report("adopters", run.lead, View::gross, run.programme, 0, p);
    const auto net = run.report("adopters", run.lead, View::net, run.programme, 0, p);
    const auto share = run.report("adoption_share", run.lead, View::gross, run.programme, 0, p);
    if (!own || !net) continue;
    rows.push_back({{run.regions[place]},
                    number_cell(rounded(own->mean)),
                    number_cell(range(*own)),
                    number_cell(share ? fmt::format("{:.1f} %", 100 * share->mean) : "-"),
                    number_cell(rounded(net->mean)),
                    number_cell(range(*net))});
  }
  html += folded("Table: in use by network",
                 table(fmt::format("In use on {}, by network", date_text(run.report_to.front())),
                       {{"Network"},
                        number_cell("in use"),
                        number_cell("90 %"),
                        number_cell("share"),
                        number_cell("because of the support"),
                        number_cell("90 %")},
                       rows));
  html += "<div class=\"multiples drawn\" id=\"multiples\"></div>\n";
  constexpr std::array<std::size_t, 3> kThree{0, 2, 4};
  // A page of many programmes shows the small pictures of the total alone: the rest would not fit in a megabyte.
  constexpr std::size_t kMostValues = 40000;
  const bool all_programmes = run.programmes.size() * run.regions.size() * run.times.size() * 6 <= kMostValues;
  Json regional = Json::array();
  for (int s = 0; s < static_cast<int>(run.strategies.size()); ++s) {
    if (s != run.lead && s != run.comparator) {
      regional.push_back(nullptr);
      continue;
    }
    Json by_programme = Json::array();
    for (int p = 0; p < static_cast<int>(run.programmes.size()); ++p) {
      if (!all_programmes && p != run.programme) {
        by_programme.push_back(nullptr);
        continue;
      }
      Json by_place = Json::array();
      for (int place = 0; place < static_cast<int>(run.regions.size()); ++place) {
        by_place.push_back(series(*adopters, s, View::gross, p, place, run.times.size(), kThree));
      }
      by_programme.push_back(std::move(by_place));
    }
    regional.push_back(std::move(by_programme));
  }
  data["regional"] = {{"values", std::move(regional)}};
  return {"places", "Where it spread", html};
}

Section outcomes_and_savings(const Run& run) {
  std::string html = paragraph(
      "Cash and capacity are never added: a bed that is freed is used by somebody else unless it is closed. Money is "
      "in 2023/24 prices; savings recur only while organisations stay in use, set-up costs fall once.");
  if (!run.headline("carbon_kg", View::gross)) {
    html += paragraph("Carbon is not shown: no factor per admission, bed day or journey was read.");
  }
  for (std::size_t r = 0; r < run.report_to.size(); ++r) {
    std::vector<std::vector<Cell>> rows;
    for (const auto& [metric, label] : kOutcomeRows) {
      const int time = static_cast<int>(r);
      const auto gross = run.report(metric, run.lead, View::gross, run.programme, time, run.place);
      const auto anyway = run.report(metric, run.lead, View::counterfactual, run.programme, time, run.place);
      const auto net = run.report(metric, run.lead, View::net, run.programme, time, run.place);
      if (!gross && !net) continue;
      const auto text = [](const std::optional<Spread>& s) { return s ? rounded(s->mean) : std::string("–"); };
      rows.push_back({{std::string(label)},
                      number_cell(text(gross)),
                      number_cell(gross ? range(*gross) : ""),
                      number_cell(text(anyway)),
                      number_cell(text(net)),
                      number_cell(net ? range(*net) : "")});
    }
    html += table(fmt::format("Cumulative, {} to {}, {}", date_text(run.report_from[r]), date_text(run.report_to[r]),
                              run.place_name()),
                  {{"Outcome"},
                   number_cell("gross"),
                   number_cell("90 %"),
                   number_cell("anyway"),
                   number_cell("net"),
                   number_cell("90 %")},
                  rows);
  }
  std::vector<std::vector<Cell>> rows;
  for (std::size_t y = 0; y < run.years.size(); ++y) {
    std::vector<Cell> row{{run.years[y]}};
    bool any = false;
    for (const char* metric :
         {"patients_in_year", "admissions_avoided", "savings_cash_gbp", "capacity_released_gbp", "cost_gbp"}) {
      const Cube* cube = run.cube(fmt::format("year/{}", metric));
      const auto net =
          cube ? cube->at(run.lead, View::net, run.programme, static_cast<int>(y), run.place) : std::nullopt;
      row.push_back(number_cell(net ? rounded(net->mean) : "–"));
      any = any || net;
    }
    if (any) rows.push_back(std::move(row));
  }
  if (!rows.empty()) {
    html += folded("Table: year by year (net, in-year)", table("In each financial year, net",
                                                               {{"Year"},
                                                                number_cell("people reached"),
                                                                number_cell("admissions avoided"),
                                                                number_cell("cash, GBP"),
                                                                number_cell("capacity, GBP"),
                                                                number_cell("cost, GBP")},
                                                               rows));
  }
  return {"outcomes", "What it was worth, and what it cost", html};
}

Section cost_effectiveness(const Run& run, Json& data) {
  if (run.programmes.size() > 1) {
    return {"cost-effectiveness", "Cost-effectiveness is a question to one programme",
            paragraph("Quality-adjusted life years are known for some of these programmes only, and costs for all: a "
                      "ratio of the two would say nothing. Run a programme by itself.")};
  }
  std::string html;
  const auto known = cost_effectiveness_of(run);
  if (!known) {
    return {"cost-effectiveness", "Cost-effectiveness cannot be said",
            paragraph("No quality-adjusted life year per avoided event was read for this, so neither a plane nor an "
                      "acceptability curve is drawn. A number in its place would be an invention.")};
  }
  Json points = Json::array(), curve = Json::array();
  for (std::size_t r = 0; r < std::min<std::size_t>(known->qalys.size(), 500); ++r)
    points.push_back({known->qalys[r], known->cost[r]});
  std::vector<std::vector<Cell>> rows;
  for (const auto& [threshold, share] : known->acceptability) {
    curve.push_back({threshold, share});
    rows.push_back({{fmt::format("GBP {}", grouped(threshold))}, number_cell(fmt::format("{:.0f} %", 100 * share))});
  }
  data["plane"] = {{"points", points},
                   {"threshold", 20000},
                   {"label", "Extra cost against extra QALYs, one point a world; the line is GBP 20,000 per QALY"}};
  data["acceptability"] = {{"curve", curve}, {"label", "Chance of being cost-effective by what a QALY is worth"}};
  html +=
      "<div class=\"maps drawn\"><figure><div id=\"plane\"></div><figcaption>Each point is one pair of worlds. Dashed: "
      "GBP 20,000 per QALY.</figcaption></figure><figure><div id=\"acceptability\"></div></figure></div>\n";
  html += table("Chance of being cost-effective", {{"If a QALY is worth"}, number_cell("chance")}, rows);
  return {"cost-effectiveness", "Is it worth its cost?", html};
}

/// Of several programmes: a line each, never added up over unlike events.
Section programme_by_programme(const Run& run) {
  if (run.programmes.size() < 2) return {};
  std::vector<std::vector<Cell>> rows;
  for (std::size_t j = 0; j < run.programmes.size(); ++j) {
    const int p = static_cast<int>(j);
    const auto pair = [&](std::string_view metric, std::vector<Cell>& row) {
      for (const View view : {View::gross, View::net}) {
        const auto s = run.report(metric, run.lead, view, p, 0, run.place);
        row.push_back(number_cell(s ? rounded(s->mean) : "–"));
      }
      const auto net = run.report(metric, run.lead, View::net, p, 0, run.place);
      row.push_back(number_cell(net ? range(*net) : ""));
    };
    std::vector<Cell> row{{run.programmes[j]}};
    pair("ever_adopted", row);
    pair("patients_benefited", row);
    pair(run.report("events_avoided", run.lead, View::gross, p, 0, run.place) ? "events_avoided" : "admissions_avoided",
         row);
    rows.push_back(std::move(row));
  }
  return {"programmes", "Programme by programme",
          paragraph("A dash means that no effect or no number of people was read for the programme, so that none is "
                    "shown. Events differ between programmes and are not added; the last line adds admissions alone.") +
              table(fmt::format("{} to {}, {}", date_text(run.report_from.front()), date_text(run.report_to.front()),
                                run.place_name()),
                    {{"Programme"},
                     number_cell("ever in use"),
                     number_cell("net"),
                     number_cell("90 %"),
                     number_cell("people"),
                     number_cell("net"),
                     number_cell("90 %"),
                     number_cell("events avoided"),
                     number_cell("net"),
                     number_cell("90 %")},
                    rows)};
}

/// What the other strategies change, replicate by replicate.
Section strategies(const Run& run) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kRows{{
      {"ever_adopted", "Organisations ever in use"},
      {"patients_benefited", "People reached"},
      {"admissions_avoided", "Emergency admissions avoided"},
      {"events_avoided", "Events avoided"},
      {"savings_cash_gbp", "Cash savings, GBP"},
      {"capacity_released_gbp", "Capacity released, GBP"},
      {"cost_gbp", "Cost, all funders, GBP"},
      {"net_present_value_gbp", "Net present value, GBP"},
      {"deprivation_gap", "Share in use: most deprived fifth less the rest"},
  }};
  std::string html;
  const std::vector<int> worlds = worlds_of_drivers(run.strategies, run.lead);  // they only serve the split
  for (int s = 0; s < static_cast<int>(run.strategies.size()); ++s) {
    const std::string& name = run.strategy(s);
    if (s == run.lead || s == run.comparator || std::ranges::find(worlds, s) != worlds.end()) continue;
    std::vector<std::vector<Cell>> rows;
    for (const auto& [metric, label] : kRows) {
      auto differences = difference_by_replicate(run, std::string(metric), s, run.lead, run.programme, 0);
      std::erase_if(differences, [](double d) { return std::isnan(d); });
      if (differences.empty()) continue;
      const auto more = std::ranges::count_if(differences, [](double d) { return d > 0; });
      const auto n = static_cast<double>(differences.size());
      const Statistics d = statistics(differences);
      const int digits = metric == "deprivation_gap" ? 3 : 0;
      const auto text = [&](double v) { return digits > 0 ? fmt::format("{:.3f}", v) : rounded(v); };
      rows.push_back({{std::string(label)},
                      number_cell(text(d.mean)),
                      number_cell(fmt::format("{} to {}", text(d.p05), text(d.p95))),
                      number_cell(fmt::format("{:.0f} %", 100 * static_cast<double>(more) / n))});
    }
    html += table(fmt::format("{} less {}, to {}", name, run.strategy(run.lead), date_text(run.report_to.front())),
                  {{"Measure"}, number_cell("difference"), number_cell("90 %"), number_cell("chance that it is more")},
                  rows);
  }
  if (html.empty()) return {};
  return {
      "strategies", "What else could be done",
      paragraph("Each strategy against the first, in the same worlds: the same organisations, the same luck.") + html};
}

/// The measures of a run under the headings that a network reports by.
Section dimensions(const Run& run) {
  std::string html;
  for (const std::string_view dimension : kImpactDimensionNames) {
    std::vector<std::vector<Cell>> rows;
    for (const std::string& metric : run.file.datasets("report")) {
      const std::string spoken_to = run.file.attribute("report/" + metric, "impact_dimensions");
      if (fmt::format("; {};", spoken_to).find(fmt::format("; {};", dimension)) == std::string::npos) continue;
      const auto gross = run.headline(metric, View::gross), net = run.headline(metric, View::net);
      if (!gross && !net) continue;
      const Cube* cube = run.cube("report/" + metric);
      rows.push_back({{cube->data().long_name},
                      {cube->data().units == "1" ? "" : cube->data().units},
                      number_cell(gross ? rounded(gross->mean) : "–"),
                      number_cell(net ? rounded(net->mean) : "–"),
                      number_cell(net ? range(*net) : "")});
    }
    if (!rows.empty())
      html += table(dimension, {{"Measure"}, {"unit"}, number_cell("gross"), number_cell("net"), number_cell("90 %")},
                    rows);
  }
  if (html.empty()) return {};
  return {"dimensions", "The same, by kind of impact",
          paragraph("A measure can speak to several kinds of impact; nothing is added up over them.") +
              folded("Tables by kind of impact", html)};
}

Section equity(const Run& run) {
  std::vector<std::vector<Cell>> rows;
  for (const auto& [metric, label] : kEquityRows) {
    const auto own = run.report(metric, run.lead, View::gross, run.programme, 0, 0);
    const auto other = run.report(metric, run.lead, View::counterfactual, run.programme, 0, 0);
    const auto change = run.report(metric, run.lead, View::net, run.programme, 0, 0);
    if (!own || !other || !change) continue;
    const auto digits = [](double value) {
      const std::string text = fmt::format("{:.3f}", value);
      return text == "-0.000" ? std::string("0.000") : text;
    };
    const auto text = [&](const Spread& s) { return digits(s.mean); };
    rows.push_back({{std::string(label)},
                    number_cell(text(*own)),
                    number_cell(text(*other)),
                    number_cell(text(*change)),
                    number_cell(fmt::format("{} to {}", digits(change->p05), digits(change->p95)))});
  }
  std::string html = paragraph(
      "Above 0 favours the least deprived (slope, relative and concentration indices) or the most deprived (gap). "
      "Deprivation is that of the organisation's area, not of its patients.");
  html += table(
      fmt::format("On {}", date_text(run.report_to.front())),
      {{"Measure"}, number_cell("with support"), number_cell("without"), number_cell("change"), number_cell("90 %")},
      rows);
  return {"equity", "Who was left behind", html};
}

/// A unit as it follows a number.
std::string unit_text(const std::string& unit) {
  return unit == "1" || unit == "share" || unit == "probability" ? std::string() : " " + unit;
}

Section drivers(const fs::path& folder, Json& data) {
  const Json found = one_way_study(folder);
  if (found.is_null()) {
    return {"drivers", "What drives the answer",
            "<p>Not run. <code>uptake sensitivity SCENARIO --method one-way -o FOLDER</code> moves one assumption at a "
            "time "
            "through its range on the same clocks; made into this folder, it is drawn here.</p>\n"};
  }
  constexpr std::size_t kMostBars = 15;
  Json bars = Json::array();
  std::vector<std::vector<Cell>> rows;
  for (const Json& row : found["parameters"]) {
    if (rows.size() == kMostBars) break;
    // A result is null where the metric is undefined: no bar can be drawn from there.
    if (row["at_low"].is_number() && row["at_high"].is_number())
      bars.push_back({{"name", row["parameter"]},
                      {"low", row["low"]},
                      {"high", row["high"]},
                      {"at_low", row["at_low"]},
                      {"at_high", row["at_high"]}});
    const auto result = [&](const char* key) {
      return number_cell(row[key].is_number() ? rounded(row[key].get<double>()) : "–");
    };
    rows.push_back({{row["parameter"].get<std::string>()},
                    number_cell(fmt::format("{:.3g} to {:.3g}{}", row["low"].get<double>(), row["high"].get<double>(),
                                            unit_text(row["unit"].get<std::string>()))),
                    result("at_low"),
                    result("at_high"),
                    {row["grade"].get<std::string>()}});
  }
  data["tornado"] = {{"bars", bars},
                     {"base", found["base"]},
                     {"unit", fmt::format("{} (net)", found["metric"].get<std::string>())},
                     {"label", "Net result when one assumption moves through its range"}};
  return {"drivers", "What drives the answer",
          "<figure class=\"drawn\"><div id=\"tornado\"></div><figcaption>Each bar: one assumption from its 5 % "
          "(outline) to "
          "its 95 % point (filled), all others at their defaults, on the same clocks.</figcaption></figure>\n" +
              table("One assumption at a time",
                    {{"Assumption"},
                     number_cell("range"),
                     number_cell("result at low"),
                     number_cell("result at high"),
                     {"grade"}},
                    rows)};
}

/// The split of the lead strategy's result over what drives it, where it was asked for.
Section split(const Run& run, Json& data) {
  if (!run.file.has("shapley/driver")) return {};
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kRows{{
      {"ever_adopted", "Organisations ever in use"},
      {"patients_benefited", "People reached"},
      {"admissions_avoided", "Emergency admissions avoided"},
      {"events_avoided", "Events avoided"},
      {"savings_cash_gbp", "Cash savings, GBP"},
      {"cost_gbp", "Cost, all funders, GBP"},
  }};
  const auto drivers = run.file.texts("shapley/driver");
  std::string html = paragraph(fmt::format(
      "What each driver adds to “{}”: the mean, over all orders in which the drivers could come, of what one adds to "
      "those before it (Shapley values), in worlds with the same luck. The parts sum to the world with all drivers "
      "less "
      "the world with none.",
      run.file.text("shapley/of")));
  std::vector<std::vector<Cell>> rows;
  for (const auto& [metric, label] : kRows) {
    const std::string path = fmt::format("shapley/{}", metric);
    if (!run.file.has(path)) continue;
    const Cube cube(run.file.numbers(path));
    Json bars = Json::array();
    double sum = 0;
    bool any = false;
    const std::size_t first_row = rows.size();
    for (std::size_t d = 0; d < drivers.size(); ++d) {
      const auto s = cube.at(static_cast<int>(d), View::gross, run.programme, 0, run.place);
      if (!s) continue;
      any = any || s->mean != 0;
      sum += s->mean;
      bars.push_back({{"name", drivers[d]},
                      {"kind", "gross"},
                      {"from", 0},
                      {"to", s->mean},
                      {"value", s->mean},
                      {"low", s->p05},
                      {"high", s->p95}});
      rows.push_back(
          {{fmt::format("{}: {}", label, drivers[d])}, number_cell(rounded(s->mean)), number_cell(range(*s)), {}});
    }
    if (!any) {
      rows.resize(first_row);
      continue;
    }
    for (std::size_t r = first_row; r < rows.size(); ++r)
      rows[r].back() =
          number_cell(sum == 0 ? "–" : fmt::format("{:.0f} %", 100 * bars[r - first_row]["value"].get<double>() / sum));
    if (data["bars"].empty()) {  // one drawing: of the first measure that is split
      data["bars"] = Json::array({{{"bars", std::move(bars)},
                                   {"unit", ""},
                                   {"label", fmt::format("{} by what drives it; the table says the same", label)}}});
      html += fmt::format(
          "<figure class=\"drawn\"><div data-bars=\"0\"></div><figcaption>{} on {}. Bars: means; lines: "
          "90 % intervals.</figcaption></figure>\n",
          label, date_text(run.report_to.front()));
    }
  }
  if (rows.empty()) return {};
  html +=
      table(fmt::format("Split over drivers, {} to {}, {}", date_text(run.report_from.front()),
                        date_text(run.report_to.front()), run.place_name()),
            {{"Measure and driver"}, number_cell("mean"), number_cell("90 %"), number_cell("share of the sum")}, rows);
  return {"split", "What of it effort, incentive and shock each make", html};
}

/// What programmes lose to each other's claim on attention.
Section displacement(const Run& run, const fs::path& folder) {
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
  std::vector<std::vector<Cell>> rows, totals;
  for (const Loss& loss : losses(values, index(off), index(on), programmes)) {
    if (loss.period.to != run.report_to.front()) continue;
    if (loss.programme == "all" && spec(loss.metric).name == "events_avoided") continue;  // unlike events
    auto& into = loss.programme == "all" ? totals : rows;
    into.push_back({{fmt::format("{}: {}", loss.programme == "all" ? "all together" : loss.programme,
                                 spec(loss.metric).long_name)},
                    number_cell(rounded(loss.lost.mean)),
                    number_cell(loss.lost.p05 == loss.lost.p95
                                    ? std::string()
                                    : fmt::format("{} to {}", rounded(loss.lost.p05), rounded(loss.lost.p95)))});
  }
  if (rows.empty()) return {};
  const std::vector<Cell> head{{"Programme and measure"}, number_cell("lost"), number_cell("90 %")};
  return {
      "displacement", "What programmes cost each other in attention",
      paragraph(fmt::format("Organisations attend to few things at once. Lost = “{}” (attention unlimited) less “{}”, "
                            "in the same worlds, to {}; below 0 a programme gains.",
                            off, on, date_text(run.report_to.front()))) +
          (totals.empty() ? std::string() : table("Lost to competition for attention, all programmes", head, totals)) +
          folded(fmt::format("Table: lost by programme ({} lines)", rows.size()),
                 table("Lost to competition for attention, by programme", head, rows))};
}

/// The ledger of companies, apart from everything about health.
Section growth(const Run& run) {
  if (!run.file.has("report/investment_gbp")) return {};
  constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kRows{{
      {"companies_supported", "Companies supported"},
      {"investment_gbp", "Investment reported, GBP of each year"},
      {"jobs", "Jobs created or safeguarded, as reported"},
      {"pipeline_needs_assessment", "Companies that come to a needs assessment"},
      {"pipeline_supported", "… of which are supported"},
      {"pipeline_evaluated", "… of which are evaluated"},
      {"pipeline_in_new_setting", "… of which are used in a new setting"},
      {"pipeline_fellows", "Fellows of the accelerator"},
      {"growth_roi", "Value of additional jobs per pound of growth funding"},
  }};
  const int ledger = static_cast<int>(run.programmes.size()) - 1;  // "all"
  std::string html = paragraph(
      "Investment and jobs are what supported companies reported in a survey: self-reported and gross, and not all "
      "answered. The column “anyway” is what would have come without the networks. This ledger stands apart: it is "
      "never "
      "added to anything about health, and prices are those of each year.");
  for (std::size_t r = 0; r < run.report_to.size(); ++r) {
    std::vector<std::vector<Cell>> rows;
    for (const auto& [metric, label] : kRows) {
      const auto at = [&](View view) {
        const Cube* cube = run.cube(fmt::format("report/{}", metric));
        const int place = cube && cube->by_place() ? run.place : 0;
        return run.report(metric, run.lead, view, ledger, static_cast<int>(r), place);
      };
      const auto gross = at(View::gross), anyway = at(View::counterfactual), net = at(View::net);
      if (!gross && !net) continue;
      const auto text = [](const std::optional<Spread>& s) { return s ? rounded(s->mean) : std::string("–"); };
      rows.push_back({{std::string(label)},
                      number_cell(text(gross)),
                      number_cell(gross ? range(*gross) : ""),
                      number_cell(text(anyway)),
                      number_cell(text(net)),
                      number_cell(net ? range(*net) : "")});
    }
    if (rows.empty()) continue;
    html += table(fmt::format("Growth ledger, {} to {}, {}: self-reported", date_text(run.report_from[r]),
                              date_text(run.report_to[r]), run.place_name()),
                  {{"Measure"},
                   number_cell("gross"),
                   number_cell("90 %"),
                   number_cell("anyway"),
                   number_cell("net"),
                   number_cell("90 %")},
                  rows);
  }
  std::vector<std::vector<Cell>> years;
  for (std::size_t y = 0; y < run.years.size(); ++y) {
    std::vector<Cell> row{{run.years[y]}};
    bool any = false;
    for (const char* metric : {"companies_supported", "investment_gbp", "jobs"}) {
      const Cube* cube = run.cube(fmt::format("year/{}", metric));
      for (const View view : {View::gross, View::net}) {
        const auto s = cube ? cube->at(run.lead, view, ledger, static_cast<int>(y), run.place) : std::nullopt;
        row.push_back(number_cell(s ? rounded(s->mean) : "–"));
        any = any || s;
      }
    }
    if (any) years.push_back(std::move(row));
  }
  if (!years.empty()) {
    html += folded("Table: growth ledger year by year", table("Growth ledger in each financial year: self-reported",
                                                              {{"Year"},
                                                               number_cell("companies"),
                                                               number_cell("net"),
                                                               number_cell("investment, GBP"),
                                                               number_cell("net"),
                                                               number_cell("jobs"),
                                                               number_cell("net")},
                                                              years));
  }
  html += paragraph("The return on growth funding is an identity set to the published 3.96, not a finding.");
  return {"growth", "Growth ledger: what supported companies report", html};
}

Section assumptions(const Run& run) {
  const ResultsFile& file = run.file;
  const auto programme = file.texts("parameters/programme"), key = file.texts("parameters/key"),
             unit = file.texts("parameters/unit"), prior = file.texts("parameters/prior"),
             grade = file.texts("parameters/grade"), source = file.texts("parameters/source"),
             meaning = file.texts("parameters/meaning");
  const std::vector<double> value = file.numbers("parameters/value").values;
  std::array<int, 3> n{};
  std::string html, current = "\n";
  std::vector<std::vector<Cell>> rows;
  std::string tables;
  const auto flush = [&] {
    if (rows.empty()) return;
    const std::string name = current.empty() ? "Economics" : current;
    tables += folded(
        fmt::format("{} ({} parameters)", name, rows.size()),
        table(name, {{"Parameter"}, {"meaning"}, number_cell("value"), {"unit"}, {"prior"}, {"grade"}, {"source"}},
              rows));
    rows.clear();
  };
  // Long lists of many programmes would make the page too large: what is left out stands in the results file.
  const std::size_t most = key.size() > 700 ? 0 : key.size();
  for (std::size_t i = 0; i < key.size(); ++i) {
    for (std::size_t g = 0; g < kGradeNames.size(); ++g) n[g] += grade[i] == kGradeNames[g];
    if (i >= most) continue;
    if (programme[i] != current) flush();
    current = programme[i];
    rows.push_back({{key[i]},
                    {meaning[i]},
                    number_cell(fmt::format("{:.6g}", value[i])),
                    {unit[i]},
                    {short_prior(prior[i])},
                    {grade[i]},
                    {source[i]}});
  }
  flush();
  html += paragraph(
      fmt::format("Of {} parameters, {} were read in a source, {} derived from read figures, and {} are assumptions.",
                  key.size(), n[0], n[1], n[2]));
  if (most == 0)
    html += paragraph("All of them with their sources: group /parameters of results.h5, or `uptake params SCENARIO`.");
  return {"assumptions", "What this rests on", html + tables};
}

Section provenance(const Run& run) {
  const ResultsFile& file = run.file;
  std::vector<std::vector<Cell>> rows;
  const auto add = [&](std::string name, std::string text) { rows.push_back({{std::move(name)}, {std::move(text)}}); };
  add("Scenario", file.text("provenance/scenario"));
  add("Seed", file.text("provenance/seed_text"));
  add("Replicates", grouped(run.n_replicates()));
  add("Random numbers", file.text("provenance/generator"));
  add("Program", fmt::format("uptake {} ({})", file.text("provenance/version"), file.text("provenance/git_id")));
  add("Digest of everything that decides the results", file.text("provenance/digest"));
  if (run.is_calibrated())
    add("Posterior",
        fmt::format("{} (digest {})", file.text("provenance/posterior"), file.text("provenance/posterior_digest")));
  add("Population", file.text("provenance/population_vintage"));
  return {
      "provenance", "How to repeat it",
      paragraph("With the program at the version below, this command gives the same bytes, on any number of threads:") +
          fmt::format("<pre>{}</pre>\n", escaped(repeating_command(run))) +
          table("Provenance", {{"What"}, {"value"}}, rows) +
          folded("The scenario file", fmt::format("<pre>{}</pre>\n", escaped(file.text("provenance/scenario_text"))))};
}

Json observed(const Run& run) {
  Json all = Json::array();
  if (!run.file.has("published/metric")) return all;
  const auto metric = run.file.texts("published/metric"), programme = run.file.texts("published/programme"),
             source = run.file.texts("published/source"), region = run.file.texts("published/region");
  const auto value = run.file.numbers("published/value").values;
  const auto to = run.file.dates("published/to");
  for (std::size_t i = 0; i < metric.size(); ++i) {
    if (region[i] != run.place_name()) continue;
    const auto of = std::ranges::find(run.programmes, programme[i]);
    all.push_back({{"metric", metric[i]},
                   {"programme", of - run.programmes.begin()},
                   {"date", iso(to[i])},
                   {"value", value[i]},
                   {"label", fmt::format("published ({})", source[i])}});
  }
  return all;
}

std::string asset(const char* begin, const char* end) { return {begin, static_cast<std::size_t>(end - begin)}; }

/// Text that may stand inside a script element.
std::string in_script(std::string text) {
  for (std::size_t at = text.find("</"); at != std::string::npos; at = text.find("</", at + 3))
    text.replace(at, 2, "<\\/");
  return text;
}

}  // namespace

std::string report_page(const fs::path& folder, const fs::path& tables) {
  const Run run(folder);
  Json data{{"schema", 1},
            {"strategies", run.strategies},
            {"lead", run.lead},
            {"comparator", run.comparator},
            {"programme", run.programme},
            {"places", run.regions}};
  Json programmes = Json::array(), times = Json::array();
  for (const std::string& name : run.programmes) programmes.push_back({{"name", name}, {"title", name}});
  for (const Date time : run.times) times.push_back(iso(time));
  const auto headline = std::ranges::find_if(run.times, [&](Date t) { return t >= run.report_to.front(); });
  data["programmes"] = std::move(programmes);
  data["headline_time"] = std::min<std::ptrdiff_t>(headline - run.times.begin(), std::ssize(run.times) - 1);
  data["times"] = std::move(times);
  data["observed"] = observed(run);

  std::vector<Section> sections;
  for (Section& section :
       std::array{finding(run), waterfall(run, data), course(run, data), maps(run, tile_map(tables), data),
                  programme_by_programme(run), outcomes_and_savings(run), cost_effectiveness(run, data),
                  strategies(run), equity(run), dimensions(run), split(run, data), displacement(run, folder),
                  growth(run), drivers(folder, data),
                  calibration_section(run.file, run.is_calibrated() ? calibration_sentence(run) : "", data),
                  published_section(run.file, run.strategy(run.lead)), backtest_section(folder, run.programmes, data),
                  assumptions(run), provenance(run)}) {
    if (!section.id.empty()) sections.push_back(std::move(section));
  }

  std::string contents, body;
  for (const Section& section : sections) {
    contents += fmt::format("<li><a href=\"#{}\">{}</a></li>\n", section.id, escaped(section.heading));
    body += fmt::format("<section id=\"{0}\" aria-labelledby=\"h-{0}\">\n<h2 id=\"h-{0}\">{1}</h2>\n{2}</section>\n",
                        section.id, escaped(section.heading), section.html);
  }
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en-GB\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
      "content=\"width=device-width, initial-scale=1\">\n<title>{0} – "
      "uptake</title>\n<style>\n{1}</style>\n</head>\n<body>\n"
      "<a class=\"skip\" href=\"#finding\">Skip to the finding</a>\n<header class=\"page\"><h1>{0}</h1>\n<p>{2}; {3} "
      "against "
      "{4}.</p></header>\n<main>\n<nav class=\"contents\" "
      "aria-label=\"Contents\"><ol>\n{5}</ol></nav>\n{6}</main>\n<footer><div "
      "style=\"max-width:1112px;margin:0 auto;padding:0 16px 24px\">Made by uptake, a simulator; this is not a product "
      "of the NHS. "
      "{11} Charts drawn with D3 (ISC licence).</div>"
      "</footer>\n<script type=\"application/json\" "
      "id=\"data\">{7}</script>\n<script>{8}</script>\n<script>{9}</script>\n<script>{10}"
      "</script>\n</body>\n</html>\n",
      escaped(run.title), asset(uptake_asset_page_css, uptake_asset_page_css_end), escaped(run.place_name()),
      escaped(run.strategy(run.lead)), escaped(run.strategy(run.comparator)), contents, body, in_script(data.dump()),
      in_script(asset(uptake_asset_d3_js, uptake_asset_d3_js_end)),
      asset(uptake_asset_draw_js, uptake_asset_draw_js_end), asset(uptake_asset_page_js, uptake_asset_page_js_end),
      kDataLicence.statement);
}

void write_report(const fs::path& folder, const fs::path& tables) {
  replace_file(folder / "report.html", report_page(folder, tables));
}

}  // namespace uptake
