#include "report/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <functional>
#include <iterator>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "files/file.hpp"
#include "report/report_sections.hpp"
#include "results/compare.hpp"
#include "results/compare_report.hpp"
#include "results/numbers.hpp"
#include "results/sensitivity.hpp"
#include "statistics/between.hpp"
#include "uptake/calendar.hpp"
#include "uptake/error.hpp"
#include "uptake/outcomes.hpp"
#include "uptake/population.hpp"
#include "uptake/results.hpp"
#include "uptake/version.hpp"

namespace uptake {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

// ---- Sections -----------------------------------------------------------------------------------------------------

/// The event that a programme avoids, with how many there are of it and how that is known.
std::string what_an_event_is(const Run& run, const Sources& known_sources) {
  std::string text = fmt::format("An event is here: {}", run.events.front());
  const auto keys = run.file.texts("parameters/key"), sources = run.file.texts("parameters/source");
  const std::vector<double> values = run.file.numbers("parameters/value").values;
  const auto at =
      static_cast<std::size_t>(std::ranges::find(keys, spec(Parameter::baseline_events).key) - keys.begin());
  if (at < std::min(sources.size(), values.size()) && values[at] > 0)
    text += fmt::format(", {} a year{} without the programme{}{}", grouped(values[at]),
                        !run.is_england() ? ", as its file counts them,"
                        : run.place != 0  ? " in England"
                                          : "",
                        sources[at].empty() ? "" : "; ", known_sources.in_words(sources[at]));
  return paragraph(text + ".");
}

/// Whether one of its programmes brings the uptake of a treatment, which rises without it too.
bool raises_uptake(const Run& run) {
  for (std::size_t p = 0; p < run.programmes.size(); ++p)
    if (run.report(Metric::uptake_share, run.lead, View::gross, static_cast<int>(p), 0, run.place)) return true;
  return false;
}

/// Of several programmes: that what they cost is set against the worth of those alone whose worth is known.
std::string worth_of_some(const Run& run) {
  const auto n_in = run.file.number_attribute("report/net_present_value_gbp", "programmes_in_all");
  if (run.n_own_programmes() < 2 || !n_in || *n_in >= run.n_own_programmes()) return "";
  return paragraph(fmt::format(
      "Of the {} programmes the worth of {} is known, and the cost of all that state one. What the others are "
      "worth counts as nothing, so the chances that worth or cash exceeds cost come out low.",
      run.n_own_programmes(), *n_in));
}

Section finding(const Run& run, const std::string& coverage, const Sources& sources) {
  std::vector<std::string> findings{
      finding_sentence(run, date_text(run.report_from.front()), date_text(run.report_to.front()))};
  const std::string ledger = growth_sentence(run);
  const bool ledger_leads = run.is_about_growth() && !ledger.empty();
  if (ledger_leads)
    findings = {ledger,
                fmt::format("Beside the ledger stands one programme, “{}”. {}", run.title_of(0), findings.front())};
  else if (!ledger.empty())
    findings.push_back(ledger);
  std::string html;
  for (const std::string& one : findings) html += fmt::format("<p class=\"finding\">{}</p>\n", escaped(one));
  html += fmt::format(
      "<p class=\"standing\">{}</p>\n",
      run.is_calibrated() ? escaped(calibration_sentence(run))
      : run.is_drawn() ? "These figures follow from prior assumptions about every uncertain number, drawn anew in each "
                         "of the simulated worlds. They are not calibrated to the record."
                       : "All parameters stand at their defaults: the intervals show luck alone, not what is unknown.");
  if (subject_of(run).metric == Metric::events_avoided && !run.events.front().empty())
    html += what_an_event_is(run, sources);
  const auto all = run.headline(spec(subject_of(run).metric).name, View::gross);
  const bool several = run.n_own_programmes() > 1;
  if (all && all->mean >= 0 && all->p05 < 0)
    html += paragraph(fmt::format(
        "Below 0, more {} came about with {} than without: what {} to them is not known well "
        "enough to rule this out.",
        subject_of(run).noun, several ? "the programmes" : "the programme", several ? "they do" : "it does"));
  if (raises_uptake(run)) html += paragraph(kBackgroundRise);
  if (!coverage.empty()) html += paragraph(coverage);
  if (!run.population_note.empty()) html += paragraph(run.population_note);
  std::string chances;
  const int n_worlds = run.n_replicates();
  const Subject& subject = subject_of(run);
  const std::size_t last = run.report_to.size() - 1;
  const bool is_same = is_same_world(run);
  const auto add = [&](const std::string& metric, double bound, std::string_view what, std::size_t report = 0) {
    if (is_same) return;
    if (const auto chance = chance_above(run, metric, bound, static_cast<int>(report))) {
      chances += fmt::format("<li>{}: <strong>{}</strong></li>\n", escaped(what), chance_text(*chance, n_worlds));
    }
  };
  add(std::string(spec(subject.metric).name), 0,
      fmt::format("{} made a difference for the better ({})", capitalised(what_adds(run)), subject.noun));
  add("net_present_value_gbp", 0,
      fmt::format("Cash and capacity by {} exceed what it cost (net present value above 0; health is not counted)",
                  date_text(run.report_to.front())));
  if (last > 0) add("net_present_value_gbp", 0, fmt::format("The same by {}", date_text(run.report_to[last])), last);
  add("roi_net", 1, "Of the worlds that cost more: every additional pound returned more than a pound of cash");
  const auto add_gross = [&](const std::string& metric, std::string_view what) {
    const std::vector<double> values = run.by_replicate(metric, run.lead, run.programme, 0);
    if (const auto chance = share_above(values, 1))
      chances += fmt::format("<li>{}: <strong>{}</strong></li>\n", escaped(what), chance_text(*chance, n_worlds));
  };
  add_gross("roi_fiscal", "Cash exceeds what public funders paid (gross: with what would have happened anyway)");
  add_gross("roi_social", "Social value exceeds what public funders paid (gross)");
  if (!chances.empty())
    html += fmt::format("<h3>{}</h3>\n<ul>\n{}</ul>\n",
                        ledger_leads ? "How likely, of the programme beside the ledger" : "How likely", chances) +
            worth_of_some(run);
  for (const TurningPoint& one : turning_points(run, 0))
    if (one.is_fixed) html += paragraph(rests_on(one.id, one.fixed_at, kValueOverCost, one.turns_at));
  if (const std::string few = few_worlds_text(static_cast<std::size_t>(n_worlds)); !few.empty()) html += paragraph(few);
  const auto net = run.headline(spec(subject.metric).name, View::net);
  if (net && !is_same) {
    html += paragraph(fmt::format(
        "{}: the same organisations and the same luck, with and without {}. The net figure is their difference{}.{}",
        plural(static_cast<std::size_t>(n_worlds), "paired world"), what_adds(run),
        n_worlds == 1 ? std::string() : fmt::format("; simulation error of its mean: {}", shown(net->mcse)),
        n_worlds == 1 ? "" : " In every table, 90 % is the range that nine in ten of the worlds fall in."));
  }
  html += outside_view_beside(run);
  return {"finding", "The finding", html};
}

Section waterfall(const Run& run, Json& data) {
  const Subject& subject = subject_of(run);
  const auto gross = run.headline(spec(subject.metric).name, View::gross),
             net = run.headline(spec(subject.metric).name, View::net),
             anyway = run.headline(spec(subject.metric).name, View::counterfactual);
  if (!gross || !net || !anyway || is_same_world(run)) return {};
  const Told told(subject, *gross, *net);
  const std::string label = fmt::format("From gross to net: {} {}", subject.noun, subject.verb);
  const std::string adds = what_adds(run);
  const std::array names{fmt::format("With {} (gross)", adds), std::string("Would have happened anyway"),
                         fmt::format("Because of {} (net)", adds)};
  data["waterfall"] = waterfall_data(*gross, *anyway, *net, 1, shown, subject.noun, label, names);
  std::vector<std::vector<Cell>> rows;
  for (const auto& [name, s] : {std::tie(names[0], *gross), std::tie(names[1], *anyway), std::tie(names[2], *net)}) {
    rows.push_back({{name}, number_cell(shown(s.mean)), number_cell(shown(s.p50)), number_cell(range(s))});
  }
  const auto figure = [](const Statistics& s) { return shown(s.mean); };
  return {"gross-to-net",
          told.gross.mean == 0 && told.net.mean == 0
              ? fmt::format("No {} were {}, with or without {}", subject.noun, subject.verb, adds)
          : told.is_part()
              ? fmt::format("{} of {} {} {} are due to {}{}", shown(told.net.mean), shown(told.gross.mean),
                            subject.noun, told.verb, adds, short_interval(subject.metric, told.net))
              : fmt::format("{} ends {} its comparator: {} {} {} than under “{}”{}",
                            adds == kTheSupport ? std::string("The supported world") : adds,
                            told.is_below ? "below" : "above", told.more_or_fewer(figure), subject.noun, told.verb,
                            run.strategy(run.comparator),
                            short_interval(subject.metric, told.net.mean < 0 ? reversed(told.net) : told.net)),
          fmt::format("<figure class=\"drawn\"><div id=\"waterfall\"></div><figcaption>Bars: means; lines: 90 % "
                      "intervals. Dashed: what the comparator “{}” reaches on its own.</figcaption></figure>\n",
                      escaped(run.strategy(run.comparator))) +
              table(label, {{"World"}, number_cell("mean"), number_cell("median"), number_cell("90 % interval")}, rows),
          "From gross to net"};
}

constexpr std::array kCourses{Metric::adopters, Metric::ever_adopted, Metric::engaged, Metric::uptake_share,
                              Metric::capacity_beds};

/// Programmes that are drawn: of a single one with a ledger, "all" says nothing more.
int n_drawn(const Run& run) { return run.n_own_programmes() > 1 ? static_cast<int>(run.programmes.size()) : 1; }

/// Quantiles over time for a picture, rounded to what can be seen, so that the page stays small; null where a programme
/// has no such measure.
Json series(const Cube& cube, int strategy, View view, int programme, int place, std::size_t n_times,
            std::span<const std::size_t> which) {
  const double fine = cube.data().units == "1" ? 1000 : 10;  // a share, or a count
  constexpr double kCoarse = 20;
  bool any = false;
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
      any = true;
      const double value = values[which[k]], small = std::round(value * fine) / fine;
      all[k].push_back(std::abs(value) >= kCoarse || small == std::round(small)
                           ? Json(static_cast<std::int64_t>(std::lround(value)))
                           : Json(small));
    }
  }
  return any ? all : Json();
}

