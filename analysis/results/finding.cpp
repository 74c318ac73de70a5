#include "results/finding.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <iterator>

#include "results/numbers.hpp"
#include "results/wording.hpp"

namespace uptake {

namespace {
constexpr std::array kSubjects{Subject{Metric::admissions_avoided, "avoided", "emergency admissions"},
                               Subject{Metric::events_avoided, "avoided", "events"},
                               Subject{Metric::bed_days_avoided, "released", "bed days"},
                               Subject{Metric::diagnosis_days_sooner, "saved", "days of waiting"},
                               Subject{Metric::patients_benefited, "reached", "people"},
                               Subject{Metric::ever_adopted, "brought into use", "organisations"}};
}  // namespace

const Subject& subject_of(const std::function<bool(Metric)>& is_known) {
  const auto found = std::ranges::find_if(kSubjects, is_known, &Subject::metric);
  return found == kSubjects.end() ? kSubjects.back() : *found;
}

Statistics reversed(const Statistics& s) { return {-s.mean, s.sd, -s.p95, -s.p75, -s.p50, -s.p25, -s.p05, s.mcse}; }

Told::Told(const Subject& about, const Statistics& of_world, const Statistics& of_difference)
    : subject(about),
      verb(of_world.mean < 0 ? kVerbOfHarm : about.verb),
      gross(of_world.mean < 0 ? reversed(of_world) : of_world),
      net(of_world.mean < 0 ? reversed(of_difference) : of_difference),
      is_below(of_difference.mean < 0) {}

std::string Told::more_or_fewer(const std::function<std::string(const Statistics&)>& write) const {
  return fmt::format("{} {}", write(net.mean < 0 ? reversed(net) : net), net.mean < 0 ? "fewer" : "more");
}

std::string gross_text(const Told& told, std::string_view who, std::string_view gross) {
  if (told.subject.metric == Metric::ever_adopted) return fmt::format("{} organisations took up {}", gross, who);
  return fmt::format("{} {} {} {}", who, told.verb, gross, told.subject.noun);
}

std::string finding_text(const Told& told, std::string_view who,
                         const std::function<std::string(const Statistics&)>& write, std::string_view anyway,
                         std::string_view than) {
  const std::string gross = gross_text(told, who, write(told.gross));
  if (told.gross.mean == 0 && told.net.mean == 0) return fmt::format("{}, as {}", gross, anyway);
  if (!told.is_part()) return fmt::format("{}, {} than {}", gross, told.more_or_fewer(write), than);
  return told.subject.metric == Metric::ever_adopted
             ? fmt::format("{}; {} of them would not have done so anyway, {}", gross, write(told.net), anyway)
             : fmt::format("{}; {} of them would not have been {} anyway, {}", gross, write(told.net), told.verb,
                           anyway);
}

std::string same_world_text(const std::string& strategy, const std::string& comparator, std::string_view why) {
  if (strategy == comparator)
    return fmt::format("Net is measured against {} itself here, so it is 0 by construction", strategy);
  return fmt::format("Nothing sets {} apart from {}{}: both are the same world, and net is 0 throughout", strategy,
                     comparator, why);
}

std::string_view delivery_in_words(Delivery delivery) {
  switch (delivery) {
    case Delivery::no_network:
      return "still commissioned, without network effort";
    case Delivery::no_programme:
      return "neither commissioned nor supported";
    case Delivery::as_delivered:
      break;
  }
  return "as delivered";
}

bool has_effort(const Model& model, int strategy, int programme) {
  const auto& plan =
      model.strategies[static_cast<std::size_t>(strategy)].programmes[static_cast<std::size_t>(programme)];
  return std::ranges::any_of(plan.delivered_by_region, [](const std::vector<double>& days) {
    return std::ranges::any_of(days, [](double n) { return n > 0; });
  });
}

bool has_effort(const Model& model, int programme) {
  for (int strategy = 0; strategy < model.n_strategies(); ++strategy)
    if (has_effort(model, strategy, programme)) return true;
  return false;
}

bool delivers_effort(const Model& model, int strategy) {
  for (int programme = 0; programme < model.n_programmes(); ++programme)
    if (has_effort(model, strategy, programme)) return true;
  return false;
}

int n_with_effort(const Model& model) {
  int n = 0;
  for (int programme = 0; programme < model.n_programmes(); ++programme) n += has_effort(model, programme) ? 1 : 0;
  return n;
}

std::vector<Parameter> decisive_parameters(const Model& model, int programme) {
  const ProgrammeSpec& of = model.scenario.programmes[static_cast<std::size_t>(programme)];
  const ParameterSet acting = acting_parameters(model, programme);
  const Setting& risk = of.settings[static_cast<std::size_t>(Parameter::relative_risk)];
  const bool states_effect = risk.value != 1 || risk.prior.family != Family::fixed;
  std::vector<Parameter> found;
  std::ranges::copy_if(kDecisive, std::back_inserter(found), [&](Parameter id) {
    return acting.test(static_cast<std::size_t>(id)) && (id != Parameter::relative_risk || states_effect);
  });
  return found;
}

std::string value_in_words(ParameterMode mode, const ParameterSpec& row, const Setting& setting) {
  const bool is_whole = setting.value == std::round(setting.value);  // not 1.3e+07
  return fmt::format("{}{}{}", is_whole ? grouped(setting.value) : fmt::format("{:g}", setting.value),
                     unit_behind(row.unit),
                     !is_drawn(mode)                         ? std::string(", fixed at its default")
                     : setting.prior.family == Family::fixed ? std::string(", fixed")
                                                             : fmt::format(", drawn from {}", to_text(setting.prior)));
}

namespace {
/// Settings of one parameter that several programmes may share.
struct SharedSetting {
  Parameter id;
  const Setting* setting;
  std::vector<std::string_view> programmes;  ///< empty = it belongs to none
};

/// "a and b", "all 34 programmes", "all programmes but a and b": whichever names fewer.
std::string whose(const std::vector<std::string_view>& names, const std::vector<ProgrammeSpec>& all) {
  if (names.size() == all.size()) return fmt::format("all {} programmes", all.size());
  const auto listed = [](const std::vector<std::string_view>& of) {
    return of.size() == 1 ? std::string(of.front())
                          : fmt::format("{} and {}", fmt::join(of.begin(), of.end() - 1, ", "), of.back());
  };
  if (2 * names.size() <= all.size()) return listed(names);
  std::vector<std::string_view> others;
  for (const ProgrammeSpec& one : all)
    if (std::ranges::find(names, one.name) == names.end()) others.emplace_back(one.name);
  return "all programmes but " + listed(others);
}

/// Of the economy: what turns outcomes and costs into money.
bool is_of_money(Parameter id) { return id >= Parameter::admission_price && id <= Parameter::qaly_value; }
}  // namespace

std::vector<std::string> money_defaults(const Model& model) {
  const Scenario& scenario = model.scenario;
  std::vector<SharedSetting> found;
  ParameterSet acting;
  const auto add = [&found](Parameter id, const Setting& setting, std::vector<std::string_view> programmes) {
    if (setting.is_stated()) return;
    const auto same = std::ranges::find_if(found, [&](const SharedSetting& one) {
      return one.id == id && one.setting->value == setting.value &&
             to_text(one.setting->prior) == to_text(setting.prior);
    });
    if (same == found.end())
      found.push_back({id, &setting, std::move(programmes)});
    else
      std::ranges::move(programmes, std::back_inserter(same->programmes));
  };
  for (int j = 0; j < model.n_programmes(); ++j) {
    const ProgrammeSpec& programme = scenario.programmes[static_cast<std::size_t>(j)];
    const ParameterSet here = acting_parameters(model, j);
    acting |= here;
    for (const Parameter id :
         {Parameter::staff_day_price, Parameter::set_up_cost, Parameter::running_cost, Parameter::cost_per_person})
      if (here.test(static_cast<std::size_t>(id)))
        add(id, programme.settings[static_cast<std::size_t>(id)], {programme.name});
  }
  for (const ParameterSpec& row : parameter_table().subspan(kNProgrammeParameters)) {
    const bool is_money_of_ledger = is_growth(row.id) && row.unit.starts_with("GBP");
    if (acting.test(static_cast<std::size_t>(row.id)) && (is_of_money(row.id) || is_money_of_ledger))
      add(row.id, scenario.economy[static_cast<std::size_t>(row.id) - kNProgrammeParameters], {});
  }
  std::ranges::stable_sort(found, {}, &SharedSetting::id);
  std::vector<std::string> sentences;
  for (const auto& [id, setting, programmes] : found) {
    const ParameterSpec& row = spec(id);
    sentences.push_back(fmt::format("{} ({}{}): {}; {}{}{}", row.meaning.substr(0, row.meaning.find(';')), row.key,
                                    model.n_programmes() > 1 && !programmes.empty()
                                        ? fmt::format(", {}", whose(programmes, scenario.programmes))
                                        : std::string(),
                                    value_in_words(scenario.mode, row, *setting), name_of(setting->grade),
                                    setting->source.empty() ? "" : ": ", setting->source));
  }
  return sentences;
}

std::string money_defaults_heading(std::size_t n) {
  return fmt::format("Money rests on {} of the program, which neither programme nor scenario states:",
                     plural(n, "default"));
}

std::vector<std::string> effort_notes(const Model& model) {
  const Scenario& scenario = model.scenario;
  const int n_supported = n_with_effort(model);
  if (n_supported == 0) return {};
  const std::string_view turns_on = spec(Parameter::half_effort_factor).key;
  if (scenario.programmes.size() > 1) {
    return {fmt::format(
        "Much rests on the effort assumption: the effort as delivered is taken to have 75 % of its full effect in {}, "
        "the rest turning on {}; where it is graded an assumption, neither was measured. The days themselves move the "
        "cost alone.",
        n_supported == 1 ? std::string("the one programme that has any")
                         : fmt::format("each of the {} programmes{}", n_supported,
                                       n_supported < model.n_programmes() ? " that have any" : ""),
        turns_on)};
  }
  const ProgrammeSpec& programme = scenario.programmes.front();
  const Setting& effort = programme.settings[static_cast<std::size_t>(Parameter::delivery_staff_days)];
  if (effort.grade != Grade::assumption) return {};
  return {fmt::format(
      "Much rests on the effort assumption: the effort as delivered ({}: {} {}) is taken to have 75 % of its full "
      "effect, the rest turning on {}; neither was measured. The days themselves move the cost alone.",
      programme.name, rounded(effort.value), spec(Parameter::delivery_staff_days).unit, turns_on)};
}

std::vector<std::string> notes_of(const ProgrammeSpec& programme) {
  std::vector<std::string> notes = programme.notes;
  if (!programme.no_outcome_note.empty()) notes.push_back(programme.no_outcome_note);
  return notes;
}

std::vector<std::string> notes_of_scenario(const Model& model) {
  std::vector<std::string> notes = model.scenario.notes;
  for (const Problem& warning : model.warnings) notes.push_back(warning.what + ".");
  return notes;
}

std::vector<std::string> all_notes(const Model& model) {
  std::vector<std::string> notes = effort_notes(model);
  const auto& programmes = model.scenario.programmes;
  for (const ProgrammeSpec& programme : programmes)
    for (const std::string& note : notes_of(programme))
      notes.push_back(programmes.size() > 1 ? fmt::format("{}: {}", programme.name, note) : note);
  const std::vector<std::string> others = notes_of_scenario(model);
  notes.insert(notes.end(), others.begin(), others.end());
  for (std::string& note : notes) std::ranges::replace(note, '\n', ' ');
  return notes;
}

std::optional<Parameter> sole_price(const Savings& savings) {
  std::optional<Parameter> of_effect;
  if (savings.are_bed_days)
    of_effect = Parameter::bed_day_price;
  else if (savings.has_event_value)
    of_effect = Parameter::value_per_event;
  else if (savings.are_admissions)
    of_effect = Parameter::admission_price;
  if (!savings.has_person_value) return of_effect;
  return of_effect ? std::nullopt : std::optional(Parameter::value_per_person);
}

std::string amount_of(Parameter id, double value) {
  const std::string number = std::abs(value) >= 1 ? shown(value) : fmt::format("{:.3g}", value);
  const std::string_view unit = spec(id).unit;
  return unit == "GBP" ? fmt::format("GBP {}", number) : fmt::format("{} {}", number, unit);
}

std::string rests_on(Parameter id, double fixed_at, std::string_view verdict, double turns_at) {
  std::string text = fmt::format("{} is fixed at {} in every world, and {} rests on it: ", spec(id).key,
                                 amount_of(id, fixed_at), verdict);
  if (!std::isfinite(turns_at) || turns_at <= 0)
    return text + "the mean verdict is the same for any value of it above 0.";
  return text +
         fmt::format("on average it turns at {}, {} times that.", amount_of(id, turns_at), shown(turns_at / fixed_at));
}

bool is_about_growth(const Scenario& scenario) {
  const auto is_of_ledger = [](const Published& figure) {
    const auto metric = find_metric(figure.metric);
    return metric && spec(*metric).needs == Needs::growth;
  };
  return scenario.growth && scenario.programmes.size() == 1 && !scenario.published.empty() &&
         std::ranges::all_of(scenario.published, is_of_ledger);
}

namespace {
/// "care homes", "primary care networks" of a type of organisation.
std::string plural_of(OrganisationType type) {
  std::string words = event_in_words(kOrganisationTypeNames[static_cast<std::size_t>(type)]);
  if (words.ends_with('y')) {
    words.replace(words.size() - 1, 1, "ies");
  } else {
    words += 's';
  }
  return words;
}

bool is_england(const Model& model) { return model.scenario.population == "england"; }
}  // namespace

std::string population_in_words(const Model& model) {
  if (is_england(model)) return std::string(kEngland);
  const Population& population = *model.population;
  const auto n = static_cast<double>(population.n_organisations());
  if (population.synthetic)
    return fmt::format("a synthetic population of {} {}", grouped(n), plural_of(population.synthetic->type));
  const std::filesystem::path folder = model.scenario.population;
  return fmt::format("the population {} ({}, {})",
                     folder.filename().empty() ? folder.parent_path().filename().string() : folder.filename().string(),
                     plural(n, "organisation"), plural(population.regions.size(), "region"));
}

std::string population_note(const Model& model) {
  if (!model.population->synthetic) return "";
  std::string text =
      "The organisations are made up and of no real place: nothing here says what happened or will happen in England, "
      "and published figures of programmes are left out.";
  for (std::size_t j = 0; j < model.programmes.size(); ++j) {
    const ProgrammeSpec& programme = model.scenario.programmes[j];
    const auto n = static_cast<double>(model.programmes[j].n_records());
    if (programme.historic_denominator && *programme.historic_denominator != n)
      text += fmt::format(" Counts of \"{}\" are scaled from {} organisations to {}, as its file states.",
                          programme.title, grouped(n), grouped(*programme.historic_denominator));
  }
  return text;
}

std::string place_in_words(const Model& model, const SummaryLayout& layout, int place) {
  return place == 0 ? population_in_words(model)
                    : std::string(short_region(layout.regions[static_cast<std::size_t>(place)]));
}

std::string_view short_region(std::string_view name) {
  // Not of the network whose name would be "Network South London" alone.
  const bool is_short = name.starts_with(kOfNetworks) && !name.substr(kOfNetworks.size()).starts_with("Network");
  return is_short ? name.substr(kOfNetworks.size()) : name;
}

std::string in_sentence(std::string_view place) {
  if (place.ends_with("Partners") || place.starts_with(kOfNetworks)) return fmt::format("the area of {}", place);
  std::string_view rest = place;
  int n_points = 0;
  const auto is_next = [&rest](std::string_view point) {
    return rest.starts_with(point) && (rest.size() == point.size() || rest[point.size()] == ' ');
  };
  for (bool any = true; any;) {
    any = false;
    for (const std::string_view point : {"North", "South", "East", "West"}) {
      if (!is_next(point)) continue;
      rest.remove_prefix(std::min(point.size() + 1, rest.size()));
      ++n_points;
      any = true;
    }
  }
  // Not of "South London" or "West Yorkshire", and not of "North and West Yorkshire".
  const bool is_part = rest == "Midlands" || (n_points > 0 && (rest.empty() || rest == "Coast" || is_next("of"))) ||
                       (n_points > 1 && is_next("and"));
  return is_part ? fmt::format("the {}", place) : std::string(place);
}

std::string event_in_words(std::string_view event) {
  std::string words(event);
  std::ranges::replace(words, '-', ' ');
  return words;
}

}  // namespace uptake
