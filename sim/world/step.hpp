/// One step of a world: what is shared by the files that move it (kernel.hpp says how the algorithm goes).
///
///     world.cpp      begins, weeks, branches and fresh luck: what a step consists of
///     moves.cpp      clocks that depend on dates alone, and organisations that enter their next stage
///     pushes.cpp     what others feel of that: exposures along ties and in groups
///     decisions.cpp  decision clocks: how much is left of them, and when to look at them
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "random/lanes.hpp"
#include "world/kernel.hpp"

namespace uptake {

inline constexpr std::size_t index_of(Pending pending) { return static_cast<std::size_t>(pending); }
inline constexpr std::size_t kNPending = index_of(Pending::restart) + 1;

/// Whether effort or attention changes the speed of clocks that run.
[[nodiscard]] bool rescales(const Rates& rates);

/// One step's view of a world: the state with what it runs on, resolved once.
class Step {
 public:
  using State = World::State;

  explicit Step(State& state);

  void begin();
  void look_ahead(int to);
  void rebind();
  void gather_communities();
  void keep_multipliers();
  void reclock(Clocks& fresh, const Clocks& old);
  void week();

 private:
  static constexpr std::uint32_t kBlock = 2048;     ///< records looked through before they are aimed
  static constexpr std::size_t kClimbsAtOnce = 64;  ///< records aimed at once
  /// What a record needs is asked of memory this many records ahead of the one in hand (found by measuring).
  static constexpr std::size_t kAhead = 8, kNext = 2, kFarAhead = 24;
  static constexpr std::size_t kFar = 40'000;  ///< records from which on pushes ask too (found by measuring)

  struct alignas(128) Context {  ///< what all records of a programme share, resolved once
    std::uint32_t first_record;
    bool grouped;      ///< some are in groups
    bool communities;  ///< made by levers
    bool two_edge_layers;
    bool maximum;  ///< of the layers, instead of their sum
    bool stays;    ///< who uses it once uses it until the horizon
    bool certain;  ///< exposures only rise, and by ties alone: a decision falls in the week that the diary has for it
    std::size_t j;
    std::size_t first_part;  ///< of who is due in a week
    std::size_t n_classes;
    const std::uint16_t* class_of;              ///< by record; null where all are of one class
    const std::array<std::uint32_t, 2>* pairs;  ///< by record; null without groups
    const Response& response;
    const Clocks::Programme& clocks;
    const ProgrammeModel& programme;
    const Rates::Programme& rates;
    const ProgrammePlan& plan;
    const ProgrammeSpec& spec;
    State::Programme& state;
  };
  struct Who {  ///< a record; passed by value, in two registers
    std::uint32_t id;
    std::uint32_t record;  ///< within the programme
    const Context& of;
  };
  using Movers = std::span<const std::uint32_t>;  ///< records of a programme
  /// Of records: a vector whose push_back is no call. As many as are asked for ahead may be read beyond the last, and are
  /// records too.
  class List {
   public:
    [[gnu::always_inline]] void add(std::uint32_t record) {
      if (n_ + kAhead >= room_.size()) [[unlikely]]
        grow(1);
      room_[n_++] = record;
    }
    void add(std::span<const std::uint32_t> records) {
      if (n_ + records.size() + kAhead >= room_.size()) grow(records.size());
      std::ranges::copy(records, room_.begin() + static_cast<std::ptrdiff_t>(n_));
      n_ += records.size();
    }
    void clear() { n_ = 0; }
    [[nodiscard]] const std::uint32_t* begin() const { return room_.data(); }
    [[nodiscard]] const std::uint32_t* end() const { return room_.data() + n_; }
    [[nodiscard]] bool empty() const { return n_ == 0; }
    [[nodiscard]] std::size_t size() const { return n_; }

