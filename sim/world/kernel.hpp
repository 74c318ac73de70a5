/// Inside of the kernel: what the opaque types of model.hpp and world.hpp hold. Shared by rates.cpp, the files that move a world
/// (step.hpp) and tests.
///
/// The algorithm. Every clock but one depends on dates alone, so its week is known on entry to the stage (a walk over the
/// organisation's dated effort). The exception is the decision clock, whose hazard also depends on who else is in use.
/// With cumulated integer tables E(t) of the external part and B_l(t) of the peer part of layer l, an organisation's
/// cumulated hazard since boundary 0, were its exposure constant, is
///
///     level(t) = E(t) + sum_edge f(S_l) B_l(t) + sum_group [offset + f(G) B_l(t)],
///
/// where the communities of practice that levers make are groups more, with a table of their own, and a group's offset
/// takes up what its exposure changes, so that its part is continuous. The clock fires in the first week w with
/// level(w + 1) >= target: a test that is exact at any week, by integer algebra. *When* to test is then free, as long as
/// it is never late. Every kOutlook weeks all organisations are looked through once, up to the boundary `outlook` = O, and
/// each keeps its
///
///     slack = target - 1 - [E(O) + sum_edge f(S_l) B_l(O) + sum_group (offset + reach)],
///
/// where offset + reach is what the group's part would be at O, were its exposure at a ceiling from the look on; reach alone
/// is kept, for what is left of a clock asks for no more. Only who has no slack left can fire before O; its week is worked
/// out and entered in the diary. A push at boundary t takes df (B_l(O) - B_l(t)) from the receiver's slack, so whoever it
/// brings forward is found by that one comparison; a group whose exposure outgrows its ceiling gets a higher one and its
/// members are looked through again. Organisations without a decision clock lose slack too, so that nothing has to ask: a
/// bit tells them from those who wait.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "uptake/arrays.hpp"
#include "uptake/model.hpp"
#include "uptake/world.hpp"

namespace uptake {

inline constexpr std::int64_t kNever = std::int64_t{1} << 60;  ///< a clock that does not fire
inline constexpr std::uint32_t kUnit = 1U << 20;               ///< multipliers: 1 = 2^20
inline constexpr int kStopBits = 32;                           ///< cumulated stop hazard; times a factor of 2^16
inline constexpr int kStopFactorBits = 16;
inline constexpr int kNSlots = 4;                               ///< edge layers 0, 1, then group layers 2, 3
inline constexpr int kOutlook = 32;                             ///< weeks (found by measuring)
inline constexpr std::int32_t kLeastRoom = kFullExposure / 16;  ///< below a group's ceiling (found by measuring)
/// A week's hazard above this is certain (P = 1 - exp(-32)): tables clip each term here.
inline constexpr double kCertainHazard = 32;
/// A decision clock has at most this much left, 2^12 of hazard: 128 weeks of what is certain.
inline constexpr double kMostHazard = 0x1p12;
inline constexpr std::int64_t kMostLeft = std::int64_t{1} << (kHazardBits + 12);

/// A value of at least 0 in units of 2^-bits, to the nearest, at most kNever.
[[nodiscard]] inline std::int64_t in_units(double value, int bits) {
  const double scaled = value * static_cast<double>(std::int64_t{1} << bits);
  const double half_up = scaled + 0.5;  // what follows cuts off; a call of llround would cost more than the rest
  return scaled < static_cast<double>(kNever) ? static_cast<std::int64_t>(half_up) : kNever;
}

/// What is left of a decision clock when its hazard is divided by `divide` and multiplied by `multiply` instead, at most
/// kMostLeft.
[[nodiscard]] inline std::int64_t rescale(std::int64_t x, std::uint32_t multiply, std::uint32_t divide) {
  std::int64_t product = 0;
  if (multiply == divide) return x;
  if (!__builtin_mul_overflow(x, static_cast<std::int64_t>(multiply), &product)) {
    return std::min(product / static_cast<std::int64_t>(divide), kMostLeft);  // the usual case, without a library call
  }
  __extension__ using wide = __int128;
  const wide scaled = static_cast<wide>(x) * multiply / divide;
  return scaled > kMostLeft ? kMostLeft : static_cast<std::int64_t>(scaled);
}

/// A hazard (2^-32) times a stop factor (2^-16), capped at kNever, which is beyond every stop clock.
[[nodiscard]] inline std::int64_t times_stop_factor(std::int64_t hazard, std::uint32_t factor) {
  std::int64_t product = 0;
  return __builtin_mul_overflow(hazard, static_cast<std::int64_t>(factor), &product) ? kNever
                                                                                     : std::min(product, kNever);
}

/// g(A) of docs/odd.md 7.1 in fixed point, exposure and value in 2^-16.
class Response {
 public:
  Response() = default;
  Response(double kappa, double theta);
  friend bool operator==(const Response&, const Response&) = default;
  [[nodiscard]] bool is_identity() const { return kind_ == Kind::identity; }
  [[nodiscard]] bool is_hill() const { return kind_ == Kind::hill; }
  [[nodiscard]] std::int64_t operator()(std::int64_t exposure) const {
    switch (kind_) {
      case Kind::identity:
        return exposure;
      case Kind::threshold:
        return exposure >= threshold_ ? kFullExposure : 0;
      case Kind::hill:
        break;
    }
    return hill(exposure);
  }
  /// The same where it is known to be a curve.
  [[nodiscard]] std::int64_t hill(std::int64_t exposure) const {
    const Cell cell = table_[static_cast<std::size_t>(exposure >> kCellBits)];
    return cell.value + ((cell.rise * (exposure & ((1 << kCellBits) - 1))) >> kCellBits);
  }

