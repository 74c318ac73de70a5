/// What is asked: programmes, strategies made of levers, dates, replicates. Read from TOML with every problem at once.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "uptake/calendar.hpp"
#include "uptake/parameters.hpp"
#include "uptake/population.hpp"

namespace uptake {

/// A dated window, both days included.
struct Window {
  Date from;
  Date to;
};

/// How a programme stands to the COVID-19 emergency (model.md 4.9 "What the end of a programme ends").
enum class CovidStance : std::uint8_t { none, aligned, not_aligned };

/// Response of the peer hazard to exposure (model.md 4.2): Bass is the Hill response with kappa = 1 and theta -> infinity;
/// `drawn` uses kappa and theta of the draw, where kappa = 1 means Bass.
enum class PeerResponse : std::uint8_t { bass, drawn };
enum class LayerRule : std::uint8_t { sum, maximum };

/// Stages that do not exist for a programme: the move across them is one transition (model.md 4.9 "One step").
struct SkippedStages {
  bool engaged = false;       ///< unaware organisations decide
  bool implementing = false;  ///< a decision is use, without failure
  friend bool operator==(SkippedStages, SkippedStages) = default;
};

/// What a stopped organisation does: restart with the constant hazard rho, or decide again with the whole decision hazard.
enum class Restart : std::uint8_t { constant, decides_again };

/// What a programme's use does. Only kinds that the outcome table knows; `none` = adoption only, said so in the output.
enum class OutcomeKind : std::uint8_t { none, admissions };

/// Who pays (model.md 4.9 Money).
enum class Funder : std::uint8_t { nhs_england, office_for_life_sciences, nhs_improvement, provider };
inline constexpr std::array<std::string_view, 4> kFunderNames{"nhs-england", "office-for-life-sciences",
                                                              "nhs-improvement", "provider"};

/// One innovation with its spread effort, effects and costs.
struct ProgrammeSpec {
  std::string name;  ///< kebab-case identity; its hash keys the random numbers
  std::string title;
  std::string classification;  ///< class of programmes that share v_i; the name itself when the file gives none
  std::vector<OrganisationType> eligible;
  std::optional<Window> commissioned;  ///< on_j; absent = always on (verification)
  CovidStance covid = CovidStance::none;
  std::optional<Window> covid_window;  ///< when S applies; the default is 2020-03-01 to 2021-06-30 [A]
  std::vector<Window> mandates;  ///< national mandate or incentive windows (Psi), kept in every world but no-programme
  PeerResponse response = PeerResponse::drawn;
  LayerRule rule = LayerRule::sum;
  SkippedStages skipped;
  Restart restart = Restart::constant;
  bool engaged_at_start = false;  ///< every organisation starts engaged (PReCePT)
  /// Share of eligible organisations in use at the start, the first in the order of the seeding stream.
  double in_use_at_start = 0;
  std::vector<std::string> sites_at_start;     ///< codes of organisations in use at the start, beside the share
  std::optional<double> historic_denominator;  ///< e.g. 15,140 homes: counts and costs are scaled to it
  OutcomeKind outcome = OutcomeKind::none;
  std::string no_outcome_note;        ///< what is known and what is missing, when outcome is none
  bool effect_already_shrunk = true;  ///< then optimism bias on benefits is 0 (model.md 4.9)
  Funder delivery_funder = Funder::nhs_improvement;
  Funder adoption_funder = Funder::provider;
  std::array<Setting, kNProgrammeParameters> settings;  ///< by Parameter
  std::vector<std::string> notes;                       ///< shown beside the headline

