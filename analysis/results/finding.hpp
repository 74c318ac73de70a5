/// What a finding is about, and its words: the same in the headline, on the page and in one-way studies.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "statistics/statistics.hpp"
#include "uptake/model.hpp"
#include "uptake/outcomes.hpp"
#include "uptake/parameters.hpp"
#include "uptake/results.hpp"

namespace uptake {

/// A metric that a finding can be about, with the words that it is told in.
struct Subject {
  Metric metric;
  std::string_view verb;  ///< past participle: "avoided"
  std::string_view noun;  ///< plural: "emergency admissions"
};

/// What a run is about: the first of admissions, events, bed days, days sooner, people and organisations that is known.
/// @param is_known whether a run gives a value for a metric; organisations are taken where nothing else is known
[[nodiscard]] const Subject& subject_of(const std::function<bool(Metric)>& is_known);

/// Parameters that decide most answers, shown first with what a finding rests on where they have a part in it.
inline constexpr std::array kDecisive{Parameter::half_effort_factor,
                                      Parameter::delivery_staff_days,
                                      Parameter::a0,
                                      Parameter::a1,
                                      Parameter::p,
                                      Parameter::eta,
                                      Parameter::relative_risk};

/// Those of them that have a part in a programme of a run: of effort where any world has it, of engaging where that is
/// still to come, of the effect on events where the programme states one.
[[nodiscard]] std::vector<Parameter> decisive_parameters(const Model& model, int programme);
/// Whether the network spends staff-days on a programme in a strategy's world.
[[nodiscard]] bool has_effort(const Model& model, int strategy, int programme);
/// The same of any strategy's.
[[nodiscard]] bool has_effort(const Model& model, int programme);
/// Whether a strategy's world has effort of the network for any programme.
[[nodiscard]] bool delivers_effort(const Model& model, int strategy);
/// Programmes that have effort in any world.
[[nodiscard]] int n_with_effort(const Model& model);

/// The verb of a result whose mean is below 0: what was meant to become less became more.
inline constexpr std::string_view kVerbOfHarm = "added";

/// The same figure with the other sign.
[[nodiscard]] Statistics reversed(const Statistics& s);

/// What a world came to and by how much it differs from its comparator, as both are told: where gross is harm, that is what
/// was added, and both figures have the other sign.
struct Told {
  Told(const Subject& about, const Statistics& of_world, const Statistics& of_difference);

  const Subject& subject;
  std::string_view verb;  ///< that of the subject, or of harm
  Statistics gross, net;
  bool is_below;  ///< whether the world ends below its comparator