/// What the legend says of figures that were counted in England and stand beside values of another population.
std::string_view figures_of_england(const Run& run) {
  if (run.is_england() || !run.file.has("published/place")) return "";
  const std::vector<std::string> places = run.file.texts("published/place");
  const auto n = std::ranges::count(places, kEngland);
  return n == 0 ? "" : n == std::ssize(places) ? " (of England)" : " (some of England, see “What was published”)";
}

Section course(const Run& run, const std::string& coverage, Json& data) {
  const Beside what = beside(run);
  std::string html = coverage.empty() ? coverage : paragraph(coverage);
  if (run.n_own_programmes() > 1) {
    html += "<p class=\"drawn controls\"><label for=\"programme\">Programme</label> <select id=\"programme\">";
    for (std::size_t p = 0; p < run.programmes.size(); ++p) {
      html += fmt::format("<option value=\"{}\"{}>{}</option>", p,
                          static_cast<int>(p) == run.programme ? " selected" : "", escaped(run.title_of(p)));
    }
    html += "</select></p>\n";
    html += paragraph("All together, an organisation counts once for each programme that it takes up.");
  }
  html += fmt::format(
      "<ul class=\"key drawn\"><li><span class=\"swatch\" style=\"border-color:#005eb8\"></span>{}</li>{}<li "
      "id=\"published-key\"><span style=\"color:#ae2573\" aria-hidden=\"true\">◆</span> published "
      "figure{}</li><li>Line: "
      "median; bands: 50 and 90 % "
      "of the worlds</li></ul>\n"
      "<div class=\"courses\">\n",
      escaped(run.strategy(run.lead)),
      what == Beside::nothing
          ? std::string()
          : fmt::format("<li><span class=\"swatch\" style=\"border-color:#425563;border-top-style:dashed\"></span>{} "
                        "(comparator)</li>",
                        escaped(run.strategy(run.comparator))),
      figures_of_england(run));
  constexpr std::array<std::size_t, 5> kAll{0, 1, 2, 3, 4};
  Json courses = Json::object();
  for (const Metric of : kCourses) {
    const std::string metric(spec(of).name), heading(spec(of).label);
    const Cube* cube = run.cube(metric);
    if (!cube) continue;
    Json values = Json::array();
    for (int s = 0; s < static_cast<int>(run.strategies.size()); ++s) {
      if (s != run.lead && s != run.comparator) {
        values.push_back(nullptr);
        continue;
      }
      Json by_programme = Json::array();
      for (int p = 0; p < n_drawn(run); ++p) {
        by_programme.push_back(Json::array({series(*cube, s, View::gross, p, run.place, run.times.size(), kAll)}));
      }
      values.push_back(std::move(by_programme));
    }
    courses[metric] = {{"unit", cube->data().units == "1" ? "share" : cube->data().units},
                       {"long_name", cube->data().long_name},
                       {"values", std::move(values)}};
    html += fmt::format(
        "<div><figure class=\"drawn\"><h3>{}</h3><div data-fan=\"{}\"></div><figcaption>{}, "
        "{}.</figcaption></figure>\n",
        escaped(heading), metric, escaped(cube->data().long_name), escaped(run.place_words()));
    const RowUnit unit(of, Medium::page, {});
    std::vector<std::vector<Cell>> rows;
    for (std::size_t r = 0; r < run.report_to.size(); ++r) {
      const auto own = run.report(metric, run.lead, View::gross, run.programme, static_cast<int>(r), run.place);
      const auto other =
          run.report(metric, run.lead, View::counterfactual, run.programme, static_cast<int>(r), run.place);
      const auto net = run.report(metric, run.lead, View::net, run.programme, static_cast<int>(r), run.place);
      if (!own || !other || !net) continue;
      rows.push_back(
          beside_row(what, {short_date(run.report_to[r])}, {number_cell(unit.mean(net)), number_cell(unit.range(net))},
                     {number_cell(unit.mean(own)), number_cell(unit.range(own))}, {number_cell(unit.mean(other))}));
    }
    if (!rows.empty()) {
      html += table(unit.label(),
                    beside_row(what, {"Date"}, {number_cell("net"), number_cell("90 %")},
                               {number_cell(what == Beside::nothing ? "mean" : "with"), number_cell("90 %")},
                               {number_cell("without")}),
                    rows);
    }
    html += "</div>\n";
  }
  data["course"] = std::move(courses);
  html += "</div>\n";
  const auto own = run.headline("adopters", View::gross);
  const auto net = run.headline("adopters", View::net);
  const std::string when = date_text(run.report_to.front()), adds = what_adds(run);
  std::string heading = fmt::format("How adoption went, with and without {}", adds);
  if (own && net)
    heading = is_same_world(run)
                  ? fmt::format("{} organisations in use on {}, in either world{}", shown(own->mean), when,
                                short_interval(Metric::adopters, *own))
                  : fmt::format("{} organisations in use on {}, {} {} than without {}{}", shown(own->mean), when,
                                shown(std::abs(net->mean)), net->mean < 0 ? "fewer" : "more", adds,
                                short_interval(Metric::adopters, net->mean < 0 ? reversed(*net) : *net));
  return {"adoption", std::move(heading), std::move(html), "How adoption went"};
}

