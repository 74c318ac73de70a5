#include "world/shown.hpp"

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "population/regions.hpp"
#include "uptake/metrics.hpp"

namespace uptake {

namespace {
/// @return whether `name` is a region of the population; it is then the region's own name
bool resolve_region(std::string& name, const Population& population) {
  if (name.empty() || name == kEngland) {
    name.clear();
    return true;
  }
  const auto at = find_region(population.regions, name);
  if (!at) return false;
  name = population.regions[*at].name;
  return true;
}

std::string meant(std::string_view name, const Population& population) {
  return known_regions(population.regions, name, {&kEngland, 1});
}

void resolve_figures(std::vector<Published>& figures, const Scenario& scenario, const Population& population,
                     std::vector<Problem>& problems) {
  for (Published& figure : figures) {
    // Counted in England, which is another place than these organisations.
    if (figure.region == kEngland && scenario.population != "england") continue;
    if (!resolve_region(figure.region, population)) {
      problems.push_back({figure.where, fmt::format(R"(no region is called "{}" in this population)", figure.region),
                          meant(figure.region, population)});
      continue;
    }
    const auto metric = find_metric(figure.metric);
    if (metric && !figure.region.empty() && !spec(*metric).by_region) {
      problems.push_back(
          {figure.where,
           fmt::format("{} is given for {} alone, not for {}", figure.metric,
                       scenario.population == "england" ? kEngland : "the whole population", figure.region),
           ""});
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
  resolve_figures(scenario.published, scenario, population, problems);
  for (ProgrammeSpec& programme : scenario.programmes)
    resolve_figures(programme.published, scenario, population, problems);
}

}  // namespace uptake