   private:
    [[gnu::noinline]] void grow(std::size_t n) { room_.resize(2 * (n_ + n) + kBlock); }
    std::vector<std::uint32_t> room_;
    std::size_t n_ = 0;
  };
  struct Moves {               ///< of the records of a programme in the week in hand
    std::array<List, 2> uses;  ///< who leaves use, and who enters it
    List waits;                ///< who begins to wait when all have moved
  };

  // Records, and what is known of them.
  [[nodiscard]] const Context& context_of(std::uint32_t id) const {
    return of_programme_[programme_of_ == nullptr ? 0 : programme_of_[id]];
  }
  [[nodiscard]] Who who(std::uint32_t id) const {
    const Context& of = context_of(id);
    return {id, id - of.first_record, of};
  }
  [[nodiscard]] State::Record& own_of(Who w) const { return records_[w.id]; }
  [[nodiscard]] State::Waiting& waiting_of(Who w) const { return waiting_[w.id]; }
  [[nodiscard]] static bool maximum(Who w) { return w.of.maximum; }
  [[nodiscard]] bool waiting(Who w) const { return own_of(w).pending() == Pending::test; }
  [[nodiscard]] static std::size_t class_of(const Context& of, std::uint32_t record) {
    return of.class_of == nullptr ? 0 : of.class_of[record];
  }
  /// Of a record to an edge layer.
  [[nodiscard]] std::int64_t exposure(const Context& of, std::uint32_t record, std::size_t layer) const {
    const std::uint32_t id = of.first_record + record;
    if (layer == 0) return waiting_[id].exposure();
    return of.two_edge_layers ? second_[id] : 0;
  }
  /// Pairs that a record is in; of a programme without groups, those of nobody.
  [[nodiscard]] static const std::array<std::uint32_t, 2>& pairs_of(const Context& of, std::uint32_t record) {
    static constexpr std::array<std::uint32_t, 2> kNoPairs{};
    return of.pairs == nullptr ? kNoPairs : of.pairs[record];
  }
  /// Of a region's community, by boundary.
  [[nodiscard]] static const std::int64_t* community_rates(const Context& of, std::size_t region) {
    return of.rates.added_of(of.programme.region_class[region]);
  }
  /// Clocks of a kind that a record has begun.
  [[nodiscard]] std::uint16_t begun(std::uint32_t id, std::uint16_t State::Turns::*kind) const {
    return turns_ == nullptr ? 0 : turns_[id].*kind;
  }
  /// The occurrence of the one that it begins now.
  [[nodiscard, gnu::always_inline]] std::uint16_t begin_another(std::uint32_t id, std::uint16_t State::Turns::*kind) {
    return turns_ == nullptr ? std::uint16_t{0} : (turns_[id].*kind)++;
  }
  void link(Who w, Pending pending, int week);
  void aim_at(std::uint32_t id, State::Record& own, int week);
  /// Asks memory for an element, which need not be there: the list that it is of may have ended.
  template <class T>
  [[gnu::always_inline]] static void prefetch(const T* first, std::size_t at) {
    // NOLINTNEXTLINE(performance-no-int-to-ptr): an address beyond an array is none of the language's
    __builtin_prefetch(reinterpret_cast<const void*>(reinterpret_cast<std::uintptr_t>(first) + at * sizeof(T)));
  }
  template <class... T>
  [[gnu::always_inline]] static void prefetch(const std::vector<T...>& array, std::size_t at) {
    prefetch(array.data(), at);
  }

  // world.cpp
  void hold(int boundary);
  [[nodiscard]] const Rates::Step& effort_of(Who w) const {
    return *efforts_[w.of.j].held[w.of.plan.profile[w.record]];
  }
  [[nodiscard]] std::uint8_t phases_over(Who w, const Clocks& clocks, int boundary) const;

