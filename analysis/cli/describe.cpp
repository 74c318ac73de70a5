// Commands that show what is there and run nothing: validate, params, list, info, licences.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "calibration/posterior_file.hpp"
#include "commands.hpp"
#include "files/json_text.hpp"
#include "ranks.hpp"
#include "report/crate.hpp"
#include "text_file.hpp"
#include "uptake/ensemble.hpp"
#include "uptake/grouped.hpp"
#include "uptake/model.hpp"
#include "uptake/parameters.hpp"
#include "uptake/population.hpp"
#include "uptake/record.hpp"
#include "uptake/scenario.hpp"
#include "uptake/version.hpp"

namespace uptake::cli {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

void print_json(const Json& body) {
  Json json{{"schema", kJsonSchema}};
  json.update(body);
  // A file name need not be UTF-8, JSON must be.
  fmt::print("{}\n", json_text(json, 2));
}

/// Shortest text that reads back as the same number.
std::string number(double value) { return fmt::format("{}", value); }

Json to_json(const Problem& problem) {
  return {{"where", problem.where}, {"what", problem.what}, {"suggestion", problem.suggestion}};
}

constexpr std::array<std::string_view, 3> kAdopterClassNames{"trust", "practice", "home"};

/// One text when all adopter classes agree, else one for each.
template <class Text>
std::string by_adopter_class(const Text& text) {
  if (text(0) == text(1) && text(1) == text(2)) return text(0);
  std::string all;
  for (std::size_t c = 0; c < kAdopterClassNames.size(); ++c) {
    all += fmt::format("{}{} {}", c == 0 ? "" : ", ", kAdopterClassNames[c], text(c));
  }
  return all;
}

void print_parameter_table() {
  for (const ParameterSpec& row : parameter_table()) {
    fmt::print("{}  ({}, {}, {} to {})\n  {}\n  default {}; prior {}\n  {}{}{}\n", row.key, row.symbol, row.unit,
               number(row.lowest), number(row.highest), row.meaning,
               by_adopter_class([&](std::size_t c) { return number(row.value[c]); }),
               by_adopter_class([&](std::size_t c) { return to_text(row.prior[c]); }), name_of(row.grade),
               row.source.empty() ? "" : ": ", row.source);
  }
}

Json parameter_table_json() {
  Json rows = Json::array();
  for (const ParameterSpec& row : parameter_table()) {
    Json defaults, priors;
    for (std::size_t c = 0; c < kAdopterClassNames.size(); ++c) {
      defaults[std::string(kAdopterClassNames[c])] = row.value[c];
      priors[std::string(kAdopterClassNames[c])] = to_text(row.prior[c]);
    }
    rows.push_back({{"key", row.key},
                    {"symbol", row.symbol},
                    {"unit", row.unit},
                    {"lowest", row.lowest},
                    {"highest", row.highest},
                    {"default", std::move(defaults)},
                    {"prior", std::move(priors)},
                    {"grade", name_of(row.grade)},
                    {"home", row.home == Home::programme ? "programme" : "economy"},
                    {"meaning", row.meaning},
                    {"source", row.source}});
  }
  return rows;
}

/// Calls use(owner, row, setting) for every parameter of a scenario, programmes first; the owner of the economy is "run".
template <class Use>
void for_each_setting(const Scenario& scenario, const Use& use) {
  for (const ProgrammeSpec& programme : scenario.programmes) {
    for (std::size_t p = 0; p < programme.settings.size(); ++p) {
      use(programme.name, parameter_table()[p], programme.settings[p]);
    }
  }
  for (std::size_t p = 0; p < scenario.economy.size(); ++p) {
    const ParameterSpec& row = parameter_table()[kNProgrammeParameters + p];
    if (is_used(scenario, row)) use("run", row, scenario.economy[p]);
  }
}

/// How a programme's spread is known: calibrated where the shipped posterior holds it, else as its external hazard is.
std::string_view standing_of(const ProgrammeSpec& programme, const StoredPosterior& shipped) {
  if (shipped.find(programme.name)) return "calibrated";
  const Grade grade = programme.settings[static_cast<std::size_t>(Parameter::p)].grade;
  return grade == Grade::assumption ? "assumed" : name_of(grade);
}

std::string_view standing_of(const PosteriorColumn& drawn) {
  if (drawn.programme->kind == PosteriorKind::pooled) return ": from past programmes";
  return drawn.parameter().is_informed() ? "" : ": not informed by these data";
}

void print_settings(const Scenario& scenario) {
  const auto shipped = shipped_posterior();
  const auto word = [&](const std::string& owner) {
    const auto at = std::ranges::find(scenario.programmes, owner, &ProgrammeSpec::name);
    return shipped && at != scenario.programmes.end() ? fmt::format("  (defaults: {})", standing_of(*at, *shipped))
                                                      : "";
  };
  std::string last_owner;
  for_each_setting(scenario, [&](const std::string& owner, const ParameterSpec& row, const Setting& setting) {
    if (owner != last_owner) fmt::print("{}{}{}\n", last_owner.empty() ? "" : "\n", owner, word(owner));
    last_owner = owner;
    const auto drawn = posterior_column(scenario, owner, row.id);
    const std::string text = fmt::format("{}{}", setting.source, setting.source.empty() ? "" : " ");
    fmt::print("  {:<30} {:>12} {:<12} {:<18} {:<10} {}[{}]\n", row.key,
               drawn ? fmt::format("{:.4g}", drawn->quantile(0.5)) : number(setting.value), row.unit,
               to_text(setting.prior), name_of(setting.grade), text, drawn ? std::string("posterior") : setting.where);
    if (!drawn) return;
    fmt::print("  {:<30} {:>12} median of the posterior, 90 %: {:.4g} to {:.4g}, mean {:.4g}; contraction {:.2f}{}\n",
               "", "", drawn->quantile(0.05), drawn->quantile(0.95), drawn->mean(), drawn->parameter().contraction,
               standing_of(*drawn));
    fmt::print("  {:<30} {:>12} {:<12} default, not used [{}]\n", "", number(setting.value), row.unit, setting.where);
  });
}

Json settings_json(const Scenario& scenario) {
  Json rows = Json::array();
  for_each_setting(scenario, [&](const std::string& owner, const ParameterSpec& row, const Setting& setting) {
    rows.push_back({{"owner", owner},
                    {"key", row.key},
                    {"value", setting.value},
                    {"unit", row.unit},
                    {"prior", to_text(setting.prior)},
                    {"grade", name_of(setting.grade)},
                    {"source", setting.source},
                    {"where", setting.where}});
    if (const auto drawn = posterior_column(scenario, owner, row.id)) {
      rows.back()["value"] = drawn->quantile(0.5);
      rows.back()["default"] = setting.value;
      rows.back()["posterior"] = {{"kind", drawn->programme->kind == PosteriorKind::pooled ? "pooled" : "calibrated"},
                                  {"mean", drawn->mean()},
                                  {"p05", drawn->quantile(0.05)},
                                  {"p50", drawn->quantile(0.5)},
                                  {"p95", drawn->quantile(0.95)},
                                  {"contraction", drawn->parameter().contraction},
                                  {"informed", drawn->parameter().is_informed()}};
    }
  });
  return rows;
}

/// run.json of each folder in ./results that has one, in the order of their names; null where it cannot be read.
std::vector<std::pair<fs::path, Json>> runs_found() {
  std::vector<std::pair<fs::path, Json>> runs;
  if (!fs::is_directory("results")) return runs;
  for (const auto& entry : fs::directory_iterator("results")) {
    if (!fs::exists(entry.path() / kRunFile)) continue;
    Json facts;
    try {
      facts = Json::parse(read_text(entry.path() / kRunFile), nullptr, false);
    } catch (const FileError&) {
    }
    runs.emplace_back(entry.path(), facts.is_object() ? std::move(facts) : Json());
  }
  std::sort(runs.begin(), runs.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  return runs;
}

}  // namespace

namespace {
std::string check_scenario(const fs::path& file, const std::vector<std::string>& overrides,
                           std::vector<Problem>& warnings) {
  const Scenario scenario = scenario_of(file, overrides);
  auto population = std::make_shared<const Population>(build_population(scenario, data_folder()));
  const auto model = make_model(scenario, std::move(population));
  warnings = model->warnings;
  return fmt::format("{}; {}, {} strategies, {}, {} to {}", scenario.title,
                     plural(scenario.programmes.size(), "programme"), scenario.strategies.size(),
                     plural(scenario.replicates, "replicate"), iso(scenario.calendar.start),
                     iso(scenario.calendar.last_day()));
}

std::string check_record(const fs::path& file, const std::vector<std::string>& overrides,
                         std::vector<Problem>& warnings) {
  const HistoricRecord record = load_record(file, overrides, data_folder());
  warnings = record.doubtful;
  std::array<std::size_t, kUseNames.size()> n_points{};
  std::size_t n_series = 0;
  for (const HistoricProgramme& programme : record.programmes) {
    n_series += programme.series.size();
    for (const ObservedSeries& series : programme.series) {
      for (const ObservedPoint& point : series.points) ++n_points[static_cast<std::size_t>(point.use)];
    }
  }
  return fmt::format("{}; {}, {} series, {} to fit to, {} to check against, {} not used", record.title,
                     plural(record.programmes.size(), "programme"), n_series, plural(n_points[0], "observation"),
                     n_points[1], record.unused.size());
}
}  // namespace

ExitCode validate(const std::vector<fs::path>& files, const std::vector<std::string>& overrides, const Output& output) {
  ExitCode worst = ExitCode::done;
  Json rows = Json::array();
  for (const fs::path& file : files) {
    std::vector<Problem> problems, warnings;
    try {
      const fs::path found = scenario_file(file);
      const std::string what =
          is_record(found) ? check_record(found, overrides, warnings) : check_scenario(found, overrides, warnings);
      if (output.format == Format::text && output.verbosity == Verbosity::normal) {
        fmt::print("{}: valid ({})\n", file.string(), what);
      }
    } catch (const InputError& error) {
      problems = error.problems();
      worst = ExitCode::bad_input;
    } catch (const FileError& error) {
      problems = {error.problem()};
      if (worst == ExitCode::done) worst = ExitCode::cannot_read_or_write;
    }
    print_problems(problems);
    if (output.verbosity == Verbosity::normal) print_warnings(warnings);
    const auto list_of = [](const std::vector<Problem>& of) {
      Json list = Json::array();
      for (const Problem& problem : of) list.push_back(to_json(problem));
      return list;
    };
    rows.push_back({{"file", file.string()},
                    {"valid", problems.empty()},
                    {"problems", list_of(problems)},
                    {"warnings", list_of(warnings)}});
  }
  if (output.format == Format::json) print_json({{"files", std::move(rows)}});
  return worst;
}

ExitCode params(const std::optional<fs::path>& scenario, const std::vector<std::string>& overrides,
                const Output& output) {
  const bool json = output.format == Format::json;
  if (!scenario) {
    json ? print_json({{"parameters", parameter_table_json()}}) : print_parameter_table();
    return ExitCode::done;
  }
  const Scenario loaded = scenario_of(*scenario, overrides);
  json ? print_json({{"scenario", loaded.name}, {"parameters", settings_json(loaded)}}) : print_settings(loaded);
  return ExitCode::done;
}

ExitCode list(const Output& output) {
  Json scenarios = Json::array(), runs = Json::array();
  for (const fs::path& file : shipped_scenarios()) {
    if (is_record(file)) continue;  // nothing to run
    // A scenario that does not load is listed too; `validate` says what is wrong with it.
    std::string title = "does not load: see `uptake validate`";
    try {
      title = load_scenario(file, {}, data_folder()).title;
    } catch (const InputError&) {
    } catch (const FileError&) {
    }
    scenarios.push_back(
        {{"name", shipped_name(file)}, {"file", fs::absolute(file).lexically_normal().string()}, {"title", title}});
  }
  for (auto& [folder, facts] : runs_found()) runs.push_back({{"folder", folder.string()}, {"run", std::move(facts)}});
  if (output.format == Format::json) {
    // Scripts take paths along to other folders; a person reads them here.
    for (Json& row : runs) row["folder"] = fs::absolute(row["folder"].get<std::string>()).string();
    print_json({{"scenarios", std::move(scenarios)}, {"runs", std::move(runs)}});
    return ExitCode::done;
  }
  const auto width_of = [](const Json& rows, const char* key) {
    std::size_t width = 0;
    for (const Json& row : rows) width = std::max(width, row[key].get<std::string>().size());
    return width;
  };
  // By the names that commands take in whatever folder they are typed.
  fmt::print("scenarios, files of {}\n", data_folder().string());
  const std::size_t name_width = width_of(scenarios, "name"), folder_width = width_of(runs, "folder");
  for (const Json& row : scenarios) {
    fmt::print("  {:<{}}  {}\n", row["name"].get<std::string>(), name_width, row["title"].get<std::string>());
  }
  fmt::print("runs in ./results\n");
  for (const Json& row : runs) {
    const Json& run = row["run"];
    const auto text = [&](const char* key) {
      if (!run.contains(key)) return std::string("?");
      return run[key].is_string() ? run[key].get<std::string>() : json_text(run[key]);
    };
    const auto count = [&](const char* key) {
      return run.contains(key) && run[key].is_number() ? grouped(run[key].get<double>()) : text(key);
    };
    const std::string folder = row["folder"].get<std::string>();
    if (run.contains("kind")) {  // a calibration or a back-test
      fmt::print("  {:<{}}  {} of {} (seed {}, {} simulations, version {})\n", folder, folder_width, text("kind"),
                 text("record"), text("seed"), count("simulations"), text("version"));
    } else {
      fmt::print("  {:<{}}  {} (seed {}, {} replicates, version {})\n", folder, folder_width, text("scenario"),
                 text("seed"), count("replicates"), text("version"));
    }
  }
  if (runs.empty()) fmt::print("  none\n");
  return ExitCode::done;
}

namespace {
std::string window_text(const ProgrammeSpec& programme) {
  if (!programme.commissioned) return "always";
  std::string text = fmt::format("{} to {}", iso(programme.commissioned->from), iso(programme.commissioned->to));
  if (programme.withdrawn) text += fmt::format(", withdrawn {}", iso(*programme.withdrawn));
  return text;
}

Json window_json(const std::optional<Window>& window) {
  return window ? Json{{"from", iso(window->from)}, {"to", iso(window->to)}} : Json();
}

Json day_json(const std::optional<Date>& day) { return day ? Json(iso(*day)) : Json(); }

Json to_json(const ProgrammeSpec& programme) {
  Json eligible = Json::array(), published = Json::array();
  for (const OrganisationType type : programme.eligible) {
    eligible.push_back(kOrganisationTypeNames[static_cast<std::size_t>(type)]);
  }
  for (const Published& figure : programme.published) {
    published.push_back({{"metric", figure.metric},
                         {"region", figure.region.empty() ? "England" : figure.region},
                         {"from", day_json(figure.from)},
                         {"to", iso(figure.to)},
                         {"value", figure.value},
                         {"source", figure.source},
                         {"note", figure.note}});
  }
  return {{"name", programme.name},
          {"title", programme.title},
          {"summary", programme.summary},
          {"evidence", kEvidenceNames[static_cast<std::size_t>(programme.evidence)]},
          {"innovation", kInnovationKindNames[static_cast<std::size_t>(programme.innovation)]},
          {"push", kPushNames[static_cast<std::size_t>(programme.push)]},
          {"eligible", std::move(eligible)},
          {"outcome", spec(programme.outcome).name},
          {"event", programme.event},
          {"available_from", day_json(programme.available_from)},
          {"commissioned", window_json(programme.commissioned)},
          {"withdrawn", day_json(programme.withdrawn)},
          {"no_outcome_note", programme.no_outcome_note},
          {"published", std::move(published)}};
}
}  // namespace

ExitCode list_programmes(const Output& output) {
  std::vector<ProgrammeSpec> programmes;
  for (const fs::path& file : shipped_programmes()) programmes.push_back(load_programme(file));
  const auto shipped = shipped_posterior();
  if (output.format == Format::json) {
    Json rows = Json::array();
    for (const ProgrammeSpec& programme : programmes) {
      rows.push_back(to_json(programme));
      if (shipped) rows.back()["defaults"] = standing_of(programme, *shipped);
    }
    print_json({{"programmes", std::move(rows)}});
    return ExitCode::done;
  }
  const auto spread = [&](std::string_view word) { return shipped ? fmt::format("{:<11}", word) : std::string(); };
  fmt::print("{:<32} {} {}{:<36} {:<18} {:<46} {}\n", "programme", "evidence", spread("spread"), "who adopts",
             "outcome", "commissioned", "what it is");
  for (const ProgrammeSpec& programme : programmes) {
    std::string who;
    for (const OrganisationType type : programme.eligible) {
      who += fmt::format("{}{}", who.empty() ? "" : ", ", kOrganisationTypeNames[static_cast<std::size_t>(type)]);
    }
    fmt::print("{:<32} {:<8} {}{:<36} {:<18} {:<46} {}\n", programme.name,
               kEvidenceNames[static_cast<std::size_t>(programme.evidence)],
               shipped ? spread(standing_of(programme, *shipped)) : "", who, spec(programme.outcome).name,
               window_text(programme), programme.title);
  }
  fmt::print(
      "\nEvidence of adoption: A = a dated series, B = two or three points, C = one total, D = nothing usable.\n");
  if (shipped)
    fmt::print("Spread: calibrated to the record (drawn from with --posterior posterior), or how bass.p is known.\n");
  return ExitCode::done;
}

ExitCode list_regions(const Output& output) {
  const Population england = build_england(data_folder() / "england", {});
  std::vector<std::size_t> n_organisations(england.regions.size());
  for (std::size_t i = 0; i < england.n_organisations(); ++i)
    ++n_organisations[static_cast<std::size_t>(england.region_of(i))];
  Json rows = Json::array();
  for (std::size_t r = 0; r < england.regions.size(); ++r) {
    const Region& region = england.regions[r];
    rows.push_back({{"code", region.code},
                    {"short_name", region.short_name},
                    {"name", region.name},
                    {"organisations", n_organisations[r]}});
  }
  if (output.format == Format::json) {
    print_json({{"regions", std::move(rows)}});
    return ExitCode::done;
  }
  fmt::print("{:<8} {:<10} {:<52} {:>13}\n", "code", "short name", "name", "organisations");
  for (const Json& row : rows) {
    fmt::print("{:<8} {:<10} {:<52} {:>13}\n", row["code"].get<std::string>(), row["short_name"].get<std::string>(),
               row["name"].get<std::string>(), row["organisations"].get<std::size_t>());
  }
  fmt::print("\nScenarios take any of the three names; \"Health Innovation\" may be left out of the last.\n");
  return ExitCode::done;
}

ExitCode list_outcomes(const Output& output) {
  Json rows = Json::array();
  for (const OutcomeKindSpec& kind : outcome_kinds()) {
    Json dimensions = Json::array();
    for (const ImpactDimension dimension : kind.dimensions) {
      dimensions.push_back(kImpactDimensionNames[static_cast<std::size_t>(dimension)]);
    }
    rows.push_back({{"name", kind.name},
                    {"meaning", kind.meaning},
                    {"formula", kind.formula},
                    {"source", kind.source},
                    {"dimensions", std::move(dimensions)}});
  }
  if (output.format == Format::json) {
    print_json({{"outcomes", std::move(rows)}});
    return ExitCode::done;
  }
  for (const Json& row : rows) {
    const auto text = [&](const char* key) { return row[key].get<std::string>(); };
    fmt::print("{}\n  {}\n", text("name"), text("meaning"));
    if (!text("formula").empty()) fmt::print("  {}  [{}]\n", text("formula"), text("source"));
    std::string dimensions;
    for (const Json& dimension : row["dimensions"]) {
      dimensions += fmt::format("{}{}", dimensions.empty() ? "" : "; ", dimension.get<std::string>());
    }
    fmt::print("  speaks to: {}\n", dimensions);
  }
  return ExitCode::done;
}

ExitCode info(const Output& output) {
#ifdef UPTAKE_CONTRACTS
  constexpr std::string_view kContracts = "checked";
#else
  constexpr std::string_view kContracts = "not checked";
#endif
  const std::vector<std::pair<std::string, std::string>> facts{
      {"version", std::string(version())},    {"commit", std::string(git_id())},
      {"compiler", UPTAKE_COMPILER},          {"build", UPTAKE_BUILD_TYPE},
      {"contracts", std::string(kContracts)}, {"libraries", UPTAKE_LIBRARIES},
      {"data", data_folder().string()},       {"MPI", Ranks::library().empty() ? "none" : Ranks::library()},
  };
  if (output.format == Format::json) {
    Json json;
    for (const auto& [key, value] : facts) json[key] = value;
    json["threads"] = available_threads();
    print_json(json);
    return ExitCode::done;
  }
  for (const auto& [key, value] : facts) fmt::print("{:<10} {}\n", key, value);
  fmt::print("{:<10} {}\n", "threads", available_threads());
  return ExitCode::done;
}

ExitCode info_population(const Output& output) {
  const fs::path england = data_folder() / "england";
  const Population population = build_england(england, {});
  const std::vector<Marginal> marginals = england_marginals(population, england);
  if (output.format == Format::json) {
    Json rows = Json::array();
    for (const Marginal& row : marginals) {
      rows.push_back({{"name", row.name},
                      {"table", row.table},
                      {"built", row.built},
                      {"tolerance", row.tolerance},
                      {"holds", row.holds()},
                      {"source", row.source}});
    }
    print_json({{"organisations", population.n_organisations()},
                {"vintage", population.vintage},
                {"marginals", std::move(rows)}});
    return ExitCode::done;
  }
  fmt::print("{} organisations; {}\n\n{:<64} {:>12} {:>12} {:>8} {:>8}\n", population.n_organisations(),
             population.vintage, "marginal", "table", "built", "off", "allowed");
  for (const Marginal& row : marginals) {
    const double off = row.table == 0 ? std::abs(row.built) : std::abs(row.built / row.table - 1);
    fmt::print("{:<64} {:>12.6g} {:>12.6g} {:>6.2f} % {:>6.2f} %{}\n", row.name, row.table, row.built, 100 * off,
               100 * row.tolerance, row.holds() ? "" : "  DOES NOT HOLD");
  }
  const auto failing =
      std::count_if(marginals.begin(), marginals.end(), [](const Marginal& row) { return !row.holds(); });
  fmt::print("\n{} marginals, {} do not hold\n", marginals.size(), failing);
  return ExitCode::done;
}

ExitCode licences(const Output& output) {
  // One text for the repository and the program.
  const std::string notice = read_text(data_folder().parent_path() / "NOTICE");
  if (output.format == Format::json) {
    print_json({{"licence", kProgramLicence.id}, {"notice", notice}});
  } else {
    fmt::print("{}", notice);
  }
  return ExitCode::done;
}

}  // namespace uptake::cli
