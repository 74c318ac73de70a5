#include "uptake/posterior.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "scenario/settings.hpp"
#include "uptake/error.hpp"
#include "uptake/random.hpp"
#include "uptake/scenario.hpp"

namespace uptake {

const PosteriorProgramme* Posterior::find(const std::string& programme) const {
  const auto at = std::ranges::find(programmes, programme, &PosteriorProgramme::programme);
  return at == programmes.end() ? nullptr : &*at;
}

std::optional<std::size_t> PosteriorProgramme::column(Parameter id) const {
  const auto at = std::ranges::find(parameters, id, &PosteriorParameter::id);
  if (at == parameters.end()) return std::nullopt;
  return static_cast<std::size_t>(at - parameters.begin());
}

double PosteriorProgramme::quantile(std::size_t of, double probability) const {
  UPTAKE_EXPECTS(n_draws > 0 && of < parameters.size());
  std::vector<double> sorted(n_draws);
  for (std::size_t i = 0; i < n_draws; ++i) sorted[i] = values[i * parameters.size() + of];
  std::ranges::sort(sorted);
  const double place = probability * static_cast<double>(n_draws - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, n_draws - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

namespace {
/// Everything that is wrong with one programme's draws.
void check(const PosteriorProgramme& programme, const std::string& file, std::vector<Problem>& problems) {
  const auto refuse = [&](std::string what) {
    problems.push_back({file, fmt::format("{}: {}", programme.programme, what), "calibrate it again"});
  };
  const std::size_t n = programme.parameters.size();
  if (n == 0) return refuse("the posterior holds no parameter");
  std::set<Parameter> seen;
  for (const PosteriorParameter& one : programme.parameters) {
    if (static_cast<int>(one.id) >= kNProgrammeParameters) {
      const bool known = static_cast<int>(one.id) < kNParameters;
      refuse(fmt::format("the posterior names {}, which is no parameter of a programme",
                         known ? spec(one.id).key : "an unknown parameter"));
    } else if (!seen.insert(one.id).second) {
      refuse(fmt::format("the posterior names {} twice", spec(one.id).key));
    }
  }
  if (programme.n_draws == 0 || programme.values.size() / n != programme.n_draws || programme.values.size() % n != 0) {
    return refuse(fmt::format("the posterior holds {} values for {} draws of {} parameters", programme.values.size(),
                              programme.n_draws, n));
  }
  if (seen.size() < n) return;  // there are columns that mean nothing
  for (std::size_t j = 0; j < n; ++j) {
    const ParameterSpec& row = spec(programme.parameters[j].id);
    if (static_cast<int>(row.id) >= kNProgrammeParameters) continue;
    for (std::size_t i = 0; i < programme.n_draws; ++i) {
      const double value = programme.values[i * n + j];
      if (value >= row.lowest && value <= row.highest) continue;
      refuse(fmt::format("draw {} of {} is {} {}, out of range (must be in [{}, {}])", i, row.key, value, row.unit,
                         row.lowest, row.highest));
      break;
    }
  }
}

/// Whether the scenario itself or an option says what a parameter is.
bool is_stated_by(const Scenario& scenario, const Setting& setting) {
  return setting.where.starts_with("--set ") || setting.where.starts_with(scenario.file.string() + ":");
}

/// The programme without the columns that are not asked for.
PosteriorProgramme with_only(const PosteriorProgramme& whole, const std::vector<std::size_t>& columns) {
  PosteriorProgramme part{whole.programme, whole.kind, {}, whole.n_draws, {}, whole.account};
  for (const std::size_t j : columns) part.parameters.push_back(whole.parameters[j]);
  part.values.reserve(whole.n_draws * columns.size());
  for (std::size_t i = 0; i < whole.n_draws; ++i) {
    for (const std::size_t j : columns) part.values.push_back(whole.values[i * whole.parameters.size() + j]);
  }
  return part;
}

std::string file_name(const Posterior& posterior) { return posterior.file.filename().string(); }

/// From now on a setting is known as the posterior knows it. What the record says nothing about is still its prior, with
/// that prior's grade where it is the files' own; a prior that the record puts in its place is an assumption here.
void draw_from(const PosteriorProgramme& drawn, const PosteriorParameter& parameter, const std::string& file,
               Setting& setting) {
  const bool is_own = to_text(setting.prior) == to_text(parameter.prior);
  const std::string_view prior = is_own ? "its prior" : "the record's own prior";
  if (drawn.kind == PosteriorKind::calibrated && !parameter.is_informed()) {
    setting.source = fmt::format("not informed by the record ({}), so as wide as {}{}{}", file, prior,
                                 is_own && !setting.source.empty() ? ": " : "", is_own ? setting.source : "");
    if (!is_own) setting.grade = Grade::assumption;
  } else {
    setting.source = fmt::format(
        "{} ({}) under {}", drawn.kind == PosteriorKind::pooled ? "from past programmes" : "calibrated to the record",
        file, prior);
    setting.grade = Grade::posterior;
  }
  // The prior of the calibration takes the place of the file's, which may have been found from the same counts.
  setting.prior = parameter.prior;
}
}  // namespace

void use_posterior(Scenario& scenario, const std::shared_ptr<const Posterior>& posterior) {
  UPTAKE_EXPECTS(posterior != nullptr);
  const std::string file = posterior->file.string();
  std::vector<Problem> problems;
  auto used = std::make_shared<Posterior>(*posterior);
  used->programmes.clear();
  std::vector<std::string> notes, names;
  for (const PosteriorProgramme& programme : posterior->programmes) names.push_back(programme.programme);
  for (ProgrammeSpec& programme : scenario.programmes) {
    const PosteriorProgramme* const drawn = posterior->find(programme.name);
    if (!drawn) continue;
    const std::size_t n_before = problems.size();
    check(*drawn, file, problems);
    if (problems.size() > n_before) continue;
    std::vector<std::size_t> columns;
    std::vector<std::string_view> stated;
    for (std::size_t j = 0; j < drawn->parameters.size(); ++j) {
      const Parameter id = drawn->parameters[j].id;
      Setting& setting = setting_of(programme, id);
      if (is_stated_by(scenario, setting)) {
        stated.push_back(spec(id).key);
        continue;
      }
      columns.push_back(j);
      draw_from(*drawn, drawn->parameters[j], file_name(*posterior), setting);
    }
    if (!stated.empty()) {
      notes.push_back(fmt::format("{}: {} as the scenario states, not as calibrated ({}).", programme.name,
                                  fmt::join(stated, ", "), file_name(*posterior)));
    }
    if (!columns.empty()) used->programmes.push_back(with_only(*drawn, columns));
  }
  if (problems.empty() && used->programmes.empty()) {
    problems.push_back(
        {file,
         fmt::format("holds nothing that {} could draw: its programmes are not in it, or their "
                     "parameters are stated by the scenario",
                     scenario.name),
         names.empty() ? "write parameters = \"prior\"" : fmt::format("it holds {}", fmt::join(names, ", "))});
  }
  if (!problems.empty()) throw InputError(std::move(problems));
  scenario.notes.insert(scenario.notes.end(), notes.begin(), notes.end());
  scenario.mode = ParameterMode::posterior;
  scenario.posterior_file = posterior->file;
  scenario.digest =
      fmt::format("{:016x}", identity_of(fmt::format("{} posterior {}", scenario.digest, posterior->digest)));
  scenario.posterior = std::move(used);
}

const PosteriorProgramme* calibrated(const Scenario& scenario, const std::string& programme) {
  if (scenario.mode != ParameterMode::posterior || !scenario.posterior) return nullptr;
  return scenario.posterior->find(programme);
}

double PosteriorColumn::mean() const {
  double sum = 0;
  for (std::size_t i = 0; i < programme->n_draws; ++i)
    sum += programme->values[i * programme->parameters.size() + column];
  return sum / static_cast<double>(programme->n_draws);
}

std::optional<PosteriorColumn> posterior_column(const Scenario& scenario, const std::string& programme, Parameter id) {
  const PosteriorProgramme* const drawn = calibrated(scenario, programme);
  const auto column = drawn ? drawn->column(id) : std::nullopt;
  return column ? std::optional(PosteriorColumn{drawn, *column}) : std::nullopt;
}

namespace {
/// Names of programmes where they fit into a sentence, else how many.
std::string in_short(const std::vector<std::string>& names, std::size_t n_all) {
  constexpr std::size_t kMostNamed = 4;  // [A]
  if (names.size() > kMostNamed) return fmt::format("{} of {} programmes", names.size(), n_all);
  if (names.size() < 2) return names.empty() ? "" : names.front();
  return fmt::format("{} and {}", fmt::join(names.begin(), names.end() - 1, ", "), names.back());
}
}  // namespace

std::string calibration_in_words(const Scenario& scenario) {
  std::vector<std::string> own, pooled;
  for (const ProgrammeSpec& programme : scenario.programmes) {
    const PosteriorProgramme* const drawn = calibrated(scenario, programme.name);
    if (drawn) (drawn->kind == PosteriorKind::calibrated ? own : pooled).push_back(programme.name);
  }
  if (own.empty() && pooled.empty()) return "";
  const std::string file = file_name(*scenario.posterior);
  const std::size_t n = scenario.programmes.size();
  std::string text = "The parameters of spread of ";
  if (!own.empty()) text += fmt::format("{} are calibrated to the record", in_short(own, n));
  if (!own.empty() && !pooled.empty()) text += ", those of ";
  if (!pooled.empty()) text += fmt::format("{} follow from past programmes", in_short(pooled, n));
  return text + fmt::format(" ({}); the others are drawn from their priors.", file);
}

std::string not_informed_in_words(const Scenario& scenario) {
  // Parameters by what is not informed alike, so that programmes of one kind take one clause.
  std::map<std::string, std::vector<std::string>> programmes;
  for (const ProgrammeSpec& programme : scenario.programmes) {
    const PosteriorProgramme* const drawn = calibrated(scenario, programme.name);
    if (!drawn || drawn->kind != PosteriorKind::calibrated) continue;
    std::vector<std::string_view> keys;
    for (const PosteriorParameter& one : drawn->parameters) {
      if (!one.is_informed()) keys.push_back(spec(one.id).key);
    }
    if (!keys.empty()) programmes[fmt::format("{}", fmt::join(keys, ", "))].push_back(programme.name);
  }
  std::string text;
  for (const auto& [keys, names] : programmes) {
    text +=
        fmt::format("{}{} of {}", text.empty() ? "Not informed by these data: " : "; ", keys, fmt::join(names, ", "));
  }
  return text.empty() ? text : text + ".";
}

std::vector<std::string> calibration_warnings(const Scenario& scenario) {
  std::vector<std::string> all;
  for (const ProgrammeSpec& programme : scenario.programmes) {
    const PosteriorProgramme* const drawn = calibrated(scenario, programme.name);
    if (!drawn) continue;
    for (const std::string& warning : drawn->account.warnings) {
      // What is not informed has a line of its own.
      if (warning.find("is not informed") == std::string::npos)
        all.push_back(fmt::format("{}: {}", programme.name, warning));
    }
  }
  return all;
}

}  // namespace uptake
