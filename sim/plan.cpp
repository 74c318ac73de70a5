#include "plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>

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
};

/// Weeks of one package when a lever names an order but no package. [A]
constexpr double kPackageWeeks = 12;

/// A lever that only changes how much leaves how it is spent as it was.
void choose(Allocation& allocation, const Lever& lever) {
  if (lever.targeting == Targeting::even && !lever.package_days) return;
  allocation = {lever.targeting, lever.package_days, lever.package_weeks, lever.organisations};
}

bool is_order(Targeting targeting) { return targeting != Targeting::even && targeting != Targeting::by_size; }

/// Effort of one channel: staff-days a year by region and week, and how it is spent.
struct Channel {
  std::vector<std::vector<double>> days;  ///< [region][week]
  std::vector<Allocation> allocation;     ///< by region
};

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

/// A lever that acts on this programme, with the regions that it names (all when it names none).
struct Applied {
  const Lever& lever;
  std::vector<std::size_t> regions;
};

std::vector<std::size_t> regions_of(const Lever& lever, const Population& population, std::vector<Problem>& problems) {
  std::vector<std::size_t> found;
  if (lever.regions.empty()) {
    found.resize(population.regions.size());
    std::iota(found.begin(), found.end(), std::size_t{0});
    return found;
  }
  for (const std::string& name : lever.regions) {
    const auto at = std::ranges::find_if(population.regions, [&](const Region& region) {
      return region.name == name || region.code == name || region.short_name == name;
    });
    if (at != population.regions.end()) {
      found.push_back(static_cast<std::size_t>(at - population.regions.begin()));
      continue;
    }
    std::vector<std::string_view> names;
    for (const Region& region : population.regions) {
      names.insert(names.end(), {region.name, region.code, region.short_name});
    }
    const std::string nearest = nearest_name(name, names);
    problems.push_back(
        {lever.where, fmt::format(R"(no region is called "{}" in this population)", name),
         nearest.empty() ? "`uptake info --population` lists them" : fmt::format(R"(did you mean "{}"?)", nearest)});
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

std::vector<Applied> applied_levers(const Bench& bench, int programme, const Strategy& strategy,
                                    std::vector<Problem>& problems) {
  std::vector<Applied> applied;
  for (const Lever& lever : strategy.levers) {
    if (!lever.programmes.empty() && std::ranges::count(lever.programmes, programme) == 0) continue;
    applied.push_back({lever, regions_of(lever, bench.population, problems)});
    if (lever.targeting != Targeting::listed) continue;
    const auto who = records_in(bench, applied.back().regions);
    for (const std::string& code : lever.organisations) {
      if (!listed_among(bench, who, {code}).empty()) continue;
      problems.push_back({lever.where,
                          fmt::format(R"(organisation "{}" is not eligible for {}, or not in the regions named)", code,
                                      bench.programme.name),
                          "see the tables of the population"});
    }
  }
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

void spread(const Bench& bench, const Channel& channel, std::size_t region, Levels& levels,
            std::vector<double>& delivered) {
  const auto& who = bench.records_of_region[region];
  const auto& days = channel.days[region];
  const bool by_size = channel.allocation[region].targeting == Targeting::by_size;
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
/// staff are cut, the packages begun last stop.
void sequence(const Bench& bench, const std::vector<double>& days, const std::vector<std::uint32_t>& order,
              double package_days, int package_weeks, Levels& levels, std::vector<double>& delivered) {
  struct Package {
    std::uint32_t record;
    int weeks_left;
    double days_a_week;
  };
  constexpr double kRounding = 1e-9;  // of a week's staff: what is exactly affordable is afforded
  std::vector<Package> active;
  double spent = 0;  // days a week
  std::size_t next = 0;
  for (int week = 0; week < bench.n_weeks; ++week) {
    const double staff = days[static_cast<std::size_t>(week)] / bench.weeks_per_year;  // staff-days this week
    const auto stop = [&](const Package& package) {
      levels[package.record].emplace_back(week, 0.0);
      spent -= package.days_a_week;
    };
    std::erase_if(active, [&](const Package& package) {
      if (package.weeks_left > 0) return false;
      stop(package);
      return true;
    });
    for (; !active.empty() && spent > staff * (1 + kRounding); active.pop_back()) stop(active.back());
    if (active.empty()) spent = 0;
    // A region with less than one package's staff serves one organisation at a time, for longer.
    const double per_week = std::min(package_days / package_weeks, staff);
    while (per_week > 0 && spent + per_week <= staff * (1 + kRounding) && next < order.size()) {
      levels[order[next]].emplace_back(week, per_week * bench.weeks_per_year);
      active.push_back({order[next++], static_cast<int>(std::ceil(package_days / per_week - kRounding)), per_week});
      spent += per_week;
    }
    for (Package& package : active) package.weeks_left -= 1;
    delivered[static_cast<std::size_t>(week)] += spent;
  }
}

/// Levels of one channel for every record; adds what is delivered to `delivered[region][week]`.
Levels allocate(const Bench& bench, const Channel& channel, const std::vector<std::uint32_t>& in_use,
                std::vector<std::vector<double>>& delivered) {
  Levels levels(bench.records.n_records());
  const double mean_effort = bench.records.mean_delivered;
  const auto package_of = [&](const Allocation& allocation) {
    const int weeks = std::max(1, static_cast<int>(std::lround(allocation.package_weeks.value_or(kPackageWeeks))));
    // Without a package of its own an order concentrates the days that `even` would spread over the whole window.
    const WeekRange window = weeks_of(bench.programme.commissioned, bench.scenario.calendar);
    const double years = std::max(1, window.to - window.from) / bench.weeks_per_year;
    return std::pair{allocation.package_days.value_or(mean_effort * years), weeks};
  };
  std::vector<std::size_t> pooled;  // regions served in one national order
  for (std::size_t region = 0; region < channel.days.size(); ++region) {
    if (bench.records_of_region[region].empty()) continue;
    const Allocation& allocation = channel.allocation[region];
    if (allocation.targeting == Targeting::lagging_regions_first) {
      pooled.push_back(region);
    } else if (is_order(allocation.targeting) || allocation.package_days) {
      const auto order =
          ordered(bench, bench.records_of_region[region], allocation.targeting, allocation.organisations, in_use);
      const auto [days, weeks] = package_of(allocation);
      sequence(bench, channel.days[region], order, days, weeks, levels, delivered[region]);
    } else {
      spread(bench, channel, region, levels, delivered[region]);
    }
  }
  if (!pooled.empty()) {
    std::vector<double> days(static_cast<std::size_t>(bench.n_weeks), 0.0), spent(days);
    for (const auto region : pooled) {
      for (std::size_t week = 0; week < days.size(); ++week) days[week] += channel.days[region][week];
    }
    const auto order = ordered(bench, records_in(bench, pooled), Targeting::lagging_regions_first, {}, in_use);
    const auto [package_days, weeks] = package_of(channel.allocation[pooled.front()]);
    sequence(bench, days, order, package_days, weeks, levels, spent);
    // Booked where the staff are employed: in proportion to each region's budget of the week.
    for (const auto region : pooled) {
      for (std::size_t week = 0; week < days.size(); ++week) {
        if (days[week] > 0) delivered[region][week] += spent[week] * channel.days[region][week] / days[week];
      }
    }
  }
  return levels;
}

/// Profiles from the levels of the two channels, equal ones shared.
void make_profiles(const Bench& bench, const Levels& facilitation, const Levels& outreach, ProgrammePlan& plan) {
  const double half_effect = 0.5 * bench.records.mean_delivered;  // e50 at factor 1 (model.md 4.9 Effort)
  const auto dose = [&](double days) { return days > 0 ? static_cast<float>(days / half_effect) : 0.0F; };
  struct Change {
    std::optional<double> facilitation, outreach;
  };
  std::map<std::vector<EffortStep>, std::uint32_t> known;
  plan.profile.resize(bench.records.n_records());
  for (std::uint32_t record = 0; record < bench.records.n_records(); ++record) {
    std::map<int, Change> changes{{0, {}}};
    for (const auto& [week, days] : facilitation[record]) changes[week].facilitation = days;
    for (const auto& [week, days] : outreach[record]) changes[week].outreach = days;
    double level = 0, on_top = 0;
    std::vector<EffortStep> steps;
    for (const auto& [week, change] : changes) {
      level = change.facilitation.value_or(level);
      on_top = change.outreach.value_or(on_top);
      const EffortStep step{week, dose(level + on_top), dose(level)};
      const bool same =
          !steps.empty() && steps.back().outreach == step.outreach && steps.back().facilitation == step.facilitation;
      if (!same) steps.push_back(step);
    }
    const auto [at, is_new] = known.try_emplace(steps, static_cast<std::uint32_t>(plan.profiles.size()));
    if (is_new) {
      plan.profiles.push_back(std::move(steps));
      plan.records_of_profile.emplace_back();
    }
    plan.profile[record] = at->second;
    plan.records_of_profile[at->second].push_back(record);
  }
}

template <typename Value, typename Function>
void change_weeks(std::vector<Value>& series, WeekRange weeks, Function change) {
  std::for_each(series.begin() + weeks.from, series.begin() + weeks.to, change);
}

/// What holds in each week of one region, whatever the effort.
ProgrammePlan::WeekFactors week_factors(const Bench& bench, std::size_t region, const std::vector<Applied>& levers,
                                        Delivery delivery) {
  const ProgrammeSpec& programme = bench.programme;
  const Calendar& calendar = bench.scenario.calendar;
  const auto n_weeks = static_cast<std::size_t>(bench.n_weeks);
  ProgrammePlan::WeekFactors factors;
  factors.commissioned.assign(n_weeks, 0.0F);
  factors.mandate.assign(n_weeks, 0.0F);
  factors.covid.assign(n_weeks, 0.0F);
  factors.shock.assign(n_weeks, 1.0F);
  factors.capacity.assign(n_weeks, 1.0F);
  const auto set = [](std::vector<float>& series, WeekRange weeks, float to) {
    change_weeks(series, weeks, [to](float& value) { value = to; });
  };

  if (programme.covid != CovidStance::none) {
    using namespace std::chrono;
    // The emergency window when a programme names none. [A]
    const Window window = programme.covid_window.value_or(Window{2020y / March / 1, 2021y / June / 30});
    set(factors.covid, weeks_of(window, calendar), programme.covid == CovidStance::aligned ? 1.0F : -1.0F);
  }
  // World 0b has neither commissioning nor a mandate (model.md 6).
  const bool exists = delivery != Delivery::no_programme;
  WeekRange on = weeks_of(programme.commissioned, calendar);
  if (exists) {
    for (const Window& mandate : programme.mandates) set(factors.mandate, weeks_of(mandate, calendar), 1.0F);
    for (const auto& [lever, regions] : levers) {
      if (lever.kind != LeverKind::delay || std::ranges::count(regions, region) == 0) continue;
      on.from = std::min(on.to, on.from + static_cast<int>(std::lround(lever.delay_weeks)));
    }
    set(factors.commissioned, on, 1.0F);
  }
  for (const auto& [lever, regions] : levers) {
    if (std::ranges::count(regions, region) == 0) continue;
    const WeekRange weeks = weeks_of(lever.window ? lever.window : programme.commissioned, calendar);
    if (lever.kind == LeverKind::incentive && exists) set(factors.mandate, weeks, 1.0F);
    if (lever.kind == LeverKind::withdrawal) set(factors.commissioned, weeks, 0.0F);
    if (lever.kind == LeverKind::shock) {
      change_weeks(factors.shock, weeks,
                   [factor = lever.factor](float& value) { value *= static_cast<float>(factor); });
    }
  }
  return factors;
}

/// The network's staff-days in their two channels. Effort counts only while the programme is commissioned: on_j
/// multiplies e (model.md 4.9 "What the end of a programme ends").
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

Effort make_effort(const Bench& bench, const std::vector<Applied>& levers, Delivery delivery,
                   const std::vector<ProgrammePlan::WeekFactors>& factors) {
  const std::size_t n_regions = bench.records_of_region.size();
  const auto n_weeks = static_cast<std::size_t>(bench.n_weeks);
  const Channel none{std::vector(n_regions, std::vector<double>(n_weeks, 0.0)), std::vector<Allocation>(n_regions)};
  Effort effort{none, none, bench.scenario.file.string()};
  // Worlds 0a and 0b have no network effort (model.md 6).
  if (delivery != Delivery::as_delivered) return effort;

  const auto n_eligible = [&](std::size_t r) { return static_cast<double>(bench.records_of_region[r].size()); };
  const double a_year = bench.programme.settings[static_cast<std::size_t>(Parameter::delivery_staff_days)].value;
  for (std::size_t r = 0; r < n_regions; ++r) {
    const double share = n_eligible(r) / static_cast<double>(bench.records.n_records());
    std::ranges::fill(effort.facilitation.days[r], a_year * share);
  }
  for (const auto& [lever, regions] : levers) {
    const bool extra = lever.kind == LeverKind::outreach;
    if (lever.kind != LeverKind::facilitation && !extra) continue;
    effort.where = lever.where;
    const WeekRange weeks =
        weeks_of(lever.window ? lever.window : bench.programme.commissioned, bench.scenario.calendar);
    double eligible = 0;
    for (const std::size_t r : regions) eligible += n_eligible(r);
    Channel& channel = extra ? effort.outreach : effort.facilitation;
    for (const std::size_t r : regions) {
      const double share = eligible > 0 ? n_eligible(r) / eligible : 0;
      choose(channel.allocation[r], lever);
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
  return effort;
}

void add_share(const std::vector<std::uint32_t>& order, double share, std::vector<std::uint32_t>& in_use) {
  const auto n = std::lround(share * static_cast<double>(order.size()));
  in_use.insert(in_use.end(), order.begin(), order.begin() + n);
}

/// Records in use at the start, increasing: sites named, a share of everybody, and those that levers seed.
std::vector<std::uint32_t> starts_in_use(const Bench& bench, const std::vector<Applied>& levers,
                                         std::vector<Problem>& problems) {
  const ProgrammeModel& records = bench.records;
  std::vector<std::uint32_t> everybody(records.n_records());
  std::iota(everybody.begin(), everybody.end(), 0U);
  std::vector<std::uint32_t> in_use = listed_among(bench, everybody, bench.programme.sites_at_start);
  if (in_use.size() < bench.programme.sites_at_start.size()) {
    for (const std::string& code : bench.programme.sites_at_start) {
      if (!listed_among(bench, everybody, {code}).empty()) continue;
      problems.push_back(
          {bench.programme.name, fmt::format(R"(site at the start "{}" is not an eligible organisation)", code), ""});
    }
  }
  if (bench.programme.in_use_at_start > 0) {
    // Part of the question, so the population's seed and not a replicate's key decides.
    std::vector<double> place;
    for (const std::uint64_t organisation : records.organisation_identity) {
      place.push_back(uniform(make_key(bench.population.seed, 0),
                              {organisation, records.identity, static_cast<std::uint16_t>(Stream::seeding), 0}));
    }
    std::vector<std::uint32_t> order = everybody;
    std::ranges::sort(order, {}, [&](std::uint32_t record) { return place[record]; });
    add_share(order, bench.programme.in_use_at_start, in_use);
  }
  const std::vector<std::uint32_t> without_levers = in_use;
  for (const auto& [lever, regions] : levers) {
    if (lever.kind != LeverKind::seeding) continue;
    const auto order = ordered(bench, records_in(bench, regions), lever.targeting, lever.organisations, without_levers);
    add_share(order, lever.targeting == Targeting::listed ? 1 : lever.share, in_use);
  }
  std::ranges::sort(in_use);
  in_use.erase(std::unique(in_use.begin(), in_use.end()), in_use.end());
  return in_use;
}

}  // namespace

ProgrammePlan make_plan(const Scenario& scenario, const Population& population, int programme,
                        const ProgrammeModel& records, const Strategy& strategy, std::vector<Problem>& problems) {
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
    plan.classes.push_back(week_factors(bench, r, levers, strategy.delivery));
  }
  plan.in_use_at_start = starts_in_use(bench, levers, problems);
  const auto n_weeks = static_cast<std::size_t>(calendar.n_weeks);
  plan.delivered_by_region.assign(n_regions, std::vector<double>(n_weeks, 0.0));
  const Effort effort = make_effort(bench, levers, strategy.delivery, plan.classes);
  if (effort.any() && records.mean_delivered <= 0) {
    problems.push_back({effort.where,
                        fmt::format("{} states no delivered effort, so the effect of staff-days on it is not known",
                                    bench.programme.name),
                        "set cost.delivery_staff_days in the programme's file"});
    return plan;
  }
  const Levels base = allocate(bench, effort.facilitation, plan.in_use_at_start, plan.delivered_by_region);
  const Levels on_top = allocate(bench, effort.outreach, plan.in_use_at_start, plan.delivered_by_region);
  make_profiles(bench, base, on_top, plan);
  return plan;
}

}  // namespace uptake
