#include "world/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>
#include <set>

#include "population/regions.hpp"
#include "uptake/grouped.hpp"

namespace uptake {

namespace {

struct WeekRange {
  int from, to;  ///< weeks [from, to)
};

WeekRange weeks_of(const std::optional<Window>& window, const Calendar& calendar) {
  if (!window) return {0, calendar.n_weeks};
  const auto clamp = [&](int boundary) { return std::clamp(boundary, 0, calendar.n_weeks); };
  return {clamp(calendar.nearest_boundary(window->from)),
          clamp(calendar.nearest_boundary(window->to + std::chrono::days{1}))};
}

/// How the effort of a region reaches its organisations.
struct Allocation {
  Targeting targeting = Targeting::even;
  std::optional<double> package_days, package_weeks;
  std::vector<std::string> organisations;
  friend bool operator==(const Allocation&, const Allocation&) = default;
};

bool is_order(Targeting targeting) { return targeting != Targeting::even && targeting != Targeting::by_size; }

/// Effort of one channel: staff-days a year by region and week, and how they are spent.
struct Channel {
  std::vector<std::vector<double>> days;     ///< [region][week]
  std::vector<std::vector<std::size_t>> by;  ///< [region][week]: index into allocations
  std::vector<Allocation> allocations;       ///< each once; the first spreads evenly

  /// Staff-days a year of a region that are spent in one way, by week.
  [[nodiscard]] std::vector<double> days_by(std::size_t allocation, std::size_t region) const {
    std::vector<double> some = days[region];
    for (std::size_t week = 0; week < some.size(); ++week) {
      if (by[region][week] != allocation) some[week] = 0;
    }
    return some;
  }
  [[nodiscard]] bool uses(std::size_t allocation, std::size_t region) const {
    return std::ranges::count(by[region], allocation) > 0;
  }
};

/// From its first to its last week a lever decides how effort is spent in a region, before and after it what was chosen
/// before holds. A lever that only changes how much leaves how it is spent as it was. Equal choices are one, so that a
/// second lever with the same order goes on with it.
void choose(Channel& channel, std::size_t region, WeekRange weeks, const Lever& lever) {
  if (!lever.targeting && !lever.package_days) return;
  const Allocation chosen{lever.targeting.value_or(Targeting::even), lever.package_days, lever.package_weeks,
                          lever.organisations};
  const auto at = std::ranges::find(channel.allocations, chosen);
  const auto index = static_cast<std::size_t>(at - channel.allocations.begin());
  if (at == channel.allocations.end()) channel.allocations.push_back(chosen);
  std::fill(channel.by[region].begin() + weeks.from, channel.by[region].begin() + weeks.to, index);
}

/// Everything that making one plan needs to see.
struct Bench {
  const Scenario& scenario;
  const Population& population;
  const ProgrammeSpec& programme;
  const ProgrammeModel& records;
  std::vector<std::vector<std::uint32_t>> records_of_region;
  double weeks_per_year;
  int n_weeks;