  /// A programme that takes every parameter from the table, for eligible types of one adopter class.
  [[nodiscard]] static ProgrammeSpec with_table_defaults(std::string name, OrganisationType eligible);
  /// Fixes a parameter (value and prior), for programmes made in code.
  void fix(Parameter id, double value);
};

/// Order in which effort reaches organisations (fixed from the tables, never from the state).
enum class Targeting : std::uint8_t {
  even,
  by_size,
  largest_first,
  most_deprived_first,
  best_connected_first,
  lagging_regions_first,
  listed
};
inline constexpr std::array<std::string_view, 7> kTargetingNames{
    "even", "by-size", "largest-first", "most-deprived-first", "best-connected-first", "lagging-regions-first", "list"};

enum class LeverKind : std::uint8_t {
  facilitation,  ///< scales or replaces the delivered staff-days (engagement, decision, success and stopping: model.md 4.3)
  outreach,      ///< staff-days on top that act on engagement alone (a1)
  incentive,  ///< a mandate or incentive window (Psi = psi)
  shock,      ///< an emergency window with a factor on the decision hazard
  seeding,    ///< early sites in use at the start
  delay,      ///< later start of the commissioned window
  withdrawal  ///< end of network effort and commissioning from a date
};
inline constexpr std::array<std::string_view, 7> kLeverNames{"facilitation", "outreach", "incentive", "shock",
                                                             "seeding",      "delay",    "withdrawal"};

/// One dated policy action. Empty programmes or regions = all.
struct Lever {
  LeverKind kind = LeverKind::facilitation;
  std::vector<int> programmes;       ///< indices into Scenario::programmes
  std::vector<std::string> regions;  ///< names or codes; resolved against the population by the model
  std::optional<Window> window;
  double factor = 1;  ///< facilitation, outreach: times the delivered days; shock: times the hazard
  std::optional<double> staff_days_per_year;  ///< replaces the delivered days of the regions named (in all)
  Targeting targeting = Targeting::even;
  /// Sequence: days of one package and the weeks it lasts; absent = spread over all eligible organisations at once.
  std::optional<double> package_days;
  std::optional<double> package_weeks;
  std::vector<std::string> organisations;  ///< codes, for targeting "list"
  double share = 0;                        ///< seeding: share of eligible organisations, in the order of `targeting`
  double delay_weeks = 0;
  std::string where;  ///< file:line:column
};

/// What of the programmes exists in a strategy's world (model.md 6).
enum class Delivery : std::uint8_t {
  as_delivered,  ///< commissioned and supported by the network: world 1
  no_network,    ///< commissioned, no network outreach or facilitation: world 0a, the headline comparator
  no_programme   ///< neither: world 0b
};

struct Strategy {
  std::string name;
  Delivery delivery = Delivery::as_delivered;
  std::vector<Lever> levers;
};

/// The question, whole and validated.
struct Scenario {
  std::string name;  ///< file name without extension
  std::string title;
  std::filesystem::path file;
  std::string text;                    ///< verbatim, for provenance
  std::vector<std::string> overrides;  ///< `--set` texts in order
  std::string population = "england";  ///< "england" or a folder of tables, absolute
  PopulationOptions population_options;
  std::vector<ProgrammeSpec> programmes;
  Calendar calendar;
  int replicates = 200;
  std::uint64_t seed = 20180401;
  ParameterMode mode = ParameterMode::prior;
  bool attention = true;  ///< K_i of model.md 4.3
  /// At least "no-network"; the comparators `no-network` and `no-programme` are appended when not named.
  std::vector<Strategy> strategies;
  std::array<Setting, kNParameters - kNProgrammeParameters> economy;
  int comparator = 0;  ///< index of `no-network` in strategies
  std::vector<std::string> notes;

  /// Digest (16 hex digits) of everything that decides a replicate: resolved settings, tables named, seed, version.
  std::string digest;
};

/// Reads, overrides and validates a scenario with the programmes and tables that it names.
/// @param overrides `key=value` texts of `--set`, applied in order
/// @param data_folder folder that holds `england/` and `programmes/` (the shipped scenarios/)
/// @throws FileError when the file cannot be read; InputError with every problem at once
[[nodiscard]] Scenario load_scenario(const std::filesystem::path& file, std::span<const std::string> overrides,
                                     const std::filesystem::path& data_folder);

/// Economy settings of the table.
[[nodiscard]] std::array<Setting, kNParameters - kNProgrammeParameters> default_economy();

/// The population that a scenario names.
[[nodiscard]] Population build_population(const Scenario& scenario, const std::filesystem::path& data_folder);

/// The parameter vector of one replicate: drawn (one uniform per programme and parameter, identity
/// `parameter:<key>`), or the default values. Layer shares are normalised.
[[nodiscard]] Draw draw_parameters(const Scenario& scenario, Key key);

}  // namespace uptake