 private:
  enum class Kind : std::uint8_t { identity, threshold, hill };
  static constexpr int kCellBits = 8;  // 256 cells with linear interpolation: largest error 1e-4 for kappa up to 4
  Kind kind_ = Kind::identity;
  std::uint32_t threshold_ = 0;
  struct Cell {
    std::int32_t value = 0, rise = 0;
    friend bool operator==(const Cell&, const Cell&) = default;
  };
  std::array<Cell, (kFullExposure >> kCellBits) + 1> table_{};
};

/// Luck from boundary `from` on. Occurrences are counted from there: 0 is at the door, and a clock that was running then
/// is occurrence 0 of its kind, and runs from there. What a programme can never ask for is not drawn, and its array is
/// empty. A clock is a hazard, in 4 bytes: it is known to 6e-8 of itself, an hour in 1,900 years.
class Clocks {
 public:
  /// What a draw makes of organisations apart from luck in what they do: the terms of ln m_ij (docs/odd.md 7.1).
  struct Character {
    double beta_size = 0, beta_chain = 0, beta_teaching = 0, beta_deprivation = 0;
    std::vector<double> region_effect;  ///< u_r by region; empty = none
    double sd_readiness = 0, complexity = 0;
    double base_logit = 0, success_by_readiness = 0;  ///< of success
  };
  struct Programme {
    // Occurrence 0 by record.
    Paged<float> engage;               ///< E
    Paged<float> decide;               ///< E / m_ij, at most kMostHazard; infinite outside the susceptible share
    Paged<float> stop;                 ///< E
    Paged<float> restart;              ///< E
    std::vector<std::int32_t> need;    ///< succeeds when the effort term (2^-20 of a logit) reaches this
    std::vector<std::uint16_t> weeks;  ///< implementing time, at least 1
    // For later occurrences, by record.
    std::vector<float> log_multiplier;  ///< ln m_ij
    std::vector<float> success_logit;   ///< logit of success without effort
    Character character;
    double weeks_per_phase = 0;  ///< mean of one Erlang phase
    int n_phases = 0;
    /// By record: phases that were over at `from` of an implementation that was under way; empty where `from` is 0.
    std::vector<std::uint8_t> phases_over;
  };
  Key key;
  Key origin;  ///< of readiness and susceptibility, which no reclocking changes
  int from = 0;
  std::vector<Programme> programmes;
};

class Rates {
 public:
  struct Step {  ///< what dated effort means from a boundary on
    int from;
    std::uint32_t decide;  ///< Phi in 2^-20
    std::int32_t succeed;  ///< effort term of the success logit in 2^-20
    std::int64_t engage;   ///< engagement hazard a week in 2^-32, background included
    std::uint32_t stop;    ///< factor on the stop hazard in 2^-16
    friend bool operator==(const Step&, const Step&) = default;
  };
  struct Change {
    int week;
    std::uint32_t profile;
  };
  /// Tables of one class of records, cumulated from boundary 0.
  struct Levels {
    const std::int64_t* first = nullptr;
    std::size_t n_boundaries = 0;
    /// E(t)
    [[nodiscard]] std::int64_t external(std::size_t boundary) const { return first[boundary]; }
    /// B_l(t); zero under the maximum rule
    [[nodiscard]] std::int64_t peer(std::size_t slot, std::size_t boundary) const {
      return first[(1 + slot) * n_boundaries + boundary];
    }
  };
  struct Programme {
    std::size_t n_classes = 0, n_boundaries = 0;
    /// [class][E, then B_l][boundary], and room for a vector that begins in the last.
    std::vector<std::int64_t> levels;
    std::vector<std::int64_t> any_layer;  ///< maximum rule: peer rate of a week, [week][class]
    /// Communities of practice that levers make: B(t), [region class][boundary], and the same room; empty where a strategy
    /// makes none.
    std::vector<std::int64_t> added;
    std::vector<std::uint32_t> step_offsets;  ///< by profile
    std::vector<Step> steps;
    std::vector<Change> changes;            ///< steps after boundary 0, by week
    std::vector<std::int64_t> stop_hazard;  ///< cumulated by weeks since entry, 2^-32
    std::int64_t restart = 0;               ///< hazard a week, 2^-32
    int refractory_weeks = 0;
    Response response;
    std::vector<std::uint32_t> in_use_at_start;  ///< records, increasing
    int closes = 0;                              ///< week from which nobody decides: withdrawal or the horizon
    std::vector<std::uint32_t> attention;        ///< K by number of programmes being implemented, 2^-20; empty = off

