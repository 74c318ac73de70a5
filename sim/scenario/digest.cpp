#include "scenario/digest.hpp"

#include <fmt/format.h>

#include "population/tables.hpp"
#include "scenario/settings.hpp"
#include "uptake/error.hpp"
#include "uptake/version.hpp"

namespace uptake {

namespace fs = std::filesystem;

namespace {
std::string window_text(const std::optional<Window>& window) {
  return window ? fmt::format("{}..{}", iso(window->from), iso(window->to)) : "-";
}

std::string day_text(const std::optional<Date>& day) { return day ? iso(*day) : "-"; }

template <typename Number>
std::string optional_text(const std::optional<Number>& number) {
  return number ? fmt::format("{}", *number) : "-";
}

/// Codes and names may hold any character: length first, so that no two lists look alike.
std::string list_text(std::span<const std::string> words) {
  std::string text = fmt::format("{}", words.size());
  for (const std::string& word : words) text += fmt::format(" {}:{}", word.size(), word);
  return text;
}

std::string setting_text(std::string_view key, const Setting& setting) {
  return fmt::format("{} = {} {}\n", key, setting.value, to_text(setting.prior));
}

std::string lever_text(const Lever& lever) {
  return fmt::format("lever {} [{}] {} {} {} {} {} {} {} {} {} {}\n", static_cast<int>(lever.kind),
                     fmt::join(lever.programmes, " "), list_text(lever.regions), window_text(lever.window),
                     lever.factor, optional_text(lever.staff_days_per_year),
                     lever.targeting ? kTargetingNames[static_cast<std::size_t>(*lever.targeting)] : "-",
                     optional_text(lever.package_days), optional_text(lever.package_weeks),
                     list_text(lever.organisations), lever.share, lever.delay_weeks);
}

/// What is shown beside the results belongs to them: a result is shown again only as it would be made.
/// @param whole name that stands for the whole population, as no name does
std::string published_text(const Published& figure, std::string_view whole) {
  return fmt::format(
      "published {} {} {} {} {}\n", figure.metric, day_text(figure.from), iso(figure.to), figure.value,
      list_text(std::vector{figure.region == whole ? std::string() : figure.region, figure.source, figure.note}));
}
}  // namespace

std::string programme_text(const ProgrammeSpec& programme, Money money) {
  std::string text = fmt::format("programme {} {} covid {} {}\n", programme.name, programme.classification,
                                 static_cast<int>(programme.covid), window_text(programme.covid_window));
  for (const OrganisationType type : programme.eligible) text += fmt::format("eligible {}\n", static_cast<int>(type));
  text += fmt::format("commissioned {} available {} withdrawn {} background {}\n", window_text(programme.commissioned),
                      day_text(programme.available_from), day_text(programme.withdrawn),
                      day_text(programme.background_from));
  for (const Tranche& tranche : programme.tranches) {
    text += fmt::format("tranche {} {}\n", iso(tranche.from), list_text(tranche.regions));
  }
  for (const RegionShare& share : programme.delivered_by_region) {
    text += fmt::format("delivered {}:{} {}\n", share.region.size(), share.region, share.share);
  }
  for (const Window& window : programme.mandates) text += fmt::format("mandate {}\n", window_text(window));
  text += fmt::format("form {} {} {} {} {}\n", static_cast<int>(programme.response), static_cast<int>(programme.rule),
                      static_cast<int>(programme.restart), programme.skipped.engaged, programme.skipped.implementing);
  text += fmt::format("start {} {}\n", programme.engaged_at_start, list_text(programme.sites_at_start));
  text +=
      fmt::format("outcome {} {}/{} {} {} {} {}\n", static_cast<int>(programme.outcome), programme.event,
                  programme.baseline, programme.effect_already_shrunk, optional_text(programme.historic_denominator),
                  static_cast<int>(programme.delivery_funder), static_cast<int>(programme.adoption_funder));
  for (const ParameterSpec& row : parameter_table().first(kNProgrammeParameters)) {
    // Staff-days are money and effort.
    const bool is_money = row.id >= Parameter::value_per_event && row.id != Parameter::delivery_staff_days;
    if (money == Money::counted || !is_money) text += setting_text(row.key, setting_of(programme, row.id));
  }
  return text;
}

std::string digest_of(const Scenario& scenario, const fs::path& tables) {
  std::string text = fmt::format("uptake {}\n{}seed {}\nmode {}\nattention {}\n", version(), kernel_text(),
                                 scenario.seed, static_cast<int>(scenario.mode), scenario.attention);
  text += fmt::format("calendar {} {}\n", iso(scenario.calendar.start), scenario.calendar.n_weeks);
  for (const Date date : scenario.calendar.report_at) text += fmt::format("report {}\n", iso(date));
  text += population_text(scenario.population, scenario.population_options, tables);
  for (const ProgrammeSpec& programme : scenario.programmes) text += programme_text(programme);
  text +=
      fmt::format("path {} {} focus {}\n", scenario.path_months, scenario.by_board, list_text({&scenario.focus, 1}));
  const std::string_view whole = scenario.population == "england" ? kEngland : std::string_view();
  for (const Published& figure : scenario.published) text += published_text(figure, whole);
  for (const ProgrammeSpec& programme : scenario.programmes) {
    for (const Published& figure : programme.published) text += programme.name + " " + published_text(figure, whole);
  }
  // Likewise the forecasts that stand beside them.
  if (scenario.past_forecasts)
    text += fmt::format("past forecasts {} {} weight {}\n", scenario.past_forecasts->file.filename().string(),
                        scenario.past_forecasts->digest, scenario.outside_weight);
  for (const Lever& lever : scenario.levers) text += lever_text(lever);
  for (const Strategy& strategy : scenario.strategies) {
    text += fmt::format("strategy {} {} without", strategy.name, static_cast<int>(strategy.delivery));
    for (const Driver driver : strategy.without) text += fmt::format(" {}", static_cast<int>(driver));
    text += fmt::format(" attention {}\n", static_cast<int>(strategy.attention));
    for (const Lever& lever : strategy.levers) text += lever_text(lever);
  }
  // What paired outcomes are against; the usual world needs no mention.
  const auto comparator = static_cast<std::size_t>(scenario.comparator);
  if (comparator < scenario.strategies.size() && scenario.strategies[comparator].delivery == Delivery::no_programme)
    text += "against no-programme\n";
  for (const ParameterSpec& row : parameter_table().subspan(kNProgrammeParameters)) {
    if (is_used(scenario, row))
      text += setting_text(row.key, scenario.economy[static_cast<std::size_t>(row.id) - kNProgrammeParameters]);
  }
  return fmt::format("{:016x}", identity_of(text));
}

}  // namespace uptake