  [[nodiscard]] double size_of(std::uint32_t record) const { return population.size[records.organisation[record]]; }
};

/// Weeks in which a programme is commissioned in a region, levers aside: its tranche says from when, and a programme
/// that does not exist yet or is withdrawn is not commissioned.
WeekRange commissioned_in(const Bench& bench, std::size_t region) {
  const ProgrammeSpec& programme = bench.programme;
  WeekRange on = weeks_of(programme.commissioned, bench.scenario.calendar);
  for (const Tranche& tranche : programme.tranches) {
    const bool is_named = std::ranges::any_of(tranche.regions, [&](const std::string& name) {
      return find_region(bench.population.regions, name) == region;
    });
    if (!is_named) continue;
    on.from = std::clamp(bench.scenario.calendar.nearest_boundary(tranche.from), 0, on.to);
  }
  on.to = std::min(on.to, bench.records.withdrawn);
  on.from = std::clamp(on.from, std::min(bench.records.begins, on.to), on.to);
  return on;
}

/// A lever that acts on this programme, with the regions that it names (all when it names none).
struct Applied {
  const Lever& lever;
  std::vector<std::size_t> regions;
};

/// Window of a lever in a region; the programme's own when it states none.
WeekRange window_in(const Bench& bench, const Lever& lever, std::size_t region) {
  return lever.window ? weeks_of(lever.window, bench.scenario.calendar) : commissioned_in(bench, region);
}

std::vector<std::size_t> regions_of(const Lever& lever, const Population& population) {
  std::vector<std::size_t> found;
  if (lever.regions.empty()) {
    found.resize(population.regions.size());
    std::iota(found.begin(), found.end(), std::size_t{0});
    return found;
  }
  for (const std::string& name : lever.regions) {
    if (const auto region = find_region(population.regions, name)) found.push_back(*region);
  }
  return found;
}

std::vector<std::uint32_t> records_in(const Bench& bench, const std::vector<std::size_t>& regions) {
  std::vector<std::uint32_t> who;
  for (const std::size_t r : regions) {
    who.insert(who.end(), bench.records_of_region[r].begin(), bench.records_of_region[r].end());
  }
  return who;
}

/// Records of those listed that are among `who`, in the order of the list.
std::vector<std::uint32_t> listed_among(const Bench& bench, const std::vector<std::uint32_t>& who,
                                        const std::vector<std::string>& codes) {
  std::vector<std::uint32_t> list;
  for (const std::string& code : codes) {
    const auto at = std::ranges::find_if(
        who, [&](std::uint32_t record) { return bench.population.code[bench.records.organisation[record]] == code; });
    if (at != who.end()) list.push_back(*at);
  }
  return list;
}

bool lacks(const Strategy& strategy, Driver driver) { return std::ranges::count(strategy.without, driver) > 0; }

/// Whether a strategy's world leaves out what a lever of this kind works through.
bool is_left_out(LeverKind kind, const Strategy& strategy) {
  switch (kind) {
    case LeverKind::facilitation:
    case LeverKind::outreach:
      return lacks(strategy, Driver::effort);
    case LeverKind::incentive:
    case LeverKind::tariff:
      return lacks(strategy, Driver::incentive);
    case LeverKind::shock:
      return lacks(strategy, Driver::shock);
    default:
      return false;
  }
}

/// Levers of every world, then those of the strategy.
std::vector<Applied> applied_levers(const Bench& bench, int programme, const Strategy& strategy,
                                    std::vector<Problem>& problems) {
  std::vector<Applied> applied;
  const auto apply = [&](const Lever& lever) {
    if (!lever.programmes.empty() && std::ranges::count(lever.programmes, programme) == 0) return;
    Applied here{lever, regions_of(lever, bench.population)};
    if (lever.targeting == Targeting::listed) {
      const auto who = records_in(bench, here.regions);
      for (const std::string& code : lever.organisations) {
        if (!listed_among(bench, who, {code}).empty()) continue;
        problems.push_back({lever.where,
                            fmt::format(R"(organisation "{}" is not eligible for {}, or not in the regions named)",
                                        code, bench.programme.name),
                            "see the tables of the population"});
      }
    }
    if (!is_left_out(lever.kind, strategy)) applied.push_back(std::move(here));
  };
  for (const Lever& lever : bench.scenario.levers) apply(lever);
  for (const Lever& lever : strategy.levers) apply(lever);
  return applied;
}

/// Records in the order of a rule, from the tables and the starting stages alone; ties by identity.
std::vector<std::uint32_t> ordered(const Bench& bench, std::vector<std::uint32_t> who, Targeting rule,
                                   const std::vector<std::string>& listed, const std::vector<std::uint32_t>& in_use) {
  const auto& records = bench.records;
  if (rule == Targeting::listed) return listed_among(bench, who, listed);
  std::vector<double> score(records.n_records(), 0.0);  // smaller goes first
  switch (rule) {
    case Targeting::largest_first:
      for (const auto record : who) score[record] = std::isnan(bench.size_of(record)) ? 0 : -bench.size_of(record);
      break;
    case Targeting::most_deprived_first:
      for (const auto record : who) {
        const auto quintile = bench.population.quintile[records.organisation[record]];
        score[record] = quintile == 0 ? 6 : quintile;
      }
      break;
    case Targeting::best_connected_first:
      for (const auto record : who) {
        for (const Pushes& edges : records.edges) {
          for (auto e = edges.offsets[record]; e < edges.offsets[record + 1]; ++e) score[record] -= edges[e].weight;
        }
      }
      break;
    case Targeting::lagging_regions_first: {
      std::vector<double> share(bench.population.regions.size(), 0.0);
      for (const auto record : in_use) share[records.region[record]] += 1;
      for (std::size_t r = 0; r < share.size(); ++r) {
        if (!bench.records_of_region[r].empty()) share[r] /= static_cast<double>(bench.records_of_region[r].size());
      }
      for (const auto record : who) score[record] = share[records.region[record]];
      break;
    }
    case Targeting::even:
    case Targeting::by_size:
    case Targeting::listed:
      break;
  }
  std::sort(who.begin(), who.end(), [&](std::uint32_t a, std::uint32_t b) {
    if (score[a] != score[b]) return score[a] < score[b];
    if (rule == Targeting::lagging_regions_first && records.region[a] != records.region[b]) {
      return records.region[a] < records.region[b];
    }
    return records.organisation_identity[a] < records.organisation_identity[b];
  });
  return who;
}

/// Effort level of each record from some weeks on: (week, staff-days a year), increasing weeks.
using Levels = std::vector<std::vector<std::pair<int, double>>>;

void spread(const Bench& bench, const std::vector<double>& days, Targeting rule, std::size_t region, Levels& levels,
            std::vector<double>& delivered) {
  const auto& who = bench.records_of_region[region];
  const bool by_size = rule == Targeting::by_size;
  double known = 0, n_known = 0;
  for (const auto record : who) {
    if (const double size = bench.size_of(record); !std::isnan(size)) known += size, n_known += 1;
  }
  const double mean_size = n_known > 0 ? known / n_known : 1;
  double total_weight = 0;
  const auto weight_of = [&](std::uint32_t record) {
    const double size = bench.size_of(record);
    return by_size && !std::isnan(size) && mean_size > 0 ? size / mean_size : 1.0;
  };
  for (const auto record : who) total_weight += weight_of(record);
  double current = 0;
  for (int week = 0; week < bench.n_weeks; ++week) {
    const double now = days[static_cast<std::size_t>(week)];
    delivered[static_cast<std::size_t>(week)] += now / bench.weeks_per_year;
    if (now == current) continue;
    for (const auto record : who) levels[record].emplace_back(week, now * weight_of(record) / total_weight);
    current = now;
  }
}

/// Packages one after another: as many at once as the week's staff allow, each with all its days, then the next. Where
/// staff are cut, the packages begun last stop; where a region is served in another way for a time, its packages stop
/// and those of it that wait, wait on.
/// @param is_served whether a record's region is served in this order in a week
template <class IsServed>
void sequence(const Bench& bench, const std::vector<double>& days, std::vector<std::uint32_t> order,
              double package_days, int package_weeks, IsServed is_served, Levels& levels,
              std::vector<double>& delivered) {
  struct Package {
    std::uint32_t record;
    int weeks_left;
    double days_a_week;
  };
  constexpr double kRounding = 1e-9;  // of a week's staff: what is exactly affordable is afforded
  std::vector<Package> active;
  double spent = 0;  // days a week
  auto next = order.begin();
  for (int week = 0; week < bench.n_weeks; ++week) {
    const double staff = days[static_cast<std::size_t>(week)] / bench.weeks_per_year;  // staff-days this week
    const auto stop = [&](const Package& package) {
      levels[package.record].emplace_back(week, 0.0);
      spent -= package.days_a_week;
    };
    std::erase_if(active, [&](const Package& package) {
      if (package.weeks_left > 0 && is_served(package.record, week)) return false;
      stop(package);
      return true;
    });
    for (; !active.empty() && spent > staff * (1 + kRounding); active.pop_back()) stop(active.back());
    if (active.empty()) spent = 0;
    // A region with less than one package's staff serves one organisation at a time, for longer.
    const double per_week = std::min(package_days / package_weeks, staff);
    while (per_week > 0 && spent + per_week <= staff * (1 + kRounding)) {
      const auto first = std::find_if(next, order.end(), [&](std::uint32_t record) { return is_served(record, week); });
      if (first == order.end()) break;
      std::rotate(next, first, first + 1);
      levels[*next].emplace_back(week, per_week * bench.weeks_per_year);
      // Beyond the horizon no package ends, however few its days a week.
      const double lasts = std::min(std::ceil(package_days / per_week - kRounding), 1.0 * bench.n_weeks);
      active.push_back({*next++, static_cast<int>(lasts), per_week});
      spent += per_week;
    }
    for (Package& package : active) package.weeks_left -= 1;
    delivered[static_cast<std::size_t>(week)] += spent;
  }
}

/// Adds the levels of one way of spending: where another takes over in the same week, what that one gives holds.
void add_levels(Levels& more, Levels& levels) {
  for (std::size_t record = 0; record < levels.size(); ++record) {
    if (more[record].empty()) continue;
    auto& steps = levels[record];
    steps.insert(steps.end(), more[record].begin(), more[record].end());
    more[record].clear();
    // One way alone gives in any week, so that of several steps in a week the others only end.
    std::ranges::stable_sort(steps, [](const auto& a, const auto& b) {
      return a.first != b.first ? a.first < b.first : a.second == 0 && b.second != 0;
    });
  }
}

/// Levels of one channel for every record; adds what is delivered to `delivered[region][week]`.
Levels allocate(const Bench& bench, const Channel& channel, const std::vector<std::uint32_t>& in_use,
                std::vector<std::vector<double>>& delivered) {
  Levels levels(bench.records.n_records()), own(levels);
  for (std::size_t which = 0; which < channel.allocations.size(); ++which) {
    const Allocation& allocation = channel.allocations[which];
    const bool is_sequence = is_order(allocation.targeting) || allocation.package_days.has_value();
    UPTAKE_EXPECTS(!is_sequence || (allocation.package_days && allocation.package_weeks));  // made of packages
    const auto serve = [&](const std::vector<double>& days, const std::vector<std::size_t>& regions,
                           std::vector<double>& spent) {
      const auto is_served = [&](std::uint32_t record, int week) {
        return channel.by[bench.records.region[record]][static_cast<std::size_t>(week)] == which;
      };
      const auto order =
          ordered(bench, records_in(bench, regions), allocation.targeting, allocation.organisations, in_use);
      const int weeks = std::max(1, static_cast<int>(std::lround(*allocation.package_weeks)));
      sequence(bench, days, order, *allocation.package_days, weeks, is_served, own, spent);
    };
    std::vector<std::size_t> regions;
    for (std::size_t region = 0; region < channel.days.size(); ++region) {
      if (!bench.records_of_region[region].empty() && channel.uses(which, region)) regions.push_back(region);
    }
    if (regions.empty()) continue;
    if (allocation.targeting == Targeting::lagging_regions_first) {  // one order over all of them
      std::vector<double> days(static_cast<std::size_t>(bench.n_weeks), 0.0), spent(days);
      std::vector<std::vector<double>> of_region;
      for (const auto region : regions) {
        of_region.push_back(channel.days_by(which, region));
        for (std::size_t week = 0; week < days.size(); ++week) days[week] += of_region.back()[week];
      }
      serve(days, regions, spent);
      // Booked where the staff are employed: in proportion to each region's budget of the week.
      for (std::size_t i = 0; i < regions.size(); ++i) {
        for (std::size_t week = 0; week < days.size(); ++week) {
          if (days[week] > 0) delivered[regions[i]][week] += spent[week] * of_region[i][week] / days[week];
        }
      }
    } else {
      for (const auto region : regions) {
        const std::vector<double> days = channel.days_by(which, region);
        if (is_sequence) {
          serve(days, {region}, delivered[region]);
        } else {
          spread(bench, days, allocation.targeting, region, own, delivered[region]);
        }
      }
    }
    add_levels(own, levels);
  }
  return levels;
}

/// Profiles from the levels of the two channels, equal ones shared.
void make_profiles(const Bench& bench, const Levels& facilitation, const Levels& outreach, ProgrammePlan& plan) {
  const double half_effect = 0.5 * bench.records.mean_delivered;  // e50 at factor 1 (docs/odd.md 7.1)
  const auto dose = [&](double days) { return days > 0 ? static_cast<float>(days / half_effect) : 0.0F; };
  struct Change {
    std::optional<double> facilitation, outreach;
  };
  std::map<std::vector<EffortStep>, std::uint32_t> known;
  const auto list = [&](std::uint32_t record, std::uint32_t profile) {
    plan.profile.push_back(profile);
    if (plan.profiles[profile].size() > 1) plan.records_of_profile[profile].push_back(record);
  };
  for (std::uint32_t record = 0; record < bench.records.n_records(); ++record) {
    if (record > 0 && facilitation[record] == facilitation[record - 1] && outreach[record] == outreach[record - 1]) {
      list(record, plan.profile.back());  // most often
      continue;
    }
    std::map<int, Change> changes{{0, {}}};
    for (const auto& [week, days] : facilitation[record]) changes[week].facilitation = days;
    for (const auto& [week, days] : outreach[record]) changes[week].outreach = days;
    // Stopping goes faster from the week of withdrawal on, so a step begins there whatever the effort.
    const int withdrawn = bench.records.withdrawn;
    if (withdrawn < bench.n_weeks) changes.try_emplace(withdrawn);
    double level = 0, on_top = 0;
    std::vector<EffortStep> steps;
    for (const auto& [week, change] : changes) {
      level = change.facilitation.value_or(level);
      on_top = change.outreach.value_or(on_top);
      const EffortStep step{week, dose(level + on_top), dose(level)};
      const bool same = !steps.empty() && week != withdrawn && steps.back().outreach == step.outreach &&
                        steps.back().facilitation == step.facilitation;
      if (!same) steps.push_back(step);
    }
    const auto [at, is_new] = known.try_emplace(steps, static_cast<std::uint32_t>(plan.profiles.size()));
    if (is_new) {
      plan.profiles.push_back(std::move(steps));
      plan.records_of_profile.emplace_back();
    }
    list(record, at->second);
  }
}

template <typename Value, typename Function>
void change_weeks(std::vector<Value>& series, WeekRange weeks, Function change) {
  std::for_each(series.begin() + weeks.from, series.begin() + weeks.to, change);
}

/// What holds in each week of one region, whatever the effort.
ProgrammePlan::WeekFactors week_factors(const Bench& bench, std::size_t region, const std::vector<Applied>& levers,
                                        const Strategy& strategy) {
  const ProgrammeSpec& programme = bench.programme;
  const Calendar& calendar = bench.scenario.calendar;
  const auto n_weeks = static_cast<std::size_t>(bench.n_weeks);
  ProgrammePlan::WeekFactors factors;
  for (auto* none : {&factors.commissioned, &factors.mandate, &factors.covid, &factors.subsidy, &factors.community}) {
    none->assign(n_weeks, 0.0F);
  }
  for (auto* one : {&factors.shock, &factors.capacity}) one->assign(n_weeks, 1.0F);
  const auto set = [](std::vector<float>& series, WeekRange weeks, float to) {
    change_weeks(series, weeks, [to](float& value) { value = to; });
  };
  const auto raise = [](std::vector<float>& series, WeekRange weeks, double to) {
    change_weeks(series, weeks, [to](float& value) { value = std::max(value, static_cast<float>(to)); });
  };
  const auto times = [](std::vector<float>& series, WeekRange weeks, double by) {
    change_weeks(series, weeks, [by](float& value) { value *= static_cast<float>(by); });
  };

  if (programme.covid != CovidStance::none && !lacks(strategy, Driver::shock)) {
    using namespace std::chrono;
    // The emergency window when a programme names none. [A]
    const Window window = programme.covid_window.value_or(Window{2020y / March / 1, 2021y / June / 30});
    set(factors.covid, weeks_of(window, calendar), programme.covid == CovidStance::aligned ? 1.0F : -1.0F);
  }
  // World 0b has neither commissioning nor a mandate (docs/odd.md 4).
  const bool exists = strategy.delivery != Delivery::no_programme;
  if (exists && !lacks(strategy, Driver::incentive)) {
    for (const Window& mandate : programme.mandates) set(factors.mandate, weeks_of(mandate, calendar), 1.0F);
  }
  if (exists) {
    WeekRange on = commissioned_in(bench, region);
    for (const auto& [lever, regions] : levers) {
      if (lever.kind != LeverKind::delay || std::ranges::count(regions, region) == 0) continue;
      on.from = std::min(on.to, on.from + static_cast<int>(std::lround(lever.delay_weeks)));
    }
    set(factors.commissioned, on, 1.0F);
  }
  for (const auto& [lever, regions] : levers) {
    if (std::ranges::count(regions, region) == 0) continue;
    const WeekRange weeks = window_in(bench, lever, region);
    switch (lever.kind) {
      case LeverKind::incentive:
        if (exists) set(factors.mandate, weeks, 1.0F);
        break;
      case LeverKind::tariff:
        if (!exists) break;
        raise(factors.mandate, weeks, lever.share);
        raise(factors.subsidy, weeks, lever.share);
        break;
      case LeverKind::withdrawal:
        set(factors.commissioned, weeks, 0.0F);
        break;
      case LeverKind::shock:
        times(factors.shock, weeks, lever.factor);
        break;
      case LeverKind::capacity:
        times(factors.capacity, weeks, lever.factor);
        break;
      case LeverKind::communities:
        set(factors.community, weeks, 1.0F);
        break;
      case LeverKind::facilitation:
      case LeverKind::outreach:
      case LeverKind::seeding:
      case LeverKind::delay:
        break;
    }
  }
  return factors;
}

/// The network's staff-days in their two channels. Effort counts only while the programme is commissioned: on_j
/// multiplies e (docs/odd.md 7.1).
struct Effort {
  Channel facilitation, outreach;
  std::string where;  ///< the last lever that changed it