    [[nodiscard]] Levels levels_of(std::size_t c) const {
      return {levels.data() + c * (1 + kNSlots) * n_boundaries, n_boundaries};
    }
    [[nodiscard]] const std::int64_t* added_of(std::size_t region_class) const {
      return added.data() + region_class * n_boundaries;
    }
  };
  std::shared_ptr<const Model> model;
  int strategy = 0;
  int n_weeks = 0;
  std::vector<Programme> programmes;

  /// The step that holds in a week.
  [[nodiscard]] static const Step& step_at(const Programme& programme, std::uint32_t profile, int week) {
    auto at = programme.step_offsets[profile];
    const auto end = programme.step_offsets[profile + 1];
    while (at + 1 < end && programme.steps[at + 1].from <= week) ++at;
    return programme.steps[at];
  }
};

// Clocks of later occurrences, by the same functions that fill the door.
[[nodiscard]] std::int64_t later_decide_clock(const Clocks& clocks, const ProgrammeModel& programme, std::size_t j,
                                              std::size_t record, std::uint16_t occurrence);
[[nodiscard]] std::uint16_t later_implementing_weeks(const Clocks& clocks, const ProgrammeModel& programme,
                                                     std::size_t j, std::size_t record, std::uint16_t occurrence);
[[nodiscard]] std::int32_t later_effort_needed(const Clocks& clocks, const ProgrammeModel& programme, std::size_t j,
                                               std::size_t record, std::uint16_t occurrence);
[[nodiscard]] std::int64_t later_restart_clock(const Clocks& clocks, const ProgrammeModel& programme, std::size_t j,
                                               std::size_t record, std::uint16_t occurrence);
[[nodiscard]] std::int64_t later_stop_clock(const Clocks& clocks, const ProgrammeModel& programme, std::size_t j,
                                            std::size_t record, std::uint16_t occurrence);

// Clocks of any occurrence, in units of the hazards that they are held against: 2^-32, and 2^-48 for stopping. @pre the
// programme can ask for it: a skipped stage, or being engaged from the start, has none
[[nodiscard]] inline std::int64_t engage_clock(const Clocks& clocks, const ProgrammeModel&, std::size_t j,
                                               std::size_t record) {
  return in_units(clocks.programmes[j].engage[record], kHazardBits);
}
[[nodiscard]] inline std::int64_t decide_clock(const Clocks& clocks, const ProgrammeModel& programme, std::size_t j,
                                               std::size_t record, std::uint16_t occurrence) {
  const std::int64_t first = in_units(clocks.programmes[j].decide[record], kHazardBits);
  return occurrence == 0 || first == kNever ? first : later_decide_clock(clocks, programme, j, record, occurrence);
}
[[nodiscard]] inline std::uint16_t implementing_weeks(const Clocks& clocks, const ProgrammeModel& programme,
                                                      std::size_t j, std::size_t record, std::uint16_t occurrence) {
  return occurrence == 0 ? clocks.programmes[j].weeks[record]
                         : later_implementing_weeks(clocks, programme, j, record, occurrence);
}
[[nodiscard]] inline std::int32_t effort_needed(const Clocks& clocks, const ProgrammeModel& programme, std::size_t j,
                                                std::size_t record, std::uint16_t occurrence) {
  return occurrence == 0 ? clocks.programmes[j].need[record]
                         : later_effort_needed(clocks, programme, j, record, occurrence);
}
/// kNever for a programme whose draw lets nobody stop.
[[nodiscard]] inline std::int64_t stop_clock(const Clocks& clocks, const ProgrammeModel& programme, std::size_t j,
                                             std::size_t record, std::uint16_t occurrence) {
  const auto& stop = clocks.programmes[j].stop;
  if (stop.empty()) return kNever;
  return occurrence == 0 ? in_units(stop[record], kStopBits + kStopFactorBits)
                         : later_stop_clock(clocks, programme, j, record, occurrence);
}
/// kNever for a programme whose draw lets nobody start again.
[[nodiscard]] inline std::int64_t restart_clock(const Clocks& clocks, const ProgrammeModel& programme, std::size_t j,
                                                std::size_t record, std::uint16_t occurrence) {
  const auto& restart = clocks.programmes[j].restart;
  if (restart.empty()) return kNever;
  return occurrence == 0 ? in_units(restart[record], kHazardBits)
                         : later_restart_clock(clocks, programme, j, record, occurrence);
}

/// Fresh clocks for the same organisations from a boundary on: readiness, effects of regions and who is susceptible stay.
/// What is running is the world's to say: doors hold whole clocks, and no phase is over.
[[nodiscard]] std::shared_ptr<Clocks> redraw_clocks(const Model& model, const Clocks& old, Key key, int from);
/// Of the last `n_phases` phases of an implementation, how many were over after so many weeks of them; not all of them.
[[nodiscard]] int phases_over_after(const Clocks& clocks, const ProgrammeModel& programme, std::size_t j,
                                    std::size_t record, std::uint16_t occurrence, int n_phases, int weeks);
/// Weeks that the last `n_phases` phases of occurrence 0 take.
[[nodiscard]] std::uint16_t weeks_of_phases(const Clocks& clocks, const ProgrammeModel& programme, std::size_t j,
                                            std::size_t record, int n_phases);

/// What happens to a record next, in the week it is due.
enum class Pending : std::uint8_t { nothing, engage, begin, test, finish, stop, restart };

/// Records due by week, in chunks of one cache line. Nothing is ever taken out of the middle: an entry counts only if the
/// record is still due in that week.
class Diary {
 public:
  void begin(int n_weeks, std::size_t n_records);
  void add(int week, std::uint32_t record) {
    std::uint32_t& place = next_[static_cast<std::size_t>(week)];
    if (place % kChunk == 0) place = open(place);
    words_[place++] = record;  // nothing of the chunk itself is read, for it may be far away
  }
  /// Moves the records of a week to the end of `out`.
  void take(int week, std::vector<std::uint32_t>& out);