  // moves.cpp
  [[nodiscard]] int engagement_week(Who w) const;
  [[nodiscard]] int stop_week(Who w, int entered, std::uint16_t occurrence) const;
  [[nodiscard]] int restart_week(Who w, int boundary, std::uint16_t occurrence) const;
  void open(int boundary);
  void withdraw(const Context& of);
  void part(int week);
  void handle(const Context& of, int week);
  void test(const Context& of, Movers tests, int week);
  void decide(const Context& of, Movers movers, int boundary);
  template <Stage to>
  void enter(const Context& of, Movers movers, int boundary);
  void room_for_events(std::size_t n);
  void keep_events();
  void count_implementing(std::span<const Event> events);
  void settle(int boundary);

  // pushes.cpp
  struct Heard {  ///< by a record that waits: what its exposure was, and by what it moves
    std::uint32_t to;
    std::int32_t rise;
    std::uint32_t before;
  };
  struct Itself {};  ///< the curve of who answers to exposure itself
  /// Of the edge layers from a boundary to the outlook, [layer][class].
  struct Left {
    int boundary = -1, outlook = -1;
    std::vector<std::int64_t> gain;   ///< of the cumulated rate
    std::vector<std::uint64_t> move;  ///< what a unit of weight adds to the word of who answers to exposure itself
  };
  void renew(Left& left, const Context& of, int boundary) const;
  [[nodiscard]] const Left& left_of(const Context& of, int boundary);
  [[nodiscard]] Pushes::Narrow* laid_for(const Pushes::Narrow*) { return laid_narrow_.data(); }
  [[nodiscard]] Push* laid_for(const Push*) { return laid_wide_.data(); }
  void spread(const Context& of, const List& uses, int sign, int boundary);
  template <std::size_t layer, int sign>
  void spread_along(const Context& of, const List& uses, int boundary);
  template <std::size_t layer, int sign, bool one_class, class Push, class Curve>
  void push_rows(const Context& of, const List& uses, int boundary, const Push* pushes, Curve curve);
  void apply_groups(const Context& of, std::uint32_t record, int sign, int boundary);
  void apply_community(const Context& of, std::uint32_t record, int sign, int boundary);
  [[nodiscard]] std::int64_t community_exposure(const Context& of, std::size_t region) const;

  // decisions.cpp
  struct Gain {  ///< of a class between two outlooks
    std::int64_t external, peer[2];
  };
  template <int n_groups, int n_layers>
  struct Pull;
  /// act.operator()<n_groups, n_layers>() with how many layers of groups and of ties a programme has.
  template <class Act>
  [[gnu::always_inline]] static auto with_shape(const Context& of, Act act) {
    if (of.communities) [[unlikely]]
      return act.template operator()<3, 2>();
    if (of.two_edge_layers) [[unlikely]]
      return of.grouped ? act.template operator()<2, 2>() : act.template operator()<0, 2>();
    return of.grouped ? act.template operator()<2, 1>() : act.template operator()<0, 1>();
  }
  template <class Act>
  [[gnu::always_inline]] auto with_pull(Who w, Act act) {
    return with_shape(
        w.of, [&]<int n_groups, int n_layers>() { return act(Pull<n_groups, n_layers>(*this, w.of, w.record)); });
  }
  [[nodiscard]] std::uint32_t heeding(const Context& of, std::uint32_t record, std::uint32_t phi) const;
  std::uint32_t scale(Who w);
  template <class Pulled>
  void aim(std::uint32_t first_record, std::size_t n, int boundary);
  void aim_near(const Context& of, int boundary);
  static std::int64_t lift(State::Pair& pair, std::int64_t now, std::int64_t then, std::int32_t ceiling);
  [[nodiscard]] static std::int32_t ceiling_above(std::int32_t value, std::int32_t before);
  void raise(const Context& of, std::size_t g, std::size_t group, int boundary);
  void look_through_ties(const Context& of, const Gain& gain, std::uint32_t first, std::uint32_t end);
  template <int n_groups, int n_layers>
  void look_through(const Context& of, std::uint32_t first, std::uint32_t end);
  [[nodiscard]] std::int64_t strongest_layer(Who w) const;
  void first_waits(const Context& of, int boundary);
  template <int n_groups, int n_layers>
  void all_wait(const Context& of, int boundary);
  void wait(const Context& of, Movers waits, int boundary);
  void set_remaining(Who w, int boundary, std::int64_t remaining);
  template <class Pulled>
  void run(Who w, const Pulled& pull, int boundary, std::int64_t remaining, std::int64_t ahead);
  void rescale_waiting(Who w, int week);
  void find_over(const Context& of, Movers tests, int week);