/// Where the places lie; another country has no tiles here, and then no map.
TileMap tile_map(const fs::path& tables) {
  try {
    return read_tiles(tables);
  } catch (const FileError&) {
    return {};
  }
}

/// Where the organisations in use at the start were drawn once for all worlds: what that does to a map of means.
std::string starting_sites(const Run& run, std::string_view network, std::string_view map) {
  const auto keys = run.file.texts("parameters/key"), priors = run.file.texts("parameters/prior");
  const std::vector<double> values = run.file.numbers("parameters/value").values;
  int n = 0;
  for (std::size_t i = 0; i < std::min({keys.size(), priors.size(), values.size()}); ++i)
    n += keys[i] == spec(Parameter::start_in_use).key && (values[i] > 0 || !priors[i].starts_with("fixed")) ? 1 : 0;
  const Cube* adopters = run.cube("adopters");
  if (n == 0 || !adopters) return "";
  constexpr std::string_view kWhich =
      "hich organisations were in use at the start was drawn once, with the population, and is the same in every world";
  const std::string kept = fmt::format(
      "What follows from it stays in the means: in the {} it is a feature of this population, not of real {}s.", map,
      network);
  if (run.n_own_programmes() > 1)
    return fmt::format(" In {} of the {} programmes w{}. {}", n, run.n_own_programmes(), kWhich, kept);
  // The first month that shows them, by when few have come or gone.
  const std::vector<double> eligible = run.file.numbers("eligible").values;
  for (std::size_t t = 0; t < run.times.size(); ++t) {
    const auto whole = adopters->at(run.lead, View::gross, run.programme, static_cast<int>(t), 0);
    if (!whole || whole->mean == 0) continue;
    double least = 1, most = 0;
    for (std::size_t place = 1; place < run.regions.size(); ++place) {
      const auto own = adopters->at(run.lead, View::gross, run.programme, static_cast<int>(t), static_cast<int>(place));
      const double of = eligible[static_cast<std::size_t>(run.programme) * run.regions.size() + place];
      if (!own || !(of > 0)) continue;
      least = std::min(least, own->mean / of);
      most = std::max(most, own->mean / of);
    }
    return fmt::format(" W{}: {:.1f} % to {:.1f} % of each {}'s were in use on {}. {}", kWhich, 100 * least, 100 * most,
                       network, date_text(run.times[t]), kept);
  }
  return "";
}

/// What a reader may see in the map: whether the networks' means differ by more than luck would make them, by the law of
/// `between`, and by how much. Empty where nobody is in use, and where there are no two regions.
std::string luck_of_networks(const Run& run) {
  if (!run.file.has("eligible")) return "";
  const std::vector<double> eligible = run.file.numbers("eligible").values;
  const auto share_of = [&](std::size_t place) {
    return run.report(Metric::adoption_share, run.lead, View::gross, run.programme, 0, static_cast<int>(place));
  };
  std::vector<ShareOfPlace> places;
  for (std::size_t place = 1; place < run.regions.size(); ++place)
    if (const auto share = share_of(place))
      places.push_back(
          {share->mean, share->sd, eligible[static_cast<std::size_t>(run.programme) * run.regions.size() + place]});
  const auto whole = share_of(0);
  if (!whole || places.size() < 2) return "";
  const std::string_view network = run.is_england() ? "network" : "region", map = run.is_england() ? "map" : "table";
  const int n = run.n_replicates();
  const std::string sites = starting_sites(run, network, map);
  if (n < kFewWorlds)
    return paragraph(
        fmt::format("So few worlds cannot tell what sets one {0} apart from luck: no ranking of {0}s should "
                    "be read from them.{1}",
                    network, sites));
  const auto found = between(places, whole->sd, n);
  if (!found) return "";
  const auto points = [](double share) { return shown(100 * share); };
  const std::string law = fmt::format(
      "In any one world luck sets their shares in use {} percentage points apart (standard deviation, each weighing by "
      "its organisations); in means over {} worlds luck alone leaves {}, less than {} in 19 runs of 20, and the {} "
      "shows {}.",
      points(found->luck_of_world), grouped(n), points(found->luck), points(found->luck_at_most), map,
      points(found->of_means));
  const std::string all = run.n_own_programmes() > 1 ? ", all programmes together" : "";
  if (!found->is_more_than_luck())
    return paragraph(fmt::format(
        "The {2} shows no difference between {0}s that luck alone would not make{1}. {3} So no ranking should be read "
        "from it; differences much smaller than that luck could not be seen.{4}",
        network, all, map, law, sites));
  return paragraph(fmt::format(
      "{}s differ by more than luck{}. {} What is the same in every world (organisations and their ties, effort, who "
      "was "
      "in use at the start{}) thus sets them about {} apart. Of two {}s as far apart as that, the one ahead is ahead "
      "in about {:.0f} % of the worlds.{}",
      capitalised(std::string(network)), all, law,
      all.empty() ? "" : fmt::format(", and which programmes a {}'s organisations are eligible for", network),
      points(found->own), network, 100 * found->keeps_its_place(), sites));
}