 private:
  static constexpr std::uint32_t kChunk = 16;  ///< words: `next_` of the week when the chunk was begun, then records
  std::uint32_t open(std::uint32_t full);
  std::vector<std::uint32_t> next_;   ///< by week: the word to write, or where a chunk was filled; 0 = nothing yet
  std::vector<std::uint32_t> words_;  ///< chunk 0 is nobody's
  std::uint32_t free_ = 0;            ///< a chunk to use again, and so on by their first words
};

struct World::State {
  /// What a push reads and writes, in one word, so that one addition moves all of it: the exposure S in the first edge
  /// layer, a bit for who has no decision clock, and above them the slack. Sums are modulo 2^64; S stays within its bits.
  struct Waiting {
    static constexpr int kIdleBit = kExposureBits + 1, kSlackBit = kIdleBit + 1;
    static constexpr std::uint64_t kSeen = (std::uint64_t{1} << kIdleBit) - 1, kIdle = std::uint64_t{1} << kIdleBit;
    std::uint64_t word = kIdle | static_cast<std::uint64_t>(kMostLeft) << kSlackBit;

    [[nodiscard]] std::int64_t exposure() const { return static_cast<std::int64_t>(word & kSeen); }
    [[nodiscard]] bool idle() const { return (word & kIdle) != 0; }
    [[nodiscard]] std::int64_t slack() const { return static_cast<std::int64_t>(word) >> kSlackBit; }
    /// 1 for who has no slack left, else 0: what a list grows by, for to ask would be to guess.
    [[nodiscard]] std::size_t used_up() const { return word >> 63; }
    void wait(std::int64_t slack) { word = (word & kSeen) | static_cast<std::uint64_t>(slack) << kSlackBit; }
    void spend(std::int64_t hazard) { word -= static_cast<std::uint64_t>(hazard) << kSlackBit; }
    void rest() { word = (word & kSeen) | Waiting{}.word; }
  };
  static_assert(sizeof(Waiting) == 8 && kFullExposure <= Waiting::kSeen);
  // The slack of who waits is at most kMostLeft, and below 0 by at most what six terms bring in a window. That of others may
  // go round: it moves nothing but itself.
  static_assert(kMostLeft < std::int64_t{1} << (63 - Waiting::kSlackBit));
  static_assert(std::int64_t{kOutlook} * 6 * static_cast<std::int64_t>(kCertainHazard) <
                std::int64_t{1} << (63 - Waiting::kSlackBit - kHazardBits));
  /// Where an organisation stands with a programme and what happens to it next, in one word that is read and written
  /// whole.
  class Record {
   public:
    static constexpr int kUndated = (1 << 13) - 1;  ///< of what is due in no week that is known
    [[nodiscard]] Stage stage() const { return static_cast<Stage>(word_ & kSmall); }
    [[nodiscard]] Pending pending() const { return static_cast<Pending>(word_ >> kPendingBit & kSmall); }
    /// Boundary of entry to the stage.
    [[nodiscard]] int entered() const { return static_cast<int>(word_ >> kEnteredBit & kWeek); }
    /// Week of what is pending.
    [[nodiscard]] int due() const { return static_cast<int>(word_ >> kDueBit); }
    /// Enters a stage, in which nothing is pending yet.
    void enter(Stage stage, int boundary) {
      word_ =
          static_cast<std::uint32_t>(stage) | static_cast<std::uint32_t>(boundary) << kEnteredBit | kWeek << kDueBit;
    }
    void set(Pending pending, int due) {
      word_ = (word_ & ~(kSmall << kPendingBit | kWeek << kDueBit)) |
              static_cast<std::uint32_t>(pending) << kPendingBit | static_cast<std::uint32_t>(due) << kDueBit;
    }
    void set_due(int due) { word_ = (word_ & ~(kWeek << kDueBit)) | static_cast<std::uint32_t>(due) << kDueBit; }
    /// What is pending, if it is due in this week, and from here on in none; else nothing. Does not ask, for to ask would be
    /// to guess.
    [[nodiscard]] Pending take(int week) {
      const std::uint32_t taken = due() == week ? ~std::uint32_t{0} : 0;
      const std::uint32_t word = std::exchange(word_, word_ | (taken & kWeek << kDueBit));
      return static_cast<Pending>(word >> kPendingBit & kSmall & taken);
    }

