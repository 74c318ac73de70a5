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

  [[nodiscard]] double size_of(std::uint32_t record) const {
    return population.size[records.organisation[record]];
  }
};

/// Indices of the regions a lever names; all when it names none.
std::vector<int> regions_of(const Lever& lever, const Population& population, std::vector<Problem>& problems) {
  std::vector<int> found;
  if (lever.regions.empty()) {
    found.resize(population.regions.size());
    std::iota(found.begin(), found.end(), 0);
    return found;
  }
  for (const std::string& name : lever.regions) {
    const auto at = std::find_if(population.regions.begin(), population.regions.end(), [&](const Region& region) {
      return region.name == name || region.code == name || region.short_name == name;
    });
    if (at != population.regions.end()) {
      found.push_back(static_cast<int>(at - population.regions.begin()));
      continue;
    }
    std::vector<std::string_view> names;
    for (const Region& region : population.regions) names.insert(names.end(), {region.name, region.code, region.short_name});
    const std::string nearest = nearest_name(name, names);
    problems.push_back({lever.where, fmt::format("no region is called \"{}\" in this population", name),
                        nearest.empty() ? "`uptake info --population` lists them"
                                        : fmt::format("did you mean \"{}\"?", nearest)});
  }
  return found;
}

/// Records in the order of a rule, from the tables and the starting stages alone; ties by identity.
std::vector<std::uint32_t> ordered(const Bench& bench, std::vector<std::uint32_t> who, Targeting rule,
                                   const std::vector<std::string>& listed, const std::vector<std::uint32_t>& in_use,
                                   std::vector<Problem>& problems, const std::string& where) {
  const auto& records = bench.records;
  if (rule == Targeting::listed) {
    std::vector<std::uint32_t> list;
    for (const std::string& code : listed) {
      const auto at = std::find_if(who.begin(), who.end(), [&](std::uint32_t record) {
        return bench.population.code[records.organisation[record]] == code;
      });
      if (at == who.end()) {
        problems.push_back({where, fmt::format("organisation \"{}\" is not eligible for {}, or not in the regions named",
                                               code, bench.programme.name),
                            "see the tables of the population"});
      } else {
        list.push_back(*at);
      }
    }
    return list;
  }
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

/// Packages one after another: as many at once as the week's staff allow, each with all its days, then the next.
void sequence(const Bench& bench, const std::vector<double>& days, const std::vector<std::uint32_t>& order,
              double package_days, int package_weeks, Levels& levels, std::vector<double>& delivered) {
  std::size_t next = 0;
  std::vector<std::pair<std::uint32_t, int>> active;  // record, weeks left
  for (int week = 0; week < bench.n_weeks; ++week) {
    const double staff = days[static_cast<std::size_t>(week)] / bench.weeks_per_year;  // staff-days this week
    // A region with less than one package's staff serves one organisation at a time, for longer.
    const double per_week = std::min(package_days / package_weeks, staff > 0 ? staff : package_days);
    const int length = staff > 0 ? static_cast<int>(std::ceil(package_days / per_week - 1e-9)) : package_weeks;
    const auto places = staff > 0 ? static_cast<std::size_t>(staff / per_week + 1e-9) : 0;
    for (auto& [record, left] : active) {
      if (left == 0 || places == 0) levels[record].emplace_back(week, 0.0), left = -1;
    }
    std::erase_if(active, [](const auto& entry) { return entry.second < 0; });
    while (active.size() < places && next < order.size()) {
      levels[order[next]].emplace_back(week, per_week * bench.weeks_per_year);
      active.emplace_back(order[next++], length);
    }
    for (auto& [record, left] : active) left -= 1;
    delivered[static_cast<std::size_t>(week)] += static_cast<double>(active.size()) * per_week;
  }
}

/// Levels of one channel for every record; adds what is delivered to `delivered[region][week]`.
Levels allocate(const Bench& bench, const Channel& channel, const std::vector<std::uint32_t>& in_use,
                std::vector<std::vector<double>>& delivered, std::vector<Problem>& problems, const std::string& where) {
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
      const auto order = ordered(bench, bench.records_of_region[region], allocation.targeting, allocation.organisations,
                                 in_use, problems, where);
      const auto [days, weeks] = package_of(allocation);
      sequence(bench, channel.days[region], order, days, weeks, levels, delivered[region]);
    } else {
      spread(bench, channel, region, levels, delivered[region]);
    }
  }
  if (!pooled.empty()) {
    std::vector<double> days(static_cast<std::size_t>(bench.n_weeks), 0.0), spent(days);
    std::vector<std::uint32_t> who;
    for (const auto region : pooled) {
      for (std::size_t week = 0; week < days.size(); ++week) days[week] += channel.days[region][week];
      who.insert(who.end(), bench.records_of_region[region].begin(), bench.records_of_region[region].end());
    }
    const auto order = ordered(bench, who, Targeting::lagging_regions_first, {}, in_use, problems, where);
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
  std::map<std::vector<std::tuple<int, float, float>>, std::uint32_t> known;
  plan.profile.resize(bench.records.n_records());
  for (std::size_t record = 0; record < bench.records.n_records(); ++record) {
    std::map<int, std::pair<double, double>> at;  // week -> staff-days a year of facilitation, of outreach on top
    at[0] = {0, 0};
    double level = 0;
    std::map<int, double> extra;
    for (const auto& [week, days] : outreach[record]) extra[week] = days;
    std::map<int, double> base;
    for (const auto& [week, days] : facilitation[record]) base[week] = days;
    for (const auto& entry : base) at[entry.first];
    for (const auto& entry : extra) at[entry.first];
    double on_top = 0;
    std::vector<std::tuple<int, float, float>> steps;
    for (const auto& entry : at) {
      const int week = entry.first;
      if (const auto b = base.find(week); b != base.end()) level = b->second;
      if (const auto x = extra.find(week); x != extra.end()) on_top = x->second;
      const auto dose = [&](double days) { return days > 0 ? static_cast<float>(days / half_effect) : 0.0F; };
      const std::tuple step{week, dose(level + on_top), dose(level)};
      if (!steps.empty() && std::get<1>(steps.back()) == std::get<1>(step) && std::get<2>(steps.back()) == std::get<2>(step)) {
        continue;
      }
      steps.push_back(step);
    }
    const auto [at_profile, is_new] = known.try_emplace(steps, static_cast<std::uint32_t>(plan.profiles.size()));
    if (is_new) {
      auto& profile = plan.profiles.emplace_back();
      for (const auto& [week, out, in] : steps) profile.push_back({week, out, in});
      plan.records_of_profile.emplace_back();
    }
    plan.profile[record] = at_profile->second;
    plan.records_of_profile[at_profile->second].push_back(static_cast<std::uint32_t>(record));
  }
}

}  // namespace

