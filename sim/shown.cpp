#include "shown.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "uptake/outcomes.hpp"

namespace uptake {

namespace {
constexpr std::string_view kEngland = "England";

/// @return whether `name` is a region of the population; it is then the region's own name
bool resolve_region(std::string& name, const Population& population) {
  if (name.empty() || name == kEngland) {
    name.clear();
    return true;
  }
  const auto at = std::ranges::find_if(population.regions, [&](const Region& region) {
    return region.name == name || region.code == name || region.short_name == name;
  });
  if (at == population.regions.end()) return false;
  name = at->name;
  return true;
}

std::string meant(std::string_view name, const Population& population) {
  std::vector<std::string_view> names{kEngland};
  for (const Region& region : population.regions)
    names.insert(names.end(), {region.name, region.code, region.short_name});
  const std::string nearest = nearest_name(name, names);
  return nearest.empty() ? std::string() : fmt::format("did you mean \"{}\"?", nearest);
}

void resolve_figures(std::vector<Published>& figures, const Population& population, std::vector<Problem>& problems) {
  for (Published& figure : figures) {
    if (!resolve_region(figure.region, population)) {
      problems.push_back({figure.where, fmt::format(R"(no region is called "{}" in this population)", figure.region),
                          meant(figure.region, population)});
      continue;
    }
    const auto metric = find_metric(figure.metric);
    if (metric && !figure.region.empty() && !spec(*metric).by_region) {
      problems.push_back(
          {figure.where, fmt::format("{} is given for England alone, not for {}", figure.metric, figure.region), ""});
    }
  }
}
}  // namespace

void resolve_shown(Scenario& scenario, const Population& population, std::vector<Problem>& problems) {
  if (!resolve_region(scenario.focus, population)) {
    problems.push_back({scenario.file.string(),
                        fmt::format(R"(focus = "{}", and no region is called so in this population)", scenario.focus),
                        meant(scenario.focus, population)});
  }
  resolve_figures(scenario.published, population, problems);
  for (ProgrammeSpec& programme : scenario.programmes) resolve_figures(programme.published, population, problems);
}

}  // namespace uptake