   private:
    static constexpr int kPendingBit = 3, kEnteredBit = 6, kDueBit = 19;
    static constexpr std::uint32_t kSmall = 7, kWeek = kUndated;
    std::uint32_t word_ = kWeek << kDueBit;
  };
  static_assert(sizeof(Record) == 4);
  struct Turns {  ///< clocks of each kind that have begun: one a week at most
    std::uint16_t decisions = 0, implementations = 0, uses = 0;
  };
  static_assert(Record::kUndated <= std::numeric_limits<std::uint16_t>::max());
  /// A group for a class of its members; as small as it is for the nearest memory, where all of them stay.
  struct Pair {
    std::int64_t reach = 0;
    std::int32_t value = 0;    ///< f(G), 2^-16
    std::int32_t ceiling = 0;  ///< of the value until the outlook
  };
  struct Programme {
    std::array<std::vector<Pair>, 2> pairs;
    std::array<std::vector<std::int32_t>, 2> before;   ///< values of pairs at the last look
    std::array<std::vector<std::uint32_t>, 2> in_use;  ///< by group
    std::vector<Pair> communities;                     ///< made by levers, by region; empty without such a lever
    std::vector<std::uint32_t> community_in_use;       ///< likewise
    std::array<std::uint32_t, kNStages> counts{};
  };

  std::shared_ptr<const Rates> rates;
  std::shared_ptr<const Clocks> clocks;
  int boundary = 0;
  int outlook = 0;
  // By record:
  Paged<Waiting> waiting;
  Paged<std::uint32_t> second;  ///< exposures in the second edge layer, 2^-16; empty where no programme has one
  Paged<Record> records;
  Paged<Turns> turns;                ///< empty where every clock is the first of its kind
  Paged<std::uint32_t> multipliers;  ///< Phi K that decision clocks are scaled with, 2^-20; empty while none changes
  Diary diary;
  std::vector<Programme> programmes;
  std::vector<std::uint8_t> implementing;  ///< programmes being implemented, by organisation; empty = attention off
  std::vector<std::uint8_t> heeded;        ///< the same count when its records' clocks last took note of it
  std::vector<std::uint32_t> touched;      ///< organisations whose count changed in the last step
  History history;
};

/// Weeks of the longest horizon of a model: what a record's word has room for.
inline constexpr int kMostSteps = World::State::Record::kUndated - 1;

}  // namespace uptake