  State& state_;
  // Beginnings of what state_ has by record and of contexts_, none of which grows while they are used.
  State::Record* records_ = state_.records.data();
  State::Turns* turns_ = state_.turns.empty() ? nullptr : state_.turns.data();
  State::Waiting* waiting_ = state_.waiting.data();
  std::uint32_t* second_ = state_.second.data();
  std::uint32_t* multipliers_ = state_.multipliers.empty() ? nullptr : state_.multipliers.data();
  const Context* of_programme_ = nullptr;
  const std::uint8_t* programme_of_ = nullptr;  ///< by record; null where all are of one programme
  const Rates& rates_;
  const Model& model_;
  const Clocks& clocks_;
  const std::vector<ProgrammePlan>& plans_;
  std::vector<Context> contexts_;
  /// Records of the programme in hand whose slack is used up, the first n_near_; room for a block more than for laid_.
  std::vector<std::uint32_t> near_;
  std::size_t n_near_ = 0;
  /// Pushes in hand, one row after the other, as narrow or wide as they are; room for a block and the longest row.
  std::vector<Pushes::Narrow> laid_narrow_;
  std::vector<Push> laid_wide_;
  std::vector<Heard> heard_;  ///< of those, the ones to who waits
  // Clocks that are aimed at once: how they climb, the records they are of, and weeks below their goals.
  std::array<lanes::Climb, kClimbsAtOnce> climbs_;
  std::array<std::uint32_t, kClimbsAtOnce> climbing_{};
  std::array<std::uint16_t, kClimbsAtOnce> below_{};
  decltype(lanes::Functions::without) without_ = lanes::best().without;
  decltype(lanes::Functions::spend) spend_ = lanes::best().spend;
  decltype(lanes::Functions::climb) climb_ = lanes::best().climb;
  // Of the look in hand: what each class gains, and by how much the reach of each pair and community rises.
  std::vector<Gain> gains_;
  std::array<std::vector<std::int64_t>, 2> rise_of_pairs_;
  std::vector<std::int64_t> rise_, rise_of_communities_;
  const bool far_ = model_.n_records() > kFar;
  struct Efforts {                         ///< dated effort of a programme, in the week in hand
    std::vector<const Rates::Step*> held;  ///< by profile
    std::size_t n_changed = 0;             ///< of the changes: those that have happened
  };
  std::vector<Efforts> efforts_;  ///< by programme
  std::vector<Left> left_;        ///< by programme
  std::vector<Moves> moves_;      ///< by programme
  struct Place {
    std::uint32_t part, rank;
  };
  // Of the week in hand: whom the diary has and their places; who of them is due, one part after the other, by programme and
  // what is pending; and where each part begins.
  std::vector<std::uint32_t> taken_, due_, begins_;
  std::vector<Place> places_;
  std::array<List, 2>
      parted_;  ///< of the list in hand: those for whom something does not hold, and those for whom it does
  std::size_t settled_ = state_.history.events.size();  ///< events that are over
  Event* event_ = nullptr;                              ///< of the history that is open: the next one
};

[[gnu::always_inline]] inline void Step::aim_at(std::uint32_t id, State::Record& own, int week) {
  if (own.due() == week) return;  // is in the diary
  own.set_due(week);
  if (week < rates_.n_weeks) state_.diary.add(week, id);
}

[[gnu::always_inline]] inline void Step::link(Who w, Pending pending, int week) {
  own_of(w).set(pending, std::min(week, rates_.n_weeks));
  if (week < rates_.n_weeks) state_.diary.add(week, w.id);
}

}  // namespace uptake