  [[nodiscard]] bool any() const {
    const auto has_days = [](const Channel& channel) {
      return std::ranges::any_of(channel.days, [](const std::vector<double>& days) {
        return std::ranges::any_of(days, [](double value) { return value > 0; });
      });
    };
    return has_days(facilitation) || has_days(outreach);
  }
};

/// Share of the delivered days that each region has: what the programme states, and the rest by eligible organisations.
std::vector<double> delivered_shares(const Bench& bench) {
  const std::size_t n_regions = bench.records_of_region.size();
  std::vector<std::optional<double>> stated(n_regions);
  double rest = 1;
  for (const RegionShare& one : bench.programme.delivered_by_region) {
    const auto region = find_region(bench.population.regions, one.region);
    if (!region) continue;
    stated[*region] = one.share;
    rest -= one.share;
  }
  double others = 0;
  const auto n_eligible = [&](std::size_t r) { return static_cast<double>(bench.records_of_region[r].size()); };
  for (std::size_t r = 0; r < n_regions; ++r) others += stated[r] ? 0 : n_eligible(r);
  std::vector<double> shares(n_regions, 0.0);
  for (std::size_t r = 0; r < n_regions; ++r) {
    shares[r] = stated[r] ? *stated[r] : others > 0 ? std::max(0.0, rest) * n_eligible(r) / others : 0;
  }
  return shares;
}

/// Staff-days that reach nobody are not delivered, so nothing is paid for them (as for days that packages leave over);
/// that they were asked for is said.
void warn_of_lost_days(const Bench& bench, const Effort& effort, std::vector<Problem>& warnings) {
  for (std::size_t r = 0; r < bench.records_of_region.size(); ++r) {
    if (!bench.records_of_region[r].empty()) continue;
    double days = 0;
    for (const Channel* channel : {&effort.facilitation, &effort.outreach})
      for (const double a_year : channel->days[r]) days += a_year / bench.weeks_per_year;
    if (days <= 0) continue;
    warnings.push_back({effort.where,
                        fmt::format("{} staff-days for {} in {} are neither delivered nor paid for: no organisation "
                                    "there is eligible",
                                    grouped(days), bench.programme.name, bench.population.regions[r].name),
                        "give the region's share to others, or leave the region out"});
  }
}

/// As somebody typed it, but for the thousands.
std::string number(double value) { return value < 1000 ? fmt::format("{:g}", value) : grouped(value); }

Effort make_effort(const Bench& bench, const std::vector<Applied>& levers, const Strategy& strategy,
                   const std::vector<ProgrammePlan::WeekFactors>& factors, std::vector<Problem>& warnings) {
  const std::size_t n_regions = bench.records_of_region.size();
  const auto n_weeks = static_cast<std::size_t>(bench.n_weeks);
  const Channel none{std::vector(n_regions, std::vector<double>(n_weeks, 0.0)),
                     std::vector(n_regions, std::vector<std::size_t>(n_weeks, 0)),
                     {Allocation{}}};
  Effort effort{none, none, bench.scenario.file.string()};
  // Worlds 0a and 0b have no network effort (docs/odd.md 4).
  if (strategy.delivery != Delivery::as_delivered || lacks(strategy, Driver::effort)) return effort;

  const auto n_eligible = [&](std::size_t r) { return static_cast<double>(bench.records_of_region[r].size()); };
  const double a_year = bench.programme.settings[static_cast<std::size_t>(Parameter::delivery_staff_days)].value;
  const std::vector<double> delivered_share = delivered_shares(bench);
  const double given = std::accumulate(delivered_share.begin(), delivered_share.end(), 0.0);
  constexpr double kRounded = 0.005;  // shares are stated in whole per cents
  if (a_year > 0 && given < 1 - kRounded)
    warnings.push_back(
        {effort.where,
         fmt::format("{:.0f} % of the delivered effort of {} belong to no region that can use them, and are neither "
                     "delivered nor paid for",
                     100 * (1 - given), bench.programme.name),
         "state shares in delivered_by_region that sum to 1, or leave a region with eligible organisations unstated"});
  for (std::size_t r = 0; r < n_regions; ++r) {
    std::ranges::fill(effort.facilitation.days[r], a_year * delivered_share[r]);
  }
  for (const auto& [lever, regions] : levers) {
    const bool extra = lever.kind == LeverKind::outreach;
    if (lever.kind != LeverKind::facilitation && !extra) continue;
    effort.where = lever.where;
    double eligible = 0;
    for (const std::size_t r : regions) eligible += n_eligible(r);
    if (eligible <= 0 && lever.staff_days_per_year.value_or(0) > 0)
      warnings.push_back({lever.where,
                          fmt::format("{} staff-days a year for {} are neither delivered nor paid for: no organisation "
                                      "of the regions named is eligible",
                                      number(*lever.staff_days_per_year), bench.programme.name),
                          "name other regions, or other programmes"});
    Channel& channel = extra ? effort.outreach : effort.facilitation;
    for (const std::size_t r : regions) {
      const double share = eligible > 0 ? n_eligible(r) / eligible : 0;
      choose(channel, r, lever.window ? weeks_of(lever.window, bench.scenario.calendar) : WeekRange{0, bench.n_weeks},
             lever);
      const WeekRange weeks = window_in(bench, lever, r);
      for (auto week = static_cast<std::size_t>(weeks.from); week < static_cast<std::size_t>(weeks.to); ++week) {
        const double delivered = effort.facilitation.days[r][week];
        double& days = channel.days[r][week];
        if (lever.staff_days_per_year) {
          days = (extra ? days : 0) + *lever.staff_days_per_year * share;
        } else {
          days = extra ? days + delivered * (lever.factor - 1) : delivered * lever.factor;
        }
      }
    }
  }
  for (Channel* channel : {&effort.facilitation, &effort.outreach}) {
    for (std::size_t r = 0; r < n_regions; ++r) {
      for (std::size_t week = 0; week < n_weeks; ++week) {
        channel->days[r][week] *= static_cast<double>(factors[r].commissioned[week]);
      }
    }
  }
  warn_of_lost_days(bench, effort, warnings);
  return effort;
}

void add_share(const std::vector<std::uint32_t>& order, double share, std::vector<std::uint32_t>& in_use) {
  const auto n = std::lround(share * static_cast<double>(order.size()));
  in_use.insert(in_use.end(), order.begin(), order.begin() + n);
}

/// Records that are in use at the start whatever is drawn and done, increasing: the sites named.
std::vector<std::uint32_t> named_sites(const Bench& bench, std::vector<Problem>& problems) {
  std::vector<std::uint32_t> everybody(bench.records.n_records());
  std::iota(everybody.begin(), everybody.end(), 0U);
  std::vector<std::uint32_t> sites = listed_among(bench, everybody, bench.programme.sites_at_start);
  if (sites.size() < bench.programme.sites_at_start.size()) {
    for (const std::string& code : bench.programme.sites_at_start) {
      if (!listed_among(bench, everybody, {code}).empty()) continue;
      problems.push_back(
          {bench.programme.name, fmt::format(R"(site at the start "{}" is not an eligible organisation)", code), ""});
    }
  }
  return sites;
}

void make_set(std::vector<std::uint32_t>& records) {
  std::ranges::sort(records);
  records.erase(std::unique(records.begin(), records.end()), records.end());
}

/// Those that levers seed.
void seed(const Bench& bench, const std::vector<Applied>& levers, const std::vector<std::uint32_t>& in_use_by_default,
          std::vector<std::uint32_t>& in_use) {
  for (const auto& [lever, regions] : levers) {
    if (lever.kind != LeverKind::seeding) continue;
    const auto order = ordered(bench, records_in(bench, regions), lever.targeting.value_or(Targeting::even),
                               lever.organisations, in_use_by_default);
    add_share(order, lever.targeting == Targeting::listed ? 1 : lever.share, in_use);
  }
}

/// Who joins the communities of practice that levers make: a share of the organisations of the regions named together,
/// in the order of the rule, each in the community of its region.
void join_communities(const Bench& bench, const std::vector<Applied>& levers,
                      const std::vector<std::uint32_t>& in_use_by_default, ProgrammePlan& plan,
                      std::vector<Problem>& problems) {
  std::set<std::size_t> has_community;
  for (const auto& [lever, regions] : levers) {
    if (lever.kind != LeverKind::communities) continue;
    plan.joins.resize(bench.records.n_records(), 0);
    plan.joined_by_region.resize(bench.records_of_region.size(), 0);
    for (const std::size_t r : regions) {
      if (has_community.insert(r).second) continue;
      problems.push_back({lever.where,
                          fmt::format("a second lever makes a community of practice for {} in {}", bench.programme.name,
                                      bench.population.regions[r].name),
                          "there is one for each programme and region: name other regions, or use one lever"});
    }
    const auto order = ordered(bench, records_in(bench, regions), lever.targeting.value_or(Targeting::even),
                               lever.organisations, in_use_by_default);
    std::vector<std::uint32_t> who;
    add_share(order, lever.targeting == Targeting::listed ? 1 : lever.share, who);
    for (const auto record : who) plan.joins[record] = 1;
  }
  for (std::size_t record = 0; record < plan.joins.size(); ++record) {
    plan.joined_by_region[bench.records.region[record]] += plan.joins[record];
  }
  for (std::size_t record = 0; record < plan.joins.size(); ++record) {  // alone: nobody to listen to
    if (plan.joined_by_region[bench.records.region[record]] < 2) plan.joins[record] = 0;
  }
  std::ranges::replace(plan.joined_by_region, 1U, 0U);
}

}  // namespace

std::vector<std::uint32_t> make_start_order(const Population& population, const ProgrammeModel& records) {
  // Part of the question, so the population's seed and not a replicate's key decides.
  std::vector<double> place;
  for (const std::uint64_t organisation : records.organisation_identity) {
    place.push_back(uniform(make_key(population.seed, 0),
                            {organisation, records.identity, static_cast<std::uint16_t>(Stream::seeding), 0}));
  }
  std::vector<std::uint32_t> order(records.n_records());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::sort(order, {}, [&](std::uint32_t record) { return place[record]; });
  return order;
}

ProgrammePlan make_plan(const Scenario& scenario, const Population& population, int programme,
                        const ProgrammeModel& records, const Strategy& strategy, std::vector<Problem>& problems,
                        std::vector<Problem>& warnings) {
  const Calendar& calendar = scenario.calendar;
  const std::size_t n_regions = population.regions.size();
  Bench bench{scenario,        population, scenario.programmes[static_cast<std::size_t>(programme)],
              records,         {},         1.0 / calendar.step_years,
              calendar.n_weeks};
  bench.records_of_region.resize(n_regions);
  for (std::uint32_t record = 0; record < records.n_records(); ++record) {
    bench.records_of_region[records.region[record]].push_back(record);
  }
  const std::vector<Applied> levers = applied_levers(bench, programme, strategy, problems);

  ProgrammePlan plan;
  for (std::size_t r = 0; r < n_regions; ++r) {
    plan.classes.push_back(week_factors(bench, r, levers, strategy));
  }
  // Orders are part of the plan, so they see the default share in use and not the one that is drawn.
  plan.in_use_at_start = named_sites(bench, problems);
  std::vector<std::uint32_t> by_default = plan.in_use_at_start;
  if (!records.start_order.empty()) {
    add_share(records.start_order, bench.programme.settings[static_cast<std::size_t>(Parameter::start_in_use)].value,
              by_default);
  }
  make_set(by_default);
  std::vector<std::uint32_t> at_start = by_default;
  seed(bench, levers, by_default, at_start);
  make_set(at_start);
  seed(bench, levers, by_default, plan.in_use_at_start);
  make_set(plan.in_use_at_start);
  join_communities(bench, levers, at_start, plan, problems);
  const auto n_weeks = static_cast<std::size_t>(calendar.n_weeks);
  plan.delivered_by_region.assign(n_regions, std::vector<double>(n_weeks, 0.0));
  const Effort effort = make_effort(bench, levers, strategy, plan.classes, warnings);
  if (effort.any() && records.mean_delivered <= 0) {
    problems.push_back({effort.where,
                        fmt::format("{} states no delivered effort, so the effect of staff-days on it is not known",
                                    bench.programme.name),
                        "set cost.delivery_staff_days in the programme's file"});
    return plan;
  }
  const Levels base = allocate(bench, effort.facilitation, at_start, plan.delivered_by_region);
  const Levels on_top = allocate(bench, effort.outreach, at_start, plan.delivered_by_region);
  make_profiles(bench, base, on_top, plan);
  return plan;
}

}  // namespace uptake
