#include "scenario/loading.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "population/regions.hpp"
#include "reading/csv.hpp"
#include "reading/quantity.hpp"
#include "reading/utf8.hpp"
#include "scenario/programme.hpp"
#include "uptake/grouped.hpp"

namespace uptake {

namespace fs = std::filesystem;

namespace {
constexpr std::array<std::string_view, 2> kCommunityNames{"board", "region"};

void read_population_options(TableReader& fields, PopulationOptions& options) {
  read_seed(fields, options.seed);
  options.decay_km = fields.quantity("decay", "km", 0.1, 1000).value_or(options.decay_km);
  if (const auto nearest = fields.whole("nearest", 1, 1000)) options.n_nearest = static_cast<int>(*nearest);
  options.community = choice_or(fields, "community", kCommunityNames, options.community);
}

/// `{ synthetic = 1000000, degree = 10, … }`.
void read_synthetic(TableReader& fields, PopulationOptions& options) {
  SyntheticPopulation asked;
  read_seed(fields, options.seed);
  const auto n = fields.whole("synthetic", 2, kMostSynthetic);
  asked.type = choice_or(fields, "type", kOrganisationTypeNames, asked.type);
  asked.form = choice_or(fields, "graph", kGraphFormNames, asked.form);
  asked.weights = choice_or(fields, "weights", kTieWeightsNames, asked.weights);
  if (const auto degree = fields.whole("degree", 0, 1000)) asked.degree = static_cast<int>(*degree);
  if (const auto regions = fields.whole("regions", 1, 100)) asked.n_regions = static_cast<int>(*regions);
  if (const TomlValue* rewired = fields.find("rewired")) {
    if (asked.form != GraphForm::small_world) {
      fields.report(rewired->place, "population.rewired is for graph = \"small-world\"");
    }
    asked.rewired = fields.quantity("rewired", "share", 0, 1).value_or(asked.rewired);
  }
  options.synthetic = asked;
  if (!n) return;
  options.synthetic->n_organisations = static_cast<std::size_t>(*n);
  if (asked.n_regions > *n) {
    fields.report(fields.find("regions") ? fields.find("regions")->place : fields.find("synthetic")->place,
                  fmt::format("{} organisations cannot fill {} regions", grouped(*n), asked.n_regions),
                  "write population.regions = 1");
  }
  const Location place = fields.find("degree") ? fields.find("degree")->place : fields.find("synthetic")->place;
  if (asked.degree >= *n) {
    fields.report(place, fmt::format("population.degree = {} needs more than {} organisations", asked.degree, *n));
  } else if (asked.form != GraphForm::random && asked.degree % 2 != 0) {
    fields.report(place,
                  fmt::format("population.degree = {} is odd, and half of the ties lead to either side", asked.degree),
                  "write an even number, or graph = \"random\"");
  } else if (*n * asked.degree > std::numeric_limits<std::uint32_t>::max()) {
    fields.report(place, fmt::format("population.synthetic = {} with degree = {} makes {} ties, {} are possible", *n,
                                     asked.degree, grouped(*n * asked.degree),
                                     grouped(std::numeric_limits<std::uint32_t>::max())));
  }
}
}  // namespace

void check_file_name(const fs::path& file, Problems& problems) {
  if (!is_utf8(file.stem().string()))
    problems.add({file.string(), 1, 1}, "the name of the file is not UTF-8, and results hold it", "rename it");
}

std::string plain_override(const std::string& text) {
  for (const std::string_view option : {"--seed=", "--replicates="})
    if (text.starts_with(option)) return text.substr(2);
  constexpr std::string_view kOutsideView = "--outside-view=";
  if (text.starts_with(kOutsideView)) return "outside_view=" + text.substr(kOutsideView.size());
  constexpr std::string_view kPosterior = "--posterior=";
  if (!text.starts_with(kPosterior)) return text;
  const fs::path file = text.substr(kPosterior.size());
  std::error_code ignored;
  const bool is_shipped = file == "posterior" && !fs::exists(file, ignored);
  return "parameters=" + (is_shipped ? file : fs::absolute(file).lexically_normal()).string();
}

bool is_programme_file(std::string_view named) { return named.ends_with(".toml"); }

bool is_posterior_file(std::string_view named) {
  return named.ends_with(".h5") || named.find('/') != std::string_view::npos;
}

namespace {
bool is_population_folder(std::string_view named) { return !named.empty() && named != "england"; }
bool is_any_path(std::string_view named) { return !named.empty(); }

/// Moves a value that is a path, as `is_path` sees it. @return whether it is one
bool move_path(TomlValue& value, bool (*is_path)(std::string_view), const MovedPath& moved) {
  auto* text = std::get_if<std::string>(&value.data);
  if (!text || !is_path(*text)) return false;
  *text = moved(*text).string();
  return true;
}

/// @return whether a setting holds any path
bool move_paths(std::string_view key, TomlValue& value, const MovedPath& moved) {
  if (key == "parameters") return move_path(value, is_posterior_file, moved);
  if (key == "observations" || key == "past_forecasts") return move_path(value, is_any_path, moved);
  bool any = false;
  if (key == "population") {
    auto* table = std::get_if<TomlTable>(&value.data);
    if (!table) return move_path(value, is_population_folder, moved);
    for (TomlEntry& entry : *table)
      if (entry.key == "name") any |= move_path(entry.value, is_population_folder, moved);
  } else if (key == "programmes") {
    if (auto* names = std::get_if<TomlValue::Array>(&value.data))
      for (TomlValue& name : *names) any |= move_path(name, is_programme_file, moved);
  }
  return any;
}
}  // namespace

std::string with_paths(const std::string& text, const MovedPath& moved) {
  const std::string setting = plain_override(text);
  const auto equals = setting.find('=');
  if (equals == std::string::npos || !is_utf8(setting)) return text;
  const std::string_view all = setting, key = trimmed(all.substr(0, equals));
  TomlValue value = parse_override(std::string(trimmed(all.substr(equals + 1))), {});
  return move_paths(key, value, moved) ? fmt::format("{}={}", key, override_text(value)) : text;
}

void read_seed(TableReader& reader, std::uint64_t& seed) {
  if (const auto stated = reader.whole("seed", 0, kMostSeed)) seed = static_cast<std::uint64_t>(*stated);
}

std::vector<Override> read_overrides(std::span<const std::string> texts, TomlTable& table, const Sources& sources,
                                     Problems& problems) {
  std::vector<Override> parameters;
  for (const std::string& typed : texts) {
    const std::string text = plain_override(typed);
    const auto equals = text.find('=');
    const std::string_view all = text;
    const std::string key(equals == std::string::npos ? "" : trimmed(all.substr(0, equals)));
    if (key.empty()) {
      problems.add({fmt::format("--set {}", text)}, "is not of the form key=value", "write --set seed=1");
      continue;
    }
    Location place{fmt::format("--set {}", key)};
    if (text != typed) place.file = typed.substr(0, typed.find('='));
    if (text != typed && key == "parameters")
      place.file = std::string(kPosteriorOption) + typed.substr(typed.find('=') + 1);
    if (!is_utf8(text)) {
      problems.add(place, "is not UTF-8, and results hold what was set");
      continue;
    }
    TomlValue value = parse_override(std::string(trimmed(all.substr(equals + 1))), place);

    const auto last_dot = key.rfind('.');
    if (last_dot == std::string::npos) {
      std::erase_if(table, [&](const TomlEntry& entry) { return entry.key == key; });
      table.push_back({key, place, std::move(value)});
      continue;
    }
    const auto group_dot = last_dot == 0 ? std::string::npos : key.rfind('.', last_dot - 1);
    const bool has_programme = group_dot != std::string::npos;
    const std::string parameter = has_programme ? key.substr(group_dot + 1) : key;
    const ParameterSpec* row = find_parameter(parameter);
    if (!row) {
      problems.add(place, fmt::format("unknown parameter \"{}\"", parameter),
                   did_you_mean(parameter, parameter_keys("")));
      continue;
    }
    parameters.push_back({row, has_programme ? key.substr(0, group_dot) : "", std::move(value)});
  }
  check_sources(table, sources, problems);
  for (const Override& one : parameters)
    check_sources(TomlTable{{"set", one.value.place, one.value}}, sources, problems);
  return parameters;
}

fs::path tables_of(const std::string& population, const fs::path& data_folder) {
  if (population == kSyntheticName) return {};
  return population == "england" ? data_folder / "england" : fs::path(population);
}

std::vector<Region> regions_of(const std::string& population, const PopulationOptions& options,
                               const fs::path& data_folder) {
  return options.synthetic ? synthetic_regions(options.synthetic->n_regions)
                           : regions_of_tables(tables_of(population, data_folder));
}

namespace {
constexpr const char* kOrganisationsFile = "organisations.csv";

/// That a population is a folder with organisations in it.
/// @param folder that its name means
void check_tables(TableReader& reader, const Location& place, const fs::path& file, const std::string& name,
                  const fs::path& folder) {
  std::error_code error;
  if (fs::is_directory(folder, error)) {
    if (fs::exists(folder / kOrganisationsFile, error) || error) return;  // what cannot be seen, cannot be read either
    const bool is_like_england = fs::exists(folder / "boards.csv", error) && fs::exists(folder / "trusts.csv", error);
    reader.report(place, fmt::format("population = \"{}\" is a folder without {}", name, kOrganisationsFile),
                  is_like_england
                      ? "it holds tables such as England is built from, and of those there is one set, that of "
                        "population = \"england\" in scenarios/england; `uptake import` makes a folder of registers"
                      : "docs/tables.md says what is in it, and `uptake import` makes such a folder of registers");
    return;
  }
  constexpr std::array<std::string_view, 1> kKnown{"england"};
  const fs::path beside = fs::absolute(file.parent_path() / folder.filename()).lexically_normal();
  std::string advice = did_you_mean(folder.filename().string(), kKnown);
  if (fs::is_regular_file(folder, error))
    advice = "it is a file: name the folder that it is in";
  else if (folder != beside && fs::is_directory(beside, error))
    advice = fmt::format("did you mean {}, beside the scenario?", beside.string());
  else if (advice.empty())
    advice = fmt::format("put its tables in {}", folder.string());
  reader.report(place,
                fmt::format("population = \"{}\" is neither \"england\" nor a folder{}", name,
                            fs::path(name).is_absolute() ? "" : " beside the scenario"),
                advice);
}
}  // namespace

void read_population_name(TableReader& reader, const fs::path& file, std::string& population,
                          PopulationOptions& options, SyntheticPopulations synthetic) {
  const TomlValue* value = reader.require("population", "\"england\"");
  if (!value) return;
  Location place = value->place;
  std::optional<std::string> name;
  if (value->as<TomlTable>()) {
    TableReader fields = fields_of(*value, "population", reader.problems());
    if (synthetic == SyntheticPopulations::possible && fields.find("synthetic")) {
      if (const TomlValue* stated = fields.find("name")) {
        fields.report(stated->place, "population has a name and is synthetic", "leave one of the two out");
      }
      read_synthetic(fields, options);
      fields.finish();
      population = kSyntheticName;
      return;
    }
    if (const TomlValue* stated = fields.require("name", "\"england\"")) place = stated->place;
    name = fields.text("name");
    read_population_options(fields, options);
    fields.finish();
  } else {
    name = reader.text("population");
  }
  if (!name || *name == "england") return;
  const fs::path folder = fs::absolute(file.parent_path() / *name).lexically_normal();
  check_tables(reader, place, file, *name, folder);
  population = folder.string();
}

// ---- Sources ------------------------------------------------------------------------------------------------------

void check_source(std::string_view source, const Location& place, const Sources& sources, Problems& problems) {
  for (const std::string& code : sources.unknown(source)) {
    const std::string meant = sources.nearest(code);
    const std::string_view own = "a reference of your own is written in words, or its code added to sources.bib";
    problems.add(place, fmt::format("source = \"{}\" cites {}, which is not in the list of sources", source, code),
                 meant.empty() ? std::string(own) : fmt::format("did you mean \"{}\"? ({})", meant, own));
  }
}

void check_table_sources(const fs::path& folder, const Sources& sources, Problems& problems) {
  const fs::path file = folder / "sources.csv";
  std::error_code error;
  if (folder.empty() || !fs::exists(file, error)) return;
  enum Columns : std::size_t { table, column, source, grade };
  constexpr std::array kColumns{CsvColumn{"table"}, CsvColumn{"column"}, CsvColumn{"source"},
                                CsvColumn{"grade", Presence::optional}};
  std::vector<Problem> found;
  std::vector<LocatedText> cited;
  CsvReader rows(file, kColumns, OtherColumns::ignored, found);
  while (rows.next()) {
    const std::string named(rows.required_text(table));
    if (!named.empty() && !fs::is_regular_file(folder / named, error))
      rows.report(table, fmt::format("there is no table \"{}\" in this folder", named));
    static_cast<void>(rows.required_text(column));
    if (rows.has(grade)) static_cast<void>(rows.one_of(grade, kGradeNames, "grade"));
    cited.push_back({std::string(rows.required_text(source)), {rows.where(source)}});
  }
  for (const Problem& problem : found) problems.add({problem.where}, problem.what, problem.suggestion);
  for (const LocatedText& one : cited) check_source(one.text, one.place, sources, problems);
}

namespace {
void check_sources(std::string_view key, const TomlValue& value, const Sources& sources, Problems& problems) {
  if (const auto* text = value.as<std::string>(); text && key == "source") {
    check_source(*text, value.place, sources, problems);
  } else if (const auto* array = value.as<TomlValue::Array>()) {
    for (const TomlValue& item : *array) check_sources({}, item, sources, problems);
  } else if (const auto* table = value.as<TomlTable>()) {
    for (const TomlEntry& entry : *table) check_sources(entry.key, entry.value, sources, problems);
  }
}
}  // namespace

void check_sources(const TomlTable& table, const Sources& sources, Problems& problems) {
  for (const TomlEntry& entry : table) check_sources(entry.key, entry.value, sources, problems);
}

// ---- Programmes ---------------------------------------------------------------------------------------------------

std::optional<fs::path> ProgrammeFiles::find(const LocatedText& named) const {
  if (is_programme_file(named.text)) {
    const fs::path file = file_.parent_path() / named.text;
    std::error_code error;
    if (fs::exists(file, error) || (error && error != std::errc::not_a_directory)) return file;
    problems_.add(named.place, fmt::format("there is no programme file \"{}\"", named.text),
                  fmt::format("write its path{}, or the name of a shipped programme",
                              fs::path(named.text).is_absolute() ? "" : " from this file"));
    return std::nullopt;
  }
  const fs::path folder = data_folder_ / "programmes";
  const fs::path file = folder / (named.text + ".toml");
  std::error_code error;
  if (is_kebab(named.text) && fs::exists(file, error)) return file;

  std::vector<std::string> shipped;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (at->path().extension() == ".toml") shipped.push_back(at->path().stem().string());
  }
  std::ranges::sort(shipped);
  const std::vector<std::string_view> candidates(shipped.begin(), shipped.end());
  const std::string meant = did_you_mean(named.text, candidates);
  problems_.add(named.place, fmt::format("unknown programme \"{}\"", named.text),
                !meant.empty() ? meant : fmt::format("known are {}, or a path that ends in .toml", one_of(candidates)));
  return std::nullopt;
}