ProgrammePlan make_plan(const Scenario& scenario, const Population& population, int programme_index,
                        const ProgrammeModel& records, const Strategy& strategy, std::vector<Problem>& problems) {
  const ProgrammeSpec& programme = scenario.programmes[static_cast<std::size_t>(programme_index)];
  const Calendar& calendar = scenario.calendar;
  const auto n_weeks = static_cast<std::size_t>(calendar.n_weeks);
  const std::size_t n_regions = population.regions.size();
  Bench bench{scenario, population, programme, records, {}, 1.0 / calendar.step_years, calendar.n_weeks};
  bench.records_of_region.resize(n_regions);
  for (std::uint32_t record = 0; record < records.n_records(); ++record) {
    bench.records_of_region[records.region[record]].push_back(record);
  }
  const auto for_weeks = [](auto& series, WeekRange weeks, auto change) {
    for (int week = weeks.from; week < weeks.to; ++week) change(series[static_cast<std::size_t>(week)]);
  };

  ProgrammePlan plan;
  plan.classes.resize(n_regions);
  Channel facilitation{std::vector(n_regions, std::vector<double>(n_weeks, 0.0)), std::vector<Allocation>(n_regions)};
  Channel outreach = facilitation;

  const double delivered_a_year = programme.settings[static_cast<std::size_t>(Parameter::delivery_staff_days)].value;
  for (std::size_t r = 0; r < n_regions; ++r) {
    auto& factors = plan.classes[r];
    factors.commissioned.assign(n_weeks, 0.0F);
    factors.mandate.assign(n_weeks, 0.0F);
    factors.covid.assign(n_weeks, 0.0F);
    factors.shock.assign(n_weeks, 1.0F);
    WeekRange on = weeks_of(programme.commissioned, calendar);
    for (const Lever& lever : strategy.levers) {
      if (lever.kind != LeverKind::delay) continue;
      if (!lever.programmes.empty() && std::ranges::find(lever.programmes, programme_index) == lever.programmes.end()) continue;
      const auto named = regions_of(lever, population, problems);
      if (std::ranges::find(named, static_cast<int>(r)) != named.end()) {
        on.from = std::min(on.to, on.from + static_cast<int>(std::lround(lever.delay_weeks)));
      }
    }
    for_weeks(factors.commissioned, on, [](float& value) { value = 1.0F; });
    for (const Window& mandate : programme.mandates) {
      for_weeks(factors.mandate, weeks_of(mandate, calendar), [](float& value) { value = 1.0F; });
    }
    if (programme.covid != CovidStance::none) {
      using namespace std::chrono;
      // The emergency window when a programme names none. [A]
      const Window window = programme.covid_window.value_or(Window{2020y / March / 1, 2021y / June / 30});
      const float sign = programme.covid == CovidStance::aligned ? 1.0F : -1.0F;
      for_weeks(factors.covid, weeks_of(window, calendar), [&](float& value) { value = sign; });
    }
    const double share = static_cast<double>(bench.records_of_region[r].size()) / static_cast<double>(records.n_records());
    for_weeks(facilitation.days[r], on, [&](double& value) { value = delivered_a_year * share; });
  }

  std::string last_effort_lever = scenario.file.string();
  std::vector<std::uint32_t> seeded;
  for (const Lever& lever : strategy.levers) {
    if (!lever.programmes.empty() && std::ranges::find(lever.programmes, programme_index) == lever.programmes.end()) continue;
    const auto regions = regions_of(lever, population, problems);
    const WeekRange weeks = weeks_of(lever.window ? lever.window : programme.commissioned, calendar);
    double eligible = 0;
    for (const int r : regions) eligible += static_cast<double>(bench.records_of_region[static_cast<std::size_t>(r)].size());
    for (const int region : regions) {
      const auto r = static_cast<std::size_t>(region);
      const double share = eligible > 0 ? static_cast<double>(bench.records_of_region[r].size()) / eligible : 0;
      auto& factors = plan.classes[r];
      switch (lever.kind) {
        case LeverKind::facilitation:
          for_weeks(facilitation.days[r], weeks, [&](double& value) {
            value = lever.staff_days_per_year ? *lever.staff_days_per_year * share : value * lever.factor;
          });
          choose(facilitation.allocation[r], lever);
          last_effort_lever = lever.where;
          break;
        case LeverKind::outreach:
          for_weeks(outreach.days[r], weeks, [&](double& value) {
            const auto week = static_cast<std::size_t>(&value - outreach.days[r].data());
            value += lever.staff_days_per_year ? *lever.staff_days_per_year * share
                                               : facilitation.days[r][week] * (lever.factor - 1);
          });
          choose(outreach.allocation[r], lever);
          last_effort_lever = lever.where;
          break;
        case LeverKind::incentive:
          for_weeks(factors.mandate, weeks, [](float& value) { value = 1.0F; });
          break;
        case LeverKind::shock:
          for_weeks(factors.shock, weeks, [&](float& value) { value *= static_cast<float>(lever.factor); });
          break;
        case LeverKind::withdrawal: {
          const WeekRange gone = weeks_of(lever.window, calendar);
          for_weeks(factors.commissioned, gone, [](float& value) { value = 0.0F; });
          for_weeks(facilitation.days[r], gone, [](double& value) { value = 0.0; });
          for_weeks(outreach.days[r], gone, [](double& value) { value = 0.0; });
          break;
        }
        case LeverKind::delay:
        case LeverKind::seeding:
          break;
      }
    }
    if (lever.kind == LeverKind::seeding) {
      std::vector<std::uint32_t> who;
      for (const int r : regions) {
        const auto& here = bench.records_of_region[static_cast<std::size_t>(r)];
        who.insert(who.end(), here.begin(), here.end());
      }
      auto order = ordered(bench, who, lever.targeting, lever.organisations, {}, problems, lever.where);
      if (lever.targeting != Targeting::listed) {
        order.resize(static_cast<std::size_t>(std::lround(lever.share * static_cast<double>(order.size()))));
      }
      seeded.insert(seeded.end(), order.begin(), order.end());
    }
  }

  // Worlds 0a and 0b have no network effort; 0b has no commissioning and no mandate either (model.md 6).
  if (strategy.delivery != Delivery::as_delivered) {
    for (Channel* channel : {&facilitation, &outreach}) {
      for (auto& days : channel->days) std::ranges::fill(days, 0.0);
    }
  }
  if (strategy.delivery == Delivery::no_programme) {
    for (auto& factors : plan.classes) {
      std::ranges::fill(factors.commissioned, 0.0F);
      std::ranges::fill(factors.mandate, 0.0F);
    }
  }

  // Early sites: those named, a share in an order of identity that no other draw uses, and the levers' own.
  for (const std::string& code : programme.sites_at_start) {
    const auto at = std::ranges::find(population.code, code);
    const auto record = at == population.code.end()
                            ? records.organisation.end()
                            : std::ranges::find(records.organisation, static_cast<std::uint32_t>(at - population.code.begin()));
    if (record == records.organisation.end()) {
      problems.push_back({programme.name, fmt::format("site at the start \"{}\" is not an eligible organisation", code), ""});
    } else {
      seeded.push_back(static_cast<std::uint32_t>(record - records.organisation.begin()));
    }
  }
  if (programme.in_use_at_start > 0) {
    std::vector<std::uint32_t> order(records.n_records());
    std::iota(order.begin(), order.end(), 0U);
    std::ranges::sort(order, {}, [&](std::uint32_t record) {
      return mix64(records.organisation_identity[record] ^ mix64(records.identity));
    });
    order.resize(static_cast<std::size_t>(std::lround(programme.in_use_at_start * static_cast<double>(order.size()))));
    seeded.insert(seeded.end(), order.begin(), order.end());
  }
  std::ranges::sort(seeded);
  seeded.erase(std::unique(seeded.begin(), seeded.end()), seeded.end());
  plan.in_use_at_start = std::move(seeded);

  const bool any_effort = std::ranges::any_of(std::array{&facilitation, &outreach}, [](const Channel* channel) {
    return std::ranges::any_of(channel->days, [](const auto& days) {
      return std::ranges::any_of(days, [](double value) { return value > 0; });
    });
  });
  if (any_effort && records.mean_delivered <= 0) {
    problems.push_back({last_effort_lever,
                        fmt::format("{} states no delivered effort, so the effect of staff-days on it is not known",
                                    programme.name),
                        "set delivery.staff_days in the programme's file"});
    for (Channel* channel : {&facilitation, &outreach}) {
      for (auto& days : channel->days) std::ranges::fill(days, 0.0);
    }
  }
  plan.delivered_by_region.assign(n_regions, std::vector<double>(n_weeks, 0.0));
  const Levels base = allocate(bench, facilitation, plan.in_use_at_start, plan.delivered_by_region, problems, last_effort_lever);
  const Levels on_top = allocate(bench, outreach, plan.in_use_at_start, plan.delivered_by_region, problems, last_effort_lever);
  make_profiles(bench, base, on_top, plan);
  plan.delivered_staff_days.assign(n_weeks, 0.0);
  for (const auto& region : plan.delivered_by_region) {
    for (std::size_t week = 0; week < n_weeks; ++week) plan.delivered_staff_days[week] += region[week];
  }
  return plan;
}

}  // namespace uptake
