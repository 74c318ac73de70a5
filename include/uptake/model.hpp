/// The immutable model: organisations, ties and, per strategy, a plan; and the integer rates that a draw makes of it.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "uptake/arrays.hpp"
#include "uptake/error.hpp"
#include "uptake/population.hpp"
#include "uptake/scenario.hpp"

namespace uptake {

/// Scale of cumulated hazards in the kernel: one unit of hazard = 2^32. Exposure, weights and peer rates: 1 = 2^16.
inline constexpr int kHazardBits = 32;
inline constexpr int kExposureBits = 16;
inline constexpr std::uint32_t kFullExposure = 1U << kExposureBits;
inline constexpr int kPeerRateBits = kHazardBits - kExposureBits;

/// A week or boundary beyond every horizon.
inline constexpr int kNoWeek = 1 << 20;

/// A tie to a receiver: while the source is in use, the receiver's exposure in that layer holds `weight`.
struct Push {
  std::uint32_t receiver;  ///< record within the programme
  std::uint32_t weight;    ///< weights of a receiver in a layer sum to 2^16
};
/// Pushes of one edge layer by source record. They are the largest thing a world reads, so with at most 2^16 records
/// each is packed into 4 bytes.
struct Pushes {
  struct Narrow {
    std::uint16_t receiver, weight_less_one;
  };
  Column<std::uint32_t> offsets;              ///< n_records + 1
  std::vector<Narrow> narrow;                 ///< and kBeyond more, or
  Paged<Push> wide;                           ///< where there are more records
  std::uint32_t longest = 0;                  ///< most pushes of one record
  static constexpr std::size_t kBeyond = 16;  ///< pushes of nobody after the last, so that a row may be read in steps
  [[nodiscard]] static constexpr Push unpack(Narrow push) { return {push.receiver, push.weight_less_one + 1U}; }
  [[nodiscard]] static constexpr Push unpack(const Push& push) { return push; }
  [[nodiscard]] Push operator[](std::size_t at) const { return wide.empty() ? unpack(narrow[at]) : wide[at]; }
};
/// The layers in the kernel's order: the edge layers, then the group layers.
inline constexpr std::array<Layer, 2> kEdgeLayers{Layer::geography, Layer::pathway};
inline constexpr std::array<Layer, 2> kGroupLayers{Layer::community, Layer::ownership};

/// One group layer among those eligible for a programme.
struct GroupLayer {
  Column<std::int32_t> group_of;         ///< by record; -1 = in none, or alone in it
  std::vector<std::uint32_t> n_members;  ///< eligible members by group
  /// A *pair* is a group seen by one class of records: pair 0 is "no group".
  std::vector<std::uint32_t> pair_offsets;             ///< pairs of group g: pair_offsets[g] .. pair_offsets[g + 1]
  std::vector<std::uint32_t> pair_group;               ///< group of each pair but 0
  std::vector<std::uint16_t> pair_class;               ///< class of each pair
  std::vector<std::uint32_t> member_offsets, members;  ///< records of each pair but 0
};

/// Records whose weekly tables are the same in every strategy: same region class, same set of layers.
struct RecordClass {
  std::uint8_t region_class;  ///< row of ProgrammePlan::classes
  std::uint8_t layer_mask;    ///< bit of each Layer in which the records have ties to eligible organisations
};

/// Who can adopt one programme, and who listens to whom. A *record* is one eligible organisation, 0..n_records.
struct ProgrammeModel {
  std::uint32_t identity = 0;               ///< programme_identity(name)
  std::uint32_t class_identity = 0;         ///< programme_identity(classification)
  std::vector<std::uint32_t> organisation;  ///< population index by record
  /// By record: the population's own where everybody is eligible, or those of `eligible_identity`.
  std::span<const std::uint64_t> organisation_identity;
  std::shared_ptr<const std::vector<std::uint64_t>> eligible_identity;
  std::vector<std::uint8_t> region;
  Column<float> size_z, chain, teaching, deprivation;  ///< covariates of docs/odd.md 7.1
  std::array<Pushes, 2> edges;                         ///< by kEdgeLayers
  std::array<GroupLayer, 2> groups;                    ///< by kGroupLayers
  std::vector<std::array<std::uint32_t, 2>> pairs;     ///< of each group layer, by record; empty without groups
  std::vector<RecordClass> classes;
  Column<std::uint16_t> class_of;          ///< by record
  std::vector<std::uint8_t> region_class;  ///< by region: regions with the same levers in every strategy share one
  /// Boundary at which the innovation begins to exist: nobody engages, decides or is in use before it, and what holds at
  /// the start holds on it. Beyond the horizon = never.
  int begins = 0;
  int withdrawn = kNoWeek;  ///< from this week on nobody decides or restarts, and stopping is faster
  /// Records in the order in which they are in use at the start, as many as the draw says (`initial.in_use`), decided by
  /// the population's seed; empty when every draw says none.
  std::vector<std::uint32_t> start_order;
  double mean_delivered = 0;  ///< national delivered effort, staff-days per eligible organisation-year
  [[nodiscard]] std::size_t n_records() const { return organisation.size(); }
};

/// Effort on an organisation from a boundary on, in units of the half-effect effort e50 at factor 1.
struct EffortStep {
  int from = 0;            ///< boundary
  float outreach = 0;      ///< e / e50 for engagement
  float facilitation = 0;  ///< e / e50 for decision, success and stopping
  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 takes the 0 inside a defaulted comparison for a pointer
  friend auto operator<=>(const EffortStep&, const EffortStep&) = default;
};

/// What one strategy does about one programme, week by week. Fixed before any draw.
struct ProgrammePlan {
  Column<std::uint32_t> profile;                  ///< effort profile by record
  std::vector<std::vector<EffortStep>> profiles;  ///< first step at boundary 0, increasing
  /// [profile] records; none are listed for a profile that has no other step, for it never changes.
  std::vector<std::vector<std::uint32_t>> records_of_profile;
  /// Commissioned or not, mandate or not, shocks by week; a row per region class of the programme.
  struct WeekFactors {
    std::vector<float> commissioned;  ///< 0 or 1 per week
    std::vector<float> mandate;       ///< 0 or 1 per week, between them the share that a tariff pays
    std::vector<float> covid;         ///< +1 aligned surge, -1 not aligned stall, 0 none
    std::vector<float> shock;         ///< factor of shock levers
    std::vector<float> subsidy;       ///< share of set-up, running and per-person costs that a tariff pays publicly
    std::vector<float> capacity;      ///< times the beds or people that an organisation in use can reach; 1 = no lever
    std::vector<float> community;     ///< 1 while the region's community of practice, made by a lever, meets
    friend bool operator==(const WeekFactors&, const WeekFactors&) = default;
  };
  std::vector<WeekFactors> classes;
  /// Records in use at the start in every draw (sites named, and those that levers seed), increasing; those that the
  /// draw adds come from ProgrammeModel::start_order.
  std::vector<std::uint32_t> in_use_at_start;
  std::vector<std::vector<double>> delivered_by_region;  ///< network staff-days, [region][week]
  /// Who joins the community of practice that a lever makes in each region: by record 1 or 0; empty = no such lever.
  /// Nobody is in one alone.
  std::vector<std::uint8_t> joins;
  std::vector<std::uint32_t> joined_by_region;  ///< members of each region's community
};

struct StrategyPlan {
  std::string name;
  std::vector<ProgrammePlan> programmes;
};

/// Immutable, shared by everything. Holds no drawn parameter.
struct Model {
  Scenario scenario;
  std::shared_ptr<const Population> population;
  std::vector<ProgrammeModel> programmes;
  std::vector<StrategyPlan> strategies;
  std::vector<std::uint32_t> first_record;  ///< of each programme in the world's arrays; n_programmes + 1
  Column<std::uint8_t> programme_of;        ///< by record of the world's arrays
  /// Records of an organisation over all programmes, where they compete for attention: offsets by organisation; else empty.
  std::vector<std::uint32_t> organisation_offsets, organisation_records;
  /// What holds and may not be meant, each once: effort that reaches nobody, so that it is neither done nor paid for.
  std::vector<Problem> warnings;
  [[nodiscard]] const Calendar& calendar() const { return scenario.calendar; }
  [[nodiscard]] int n_programmes() const { return static_cast<int>(programmes.size()); }
  [[nodiscard]] int n_strategies() const { return static_cast<int>(strategies.size()); }
  [[nodiscard]] std::size_t n_records() const { return first_record.back(); }
};

/// Puts scenario and population together. @throws InputError (a lever names an unknown region, nobody is eligible, two
/// identities collide, a plan exceeds the horizon)
[[nodiscard]] std::shared_ptr<const Model> make_model(Scenario scenario, std::shared_ptr<const Population> population);

/// The clocks of one replicate, drawn once at its door and shared by every strategy: same organisations, same luck.
class Clocks;
[[nodiscard]] std::shared_ptr<const Clocks> draw_clocks(const Model& model, const Draw& draw, Key key);

/// Integer tables per class of records and week, dated changes per organisation: a plan under one draw.
class Rates;
[[nodiscard]] std::shared_ptr<const Rates> compile(std::shared_ptr<const Model> model, int strategy, const Draw& draw);
/// The first week in which the two can make a difference to any organisation; n_weeks when they never do.
[[nodiscard]] int first_difference(const Rates& a, const Rates& b);

}  // namespace uptake
