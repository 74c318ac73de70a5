#include "uptake/scenario.hpp"

namespace uptake {

Population build_population(const Scenario& scenario, const std::filesystem::path& data_folder) {
  return scenario.population == "england" ? build_england(data_folder / "england", scenario.population_options)
                                          : read_population(scenario.population, scenario.population_options);
}

}  // namespace uptake
