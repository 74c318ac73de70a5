#include "scenario/strategy.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "population/regions.hpp"
#include "scenario/settings.hpp"

namespace uptake {

namespace {
constexpr std::array<std::string_view, 2> kAttentionNames{"as-scenario", "off"};

// Bounds against slips of the pen [A].
constexpr std::size_t kMostStrategies = 64;

/// Which keys a lever of each kind takes beside kind, programmes and regions, and which of them it needs.
struct LeverForm {
  std::string_view takes, needs;  ///< separated by spaces
};
constexpr std::string_view kEffortKeys =
    "from to factor staff_days_per_year targeting organisations package_days package_weeks";
constexpr std::array<LeverForm, kLeverNames.size()> kLeverForms{{
    {kEffortKeys, ""},                              // facilitation
    {kEffortKeys, ""},                              // outreach
    {"from to", ""},                                // incentive
    {"from to factor", "factor"},                   // shock
    {"share targeting organisations", ""},          // seeding
    {"delay_weeks", "delay_weeks"},                 // delay
    {"from", "from"},                               // withdrawal
    {"from to share", "share"},                     // tariff
    {"from to share targeting organisations", ""},  // communities
    {"from to factor", "factor"},                   // capacity
}};
constexpr std::array<std::string_view, 10> kLeverKeys{
    "from",          "to",    "factor",     "staff_days_per_year", "targeting", "organisations", "package_days",
    "package_weeks", "share", "delay_weeks"};

bool holds_word(std::string_view words, std::string_view word) {
  for (std::size_t at = words.find(word); at != std::string_view::npos; at = words.find(word, at + 1)) {
    const bool begins = at == 0 || words[at - 1] == ' ';
    const bool ends = at + word.size() == words.size() || words[at + word.size()] == ' ';
    if (begins && ends) return true;
  }
  return false;
}

/// Keys of other kinds are reported and not read; keys that the kind needs are asked for.
void check_lever_keys(TableReader& reader, LeverKind kind) {
  const auto k = static_cast<std::size_t>(kind);
  for (const std::string_view key : kLeverKeys) {
    const TomlEntry* entry = find_entry(reader.table(), key);
    if (entry && !holds_word(kLeverForms[k].takes, key)) {
      reader.report(entry->place, fmt::format("a lever of kind \"{}\" takes no {}", kLeverNames[k], key),
                    fmt::format("it takes {}", kLeverForms[k].takes));
    }
    if (!entry && holds_word(kLeverForms[k].needs, key)) {
      reader.report(reader.place(), fmt::format("a lever of kind \"{}\" needs {}", kLeverNames[k], key));
    }
  }
}

void read_lever_amounts(TableReader& reader, Lever& lever) {
  // Outreach comes on top of what is delivered, so it cannot be less than that.
  const double least = lever.kind == LeverKind::outreach ? 1 : 0;
  lever.factor = reader.quantity("factor", "1", least, 1000).value_or(1);
  lever.staff_days_per_year = reader.quantity("staff_days_per_year", "staff-days/year", 0, 1e7);
  if (const auto rule = reader.choice("targeting", kTargetingNames)) lever.targeting = static_cast<Targeting>(*rule);
  lever.organisations = plain(reader.texts("organisations"));
  lever.package_days = reader.quantity("package_days", "staff-days", 0.01, 1e5);
  lever.package_weeks = reader.quantity("package_weeks", "week", 1, kMostWeeks);
  // Everybody joins a community of practice unless a share is stated.
  lever.share = reader.quantity("share", "share", 0, 1).value_or(lever.kind == LeverKind::communities ? 1 : 0);
  lever.delay_weeks = reader.quantity("delay_weeks", "week", 0, kMostWeeks).value_or(0);
  if (lever.delay_weeks > 0 && std::lround(lever.delay_weeks) == 0)
    reader.report(
        reader.find("delay_weeks")->place,
        fmt::format("delay_weeks is {:.2g} weeks, which is no delay: it is rounded to whole weeks", lever.delay_weeks),
        "write at least \"1 week\"");
}

void check_lever_amounts(TableReader& reader, const Lever& lever) {
  const std::string_view kind = kLeverNames[static_cast<std::size_t>(lever.kind)];
  const bool is_effort = lever.kind == LeverKind::facilitation || lever.kind == LeverKind::outreach;
  const bool has_factor = reader.find("factor"), has_days = reader.find("staff_days_per_year");
  if (is_effort && has_factor == has_days) {
    reader.report(reader.place(), fmt::format("a lever of kind \"{}\" {} factor or staff_days_per_year{}", kind,
                                              has_factor ? "takes" : "needs", has_factor ? ", not both" : ""));
  }
  if ((reader.find("package_days") == nullptr) != (reader.find("package_weeks") == nullptr)) {
    reader.report(reader.place(), "package_days and package_weeks belong together");
  }
  const bool is_order = lever.targeting && lever.targeting != Targeting::even && lever.targeting != Targeting::by_size;
  if (is_effort && is_order && !reader.find("package_days") && !reader.find("package_weeks")) {
    reader.report(reader.place(),
                  fmt::format("an order of rollout (targeting = \"{}\") needs the days of each organisation's package",
                              kTargetingNames[static_cast<std::size_t>(*lever.targeting)]),
                  "add package_days and package_weeks, as in scenarios/what-if/most-deprived-first.toml");
  }
  const bool has_list = reader.find("organisations"), wants_list = lever.targeting == Targeting::listed;
  if (lever.kind == LeverKind::seeding && !has_list && !reader.find("share")) {
    reader.report(reader.place(), "a lever of kind \"seeding\" needs share or organisations");
  } else if ((is_effort || lever.kind == LeverKind::seeding || lever.kind == LeverKind::communities) &&
             has_list != wants_list) {
    reader.report(reader.place(), has_list ? "organisations are listed but targeting is not \"list\""
                                           : "targeting = \"list\" needs organisations");
  }
}

void read_lever_window(TableReader& reader, const Calendar& calendar, Lever& lever) {
  if (!reader.find("from") && !reader.find("to")) return;
  constexpr Date kOpenEnd = std::chrono::year{9999} / 12 / 31;
  lever.window = read_window(reader, "the window", Window{calendar.start, kOpenEnd});
  if (!lever.window) return;
  const Date last = calendar.last_day();
  if (lever.window->from > last) {
    reader.report(reader.find("from")->place,
                  fmt::format("the window starts on {}, beyond the horizon, which ends on {}", iso(lever.window->from),
                              iso(last)));
  }
  lever.window->to = std::min(lever.window->to, last);
}

Lever read_lever(TableReader& reader, const Calendar* calendar, std::span<const Region> regions,
                 const Scenario& scenario) {
  Lever lever;
  lever.where = reader.place().text();
  reader.require("kind", "\"facilitation\"");
  const auto kind = reader.choice("kind", kLeverNames);
  for (const LocatedText& name : reader.texts("programmes")) {
    const auto at = std::ranges::find(scenario.programmes, name.text, &ProgrammeSpec::name);
    if (at != scenario.programmes.end()) {
      lever.programmes.push_back(static_cast<int>(at - scenario.programmes.begin()));
    } else {
      reader.report(name.place, fmt::format("unknown programme \"{}\"", name.text),
                    did_you_mean(name.text, programme_names(scenario)));
    }
  }
  lever.regions = read_regions(reader, "regions", regions);
  // All of them where the key is absent: an empty list could mean either.
  for (const std::string_view key : {"programmes", "regions", "organisations"}) {
    const TomlEntry* entry = find_entry(reader.table(), key);
    const auto* list = entry ? entry->value.as<TomlValue::Array>() : nullptr;
    if (list && list->empty())
      reader.report(entry->place, fmt::format("{} is an empty list", key),
                    key == "organisations" ? "name them by their codes" : "name some, or leave it out for all");
  }
  if (!kind) {
    for (const std::string_view key : kLeverKeys) reader.find(key);
    return lever;
  }
  lever.kind = static_cast<LeverKind>(*kind);
  check_lever_keys(reader, lever.kind);
  read_lever_amounts(reader, lever);
  check_lever_amounts(reader, lever);
  if (calendar) read_lever_window(reader, *calendar, lever);
  for (const std::string_view key : {"from", "to"}) reader.find(key);
  return lever;
}

void read_strategy(TableReader& reader, const Calendar* calendar, std::span<const Region> regions, Scenario& scenario) {
  Strategy strategy;
  reader.require("name", "\"as-delivered\"");
  strategy.name = reader.text("name").value_or("");
  if (!strategy.name.empty()) check_name(reader, "name", strategy.name);
  if (!strategy.name.empty() && std::ranges::count(scenario.strategies, strategy.name, &Strategy::name) > 0) {
    reader.report(reader.find("name")->place, fmt::format("two strategies are called \"{}\"", strategy.name));
  }
  const auto own = std::ranges::find(kDeliveryNames, strategy.name);
  const auto by_name =
      own == kDeliveryNames.end() ? Delivery::as_delivered : static_cast<Delivery>(own - kDeliveryNames.begin());
  strategy.delivery = choice_or(reader, "delivery", kDeliveryNames, by_name);
  std::vector<Location> places;  // of the levers
  reader.tables("lever", [&](TableReader& lever) {
    places.push_back(lever.place());
    strategy.levers.push_back(read_lever(lever, calendar, regions, scenario));
  });
  for (const LocatedText& name : reader.texts("without")) {
    const auto at = std::ranges::find(kDriverNames, name.text);
    if (at != kDriverNames.end()) {
      strategy.without.push_back(static_cast<Driver>(at - kDriverNames.begin()));
    } else {
      reader.report(name.place,
                    fmt::format("without names an unknown driver \"{}\" (must be {})", name.text, one_of(kDriverNames)),
                    did_you_mean(name.text, kDriverNames));
    }
  }
  strategy.attention = choice_or(reader, "attention", kAttentionNames, Attention::as_scenario);

  const auto lacks = [&](Driver driver) { return std::ranges::count(strategy.without, driver) > 0; };
  for (const Lever& lever : strategy.levers) {
    const bool is_effort = lever.kind == LeverKind::facilitation || lever.kind == LeverKind::outreach;
    const bool is_incentive = lever.kind == LeverKind::incentive || lever.kind == LeverKind::tariff;
    const bool no_programme = strategy.delivery == Delivery::no_programme;
    const bool is_idle = (is_effort && (strategy.delivery != Delivery::as_delivered || lacks(Driver::effort))) ||
                         (is_incentive && (no_programme || lacks(Driver::incentive))) ||
                         (lever.kind == LeverKind::shock && lacks(Driver::shock));
    if (!is_idle) continue;
    reader.report(
        places[static_cast<std::size_t>(&lever - strategy.levers.data())],
        fmt::format("a lever of kind \"{}\" does nothing in the strategy \"{}\", which leaves out what it acts through",
                    kLeverNames[static_cast<std::size_t>(lever.kind)], strategy.name),
        "take out the lever, or the strategy's delivery or without");
  }

  const bool is_comparator = own != kDeliveryNames.end() && by_name != Delivery::as_delivered;
  if (is_comparator && (strategy.delivery != by_name || !strategy.levers.empty() || !strategy.without.empty() ||
                        strategy.attention != Attention::as_scenario)) {
    reader.report(reader.place(),
                  fmt::format("the comparator \"{}\" takes neither levers nor another delivery", strategy.name),
                  "choose another name");
  }
  scenario.strategies.push_back(std::move(strategy));
}
}  // namespace

std::string name_without(DriverSet lacking) {
  std::string name = "without";
  for (std::size_t driver = 0; driver < kDriverNames.size(); ++driver) {
    if ((lacking >> driver & 1U) != 0) name += fmt::format("-{}", kDriverNames[driver]);
  }
  return name;
}

std::vector<int> worlds_of_drivers(std::span<const std::string> strategies, int lead) {
  std::vector<int> worlds;
  for (DriverSet lacking = kAllDrivers; lacking > 0; --lacking) {
    const auto at = std::ranges::find(strategies, name_without(lacking));
    if (at == strategies.end()) return {};
    worlds.push_back(static_cast<int>(at - strategies.begin()));
  }
  worlds.push_back(lead);
  return worlds;
}

int lead_strategy(const Scenario& scenario) {
  const auto& strategies = scenario.strategies;
  auto lead = std::ranges::find(strategies, Delivery::as_delivered, &Strategy::delivery);
  // Comparators take no levers: what a scenario adds to a world in which nothing is delivered is another strategy.
  const auto is_own = [](const Strategy& one) {
    return one.name != kDeliveryNames[1] && one.name != kDeliveryNames[2];
  };
  if (lead == strategies.end()) lead = std::ranges::find_if(strategies, is_own);
  return lead == strategies.end() ? 0 : static_cast<int>(lead - strategies.begin());
}

void add_worlds_of_drivers(TableReader& reader, Scenario& scenario) {
  if (scenario.shapley == Shapley::off) return;
  const TomlValue* asked = reader.find("shapley");
  const auto lead = std::ranges::find(scenario.strategies, Delivery::as_delivered, &Strategy::delivery);
  if (lead == scenario.strategies.end()) {
    reader.report(asked->place, "shapley = true splits what is delivered, and no strategy is as delivered");
    return;
  }
  const Strategy whole = *lead;
  for (DriverSet lacking = kAllDrivers; lacking > 0; --lacking) {
    Strategy world = whole;
    world.name = name_without(lacking);
    for (std::size_t driver = 0; driver < kDriverNames.size(); ++driver) {
      const auto id = static_cast<Driver>(driver);
      if ((lacking >> driver & 1U) != 0 && std::ranges::find(world.without, id) == world.without.end())
        world.without.push_back(id);
    }
    if (std::ranges::count(scenario.strategies, world.name, &Strategy::name) > 0) {
      reader.report(asked->place,
                    fmt::format("shapley = true makes a strategy \"{}\" and there is one already", world.name),
                    "choose another name for it");
    }
    scenario.strategies.push_back(std::move(world));
  }
}

std::vector<std::string_view> programme_names(const Scenario& scenario) {
  std::vector<std::string_view> names;
  for (const ProgrammeSpec& programme : scenario.programmes) names.push_back(programme.name);
  return names;
}

void read_common_levers(TableReader& reader, const Calendar* calendar, std::span<const Region> regions,
                        Scenario& scenario) {
  reader.tables("lever", [&](TableReader& lever) {
    const TomlValue* kind = lever.find("kind");
    const std::string* name = kind ? kind->as<std::string>() : nullptr;
    if (name && (*name == "facilitation" || *name == "outreach")) {
      lever.report(kind->place,
                   fmt::format("a lever of kind \"{}\" is the network's, and cannot act in every world", *name),
                   "put it under a strategy");
    }
    scenario.levers.push_back(read_lever(lever, calendar, regions, scenario));
  });
}

void read_strategies(TableReader& reader, const Calendar* calendar, std::span<const Region> regions,
                     Scenario& scenario) {
  std::vector<Strategy>& strategies = scenario.strategies;
  reader.tables("strategy", [&](TableReader& one) { read_strategy(one, calendar, regions, scenario); });
  if (strategies.size() > kMostStrategies) {
    reader.report(reader.find("strategy")->place,
                  fmt::format("{} strategies (must be at most {})", strategies.size(), kMostStrategies));
  }
  if (strategies.empty()) strategies.push_back({.name = "as-delivered"});
  for (const Delivery delivery : {Delivery::no_network, Delivery::no_programme}) {
    const std::string name(kDeliveryNames[static_cast<std::size_t>(delivery)]);
    if (std::ranges::count(strategies, name, &Strategy::name) == 0)
      strategies.push_back({.name = name, .delivery = delivery});
  }
  // Net is what effort adds to commissioning. Where the lead is not even commissioned, a world that is would make its net
  // what it lacks: it is compared with its like.
  const Strategy& lead = strategies[static_cast<std::size_t>(lead_strategy(scenario))];
  const Delivery like = lead.delivery == Delivery::no_programme ? Delivery::no_programme : Delivery::no_network;
  const auto comparator =
      std::ranges::find(strategies, kDeliveryNames[static_cast<std::size_t>(like)], &Strategy::name);
  scenario.comparator = static_cast<int>(comparator - strategies.begin());
}

}  // namespace uptake