/// No value when the file is wrong, which is then reported.
std::optional<ProgrammeSpec> ProgrammeFiles::read_or_report(const fs::path& programme,
                                                            std::span<const Region> regions) {
  try {
    return read_programme(programme, regions, &sources_, problems_);
  } catch (const FileError& error) {
    unreadable_ = error;
  } catch (const InputError& error) {
    for (const Problem& problem : error.problems()) problems_.add({problem.where}, problem.what, problem.suggestion);
  }
  return std::nullopt;
}

namespace {
/// A shipped programme speaks of regions of England; what it says of those that other tables do not have is left out.
class RegionsHere {
 public:
  RegionsHere(std::span<const Region> england, std::span<const Region> here) : england_(england), here_(here) {}

  void keep_in(ProgrammeSpec& programme) const {
    for (Tranche& tranche : programme.tranches)
      std::erase_if(tranche.regions, [&](std::string& name) { return !settle(name, &Region::code); });
    std::erase_if(programme.tranches, [](const Tranche& tranche) { return tranche.regions.empty(); });
    std::erase_if(programme.delivered_by_region,
                  [&](RegionShare& share) { return !settle(share.region, &Region::code); });
    std::erase_if(programme.published, [&](Published& figure) {
      return !figure.region.empty() && figure.region != kEngland && !settle(figure.region, &Region::name);
    });
  }

