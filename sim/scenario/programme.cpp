#include "scenario/programme.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "population/regions.hpp"
#include "scenario/loading.hpp"
#include "scenario/settings.hpp"
#include "uptake/error.hpp"
#include "uptake/metrics.hpp"

namespace uptake {

namespace fs = std::filesystem;

namespace {
constexpr std::array<std::string_view, 3> kCovidNames{"none", "aligned", "not-aligned"};
constexpr std::array<std::string_view, 2> kResponseNames{"bass", "drawn"};
constexpr std::array<std::string_view, 2> kRuleNames{"sum", "maximum"};
constexpr std::array<std::string_view, 2> kSkippedNames{"engaged", "implementing"};
constexpr std::array<std::string_view, 2> kRestartNames{"constant", "decides-again"};

std::vector<std::string_view> outcome_names() {
  std::vector<std::string_view> names;
  for (const OutcomeKindSpec& kind : outcome_kinds()) {
    if (kind.id != OutcomeKind::carbon) names.push_back(kind.name);  // follows from the others
  }
  return names;
}

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
  programme.summary = reader.text("summary").value_or("");
  programme.evidence = choice_or(reader, "evidence", kEvidenceNames, Evidence::d);
  programme.innovation = choice_or(reader, "innovation", kInnovationKindNames, InnovationKind::pathway);
  programme.push = choice_or(reader, "push", kPushNames, NationalPush::none);
  programme.starts_from =
      reader.flag("from_past_programmes").value_or(false) ? StartsFrom::past_programmes : StartsFrom::own_priors;
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

/// `{ date = 2021-05-31, source = "…" }`: a day that is a fact.
std::optional<Date> read_sourced_day(TableReader& reader, std::string_view key) {
  const TomlValue* value = reader.find(key);
  if (!value) return std::nullopt;
  TableReader fields = fields_of(*value, std::string(key), reader.problems());
  if (!value->as<TomlTable>()) {
    reader.report(value->place, fmt::format("{} is {}, must be {{ date = …, source = \"…\" }}", key, value->kind()));
    return std::nullopt;
  }
  fields.require("date", "2021-05-31");
  const auto day = fields.date("date");
  read_origin(fields, std::string(key), Provenance::required);
  fields.finish();
  return day;
}

void read_tranches(TableReader& reader, std::span<const Region> regions, ProgrammeSpec& programme) {
  reader.tables("tranches", [&](TableReader& fields) {
    Tranche tranche;
    fields.require("regions", "[\"South West\"]");
    tranche.regions = read_regions(fields, "regions", regions);
    fields.require("from", "2018-09-01");
    if (const auto from = fields.date("from")) tranche.from = *from;
    read_origin(fields, "a tranche", Provenance::required);
    programme.tranches.push_back(std::move(tranche));
  });
}

void read_delivered_by_region(TableReader& reader, std::span<const Region> regions, ProgrammeSpec& programme) {
  double sum = 0;
  reader.tables("delivered_by_region", [&](TableReader& fields) {
    RegionShare share;
    fields.require("region", "\"East Midlands\"");
    share.region = read_region(fields, "region", regions, Whole::no_region).value_or("");
    fields.require("share", "0.1");
    share.share = fields.quantity("share", "share", 0, 1).value_or(0);
    read_origin(fields, "delivered_by_region", Provenance::required);
    share.where = fields.place().text();
    sum += share.share;
    programme.delivered_by_region.push_back(std::move(share));
  });
  if (sum > 1 + 1e-9) {
    reader.report(reader.find("delivered_by_region")->place,
                  fmt::format("delivered_by_region adds up to {}, must be at most 1", sum));
  }
}

void read_dates(TableReader& reader, std::span<const Region> regions, ProgrammeSpec& programme) {
  programme.available_from = read_sourced_day(reader, "available_from");
  programme.withdrawn = read_sourced_day(reader, "withdrawn");
  programme.background_from = read_sourced_day(reader, "background_from");
  if (programme.available_from && programme.withdrawn && *programme.withdrawn <= *programme.available_from) {
    reader.report(reader.find("withdrawn")->place,
                  fmt::format("the programme is withdrawn on {}, not after it is available on {}",
                              iso(*programme.withdrawn), iso(*programme.available_from)));
  }
  read_tranches(reader, regions, programme);
  read_delivered_by_region(reader, regions, programme);
  if (const auto* value = reader.find("commissioned")) {
    programme.commissioned = read_sourced_window(*value, "commissioned", reader.problems());
    for (const Tranche& tranche : programme.tranches) {
      if (!programme.commissioned || tranche.from <= programme.commissioned->to) continue;
      reader.report(value->place, fmt::format("a tranche begins on {}, after the programme's commissioning ends on {}",
                                              iso(tranche.from), iso(programme.commissioned->to)));
    }
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
  programme.sites_at_start = plain(reader.texts("sites_at_start"));
}

void read_reporting(TableReader& reader, std::span<const Region> regions, ProgrammeSpec& programme) {
  programme.historic_denominator = read_figure(reader, "historic_denominator", "organisations", 1, 1e7);
  programme.outcome =
      choice_or(reader, "outcome", std::span<const std::string_view>(outcome_names()), OutcomeKind::none);
  programme.event = reader.text("event").value_or("");
  if (!programme.event.empty()) check_name(reader, "event", programme.event);
  programme.baseline = reader.text("baseline").value_or("");
  if (!programme.baseline.empty()) check_name(reader, "baseline", programme.baseline);
  const bool needs_event = programme.outcome == OutcomeKind::events || programme.outcome == OutcomeKind::uptake ||
                           programme.outcome == OutcomeKind::capacity;
  if (needs_event && programme.event.empty()) {
    reader.report(reader.find("outcome")->place,
                  fmt::format("outcome is {} and nothing says what is avoided", spec(programme.outcome).name),
                  "add event = \"emergency-admission\"");
  }
  read_published(reader, "published", regions, programme.published);
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

void read_published(TableReader& reader, std::string_view key, std::span<const Region> regions,
                    std::vector<Published>& published) {
  reader.tables(key, [&](TableReader& fields) {
    Published figure;
    figure.where = fields.place().text();
    fields.require("metric", "\"ever_adopted\"");
    figure.metric = fields.text("metric").value_or("");
    if (!figure.metric.empty() && !find_metric(figure.metric)) {
      std::vector<std::string_view> names;
      for (const MetricSpec& metric : metric_table()) names.push_back(metric.name);
      fields.report(fields.find("metric")->place,
                    fmt::format("a published figure names an unknown metric \"{}\"", figure.metric),
                    did_you_mean(figure.metric, names));
    }
    figure.region = read_region(fields, "region", regions, Whole::england).value_or("");
    figure.from = fields.date("from");
    fields.require("to", "2023-03-31");
    if (const auto to = fields.date("to")) figure.to = *to;
    if (figure.from && figure.to < *figure.from) {
      fields.report(fields.find("to")->place, fmt::format("a published figure ends on {}, before it starts on {}",
                                                          iso(figure.to), iso(*figure.from)));
    }
    fields.require("value", "11621");
    figure.value = fields.quantity("value", "1", -1e15, 1e15).value_or(0);
    fields.require("source", "\"S41\"");
    figure.source = fields.text("source").value_or("");
    figure.note = fields.text("note").value_or("");
    published.push_back(std::move(figure));
  });
}

void check_schema(TableReader& reader) {
  reader.require("schema", "1");
  const auto schema =
      reader.whole("schema", std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max());
  if (schema && *schema != 1) {
    reader.report(reader.find("schema")->place,
                  fmt::format("schema = {} is not known to this version (must be 1)", *schema));
  }
}

std::optional<ProgrammeSpec> read_programme(const fs::path& file, std::span<const Region> regions,
                                            const Sources* sources, Problems& problems) {
  const auto table = parse_toml(read_text(file), file.string(), problems);
  if (!table) return std::nullopt;
  if (sources) check_sources(*table, *sources, problems);
  TableReader reader(*table, {file.string(), 1, 1}, "", problems);
  ProgrammeSpec programme;
  check_schema(reader);
  read_identity(reader, file, programme);
  read_dates(reader, regions, programme);
  read_diffusion(reader, programme);
  read_reporting(reader, regions, programme);

  const auto adopters = programme.eligible.empty() ? AdopterClass::trust : adopter_class(programme.eligible.front());
  for (const ParameterSpec& row : parameter_table().first(kNProgrammeParameters)) {
    setting_of(programme, row.id) = table_setting(row, adopters);
  }
  read_parameter_groups(reader, Scope::programme,
                        [&](const ParameterSpec& row, const Setting& s) { setting_of(programme, row.id) = s; });
  reader.finish();
  return programme;
}

ProgrammeSpec load_programme(const fs::path& file) {
  Problems problems;
  std::optional<ProgrammeSpec> programme = read_programme(file, {}, nullptr, problems);
  problems.throw_if_any();
  return *std::move(programme);
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
