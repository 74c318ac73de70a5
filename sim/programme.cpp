#include "programme.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "settings.hpp"
#include "uptake/error.hpp"

namespace uptake {

namespace fs = std::filesystem;

namespace {
constexpr std::array<std::string_view, 3> kCovidNames{"none", "aligned", "not-aligned"};
constexpr std::array<std::string_view, 2> kResponseNames{"bass", "drawn"};
constexpr std::array<std::string_view, 2> kRuleNames{"sum", "maximum"};
constexpr std::array<std::string_view, 2> kSkippedNames{"engaged", "implementing"};
constexpr std::array<std::string_view, 2> kRestartNames{"constant", "decides-again"};
constexpr std::array<std::string_view, 2> kOutcomeNames{"none", "admissions"};

void read_identity(TableReader& reader, const fs::path& file, ProgrammeSpec& programme) {
  reader.require("name", fmt::format("\"{}\"", file.stem().string()));
  programme.name = reader.text("name").value_or(file.stem().string());
  check_name(reader, "name", programme.name);
  if (programme.name != file.stem().string()) {
    reader.report(reader.find("name")->place, fmt::format("name = \"{}\" is not the name of the file", programme.name),
                  fmt::format("write \"{}\"", file.stem().string()));
  }
  reader.require("title", "\"…\"");
  programme.title = reader.text("title").value_or("");
  programme.classification = reader.text("classification").value_or(programme.name);
  if (reader.find("classification")) check_name(reader, "classification", programme.classification);

  reader.require("eligible", "[\"care-home\"]");
  for (const LocatedText& type : reader.texts("eligible")) {
    const auto name = std::ranges::find(kOrganisationTypeNames, type.text);
    if (name != kOrganisationTypeNames.end()) {
      programme.eligible.push_back(static_cast<OrganisationType>(name - kOrganisationTypeNames.begin()));
    } else {
      reader.report(type.place,
                    fmt::format("eligible names an unknown type \"{}\" (known are {})", type.text,
                                one_of(kOrganisationTypeNames)),
                    did_you_mean(type.text, kOrganisationTypeNames));
    }
  }
  if (const auto* eligible = reader.find("eligible"); eligible && programme.eligible.empty()) {
    const auto* array = eligible->as<TomlValue::Array>();
    if (array && array->empty()) reader.report(eligible->place, "eligible names no type of organisation");
  }
}

void read_dates(TableReader& reader, ProgrammeSpec& programme) {
  if (const auto* value = reader.find("commissioned")) {
    programme.commissioned = read_sourced_window(*value, "commissioned", reader.problems());
  }
  programme.covid = choice_or(reader, "covid", kCovidNames, CovidStance::none);
  if (const auto* value = reader.find("covid_window")) {
    programme.covid_window = read_sourced_window(*value, "covid_window", reader.problems());
  }
  if (const auto* value = reader.find("mandates")) {
    const auto* array = value->as<TomlValue::Array>();
    if (!array) reader.report(value->place, fmt::format("mandates is {}, must be an array of windows", value->kind()));
    for (std::size_t i = 0; array && i < array->size(); ++i) {
      const auto window = read_sourced_window((*array)[i], fmt::format("mandates[{}]", i), reader.problems());
      if (window) programme.mandates.push_back(*window);
    }
  }
}

void read_diffusion(TableReader& reader, ProgrammeSpec& programme) {
  programme.response = choice_or(reader, "response", kResponseNames, PeerResponse::drawn);
  programme.rule = choice_or(reader, "rule", kRuleNames, LayerRule::sum);
  programme.restart = choice_or(reader, "restart", kRestartNames, Restart::constant);
  for (const LocatedText& stage : reader.texts("skipped")) {
    if (stage.text == kSkippedNames[0]) {
      programme.skipped.engaged = true;
    } else if (stage.text == kSkippedNames[1]) {
      programme.skipped.implementing = true;
    } else {
      reader.report(
          stage.place,
          fmt::format("skipped names an unknown stage \"{}\" (must be {})", stage.text, one_of(kSkippedNames)),
          did_you_mean(stage.text, kSkippedNames));
    }
  }
  programme.engaged_at_start = reader.flag("engaged_at_start").value_or(false);
  programme.in_use_at_start = read_figure(reader, "in_use_at_start", "share", 0, 1).value_or(0);
  programme.sites_at_start = plain(reader.texts("sites_at_start"));
}

void read_reporting(TableReader& reader, ProgrammeSpec& programme) {
  programme.historic_denominator = read_figure(reader, "historic_denominator", "organisations", 1, 1e7);
  programme.outcome = choice_or(reader, "outcome", kOutcomeNames, OutcomeKind::none);
  programme.no_outcome_note = reader.text("no_outcome_note").value_or("");
  if (programme.outcome == OutcomeKind::none && programme.no_outcome_note.empty()) {
    reader.report(reader.place(), "outcome is none and nothing says why",
                  "add no_outcome_note = \"what is known and what is missing\"");
  }
  programme.effect_already_shrunk = reader.flag("effect_already_shrunk").value_or(true);
  programme.notes = plain(reader.texts("notes"));
  if (const auto* value = reader.find("funders")) {
    TableReader funders = fields_of(*value, "funders", reader.problems());
    if (!value->as<TomlTable>()) reader.report(value->place, "funders is not a table");
    programme.delivery_funder = choice_or(funders, "delivery", kFunderNames, programme.delivery_funder);
    programme.adoption_funder = choice_or(funders, "adoption", kFunderNames, programme.adoption_funder);
    funders.finish();
  }
}
}  // namespace

void check_schema(TableReader& reader) {
  reader.require("schema", "1");
  const auto schema =
      reader.whole("schema", std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max());
  if (schema && *schema != 1) {
    reader.report(reader.find("schema")->place,
                  fmt::format("schema = {} is not known to this version (must be 1)", *schema));
  }
}

std::optional<ProgrammeSpec> read_programme(const fs::path& file, Problems& problems) {
  const auto table = parse_toml(read_text(file), file.string(), problems);
  if (!table) return std::nullopt;
  TableReader reader(*table, {file.string(), 1, 1}, "", problems);
  ProgrammeSpec programme;
  check_schema(reader);
  read_identity(reader, file, programme);
  read_dates(reader, programme);
  read_diffusion(reader, programme);
  read_reporting(reader, programme);

  const auto adopters = programme.eligible.empty() ? AdopterClass::trust : adopter_class(programme.eligible.front());
  for (const ParameterSpec& row : parameter_table().first(kNProgrammeParameters)) {
    setting_of(programme, row.id) = table_setting(row, adopters);
  }
  read_parameter_groups(reader, Scope::programme,
                        [&](const ParameterSpec& row, const Setting& s) { setting_of(programme, row.id) = s; });
  reader.finish();
  return programme;
}

ProgrammeSpec ProgrammeSpec::with_table_defaults(std::string name, OrganisationType eligible) {
  ProgrammeSpec programme;
  programme.name = programme.title = programme.classification = std::move(name);
  programme.eligible = {eligible};
  for (const ParameterSpec& row : parameter_table().first(kNProgrammeParameters)) {
    setting_of(programme, row.id) = table_setting(row, adopter_class(eligible));
  }
  return programme;
}

void ProgrammeSpec::fix(Parameter id, double value) {
  UPTAKE_EXPECTS(static_cast<int>(id) < kNProgrammeParameters);
  setting_of(*this, id) = {value, {Family::fixed, value, 0}, Grade::assumption, "set in code", "code"};
}

}  // namespace uptake