Section maps(const Run& run, const TileMap& tiles, Json& data) {
  // Of a population of its own a region is nobody's network, and a board no integrated care board, whatever it is called.
  const std::string_view network = run.is_england() ? "network" : "region",
                         board = run.is_england() ? "integrated care board" : "board";
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
      positions.push_back({{"name", tile.full_name},
                           {"short", tile.short_name},
                           {"column", tile.column},
                           {"row", tile.row},
                           {"place", index.back()}});
    }
    if (index.empty()) return;
    Json counts = Json::array(), values = Json::array();
    for (std::size_t p = 0; p < static_cast<std::size_t>(n_drawn(run)); ++p) {
      Json row = Json::array();
      for (const int place : index)
        row.push_back(std::lround(eligible.values[p * places.size() + static_cast<std::size_t>(place)]));
      counts.push_back(std::move(row));
    }
    for (int s = 0; s < static_cast<int>(run.strategies.size()); ++s) {
      if (s != run.lead) {
        values.push_back(nullptr);
        continue;
      }
      Json by_programme = Json::array();
      for (int p = 0; p < n_drawn(run); ++p) {
        Json by_time = Json::array();
        for (std::size_t t = 0; t < run.times.size(); ++t) {
          Json row = Json::array();
          for (const int place : index) {
            const auto v = cube->at(s, View::gross, p, static_cast<int>(t), place);
            const double tenths = v ? std::round(v->mean * 10) : 0;
            row.push_back(!v                                             ? Json()
                          : std::fmod(tenths, 10) == 0 || v->mean >= 100 ? Json(std::lround(v->mean))
                                                                         : Json(tenths / 10));
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

  std::string html = luck_of_networks(run);
  if (!map.empty()) {
    html +=
        "<p class=\"drawn controls\"><label for=\"map-slider\">Month</label> <input id=\"map-slider\" type=\"range\" "
        "min=\"0\" value=\"0\"> <output id=\"map-time\" for=\"map-slider\"></output> <button type=\"button\" "
        "id=\"map-play\">Play</button></p>\n<div class=\"maps drawn\">";
    if (map.contains("region")) {
      html += fmt::format(
          "<figure><h3>{}s</h3><div data-tiles=\"region\"></div><figcaption>{}, <span "
          "data-when></span>; equal tiles, so a large area is not a large number.</figcaption></figure>",
          capitalised(std::string(network)), spec(Metric::adoption_share).label);
    }
    if (map.contains("board")) {
      html += fmt::format(
          "<figure><h3>{}s</h3><div data-tiles=\"board\"></div><figcaption>{}, <span "
          "data-when></span>.</figcaption></figure>",
          capitalised(std::string(board)), spec(Metric::adoption_share).label);
    }
    html += "</div>\n";
    if (!map.contains("board") && map.contains("region"))
      html += paragraph(fmt::format("{}s are not shown: results of so many programmes keep {}s alone.",
                                    capitalised(std::string(board)), network));
  }
  const Beside what = beside(run);
  double least = 1, most = 0;
  std::vector<std::vector<Cell>> rows;
  for (std::size_t place = 0; place < run.regions.size(); ++place) {
    const int p = static_cast<int>(place);
    const auto own = run.report("adopters", run.lead, View::gross, run.programme, 0, p);
    const auto net = run.report("adopters", run.lead, View::net, run.programme, 0, p);
    const auto share = run.report("adoption_share", run.lead, View::gross, run.programme, 0, p);
    if (!own || !net) continue;
    if (share && (place > 0 || run.regions.size() == 1)) {
      least = std::min(least, share->mean);
      most = std::max(most, share->mean);
    }
    rows.push_back(beside_row(what, {capitalised(run.words_of_place(place))},
                              {number_cell(shown(net->mean)), number_cell(range(*net))},
                              {number_cell(shown(own->mean)), number_cell(range(*own)),
                               number_cell(share ? fmt::format("{:.1f} %", 100 * share->mean) : "–")},
                              {}));
  }
  html +=
      folded(fmt::format("Table: in use by {}", network),
             table(fmt::format("In use on {}, by {}", date_text(run.report_to.front()), network),
                   beside_row(what, {capitalised(std::string(network))},
                              {number_cell(fmt::format("because of {} (net)", what_adds(run))), number_cell("90 %")},
                              {number_cell("in use"), number_cell("90 %"), number_cell("share")}, {}),
                   rows));
  if (const Cube* boards = run.cube("icb/adopters"); boards && map.contains("board")) {
    const Labelled eligible = run.file.numbers("icb/eligible");
    const auto after = std::ranges::upper_bound(run.times, run.report_to.front());
    const int month = static_cast<int>(std::max<std::ptrdiff_t>(after - run.times.begin() - 1, 0));
    std::vector<std::vector<Cell>> of_boards;
    for (std::size_t b = 0; b < run.boards.size(); ++b) {
      const auto own = boards->at(run.lead, View::gross, run.programme, month, static_cast<int>(b));
      if (!own) continue;
      const double n = eligible.values[static_cast<std::size_t>(run.programme) * run.boards.size() + b];
      const auto tile = std::ranges::find(tiles.boards, run.boards[b], &Tile::name);
      of_boards.push_back({{tile == tiles.boards.end() ? run.boards[b] : tile->full_name},
                           number_cell(shown(own->mean)),
                           number_cell(range(*own)),
                           number_cell(n > 0 ? fmt::format("{:.1f} %", 100 * own->mean / n) : "–")});
    }
    html +=
        folded(fmt::format("Table: in use by {}", board),
               table(fmt::format("In use on {}, by {}", date_text(run.times[static_cast<std::size_t>(month)]), board),
                     {{"Board"}, number_cell("in use"), number_cell("90 %"), number_cell("share")}, of_boards));
  }
  html += fmt::format(
      "<div class=\"drawn\"><h3>{} by {}</h3>\n<p id=\"multiples-note\"></p>\n"
      "<div class=\"multiples\" id=\"multiples\"></div></div>\n",
      capitalised(std::string(network)), network);
  constexpr std::array<std::size_t, 3> kThree{0, 2, 4};
  // A page of many programmes shows the small pictures of the total alone: the rest would not fit in a megabyte.
  constexpr std::size_t kMostValues = 40000;
  const bool all_programmes =
      static_cast<std::size_t>(n_drawn(run)) * run.regions.size() * run.times.size() * 6 <= kMostValues;
  Json regional = Json::array();
  for (int s = 0; s < static_cast<int>(run.strategies.size()); ++s) {
    if (s != run.lead && s != run.comparator) {
      regional.push_back(nullptr);
      continue;
    }
    Json by_programme = Json::array();
    for (int p = 0; p < n_drawn(run); ++p) {
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
  std::string heading = "Where it spread";
  const auto percent = [](double share) { return fmt::format("{:.0f} %", 100 * share); };
  if (least <= most) {
    // Of several programmes an organisation counts once for each that it is eligible for.
    const std::string_view of =
        run.n_own_programmes() > 1 ? "eligible organisations, all programmes together," : "eligible organisations";
    const std::string when = date_text(run.report_to.front());
    heading = percent(least) == percent(most)
                  ? fmt::format("In every {} {} of {} were on average in use on {}", network, percent(most), of, when)
                  : fmt::format("On average {} to {} of each {}'s {} were in use on {}", percent(least), percent(most),
                                network, of, when);
  }
  return {"places", std::move(heading), std::move(html), "Where it spread"};
}

/// What the other strategies change, replicate by replicate.
Section strategies(const Run& run) {
  constexpr std::array kRows{Metric::ever_adopted,   Metric::patients_benefited,    Metric::admissions_avoided,
                             Metric::events_avoided, Metric::savings_cash_gbp,      Metric::capacity_released_gbp,
                             Metric::cost_gbp,       Metric::net_present_value_gbp, Metric::deprivation_gap};
  const std::vector<std::string> deliveries = lines_of(run.file.text("provenance/deliveries"));
  const std::string no_competition =
      run.file.has("provenance/attention_off") ? run.file.text("provenance/attention_off") : std::string();
  const auto delivery_of = [&](int s) {
    const auto at = static_cast<std::size_t>(s);
    return at < deliveries.size() ? std::string_view(deliveries[at]) : std::string_view();
  };
  // Something that could be done, and no world that only serves comparison.
  const auto is_option = [&](int s) {
    return run.strategy(s) != no_competition &&
           delivery_of(s) == kDeliveryNames[static_cast<std::size_t>(Delivery::as_delivered)];
  };
  // Of the lead, the comparator and the strategies before: what has the same values in every world.
  const auto same_before = [&](int s) -> std::optional<int> {
    const auto is_same = [&](int other) {
      return std::ranges::all_of(run.file.datasets("replicates"), [&](const std::string& name) {
        const auto known = find_metric(name);
        if (!known || spec(*known).paired) return true;
        for (std::size_t p = 0; p < run.programmes.size(); ++p)
          for (std::size_t r = 0; r < run.report_to.size(); ++r)
            if (!same_figures(run.by_replicate(name, s, static_cast<int>(p), static_cast<int>(r)),
                              run.by_replicate(name, other, static_cast<int>(p), static_cast<int>(r))))
              return false;
        return true;
      });
    };
    if (is_same(run.lead)) return run.lead;
    for (int other = 0; other < static_cast<int>(run.strategies.size()); ++other)
      if ((other < s || other == run.comparator) && other != s && is_same(other)) return other;
    return std::nullopt;
  };
  bool any_option = false;
  std::string html;
  const std::vector<int> worlds = worlds_of_drivers(run.strategies, run.lead);  // they only serve the split
  for (int s = 0; s < static_cast<int>(run.strategies.size()); ++s) {
    const std::string& name = run.strategy(s);
    if (s == run.lead || s == run.comparator || std::ranges::find(worlds, s) != worlds.end()) continue;
    any_option = any_option || is_option(s);
    if (const auto other = same_before(s)) {
      html += paragraph(fmt::format("“{}” {} “{}”.", name, kIsTheSameAs, run.strategy(*other)));
      continue;
    }
    struct Row {
      Metric metric;
      Statistics difference;
      std::string chance;
    };
    std::vector<Row> found;
    std::vector<double> admissions;
    LargestMoney money;
    for (const Metric metric : kRows) {
      const std::string of(spec(metric).name);
      const std::vector<double> values = run.by_replicate(of, s, run.programme, 0),
                                baseline = run.by_replicate(of, run.lead, run.programme, 0);
      std::vector<double> differences;
      double n_better = 0;
      for (std::size_t r = 0; r < std::min(values.size(), baseline.size()); ++r) {
        if (std::isnan(values[r]) || std::isnan(baseline[r])) continue;
        differences.push_back(values[r] - baseline[r]);
        n_better += is_better(metric, values[r], baseline[r]) ? 1 : 0;
      }
      if (differences.empty()) continue;
      // Events that are the admissions again.
      if (metric == Metric::admissions_avoided) admissions = differences;
      if (metric == Metric::events_avoided && differences == admissions) continue;
      const auto n = static_cast<double>(differences.size());
      const Statistics d = statistics(differences);
      money.add(metric, {d});
      found.push_back({metric, d, chance_text(n_better / n, static_cast<int>(n))});
    }
    std::vector<std::vector<Cell>> rows;
    for (const auto& [metric, d, chance] : found) {
      const RowUnit unit(metric, Medium::page, {d}, money);
      rows.push_back({{unit.label()}, number_cell(unit.text(d.mean)), number_cell(unit.range(d)), number_cell(chance)});
    }
    if (name == no_competition)
      html += paragraph(
          fmt::format("“{}” is the same as “{}” with attention unlimited: no programme competes with another.", name,
                      run.file.text("provenance/attention_on")));
    else if (const auto at = std::ranges::find(kDeliveryNames, delivery_of(s));
             at != kDeliveryNames.end() && *at != kDeliveryNames.front())
      html += paragraph(
          fmt::format("“{}”: {}.", name, delivery_in_words(static_cast<Delivery>(at - kDeliveryNames.begin()))));
    html += table(fmt::format("{} less {}, to {}", name, run.strategy(run.lead), date_text(run.report_to.front())),
                  {{"Measure"}, number_cell("difference"), number_cell("90 %"), number_cell("better in")}, rows);
  }
  if (html.empty()) return {};
  return {
      "strategies", any_option ? "What else could be done" : "Other worlds, for comparison",
      paragraph(fmt::format("Each strategy against “{}”, in the same worlds: the same organisations, the same luck. "
                            "Better: less cost, a gap nearer 0, else more.",
                            run.strategy(run.lead))) +
          (run.place == 0 ? std::string() : paragraph(capitalised(std::string(kGapIsOfTheWhole)) + ".")) + html};
}

/// The measures of a run under the headings that a network reports by.
Section dimensions(const Run& run) {
  struct Measure {
    Metric metric;
    std::optional<Spread> gross, net;
    std::string spoken_to;  ///< "; one; another;"
  };
  const Beside what = beside(run);
  std::vector<Measure> measures;
  LargestMoney money;
  for (const std::string& name : run.file.datasets("report")) {
    const auto known = find_metric(name);
    if (!known) continue;
    measures.push_back({*known, run.headline(name, View::gross), run.headline(name, View::net),
                        fmt::format("; {};", run.file.attribute("report/" + name, "impact_dimensions"))});
    money.add(*known, {measures.back().gross, measures.back().net});
  }
  const auto means_of = [&](Metric metric) {
    const auto at = std::ranges::find(measures, metric, &Measure::metric);
    return at == measures.end() || !at->gross || !at->net ? std::optional<std::array<double, 2>>()
                                                          : std::array{at->gross->mean, at->net->mean};
  };
  // Events that are admissions are told under that name.
  const bool is_of_admissions_alone =
      means_of(Metric::admissions_avoided) && means_of(Metric::events_avoided) == means_of(Metric::admissions_avoided);
  const auto effect = means_of(subject_of(run).metric);
  const bool is_harm = effect && effect->front() < 0;
  std::string html;
  for (const std::string_view dimension : kImpactDimensionNames) {
    std::vector<std::vector<Cell>> rows;
    for (const auto& [metric, gross, net, spoken_to] : measures) {
      if (spoken_to.find(fmt::format("; {};", dimension)) == std::string::npos ||
          (!gross && (!net || what == Beside::nothing)))
        continue;
      if (metric == Metric::events_avoided && is_of_admissions_alone) continue;
      // A harm has no benefit that could be smaller.
      if (metric == Metric::significantly_reduced && is_harm) continue;
      const RowUnit unit(metric, Medium::page, {gross, net}, money);
      rows.push_back(beside_row(what, {unit.label(run.place)},
                                {number_cell(unit.mean(net)), number_cell(unit.range(net))},
                                {number_cell(unit.mean(gross))}, {}));
    }
    if (!rows.empty())
      html += table(
          capitalised(std::string(dimension)),
          beside_row(what, {"Measure"}, {number_cell("net"), number_cell("90 %")}, {number_cell("gross")}, {}), rows);
  }
  if (html.empty()) return {};
  return {"dimensions", "The same, by kind of impact",
          paragraph("A measure can speak to several kinds of impact; nothing is added up over them.") +
              folded("Tables by kind of impact", html)};
}

/// Of how many worlds the measures relative to benefit are stated, where not of all: none that some lose in. Nothing where
/// there are no two regions to differ.
std::string worlds_without_losers(const Run& run) {
  if (!run.headline(spec(subject_of(run).metric).name, View::gross)) return "";
  const std::vector<std::string> metrics = run.file.texts("diagnostics/metric");
  const Cube n_defined(run.file.numbers("diagnostics/n_defined"));
  const Labelled& of = n_defined.data();
  const auto n_of = [&](Metric metric) {
    const auto at = static_cast<std::size_t>(std::ranges::find(metrics, spec(metric).name) - metrics.begin());
    if (at == metrics.size()) return -1;  // of no programme of the run there can be such a measure
    const std::vector<std::size_t> index{at, static_cast<std::size_t>(run.lead), static_cast<std::size_t>(View::net),
                                         static_cast<std::size_t>(run.programme), 0};
    if (of.shape.size() != index.size()) throw run.file.broken("its diagnostics have other axes");
    std::size_t offset = 0;
    for (std::size_t axis = 0; axis < index.size(); ++axis) offset = offset * of.shape[axis] + index[axis];
    return static_cast<int>(of.values[offset]);
  };
  if (n_of(Metric::regional_cv) <= 0) return "";  // of adoption, which is never below 0: there are no two regions
  const int n = n_of(Metric::benefit_regional_cv), n_worlds = run.n_replicates();
  if (n < 0 || n == n_worlds) return "";
  const std::string_view region = run.is_england() ? "network" : "region";
  constexpr std::string_view kWhy =
      "a coefficient of variation or Gini index of a benefit that is below 0 for some has no meaning";
  if (n == 0)
    return paragraph(
        fmt::format("How unequal benefit is between {}s is not stated: in no world is it at least 0 in each "
                    "of them, with and without {}, and {}.",
                    region, what_adds(run), kWhy));
  return paragraph(fmt::format(
      "How unequal benefit is between {}s is stated for the {} of {} worlds in which it is at "
      "least 0 in each of them, with and without {}: {}. The change is that of these worlds; what stands "
      "beside it, with and without, is of all worlds that have it, so that it need not differ by the change.",
      region, grouped(n), grouped(n_worlds), what_adds(run), kWhy));
}

/// " (90 %: 2.6 fewer to 2.8 more)": an interval of a difference that a heading tells without a sign.
std::string more_or_fewer(const Spread& s) {
  if (all_agree(s)) return "";
  const RowUnit unit(Metric::deprivation_gap, Medium::page, {s});
  const std::string low = unit.text(std::abs(s.p05)), high = unit.text(std::abs(s.p95));
  return s.p05 < 0 && s.p95 > 0 ? fmt::format(" (90 %: {} fewer to {} more)", low, high)
         : s.p95 <= 0           ? fmt::format(" (90 %: {} to {} fewer)", high, low)
                                : fmt::format(" (90 %: {} to {} more)", low, high);
}

Section equity(const Run& run) {
  const Beside what = beside(run);
  std::vector<std::vector<Cell>> rows;
  for (const Metric metric : kEquityRows) {
    const auto own = run.report(metric, run.lead, View::gross, run.programme, 0, 0);
    const auto other = run.report(metric, run.lead, View::counterfactual, run.programme, 0, 0);
    const auto change = run.report(metric, run.lead, View::net, run.programme, 0, 0);
    if (!own || !other || !change) continue;
    const RowUnit unit(metric, Medium::page, {own, other, change});
    rows.push_back(beside_row(what, {unit.label()}, {number_cell(unit.mean(change)), number_cell(unit.range(change))},
                              {number_cell(unit.mean(own))}, {number_cell(unit.mean(other))}));
  }
  const bool is_known = run.report(Metric::deprivation_gap, run.lead, View::gross, run.programme, 0, 0).has_value();
  std::string html = paragraph(
      is_known
          ? "Above 0 favours the least deprived (slope, relative and concentration indices) or the most deprived "
            "(gap). Deprivation is that of the organisation's area, not of its patients."
          : "How deprived the areas of these organisations are is not known: differences between regions alone can "
            "be shown.");
  html += table(fmt::format("On {}, {}", date_text(run.report_to.front()), run.words_of_place(0)),
                beside_row(what, {"Measure"}, {number_cell("change (net)"), number_cell("90 %")},
                           {number_cell(what == Beside::nothing ? "mean" : "with")}, {number_cell("without")}),
                rows);
  html += worlds_without_losers(run);
  const auto gap = run.report("deprivation_gap", run.lead, View::gross, run.programme, 0, 0);
  std::string heading = "Who was left behind";
  if (gap) {
    constexpr double kPoint = 0.01;
    const std::string interval = more_or_fewer(*gap);
    // Known of the whole alone, which a page about a region has to say.
    const std::string of_all = run.place == 0 ? "" : fmt::format(" of {}", run.words_of_place(0));
    heading =
        std::abs(gap->mean) < kPoint
            ? fmt::format("The most deprived fifth{} was on average within one percentage point of the rest{}", of_all,
                          interval)
            : fmt::format("In the most deprived fifth{} {:.1f} percentage points {} were in use than in the rest{}",
                          of_all, 100 * std::abs(gap->mean), gap->mean > 0 ? "more" : "fewer", interval);
  }
  return {"equity", std::move(heading), std::move(html), "Who was left behind"};
}

/// As it stands within a sentence: "Risk of the event", but not "QALYs".
std::string uncapitalised(std::string text) {
  if (text.size() > 1 && std::islower(static_cast<unsigned char>(text[1])) != 0)
    text.front() = static_cast<char>(std::tolower(static_cast<unsigned char>(text.front())));
  return text;
}

Section drivers(const Run& run, const fs::path& folder, Json& data) {
  if (is_same_world(run))
    return {"drivers", "Nothing drives the net result: it is 0",
            paragraph("Both worlds are the same in every replicate: no assumption that was drawn moves it."),
            "What drives the answer"};
  const auto [found, of_another] = one_way_study(run, folder);
  if (found.is_null()) {
    return {
        "drivers", "What drives the answer: not asked for",
        (of_another.empty() ? std::string()
                            : paragraph(fmt::format("The study in sensitivity.json is about something else than "
                                                    "this page ({}), so it is not shown.",
                                                    of_another))) +
            "<p>Not run. <code>uptake sensitivity SCENARIO --method one-way -o FOLDER</code> moves one assumption at a "
            "time through its range on the same clocks; made into this folder, it is drawn here.</p>\n",
        "What drives the answer"};
  }
  constexpr std::size_t kMostBars = 15;
  std::string heading = "What drives the answer";
  const auto metric = find_metric(found["metric"].get<std::string>());
  if (!metric) return {};
  std::vector<double> figures{found["base"].get<double>()};
  for (const Json& row : found["parameters"])
    for (const char* const key : {"at_low", "at_high"})
      if (row[key].is_number()) figures.push_back(row[key].get<double>());
  const RowUnit unit(*metric, Medium::page, figures);
  Json bars = Json::array();
  std::vector<std::vector<Cell>> rows;
  for (const Json& row : found["parameters"]) {
    if (rows.size() == kMostBars) break;
    const ParameterSpec* const known = find_parameter(row["parameter"].get<std::string>());
    std::string meaning = known ? std::string(known->meaning) : row["parameter"].get<std::string>();
    meaning.resize(std::min(meaning.find(';'), meaning.size()));
    if (rows.empty()) heading = fmt::format("What drives the answer most: {}", uncapitalised(meaning));
    // A result is null where the metric is undefined: no bar can be drawn from there.
    if (row["at_low"].is_number() && row["at_high"].is_number())
      bars.push_back({{"name", row["parameter"]},
                      {"meaning", meaning},
                      {"at_low", row["at_low"].get<double>() / unit.factor()},
                      {"at_high", row["at_high"].get<double>() / unit.factor()}});
    const auto result = [&](const char* key) {
      return number_cell(row[key].is_number() ? unit.text(row[key].get<double>()) : "–");
    };
    rows.push_back({{row["parameter"].get<std::string>()},
                    result("at_low"),
                    result("at_high"),
                    number_cell(fmt::format("{} to {}{}", parameter_text(row["low"].get<double>()),
                                            parameter_text(row["high"].get<double>()),
                                            unit_behind(row["unit"].get<std::string>()))),
                    {std::move(meaning)},
                    {row["grade"].get<std::string>()}});
  }
  data["tornado"] = {{"bars", bars},
                     {"base", found["base"].get<double>() / unit.factor()},
                     {"unit", fmt::format("{} (net)", unit.label(run.place))},
                     {"label", fmt::format("Net result in {} when one assumption moves through its range",
                                           in_sentence(run.place_words()))}};
  return {"drivers", std::move(heading),
          fmt::format("<figure class=\"drawn\"><div id=\"tornado\"></div><figcaption>In {0}. Each bar: one assumption "
                      "from its 5 % (outline) to its 95 % point (filled), all others {2}, on the same "
                      "clocks. The line: {1} {2}. {3}</figcaption></figure>\n",
                      escaped(in_sentence(run.place_words())), unit.text(found["base"].get<double>()),
                      where_a_study_stands(run.is_calibrated()), kNotTheMean) +
              table(fmt::format("One assumption at a time, {}: {} (net)", run.place_words(), unit.label(run.place)),
                    {{"Assumption"},
                     number_cell("result at low"),
                     number_cell("result at high"),
                     number_cell("range"),
                     {"meaning"},
                     {"grade"}},
                    rows),
          "What drives the answer"};
}

/// What the keys stand for that parameters and published figures cite, and what they give in words: first what stands on
/// the page, then what only the model uses. @param shown the page's sections
std::string lists_of_sources(const Run& run, const Sources& sources, const std::vector<Section>& shown) {
  std::map<std::string, const Source*> on_page, cited;
  std::string page;
  for (const Section& section : shown) page += section.html;
  sources.cite(page, on_page);
  std::vector<std::string> texts;
  std::set<std::string> in_words;
  const auto add_in_words = [&](const std::string& text) {
    std::map<std::string, const Source*> keys;
    sources.cite(text, keys);
    if (!text.empty() && keys.empty()) in_words.insert(text);
  };
  for (const ParameterLine& line : parameters_of(run)) {
    if (!line.acts) continue;
    texts.push_back(line.source);
    // Of what is derived, assumed or drawn from a posterior the text is a reason, no source.
    if (line.grade == name_of(Grade::read) && !line.posterior) add_in_words(line.source);
  }
  if (run.file.has("published/source"))
    for (const std::string& text : run.file.texts("published/source")) add_in_words(text);
  for (const char* path : {"published/source", "published/note"})
    if (run.file.has(path)) std::ranges::move(run.file.texts(path), std::back_inserter(texts));
  for (const std::string& text : texts) sources.cite(text, cited);
  cited.insert(on_page.begin(), on_page.end());

  std::vector<std::vector<Cell>> here, elsewhere;
  constexpr std::string_view kNoAddress = "no public address";
  // S2 before S10: of codes that begin with the same letter, the shorter one has the smaller number.
  std::vector<std::pair<std::string, const Source*>> in_order(cited.begin(), cited.end());
  std::ranges::sort(in_order, {}, [](const auto& one) {
    const std::string& key = one.first;
    return std::tuple(key.front(), key.front() == 'S' ? key.find_last_of("0123456789") : 0, key);
  });
  for (const auto& [key, source] : in_order)
    (on_page.contains(key) ? here : elsewhere)
        .push_back({{key}, {source->note}, {source->url.empty() ? std::string(kNoAddress) : source->url}});
  for (const std::string& text : in_words)
    (page.find(escaped(text)) != std::string::npos ? here : elsewhere).push_back({{"in words"}, {text}, {""}});
  const auto list_of = [](std::string_view name, const std::vector<std::vector<Cell>>& rows) {
    if (rows.empty()) return std::string();
    const std::string said = fmt::format("{} ({})", name, rows.size());
    return folded(said, table(name, {{"Code"}, {"what was read there"}, {"page"}}, rows));
  };
  return list_of("Sources on this page", here) +
         list_of("Sources of the model that are not on this page, but in results.h5", elsewhere);
}

/// Every parameter that the run uses with its grade and source, those that decide most answers first; then, by name, those
/// that it does not use.
Section assumptions(const Run& run) {
  const std::vector<ParameterLine> lines = parameters_of(run);
  const auto head = [&](std::string_view first) {
    return std::vector<Cell>{{std::string(first)},
                             {"meaning"},
                             number_cell("value"),
                             {"unit"},
                             {run.is_calibrated() ? "prior or posterior" : "prior"},
                             {"grade"},
                             {"source"}};
  };
  const auto row = [](const ParameterLine& line, std::string name) {
    return std::vector<Cell>{{std::move(name)},
                             {line.meaning},
                             number_cell(line.value_text()),
                             {line.unit},
                             {short_prior(line.drawn_from())},
                             {line.grade},
                             {line.source_text()}};
  };
  std::vector<std::vector<Cell>> decisive;
  const bool is_single = run.n_own_programmes() == 1;
  for (const ParameterLine& line : lines)
    if (!line.programme.empty() && line.decides)
      decisive.push_back(
          row(line, is_single ? line.key : fmt::format("{}: {}", run.title_of(line.programme), line.key)));
  std::string html = paragraph(fmt::format("{}. Those that answers usually hang on most:", grades_in_words(lines)));
  if (run.is_calibrated())
    html += paragraph(
        "Where a parameter is drawn from the posterior, its value is the median of the draws, with their 90 % range; "
        "what it would be without a record stands with its source.");
  html += paragraph(
      "Priors: LN(m, s) is log-normal with median m and standard deviation s of the logarithm, N(m, s) normal, U(a, b) "
      "uniform, LU(a, b) uniform in the logarithm; fixed is not drawn. Codes that begin with S or O "
      "are sources: they are listed below.");
  const std::string first = table("Parameters that answers usually hang on most", head("Parameter"), decisive);
  html += is_single ? first
                    : folded(fmt::format("Table: what decides most answers ({})", plural(decisive.size(), "parameter")),
                             first);
  // Long lists of many programmes would make the page too large: what is left out stands in the results file.
  constexpr std::size_t kMost = 700;
  const std::size_t n_acting = uptake::n_acting(lines);
  if (n_acting > kMost) {
    html += paragraph("All of them with their sources: group /parameters of results.h5, or “uptake params SCENARIO”.");
  } else {
    std::vector<std::vector<Cell>> rows;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const std::string& programme = lines[i].programme;
      if (lines[i].acts) rows.push_back(row(lines[i], lines[i].key));
      if ((i + 1 < lines.size() && lines[i + 1].programme == programme) || rows.empty()) continue;
      const std::string title = run.title_of(programme);
      const std::string name = programme.empty()    ? "Economics"
                               : title == programme ? title
                                                    : fmt::format("{} ({})", title, programme);
      html +=
          folded(fmt::format("{} ({})", name, plural(rows.size(), "parameter")), table(name, head("Parameter"), rows));
      rows.clear();
    }
  }
  if (const std::size_t n_idle = lines.size() - n_acting; n_idle > 0) {
    const std::string why = paragraph(
        "They belong to stages, effort, mandates, ties or outcomes that this run does not have, or are not known: no "
        "value of them would change a figure of this page, so they are not counted above.");
    std::vector<std::vector<Cell>> rows;
    for (const ParameterLine& line : lines)
      if (!line.acts) rows.push_back({{line.key}, {line.meaning}, number_cell(line.value_text()), {line.unit}});
    html += folded(fmt::format("Not used in this run ({})", plural(n_idle, "parameter")),
                   is_single ? why + table("Parameters that this run does not use",
                                           {{"Parameter"}, {"meaning"}, number_cell("value"), {"unit"}}, rows)
                             : why + paragraph("They are named in /parameters of results.h5, column “acts”."));
  }
  return {"assumptions",
          fmt::format("What this rests on: {} of {} parameters are assumptions",
                      grouped(static_cast<double>(n_graded(lines, Grade::assumption))),
                      grouped(static_cast<double>(n_acting))),
          std::move(html), "What this rests on"};
}

Section provenance(const Run& run, const fs::path& scenarios) {
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
          preformatted("Command that repeats the run", repeating_command(run, scenarios)) +
          table("Provenance", {{"What"}, {"value"}}, rows) +
          folded("The scenario file", preformatted("The scenario file", file.text("provenance/scenario_text")))};
}

Json observed(const Run& run, const Sources& sources) {
  Json all = Json::array();
  if (!run.file.has("published/metric")) return all;
  const auto metric = run.file.texts("published/metric"), programme = run.file.texts("published/programme"),
             source = run.file.texts("published/source"), region = run.file.texts("published/region"),
             place = run.file.has("published/place") ? run.file.texts("published/place") : std::vector<std::string>{};
  const auto value = run.file.numbers("published/value").values;
  const auto to = run.file.dates("published/to");
  for (std::size_t i = 0; i < metric.size(); ++i) {
    if (region[i] != run.place_name()) continue;
    const auto of = std::ranges::find(run.programmes, programme[i]);
    all.push_back({{"metric", metric[i]},
                   {"programme", of - run.programmes.begin()},
                   {"date", iso(to[i])},
                   {"value", value[i]},
                   {"label", fmt::format("published{}: {}",
                                         i < place.size() && place[i] == kEngland && !run.is_england()
                                             ? std::string(" of England")
                                             : std::string(),
                                         sources.in_words(source[i]))}});
  }
  return all;
}

/// What must be known beside the figures, right behind the finding.
Section notes(const Run& run) {
  if (!run.file.has("provenance/notes")) return {};
  // Of several programmes each has its own, which begin with its name: the first of many would say nothing of the rest.
  std::vector<std::string> of_all, of_one;
  for (const std::string& note : lines_of(run.file.text("provenance/notes"))) {
    const std::string name = note.substr(0, std::min(note.find(": "), note.size()));
    const bool is_own = run.n_own_programmes() > 1 && std::ranges::find(run.programmes, name) != run.programmes.end();
    is_own ? of_one.push_back(run.title_of(name) + note.substr(name.size())) : of_all.push_back(note);
  }
  if (of_all.empty() && of_one.empty()) return {};
  constexpr std::ptrdiff_t kMost = 8;
  const auto cut = of_all.begin() + std::min(kMost, std::ssize(of_all));
  std::string html = of_all.empty() ? std::string() : list({of_all.begin(), cut});
  if (cut != of_all.end())
    html += folded(plural(static_cast<std::size_t>(of_all.end() - cut), "further note"), list({cut, of_all.end()}));
  if (!of_one.empty()) html += folded(plural(of_one.size(), "note") + " on single programmes", list(of_one));
  return {"notes", "What to know beside these figures", std::move(html), ""};
}

std::string page_of(const Run& run, const fs::path& folder, const fs::path& tables) {
  std::vector<std::string> places;
  for (std::size_t p = 0; p < run.regions.size(); ++p) places.push_back(run.words_of_place(p));
  Json data{
      {"schema", 1},
      {"strategies", run.strategies},
      {"lead", run.lead},
      {"adds", what_adds(run)},
      {"comparator", beside(run) == Beside::nothing ? run.lead : run.comparator},
      {"programme", run.programme},
      {"places", places},
      {"words", {{"adopters", spec(Metric::adopters).label}, {"adoption_share", spec(Metric::adoption_share).label}}}};
  Json programmes = Json::array(), times = Json::array();
  for (std::size_t p = 0; p < run.programmes.size(); ++p)
    programmes.push_back({{"name", run.programmes[p]}, {"title", run.title_of(p)}});
  for (const Date time : run.times) times.push_back(iso(time));
  const auto headline = std::ranges::find_if(run.times, [&](Date t) { return t >= run.report_to.front(); });
  data["programmes"] = std::move(programmes);
  data["headline_time"] = std::min<std::ptrdiff_t>(headline - run.times.begin(), std::ssize(run.times) - 1);
  data["times"] = std::move(times);
  const Sources sources(tables.parent_path() / kSourcesFile);
  data["observed"] = observed(run, sources);

  const std::string coverage = past_coverage(run, tables.parent_path());
  std::vector<Section> sections;
  for (Section& section : std::array{finding(run, coverage, sources),
                                     notes(run),
                                     waterfall(run, data),
                                     course(run, coverage, data),
                                     maps(run, tile_map(tables), data),
                                     programme_by_programme(run),
                                     outcomes_and_savings(run, data),
                                     cost_effectiveness(run, data),
                                     strategies(run),
                                     equity(run),
                                     dimensions(run),
                                     split(run, data),
                                     displacement(run, folder, data),
                                     growth(run, data),
                                     drivers(run, folder, data),
                                     calibration_section(run, data),
                                     published_section(run, sources),
                                     backtest_section(folder, run, data),
                                     assumptions(run),
                                     provenance(run, tables.parent_path())}) {
    if (!section.id.empty()) sections.push_back(std::move(section));
  }
  const std::string lists = lists_of_sources(run, sources, sections);
  std::ranges::find(sections, "assumptions", &Section::id)->html += lists;
  // What the run is about comes behind the finding.
  const auto ledger = std::ranges::find(sections, "growth", &Section::id);
  if (run.is_about_growth() && ledger != sections.end()) std::rotate(sections.begin() + 1, ledger, ledger + 1);

  return page_html(run.population_note.empty() ? run.title : fmt::format("{} (synthetic population)", run.title),
                   fmt::format("{}; {}{}.", capitalised(run.place_words()), run.strategy(run.lead),
                               run.lead == run.comparator ? std::string()
                                                          : fmt::format(" against {}", run.strategy(run.comparator))),
                   sections, data);
}

}  // namespace

void write_report(const Run& run, const fs::path& folder, const fs::path& tables) {
  replace_file(folder / "report.html", page_of(run, folder, tables));
}

}  // namespace uptake