 private:
  /// @return whether there is such a region here; it is then called as it is here
  bool settle(std::string& name, std::string Region::*own) const {
    const auto meant = find_region(england_, name);
    if (!meant) return true;  // reported
    auto found = find_region(here_, england_[*meant].code);
    if (!found) found = find_region(here_, england_[*meant].name);
    if (found) name = here_[*found].*own;
    return found.has_value();
  }
  std::span<const Region> england_, here_;
};
}  // namespace

ProgrammeFiles::Read ProgrammeFiles::read(const LocatedText& named) {
  const std::size_t n_problems = problems_.count();
  const auto file = find(named);
  std::vector<Region> england;  // where the programme is of it and the population is not
  if (population_ != "england" && !is_programme_file(named.text) && !regions_.empty())
    england = regions_of_tables(tables_of("england", data_folder_));
  auto programme = file ? read_or_report(*file, england.empty() ? regions_ : england) : std::nullopt;
  if (programme && !england.empty()) RegionsHere(england, regions_).keep_in(*programme);
  const bool is_good = programme && problems_.count() == n_problems;
  if (!programme) {
    programme = ProgrammeSpec::with_table_defaults(fs::path(named.text).stem().string(), OrganisationType::care_home);
  }
  // What the library states without a region was counted in England, whatever the population is.
  if (!is_programme_file(named.text))
    for (Published& figure : programme->published)
      if (figure.region.empty()) figure.region = kEngland;
  return {*std::move(programme), is_good};
}

void ProgrammeFiles::throw_if_any() {
  if (unreadable_ && !problems_.empty()) {
    const Problem& problem = unreadable_->problem();
    problems_.add({problem.where}, problem.what, problem.suggestion);
  }
  problems_.throw_if_any();
  if (unreadable_) throw FileError(*unreadable_);
}

void check_identities(std::span<const ProgrammeSpec> programmes, const Location& place, Problems& problems) {
  std::set<std::string> names;
  for (const ProgrammeSpec& programme : programmes) names.insert({programme.name, programme.classification});
  std::map<std::uint32_t, std::string> name_of{{0, "(economy)"}};
  for (const std::string& name : names) {
    const auto [at, added] = name_of.try_emplace(programme_identity(name), name);
    if (added) continue;
    problems.add(place,
                 fmt::format("programmes \"{}\" and \"{}\" have the same identity {:08x}", at->second, name, at->first),
                 "rename one of them");
  }
}

}  // namespace uptake
