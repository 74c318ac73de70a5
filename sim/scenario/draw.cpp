#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "scenario/settings.hpp"
#include "uptake/scenario.hpp"

namespace uptake {

std::array<Setting, kNParameters - kNProgrammeParameters> default_economy() {
  std::array<Setting, kNParameters - kNProgrammeParameters> economy;
  for (const ParameterSpec& row : parameter_table().subspan(kNProgrammeParameters)) {
    // the same for all classes: an economy row has one value
    economy[static_cast<std::size_t>(row.id) - kNProgrammeParameters] = table_setting(row, AdopterClass::trust);
  }
  return economy;
}

namespace {
/// Identities of the parameters, in the order of their table: made once, for a calibration draws 100,000 vectors.
const std::array<std::uint64_t, kNParameters>& parameter_identities() {
  static const std::array<std::uint64_t, kNParameters> identities = [] {
    std::array<std::uint64_t, kNParameters> made{};
    for (const ParameterSpec& row : parameter_table())
      made[static_cast<std::size_t>(row.id)] = identity_of(fmt::format("parameter:{}", row.key));
    return made;
  }();
  return identities;
}
}  // namespace

Draw draw_parameters(const Scenario& scenario, Key key) {
  // A share is drawn as a gamma variate, which has no upper end before it is normalised.
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const auto& identities = parameter_identities();
  const auto value_of = [&](const ParameterSpec& row, const Setting& setting, std::uint32_t programme) {
    if (scenario.mode == ParameterMode::defaults) return setting.value;
    if (setting.prior.family == Family::fixed) return std::clamp(setting.prior.a, row.lowest, row.highest);
    const DrawId id{identities[static_cast<std::size_t>(row.id)], programme,
                    static_cast<std::uint16_t>(Stream::parameter), 0};
    // NOLINTNEXTLINE(bugprone-narrowing-conversions): clang-tidy 14 calls a double to a double narrowing
    const double highest = setting.prior.family == Family::gamma_share ? kInfinity : row.highest;
    return quantile(setting.prior, uniform(key, id), row.lowest, highest);
  };

  std::vector<double> values;
  values.reserve(scenario.programmes.size() * kNProgrammeParameters + scenario.economy.size());
  for (const ProgrammeSpec& programme : scenario.programmes) {
    const std::size_t first = values.size();
    const std::uint32_t identity = programme_identity(programme.name);
    for (const ParameterSpec& row : parameter_table().first(kNProgrammeParameters)) {
      values.push_back(value_of(row, setting_of(programme, row.id), identity));
    }
    if (const PosteriorProgramme* const drawn = calibrated(scenario, programme.name)) {
      // One uniform for the whole vector, which is joint; those of the parameters stay unused, so that nothing else moves.
      const double u =
          uniform(key, {identity_of("posterior"), identity, static_cast<std::uint16_t>(Stream::parameter), 0});
      const std::size_t n = drawn->parameters.size();
      const auto row = std::min(static_cast<std::size_t>(u * static_cast<double>(drawn->n_draws)), drawn->n_draws - 1);
      for (std::size_t j = 0; j < n; ++j)
        values[first + static_cast<std::size_t>(drawn->parameters[j].id)] = drawn->values[row * n + j];
    }
    double sum = 0;
    for (const Parameter id : kLayerShares) sum += values[first + static_cast<std::size_t>(id)];
    for (const Parameter id : kLayerShares) values[first + static_cast<std::size_t>(id)] /= sum;
  }
  for (const ParameterSpec& row : parameter_table().subspan(kNProgrammeParameters)) {
    values.push_back(value_of(row, scenario.economy[static_cast<std::size_t>(row.id) - kNProgrammeParameters], 0));
  }
  return Draw(std::move(values), static_cast<int>(scenario.programmes.size()));
}

}  // namespace uptake