  /// Whether net is a part of gross, from none to all: of nothing else can be said how much "of it" is due to something.
  [[nodiscard]] bool is_part() const { return net.mean >= 0 && net.mean <= gross.mean; }
  /// "0.11 fewer", "3 more"; the figure without its sign. @param write a figure with its interval, which follows the sign
  [[nodiscard]] std::string more_or_fewer(const std::function<std::string(const Statistics&)>& write) const;
};
/// `the programme avoided 5 events`. @param who "the programme", "the programmes together"
[[nodiscard]] std::string gross_text(const Told& told, std::string_view who, std::string_view gross);
/// `the programme avoided 5 events; 3 of them would not have been avoided anyway, under no-network`; of a world whose net is
/// no part of its gross `the programme avoided 1 event, 2 fewer than under no-network`.
/// @param write a figure with its interval @param anyway, than what follows each, as above
[[nodiscard]] std::string finding_text(const Told& told, std::string_view who,
                                       const std::function<std::string(const Statistics&)>& write,
                                       std::string_view anyway, std::string_view than);

/// "Nothing sets plan apart from no-network…: both are the same world, and net is 0 throughout", or of the comparator
/// itself that its net is 0 by construction.
/// @param strategy, comparator as the medium quotes names @param why what follows them, ", for it delivers no network
/// effort"; empty where it is not known
[[nodiscard]] std::string same_world_text(const std::string& strategy, const std::string& comparator,
                                          std::string_view why);

/// What follows it where those worlds are ones without the programme.
inline constexpr std::string_view kWithoutProgramme =
    ". In it nobody commissions or supports the innovation: what is told here came without";

/// What is delivered in a world: "still commissioned, without network effort", "neither commissioned nor supported".
[[nodiscard]] std::string_view delivery_in_words(Delivery delivery);

/// What is said once where a benefit has no net share.
inline constexpr std::string_view kNoShare =
    "No net share of effect is given: net is no part of gross, from none to all of it.";

/// Whether a figure is 0 in all that is told of it: what two worlds that are the same differ by.
[[nodiscard]] inline bool is_nil(const Statistics& s) { return s.mean == 0 && s.p05 == 0 && s.p95 == 0; }

/// Whether a scenario is about its growth ledger, so that the ledger leads: it has one programme, which has to be there, and
/// states published figures of its own, all of the ledger.
[[nodiscard]] bool is_about_growth(const Scenario& scenario);

/// "320 GBP/staff-day, drawn from U(250, 450)": a parameter that no posterior draws.
[[nodiscard]] std::string value_in_words(ParameterMode mode, const ParameterSpec& row, const Setting& setting);
/// What money rests on that neither programme nor scenario states: prices, costs that are taken as 0, what they are raised,
/// split and discounted by. A sentence each, with value, grade and source; only of what has a part in a figure.
[[nodiscard]] std::vector<std::string> money_defaults(const Model& model);
/// What is said before them.
[[nodiscard]] std::string money_defaults_heading(std::size_t n);

/// What the effort is taken to do, which nobody measured, a sentence a line; none where nobody makes an effort.
[[nodiscard]] std::vector<std::string> effort_notes(const Model& model);
/// What a programme's file says of it beside its figures, and why it has no outcome if it has none.
[[nodiscard]] std::vector<std::string> notes_of(const ProgrammeSpec& programme);
/// What files ask to be shown with the results, and what was doubtful in them: of the scenario, then warnings.
[[nodiscard]] std::vector<std::string> notes_of_scenario(const Model& model);
/// All of these, each on one line; of several programmes with their names.
[[nodiscard]] std::vector<std::string> all_notes(const Model& model);

/// What a programme's savings are made of.
struct Savings {
  bool has_event_value = false;   ///< `value.per_event` can be other than 0
  bool has_person_value = false;  ///< `value.per_person` can
  bool are_admissions = false;    ///< what is avoided is an admission
  bool are_bed_days = false;      ///< or days in a bed alone
};
/// The one price that all savings are in proportion to; nothing where there is none or more than one.
[[nodiscard]] std::optional<Parameter> sole_price(const Savings& savings);
/// "GBP 4,370", "0.0263 QALYs": a value with its unit, three digits.
[[nodiscard]] std::string amount_of(Parameter id, double value);
/// What the sentence below says of value and cost.
inline constexpr std::string_view kValueOverCost = "whether what is avoided exceeds the added cost (undiscounted)";
/// "value.per_person is fixed at GBP 4,370 in every world, and … rests on it: on average it turns at GBP 6,000, 1.4
/// times that." @param verdict what turns @param turns_at value of it at which the mean is 0
[[nodiscard]] std::string rests_on(Parameter id, double fixed_at, std::string_view verdict, double turns_at);

/// Who the organisations of a run are, as a place is named: "England", "a synthetic population of 5,000 care homes", "the
/// population minimal (12 organisations, 3 regions)".
[[nodiscard]] std::string population_in_words(const Model& model);
/// What else must be known of a population of no real place, in sentences; empty for any other.
[[nodiscard]] std::string population_note(const Model& model);
/// A place of the run by its short name; all of it by what it is. @param place index into `layout.regions`
[[nodiscard]] std::string place_in_words(const Model& model, const SummaryLayout& layout, int place);

/// A network without the "Health Innovation" that most of their names begin with; scenarios take it too.
[[nodiscard]] std::string_view short_region(std::string_view name);
/// A place as it stands within a sentence: "the East Midlands" and "the West of England", but "Wessex"; of a network that
/// has the name of an organisation "the area of UCLPartners".
[[nodiscard]] std::string in_sentence(std::string_view place);

/// "hazardous prescribing" of "hazardous-prescribing".
[[nodiscard]] std::string event_in_words(std::string_view event);

}  // namespace uptake
