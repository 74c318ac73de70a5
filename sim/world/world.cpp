#include "uptake/world.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <numeric>
#include <span>
#include <type_traits>
#include <utility>

#include "random/lanes.hpp"
#include "uptake/error.hpp"
#include "world/kernel.hpp"

namespace uptake {

namespace {

using State = World::State;

constexpr std::size_t index_of(Pending pending) { return static_cast<std::size_t>(pending); }
constexpr std::size_t kNPending = index_of(Pending::restart) + 1;

/// One step's view of a world: the state with what it runs on, resolved once.
class Step {
 public:
  explicit Step(State& state)
      : state_(state),
        rates_(*state.rates),
        model_(*state.rates->model),
        clocks_(*state.clocks),
        plans_(model_.strategies[static_cast<std::size_t>(rates_.strategy)].programmes) {
    state_.programmes.resize(model_.programmes.size());
    left_.resize(model_.programmes.size());
    moves_.resize(model_.programmes.size());
    std::uint32_t longest = 0;
    bool any_narrow = false, any_wide = false;
    contexts_.reserve(model_.programmes.size());
    for (std::size_t j = 0; j < model_.programmes.size(); ++j) {
      const ProgrammeModel& programme = model_.programmes[j];
      const Rates::Programme& rates = rates_.programmes[j];
      contexts_.push_back({.first_record = model_.first_record[j],
                           .grouped = !programme.pairs.empty(),
                           .communities = !rates.added.empty(),
                           .two_edge_layers = programme.edges[1].longest > 0,
                           .maximum = !rates.any_layer.empty(),
                           .stays = rates.stop_hazard.back() == 0,
                           .certain = programme.pairs.empty() && rates.added.empty() && rates.any_layer.empty() &&
                                      rates.stop_hazard.back() == 0,
                           .j = j,
                           .first_part = j * kNPending,
                           .n_classes = rates.n_classes,
                           .class_of = rates.n_classes > 1 ? programme.class_of.data() : nullptr,
                           .pairs = programme.pairs.empty() ? nullptr : programme.pairs.data(),
                           .response = rates.response,
                           .clocks = clocks_.programmes[j],
                           .programme = programme,
                           .rates = rates,
                           .plan = plans_[j],
                           .spec = model_.scenario.programmes[j],
                           .state = state_.programmes[j]});
      for (const Pushes& edges : programme.edges) {
        longest = std::max(longest, edges.longest);
        any_wide = any_wide || !edges.wide.empty();
        any_narrow = any_narrow || !edges.narrow.empty();
      }
    }
    of_programme_ = contexts_.data();
    if (!model_.programme_of.is_same()) programme_of_ = model_.programme_of.data();
    const std::size_t room = std::size_t{longest} + kBlock + Pushes::kBeyond;
    near_.resize(room + kBlock + kAhead);
    heard_.resize(room);
    if (any_narrow) laid_narrow_.resize(room);
    if (any_wide) laid_wide_.resize(room);
  }

  void begin();
  void open(int boundary);
  void look_ahead(int to);
  void rebind();
  void gather_communities();
  void keep_multipliers();
  void reclock(Clocks& fresh, const Clocks& old);
  void week();

 private:
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
  using Movers = std::span<const std::uint32_t>;  ///< records of a programme
  struct Heard {  ///< by a record that waits: what its exposure was, and by what it moves
    std::uint32_t to;
    std::int32_t rise;
    std::uint32_t before;
  };
  struct Itself {};  ///< the curve of who answers to exposure itself
  struct Gain {      ///< of a class between two outlooks
    std::int64_t external, peer[2];
  };
  void look_through_ties(const Context& of, const Gain& gain, std::uint32_t first, std::uint32_t end);
  template <int n_groups, int n_layers>
  void look_through(const Context& of, std::uint32_t first, std::uint32_t end);
  void withdraw(const Context& of);
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
  template <class Pulled>
  void aim(std::uint32_t first_record, std::size_t n, int boundary);
  void aim_at(std::uint32_t id, State::Record& own, int week);
  void aim_near(const Context& of, int boundary);
  static std::int64_t lift(State::Pair& pair, std::int64_t now, std::int64_t then, std::int64_t ceiling);
  [[nodiscard]] static std::int64_t ceiling_above(const State::Pair& pair);
  void raise(const Context& of, std::size_t g, std::size_t group, int boundary);
  void apply_community(const Context& of, std::uint32_t record, int sign, int boundary);
  [[nodiscard]] std::int64_t community_exposure(const Context& of, std::size_t region) const;
  [[nodiscard]] std::int64_t strongest_layer(Who w) const;
  [[nodiscard]] std::uint32_t multiplier(Who w, int week) const;
  std::uint32_t scale(Who w, int week);
  [[nodiscard]] std::uint32_t heeding(const Context& of, std::uint32_t record, std::uint32_t phi) const;
  [[nodiscard]] int engagement_week(Who w) const;
  [[nodiscard]] std::uint8_t phases_over(Who w, const Clocks& clocks, int boundary) const;
  [[nodiscard]] int stop_week(Who w, int entered, std::uint16_t occurrence) const;
  [[nodiscard]] int restart_week(Who w, int boundary, std::uint16_t occurrence) const;
  /// Clocks of a kind that a record has begun.
  [[nodiscard]] std::uint16_t begun(std::uint32_t id, std::uint16_t State::Turns::*kind) const {
    return turns_ == nullptr ? 0 : turns_[id].*kind;
  }
  /// The occurrence of the one that it begins now.
  [[nodiscard, gnu::always_inline]] std::uint16_t begin_another(std::uint32_t id, std::uint16_t State::Turns::*kind) {
    return turns_ == nullptr ? std::uint16_t{0} : (turns_[id].*kind)++;
  }

  template <int n_groups, int n_layers>
  void all_wait(const Context& of, int boundary);
  void link(Who w, Pending pending, int week);
  void wait(const Context& of, Movers waits, int boundary);
  void set_remaining(Who w, int boundary, std::int64_t remaining);
  template <class Pulled>
  void run(Who w, const Pulled& pull, int boundary, std::int64_t remaining, std::int64_t ahead);
  void rescale_waiting(Who w, int week);
  void test(const Context& of, Movers tests, int week);
  void part(int week);
  void handle(const Context& of, int week);
  void decide(const Context& of, Movers movers, int boundary);
  void find_over(const Context& of, Movers tests, int week);
  void room_for_events(std::size_t n);
  void keep_events();
  template <Stage to>
  void enter(const Context& of, Movers movers, int boundary);
  /// Of the edge layers from a boundary to the outlook, [layer][class].
  struct Left {
    int boundary = -1, outlook = -1;
    std::vector<std::int64_t> gain;   ///< of the cumulated rate
    std::vector<std::uint64_t> move;  ///< what a unit of weight adds to the word of who answers to exposure itself
  };
  void renew(Left& left, const Context& of, int boundary) const;
  [[nodiscard]] const Left& left_of(const Context& of, int boundary);
  void apply_groups(const Context& of, std::uint32_t record, int sign, int boundary);
  void count_implementing(std::span<const Event> events);
  void settle(int boundary);

  static constexpr std::uint32_t kBlock = 2048;                  ///< records looked through before they are aimed
  static constexpr std::size_t kClimbsAtOnce = 64;               ///< records aimed at once
  static constexpr std::int64_t kLeastRoom = kFullExposure / 8;  ///< (found by measuring)
  /// What a record needs is asked of memory this many records ahead of the one in hand (found by measuring).
  static constexpr std::size_t kAhead = 8, kNext = 2, kFarAhead = 24;
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
  static constexpr std::size_t kFar = 40'000;  ///< records (found by measuring)
  /// Records from one on, as lanes take them.
  [[nodiscard]] static std::uint64_t* words_of(State::Waiting* records) {
    static_assert(std::is_standard_layout_v<State::Waiting> && sizeof *records == sizeof records->word);
    return &records->word;
  }
  [[nodiscard]] Pushes::Narrow* laid_for(const Pushes::Narrow*) { return laid_narrow_.data(); }
  [[nodiscard]] Push* laid_for(const Push*) { return laid_wide_.data(); }
  void spread(const Context& of, const List& uses, int sign, int boundary);
  template <std::size_t layer, int sign>
  void spread_along(const Context& of, const List& uses, int boundary);
  template <std::size_t layer, int sign, bool one_class, class Push, class Curve>
  void push_rows(const Context& of, const List& uses, int boundary, const Push* pushes, Curve curve);

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
  std::vector<Left> left_;    ///< by programme
  std::vector<Moves> moves_;  ///< by programme
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

/// What moves the level of a waiting record: the tables of its class, and what each of its layers weighs in them.
template <int n_groups, int n_layers>
struct Step::Pull {
  static constexpr bool kCommunities = n_groups > 2;  ///< made by levers: groups with a table of their own
  Rates::Levels levels;
  std::array<std::int64_t, n_layers> ties;
  std::array<const State::Pair*, n_groups> groups;
  const std::int64_t* met = nullptr;  ///< table of the community

  [[gnu::always_inline]] Pull(const Step& step, const Context& of, std::uint32_t record)
      : levels(of.rates.levels_of(class_of(of, record))) {
    for (std::size_t l = 0; l < n_layers; ++l) ties[l] = of.response(step.exposure(of, record, l));
    if constexpr (n_groups > 0) {
      const auto& pairs = pairs_of(of, record);
      for (std::size_t g = 0; g < 2; ++g) groups[g] = &of.state.pairs[g][pairs[g]];
    }
    if constexpr (kCommunities) {
      static constexpr State::Pair kInNone;
      const std::size_t region = of.programme.region[record];
      groups[2] = of.plan.joins[record] != 0 ? &of.state.communities[region] : &kInNone;
      met = community_rates(of, region);
    }
  }
  /// Cumulated rate of a group layer.
  [[nodiscard, gnu::always_inline]] std::int64_t rate(std::size_t g, std::size_t boundary) const {
    return g < 2 ? levels.peer(2 + g, boundary) : met[boundary];
  }
  /// Cumulated from boundary 0, if ties stay as they are and groups are at their ceilings.
  [[nodiscard, gnu::always_inline]] std::int64_t at(int boundary) const {
    const auto row = static_cast<std::size_t>(boundary);
    std::int64_t sum = levels.external(row);
    for (std::size_t l = 0; l < n_layers; ++l) sum += ties[l] * levels.peer(l, row);
    for (std::size_t g = 0; g < n_groups; ++g) sum += groups[g]->ceiling * rate(g, row);
    return sum;
  }
  /// What is left of a clock at a boundary beyond its slack and the last unit: what its ties bring to the
  /// outlook, and what is between the reach of its groups and what they have brought.
  [[nodiscard, gnu::always_inline]] std::int64_t ahead(int boundary, int outlook) const {
    const auto here = static_cast<std::size_t>(boundary), there = static_cast<std::size_t>(outlook);
    std::int64_t sum = levels.external(there) - levels.external(here);
    for (std::size_t l = 0; l < n_layers; ++l) sum += ties[l] * (levels.peer(l, there) - levels.peer(l, here));
    for (std::size_t g = 0; g < n_groups; ++g) {
      sum += groups[g]->reach - groups[g]->offset - groups[g]->value * rate(g, here);
    }
    return sum;
  }
  /// How a clock climbs to its end whose slack is this at a boundary. Written where it is read: a copy would be put
  /// together from what was just written.
  [[gnu::always_inline]] void set(lanes::Climb& climb, int boundary, int outlook, std::int64_t slack) const {
    climb.tables = levels.first;
    climb.apart = met;
    climb.goal = 1 + slack + (n_groups == 0 ? at(outlook) : at(boundary) + ahead(boundary, outlook));
    for (std::size_t l = 0; l < n_layers; ++l) climb.weights[l] = static_cast<std::uint32_t>(ties[l]);
    for (std::size_t g = 0; g < n_groups; ++g) climb.weights[2 + g] = static_cast<std::uint32_t>(groups[g]->ceiling);
  }
  /// Which of the ways to climb this is.
  static constexpr std::size_t kWay = n_groups > 2 ? 4 : (n_groups > 0 ? 2 : 0) + (n_layers > 1 ? 1 : 0);
};

[[gnu::always_inline]] inline void Step::aim_at(std::uint32_t id, State::Record& own, int week) {
  if (own.due() == week) return;  // is in the diary
  own.set_due(week);
  if (week < rates_.n_weeks) state_.diary.add(week, id);
}

/// Enters in the diary the first weeks in which the first n of climbs_ can be over, whose slack is what it is at a boundary;
/// none where that is beyond the outlook. Who is in the diary already is only brought forward: a week that has become too
/// early is found by its test.
template <class Pulled>
[[gnu::always_inline]] inline void Step::aim(std::uint32_t first_record, std::size_t n, int boundary) {
  const int end = state_.outlook;
  climb_[Pulled::kWay](climbs_.data(), n, static_cast<std::size_t>(rates_.n_weeks) + 1,
                       static_cast<std::size_t>(boundary), static_cast<std::size_t>(end), below_.data());
  for (std::size_t k = 0; k < n; ++k) {
    const std::uint32_t id = first_record + climbing_[k];
    State::Record& own = records_[id];
    const int week = boundary + below_[k];
    if (week >= std::min(own.due(), end)) continue;
    own.set_due(week);
    state_.diary.add(week, id);
  }
}

/// Aims those of near_, all of one programme: they may fire before the outlook, if they wait.
void Step::aim_near(const Context& of, int boundary) {
  const std::size_t n = std::exchange(n_near_, 0);
  const int end = state_.outlook;
  if (n == 0 || boundary >= end) return;
  State::Record* records = records_ + of.first_record;
  State::Waiting* waiting = waiting_ + of.first_record;
  const std::uint32_t* near = near_.data();
  if (of.maximum) [[unlikely]] {
    for (const std::uint32_t record : std::span(near, n)) {
      if (records[record].pending() == Pending::test) aim_at(of.first_record + record, records[record], boundary);
    }
    return;
  }
  with_shape(of, [&]<int n_groups, int n_layers>() {
    for (std::size_t k = 0; k < n;) {
      std::size_t m = 0;
      for (const std::size_t last = std::min(n, k + kClimbsAtOnce); k < last; ++k) {
        __builtin_prefetch(records + near[k + kAhead]);  // beyond the last, of whoever was near before
        const std::uint32_t record = near[k];
        if (waiting[record].idle()) [[unlikely]] {
          waiting[record].rest();
          continue;
        }
        UPTAKE_EXPECTS(records[record].pending() == Pending::test);
        const Pull<n_groups, n_layers> pull(*this, of, record);
        pull.set(climbs_[m], boundary, end, waiting[record].slack());
        climbing_[m++] = record;
      }
      aim<Pull<n_groups, n_layers>>(of.first_record, m, boundary);
    }
  });
}

/// Gives a group a new ceiling at a boundary. `now` and `then` are its cumulated rate there and at the outlook.
/// @returns by how much its reach rises
std::int64_t Step::lift(State::Pair& pair, std::int64_t now, std::int64_t then, std::int64_t ceiling) {
  pair.ceiling = ceiling;
  const std::int64_t reach = pair.offset + pair.value * now + ceiling * (then - now);
  return reach - std::exchange(pair.reach, reach);
}

/// Looks everybody through up to a later outlook, or back to this boundary.
void Step::look_ahead(int to) {
  const int now = state_.boundary;
  const auto before = static_cast<std::size_t>(std::exchange(state_.outlook, to)), after = static_cast<std::size_t>(to);
  const auto here = static_cast<std::size_t>(now);
  for (const Context& of : contexts_) {
    const Rates::Programme& rates = of.rates;
    const std::size_t n_classes = rates.n_classes;
    for (std::size_t g = 0; g < 2; ++g) {
      auto& pairs = of.state.pairs[g];
      rise_of_pairs_[g].assign(pairs.size(), 0);
      for (std::size_t p = 1; p < pairs.size(); ++p) {
        State::Pair& pair = pairs[p];
        const Rates::Levels levels = rates.levels_of(of.programme.groups[g].pair_class[p]);
        rise_of_pairs_[g][p] = lift(pair, levels.peer(2 + g, here), levels.peer(2 + g, after), ceiling_above(pair));
        pair.before = pair.value;
      }
    }
    for (std::size_t region = 0; region < of.state.communities.size(); ++region) {
      State::Pair& community = of.state.communities[region];
      rise_of_communities_.resize(of.state.communities.size());
      rise_of_communities_[region] =
          lift(community, community_rates(of, region)[now], community_rates(of, region)[to], kFullExposure);
    }
    if (of.programme.begins > now || now >= rates.closes) continue;  // nobody waits

    gains_.resize(n_classes);
    for (std::size_t c = 0; c < n_classes; ++c) {
      const Rates::Levels levels = rates.levels_of(c);
      const auto peer = [&](std::size_t slot) { return levels.peer(slot, after) - levels.peer(slot, before); };
      gains_[c] = {levels.external(after) - levels.external(before), {peer(0), peer(1)}};
    }
    const auto n = static_cast<std::uint32_t>(of.programme.n_records());
    for (std::uint32_t block = 0; block < n; block += kBlock) {
      const std::uint32_t end = std::min(n, block + kBlock);
      n_near_ = 0;
      if (after >= before && n_classes == 1 && !of.grouped && !of.communities && rates.response.is_identity() &&
          !of.two_edge_layers) {
        look_through_ties(of, gains_[0], block, end);
      } else {
        with_shape(of, [&]<int n_groups, int n_layers>() { look_through<n_groups, n_layers>(of, block, end); });
      }
      aim_near(of, now);
    }
  }
}

/// Records of one class that have no ties but those of the first layer, are in no group and answer to exposure itself.
/// @pre the outlook is a later one, so that no gain is negative
void Step::look_through_ties(const Context& of, const Gain& gain, std::uint32_t first, std::uint32_t end) {
  using Waiting = State::Waiting;
  UPTAKE_EXPECTS(gain.peer[0] >> 32 == 0);
  n_near_ = spend_(words_of(waiting_ + of.first_record + first), end - first, static_cast<std::uint64_t>(gain.external),
                   static_cast<std::uint64_t>(gain.peer[0]), Waiting::kSeen, Waiting::kSlackBit, first, near_.data());
}

template <int n_groups, int n_layers>
void Step::look_through(const Context& of, std::uint32_t first, std::uint32_t end) {
  State::Waiting* waiting = waiting_ + of.first_record;
  const Gain* gains = gains_.data();
  const std::array rises{rise_of_pairs_[0].data(), rise_of_pairs_[1].data()};
  // Those who wait are listed first: who does could not be guessed one by one.
  std::uint32_t* near = near_.data();
  const std::uint32_t* last =
      near + without_(words_of(waiting + first), end - first, State::Waiting::kIdle, first, near);
  for (const std::uint32_t* at = near; at != last; ++at) {
    const std::uint32_t i = *at;
    State::Waiting& record = waiting[i];
    const Gain& gain = gains[class_of(of, i)];
    std::int64_t sum = gain.external;
    for (std::size_t l = 0; l < n_layers; ++l) sum += of.response(exposure(of, i, l)) * gain.peer[l];
    if constexpr (n_groups > 0) {
      const auto& pairs = pairs_of(of, i);
      sum += rises[0][pairs[0]] + rises[1][pairs[1]];
    }
    if constexpr (n_groups > 2) {
      if (of.plan.joins[i] != 0) sum += rise_of_communities_[of.programme.region[i]];
    }
    record.spend(sum);
    *near = i;
    near += record.used_up();
  }
  n_near_ = static_cast<std::size_t>(near - near_.data());
}

/// Room for a group's exposure to grow until the outlook: as much as since the last look and half as much again.
std::int64_t Step::ceiling_above(const State::Pair& pair) {
  const std::int64_t grown = std::max<std::int64_t>(0, pair.value - pair.before);
  return std::min<std::int64_t>(kFullExposure, pair.value + std::max(kLeastRoom, grown + grown / 2));
}

/// A group has outgrown its ceiling: a higher one, and its members are looked through again.
void Step::raise(const Context& of, std::size_t g, std::size_t group, int boundary) {
  const GroupLayer& layer = of.programme.groups[g];
  const auto first = layer.pair_offsets[group], end = layer.pair_offsets[group + 1];
  rise_.resize(end - first);
  for (auto pair = first; pair < end; ++pair) {
    const Rates::Levels levels = of.rates.levels_of(layer.pair_class[pair]);
    const auto rate = [&](int at) { return levels.peer(2 + g, static_cast<std::size_t>(at)); };
    State::Pair& seen = of.state.pairs[g][pair];
    rise_[pair - first] = lift(seen, rate(boundary), rate(state_.outlook), ceiling_above(seen));
  }
  for (auto pair = first; pair < end; ++pair) {
    for (auto m = layer.member_offsets[pair]; m < layer.member_offsets[pair + 1]; ++m) {
      const std::uint32_t record = layer.members[m];
      if (n_near_ + kAhead >= near_.size()) aim_near(of, boundary);
      State::Waiting& member = waiting_[of.first_record + record];
      member.spend(rise_[pair - first]);
      near_[n_near_] = record;
      n_near_ += member.used_up();
    }
  }
}

/// g of the share in use among the other members of a region's community; whoever still decides is not in use.
std::int64_t Step::community_exposure(const Context& of, std::size_t region) const {
  const std::int64_t others = std::int64_t{of.plan.joined_by_region[region]} - 1;
  const std::int64_t share = std::int64_t{of.state.community_in_use[region]} * kFullExposure / others;
  return of.rates.response(std::min<std::int64_t>(share, kFullExposure));
}

std::int64_t Step::strongest_layer(Who w) const {
  std::int64_t most = 0;
  for (std::size_t l = 0; l < 2; ++l) most = std::max(most, w.of.rates.response(exposure(w.of, w.record, l)));
  for (std::size_t g = 0; g < 2; ++g) {
    most = std::max(most, w.of.state.pairs[g][pairs_of(w.of, w.record)[g]].value);
  }
  return most;
}

/// Phi K of a record in a week.
std::uint32_t Step::multiplier(Who w, int week) const {
  return heeding(w.of, w.record, Rates::step_at(w.of.rates, w.of.plan.profile[w.record], week).decide);
}

/// The same, which its decision clock is scaled with from then on.
std::uint32_t Step::scale(Who w, int week) {
  const std::uint32_t scaled = multiplier(w, week);
  if (multipliers_ != nullptr) multipliers_[w.id] = scaled;
  return scaled;
}

/// Whether effort or attention changes the speed of clocks that run.
bool rescales(const Rates& rates) {
  return std::ranges::any_of(rates.programmes, [](const Rates::Programme& programme) {
    return !programme.changes.empty() || !programme.attention.empty();
  });
}

/// From here on what clocks are scaled with is kept: it is about to change.
void Step::keep_multipliers() {
  if (multipliers_ != nullptr) return;
  state_.multipliers.assign(state_.records.size(), kUnit);
  multipliers_ = state_.multipliers.data();
  for (std::uint32_t id = 0; id < state_.records.size(); ++id) {
    if (const Who w = who(id); waiting(w)) scale(w, state_.boundary);
  }
}

/// Phi K from Phi, with the attention that a record has left.
[[gnu::always_inline]] inline std::uint32_t Step::heeding(const Context& of, std::uint32_t record,
                                                          std::uint32_t phi) const {
  if (state_.implementing.empty()) return phi;
  const std::uint64_t attention = of.rates.attention[state_.implementing[of.programme.organisation[record]]];
  return static_cast<std::uint32_t>(std::max<std::uint64_t>(1, phi * attention / kUnit));
}

/// Walks the dated effort of a record: the first week from `from` on in which the cumulated hazard reaches `target`.
/// cumulated(step, a, b) = hazard of weeks [a, b) under a step.
template <class Cumulated, class FirstWeek>
int walk(const Rates::Programme& rates, std::uint32_t profile, int from, int n_weeks, std::int64_t target,
         Cumulated cumulated, FirstWeek first_week) {
  std::int64_t sum = 0;
  const auto end = rates.step_offsets[profile + 1];
  for (auto s = rates.step_offsets[profile]; s < end; ++s) {
    const int until = s + 1 < end ? std::min(rates.steps[s + 1].from, n_weeks) : n_weeks;
    const int since = std::max(rates.steps[s].from, from);
    if (since >= until) continue;
    const std::int64_t more = cumulated(rates.steps[s], since, until);
    if (sum + more >= target) return first_week(rates.steps[s], since, until, target - sum);
    sum += more;
  }
  return n_weeks;
}

std::int64_t engagement(const Rates::Step& step, int from, int to) { return step.engage * (to - from); }

int Step::engagement_week(Who w) const {
  return walk(w.of.rates, w.of.plan.profile[w.record], std::max(w.of.programme.begins, clocks_.from), rates_.n_weeks,
              engage_clock(clocks_, w.of.programme, w.of.j, w.record), engagement,
              [](const Rates::Step& step, int a, int, std::int64_t rest) {
                // A clock that rounds to 0 fires in the first week, not before it.
                const std::int64_t weeks = (rest + step.engage - 1) / std::max<std::int64_t>(1, step.engage);
                return a + static_cast<int>(std::max<std::int64_t>(1, weeks)) - 1;
              });
}

/// The first place of [from, to) whose value is at least `enough`, or `to`; values never fall. Halves without a branch,
/// for the way could not be guessed.
int first_at_least(const std::int64_t* values, int from, int to, std::int64_t enough) {
  const std::int64_t* at = values + from;
  for (int n = to - from; n > 0;) {
    const int half = (n + 1) / 2;
    at += at[half - 1] < enough ? half : 0;
    n -= half;
  }
  return static_cast<int>(at - values);
}

int Step::stop_week(Who w, int entered, std::uint16_t occurrence) const {
  const std::int64_t* hazard = w.of.rates.stop_hazard.data();
  const std::int64_t target = stop_clock(clocks_, w.of.programme, w.of.j, w.record, occurrence);
  return walk(
      w.of.rates, w.of.plan.profile[w.record], std::max(entered, clocks_.from), rates_.n_weeks, target,
      [&](const Rates::Step& step, int a, int b) {
        return times_stop_factor(hazard[b - entered] - hazard[a - entered], step.stop);
      },
      [&](const Rates::Step& step, int a, int b, std::int64_t rest) {
        const std::int64_t factor = std::max<std::int64_t>(1, step.stop);
        const std::int64_t enough = hazard[a - entered] + (rest + factor - 1) / factor;
        return entered + first_at_least(hazard, a - entered + 1, b - entered + 1, enough) - 1;
      });
}

int Step::restart_week(Who w, int boundary, std::uint16_t occurrence) const {
  if (w.of.rates.restart == 0) return rates_.n_weeks;
  const std::int64_t clock = restart_clock(clocks_, w.of.programme, w.of.j, w.record, occurrence);
  const std::int64_t weeks = std::max<std::int64_t>(1, (clock + w.of.rates.restart - 1) / w.of.rates.restart);
  return static_cast<int>(std::min<std::int64_t>(rates_.n_weeks, boundary + weeks - 1));
}

[[gnu::always_inline]] inline void Step::link(Who w, Pending pending, int week) {
  own_of(w).set(pending, std::min(week, rates_.n_weeks));
  if (week < rates_.n_weeks) state_.diary.add(week, w.id);
}

/// Begins decision clocks at a boundary: their hazard starts at 0 there.
void Step::wait(const Context& of, Movers waits, int boundary) {
  with_shape(of, [&]<int n_groups, int n_layers>() {
    std::size_t n_climbs = 0;
    for (const std::uint32_t *at = waits.data(), *const end = at + waits.size(); at != end; ++at) {
      prefetch(of.clocks.decide, at[kAhead]);
      prefetch(waiting_, of.first_record + at[kAhead]);
      const Who w{of.first_record + *at, *at, of};
      const std::int64_t clock =
          decide_clock(clocks_, of.programme, of.j, w.record, begin_another(w.id, &State::Turns::decisions));
      if (clock >= kNever || boundary >= of.rates.closes) continue;  // outside the susceptible share, or too late
      own_of(w).set(Pending::test, State::Record::kUndated);
      const Pull<n_groups, n_layers> pull(*this, of, w.record);
      waiting_of(w).wait(rescale(clock, kUnit, scale(w, boundary)) - 1 - pull.ahead(boundary, state_.outlook));
      if (of.maximum) [[unlikely]] {
        aim_at(w.id, own_of(w), boundary);  // its peer part has no cumulated form: tested week by week
      } else if (waiting_of(w).used_up() != 0 && boundary < state_.outlook) {
        pull.set(climbs_[n_climbs], boundary, state_.outlook, waiting_of(w).slack());
        climbing_[n_climbs++] = w.record;
        if (n_climbs == kClimbsAtOnce)
          aim<Pull<n_groups, n_layers>>(of.first_record, std::exchange(n_climbs, 0), boundary);
      }
    }
    aim<Pull<n_groups, n_layers>>(of.first_record, n_climbs, boundary);
  });
}

/// Sets what is left of a decision clock at a boundary.
void Step::set_remaining(Who w, int boundary, std::int64_t remaining) {
  with_pull(w, [&](const auto& pull) { run(w, pull, boundary, remaining, pull.ahead(boundary, state_.outlook)); });
}

/// The same where it is known how much of it lies ahead of the slack.
template <class Pulled>
[[gnu::always_inline]] inline void Step::run(Who w, const Pulled& pull, int boundary, std::int64_t remaining,
                                             std::int64_t ahead) {
  own_of(w).set_due(State::Record::kUndated);
  waiting_of(w).wait(remaining - 1 - ahead);
  if (maximum(w)) [[unlikely]] {
    aim_at(w.id, own_of(w), boundary);
  } else if (waiting_of(w).used_up() != 0 && boundary < state_.outlook) {
    pull.set(climbs_[0], boundary, state_.outlook, waiting_of(w).slack());
    climbing_[0] = w.record;
    aim<Pulled>(w.of.first_record, 1, boundary);
  }
}

/// Effort or attention changed: the rest of the clock runs at another speed from this week on.
void Step::rescale_waiting(Who w, int week) {
  const std::uint32_t before = multipliers_[w.id], now = scale(w, week);
  if (now == before) return;
  with_pull(w, [&](const auto& pull) {
    const std::int64_t ahead = pull.ahead(week, state_.outlook);
    run(w, pull, week, rescale(waiting_of(w).slack() + 1 + ahead, before, now), ahead);
  });
}

/// Opens the history for so many more events.
void Step::room_for_events(std::size_t n) {
  auto& events = state_.history.events;
  const std::size_t before = events.size();
  events.resize(before + n);
  event_ = events.data() + before;
}

/// Closes it behind the last one.
void Step::keep_events() {
  auto& events = state_.history.events;
  events.resize(static_cast<std::size_t>(event_ - events.data()));
}

/// Records enter a stage at a boundary, and their next clocks start; but who decides next begins to wait when all have
/// moved, so that it is aimed once.
template <Stage to>
void Step::enter(const Context& of, Movers movers, int boundary) {
  if (movers.empty()) return;
  Moves& moves = moves_[of.j];
  auto& counts = of.state.counts;
  const bool decides_again = to == Stage::stopped && of.spec.restart == Restart::decides_again;
  const bool rests = (to == Stage::unaware || to == Stage::engaged) && of.rates.refractory_weeks > 0;
  if constexpr (to == Stage::in_use) moves.uses[1].add(movers);
  if constexpr (to == Stage::stopped) moves.uses[0].add(movers);  // whoever stops was in use
  if ((to == Stage::unaware || to == Stage::engaged || decides_again) && !rests) moves.waits.add(movers);
  Event* event = event_;
  for (const std::uint32_t *at = movers.data(), *const end = at + movers.size(); at != end; ++at) {
    const Who w{of.first_record + *at, *at, of};
    State::Record& own = own_of(w);
    const Stage from = own.stage();
    *event++ = {w.id, static_cast<std::uint16_t>(boundary), to, from};
    counts[static_cast<std::size_t>(from)] -= 1;
    own.enter(to, boundary);
    if constexpr (to == Stage::unaware || to == Stage::engaged) {
      if (!rests) continue;
      if (begun(w.id, &State::Turns::implementations) > 0) {
        link(w, Pending::begin, boundary + of.rates.refractory_weeks);
      } else {
        moves.waits.add(w.record);
      }
    }
    if constexpr (to == Stage::implementing) {
      prefetch(of.clocks.weeks, at[kAhead]);
      const int weeks = implementing_weeks(clocks_, of.programme, of.j, w.record,
                                           begin_another(w.id, &State::Turns::implementations));
      link(w, Pending::finish, boundary + weeks - 1);
    }
    if constexpr (to == Stage::in_use) {
      if (!of.programme.edges[0].offsets.is_same()) prefetch(of.programme.edges[0].offsets.data(), at[kAhead]);
      const std::uint16_t occurrence = begin_another(w.id, &State::Turns::uses);
      if (of.stays) continue;
      prefetch(of.clocks.stop, at[kAhead]);
      link(w, Pending::stop, stop_week(w, boundary, occurrence));
    }
    if constexpr (to == Stage::stopped) {
      if (decides_again || boundary >= of.rates.closes) continue;
      const auto occurrence = static_cast<std::uint16_t>(begun(w.id, &State::Turns::uses) - 1);
      link(w, Pending::restart, restart_week(w, boundary, occurrence));
    }
  }
  event_ = event;
  counts[static_cast<std::size_t>(to)] += static_cast<std::uint32_t>(movers.size());
}

/// Records have decided, or start again.
void Step::decide(const Context& of, Movers movers, int boundary) {
  of.spec.skipped.implementing ? enter<Stage::in_use>(of, movers, boundary)
                               : enter<Stage::implementing>(of, movers, boundary);
}

/// Lists in parted_ those whose decision clock is over in a week, as the second; the others are aimed at later ones.
void Step::find_over(const Context& of, Movers tests, int week) {
  with_shape(of, [&]<int n_groups, int n_layers>() {
    const int next = week + 1, end = state_.outlook;
    std::size_t n_climbs = 0;
    for (const std::uint32_t *at = tests.data(), *const past = at + tests.size(); at != past; ++at) {
      prefetch(waiting_, of.first_record + at[kAhead]);
      if constexpr (n_groups > 0) prefetch(of.pairs, at[kAhead]);
      const Who w{of.first_record + *at, *at, of};
      State::Waiting& waiting = waiting_of(w);
      if (of.maximum) [[unlikely]] {
        const auto row = static_cast<std::size_t>(week) * of.n_classes + class_of(of, w.record);
        waiting.spend(of.rates.any_layer[row] * strongest_layer(w));
      }
      const Pull<n_groups, n_layers> pull(*this, of, w.record);
      if (waiting.slack() + pull.ahead(next, end) < 0) {
        parted_[1].add(w.record);
      } else if (of.maximum) [[unlikely]] {
        aim_at(w.id, own_of(w), next);
      } else if (waiting.used_up() != 0 && next < end) {
        pull.set(climbs_[n_climbs], next, end, waiting.slack());
        climbing_[n_climbs++] = w.record;
        if (n_climbs == kClimbsAtOnce) aim<Pull<n_groups, n_layers>>(of.first_record, std::exchange(n_climbs, 0), next);
      }
    }
    aim<Pull<n_groups, n_layers>>(of.first_record, n_climbs, next);
  });
}

/// Records that wait may decide.
void Step::test(const Context& of, Movers tests, int week) {
  if (tests.empty()) return;
  if (!of.certain) {
    find_over(of, tests, week);
    tests = parted_[1];
  }
  for (const std::uint32_t *at = tests.data(), *const end = at + tests.size(); at != end; ++at) {
    prefetch(waiting_, of.first_record + at[kAhead]);
    waiting_[of.first_record + *at].rest();
  }
  decide(of, tests, week + 1);
  parted_[1].clear();
}

/// Parts the records that are due in a week by programme and by what is pending: what happens next could not be guessed
/// one by one.
void Step::part(int week) {
  taken_.clear();
  state_.diary.take(week, taken_);
  const std::size_t n = taken_.size();
  taken_.resize(n + 2 * kAhead);  // somebody, so that whoever is ahead can be asked for to the end
  const std::uint32_t* const due = taken_.data();
  room_for_events(n);  // who is due moves once at most
  places_.resize(n);
  due_.resize(n + kAhead);
  begins_.assign(contexts_.size() * kNPending + 1, 0);
  Place* const places = places_.data();
  std::uint32_t* const begins = begins_.data();
  for (std::size_t i = 0; i < n; ++i) {
    __builtin_prefetch(records_ + due[i + 2 * kAhead]);
    // Nothing, if the clock was walked again and became due in another week, or is here for the second time.
    const std::size_t part = context_of(due[i]).first_part + index_of(records_[due[i]].take(week));
    places[i] = {static_cast<std::uint32_t>(part), begins[part + 1]++};
  }
  std::partial_sum(begins_.begin(), begins_.end(), begins_.begin());
  for (std::size_t i = 0; i < n; ++i)
    due_[begins[places[i].part] + places[i].rank] = due[i] - context_of(due[i]).first_record;
}

/// What is due to the records of a programme in a week. Moves themselves alone: what others feel of it waits until all have
/// moved.
void Step::handle(const Context& of, int week) {
  const int next = week + 1;
  const auto due = [&](Pending pending) {
    const std::size_t part = of.first_part + index_of(pending);
    return Movers(due_.data() + begins_[part], begins_[part + 1] - begins_[part]);
  };
  enter<Stage::engaged>(of, due(Pending::engage), next);
  test(of, due(Pending::test), week);
  if (const Movers rested = due(Pending::begin); !rested.empty()) {
    wait(of, rested, week);
    for (const std::uint32_t record : rested) {
      State::Record& own = records_[of.first_record + record];
      if (own.pending() != Pending::test || own.due() != week) continue;
      own.set_due(State::Record::kUndated);
      parted_[0].add(record);
    }
    test(of, parted_[0], week);
    parted_[0].clear();
  }
  if (const Movers finished = due(Pending::finish); !finished.empty()) {
    for (const std::uint32_t *at = finished.data(), *const end = at + finished.size(); at != end; ++at) {
      prefetch(of.clocks.need, at[kAhead]);
      const Rates::Step& effort = Rates::step_at(of.rates, of.plan.profile[*at], week);
      const auto occurrence =
          static_cast<std::uint16_t>(begun(of.first_record + *at, &State::Turns::implementations) - 1);
      const bool succeeds = effort.succeed >= effort_needed(clocks_, of.programme, of.j, *at, occurrence);
      parted_[succeeds ? 1 : 0].add(*at);
    }
    enter<Stage::in_use>(of, parted_[1], next);
    of.spec.skipped.engaged ? enter<Stage::unaware>(of, parted_[0], next) : enter<Stage::engaged>(of, parted_[0], next);
    for (List& list : parted_) list.clear();
  }
  enter<Stage::stopped>(of, due(Pending::stop), next);
  decide(of, due(Pending::restart), next);
}

[[gnu::always_inline]] inline const Step::Left& Step::left_of(const Context& of, int boundary) {
  Left& left = left_[of.j];
  if (left.boundary != boundary || left.outlook != state_.outlook) renew(left, of, boundary);
  return left;
}

void Step::renew(Left& left, const Context& of, int boundary) const {
  const std::size_t n = of.rates.n_classes;
  left.boundary = boundary;
  left.outlook = state_.outlook;
  left.gain.resize(2 * n);
  left.move.resize(2 * n);
  for (std::size_t c = 0; c < n; ++c) {
    const Rates::Levels levels = of.rates.levels_of(c);
    const auto rate = [&](std::size_t l, int at) { return levels.peer(l, static_cast<std::size_t>(at)); };
    for (std::size_t l = 0; l < 2; ++l) {
      const std::int64_t gain = rate(l, state_.outlook) - rate(l, boundary);
      State::Waiting mover{l == 0 ? std::uint64_t{1} : 0};
      mover.spend(gain);
      left.gain[l * n + c] = gain;
      left.move[l * n + c] = mover.word;
    }
  }
}

/// Records leave use or enter it: exposures of those who listen change from this boundary on.
void Step::spread(const Context& of, const List& uses, int sign, int boundary) {
  const auto along = [&]<int with_sign>() {
    spread_along<0, with_sign>(of, uses, boundary);
    spread_along<1, with_sign>(of, uses, boundary);
  };
  sign > 0 ? along.template operator()<+1>() : along.template operator()<-1>();
  if (of.grouped) {
    for (const std::uint32_t record : uses) apply_groups(of, record, sign, boundary);
  }
  if (of.communities) {
    for (const std::uint32_t record : uses) apply_community(of, record, sign, boundary);
  }
  aim_near(of, boundary);
}

/// Along the ties of a layer.
template <std::size_t layer, int sign>
void Step::spread_along(const Context& of, const List& uses, int boundary) {
  const Pushes& edges = of.programme.edges[layer];
  if (edges.longest == 0) return;
  const auto with_curve = [&](const auto* pushes, auto curve) {
    of.n_classes == 1 ? push_rows<layer, sign, true>(of, uses, boundary, pushes, curve)
                      : push_rows<layer, sign, false>(of, uses, boundary, pushes, curve);
  };
  const auto with_pushes = [&](const auto* pushes) {
    const Response& response = of.response;
    if (response.is_identity()) {
      with_curve(pushes, Itself{});
    } else if (response.is_hill()) {
      with_curve(pushes, [&response](std::int64_t exposure) { return response.hill(exposure); });
    } else {
      with_curve(pushes, [&response](std::int64_t exposure) { return response(exposure); });
    }
  };
  edges.wide.empty() ? with_pushes(edges.narrow.data()) : with_pushes(edges.wide.data());
}

/// Moves the exposures of those who listen to each record, and takes what follows from their slack. The pushes of many
/// records are laid side by side first: where each row ends could not be guessed while they are made.
template <std::size_t layer, int sign, bool one_class, class Push, class Curve>
void Step::push_rows(const Context& of, const List& moved, int boundary, const Push* pushes, Curve curve) {
  using Waiting = State::Waiting;
  constexpr bool kItself = std::is_same_v<Curve, Itself>;
  const std::uint32_t* offsets = of.programme.edges[layer].offsets.data();
  // What the layer's cumulated rate still gains to the outlook, by class.
  const std::uint16_t* const of_class = of.class_of;
  const Left& left = left_of(of, boundary);
  [[maybe_unused]] const std::int64_t* const gains = &left.gain[layer * of.n_classes];
  [[maybe_unused]] const std::uint64_t* const moves = &left.move[layer * of.n_classes];
  [[maybe_unused]] const std::int64_t gain_of_one = gains[0];
  [[maybe_unused]] const std::uint64_t move_of_one = moves[0];
  Waiting* records = waiting_ + of.first_record;
  [[maybe_unused]] std::uint32_t* const seconds = layer == 1 ? second_ + of.first_record : nullptr;
  Push* const laid = laid_for(pushes);
  const std::uint32_t* const uses = moved.begin();
  const std::size_t n = moved.size();
  for (std::size_t i = 0; i < n;) {
    Push* end = laid;
    for (; i < n && end < laid + kBlock; ++i) {
      const std::uint32_t* const later = offsets + uses[i + kAhead];
      __builtin_prefetch(pushes + later[0]);  // the ends of a row: of a long one the processor fetches the rest itself
      __builtin_prefetch(pushes + later[1]);
      const std::uint32_t* const row = offsets + uses[i];
      const Push *from = pushes + row[0], *const past = pushes + row[1];
      Push* to = end;
      end += past - from;
      do {
        std::memcpy(to, from, Pushes::kBeyond * sizeof(Push));
        to += Pushes::kBeyond;
        from += Pushes::kBeyond;
      } while (from < past);
    }

    if (n_near_ > kBlock) aim_near(of, boundary);
    std::uint32_t* near = near_.data() + n_near_;
    [[maybe_unused]] Heard* heard = heard_.data();
    const auto hear = [&](Push push) {
      const auto [to, weight] = Pushes::unpack(push);
      Waiting& receiver = records[to];
      const std::uint64_t change = sign > 0 ? std::uint64_t{weight} : -std::uint64_t{weight};
      if constexpr (kItself) {
        // Exposure and slack move by as much for one as for another, so both in one product. Only who waits has a slack
        // to lose, but to ask is dearer.
        receiver.word += change * (one_class ? move_of_one : moves[of_class[to]]);
        if constexpr (layer == 1) seconds[to] += static_cast<std::uint32_t>(change);
        *near = to;
        near += receiver.used_up();
      } else {
        *heard = {to, static_cast<std::int32_t>(change),
                  static_cast<std::uint32_t>(layer == 0 ? receiver.word & Waiting::kSeen : seconds[to])};
        heard += receiver.idle() ? 0 : 1;
        if constexpr (layer == 0) {
          receiver.word += change;
        } else {
          seconds[to] += static_cast<std::uint32_t>(change);
        }
      }
    };
    const Push* at = laid;
    for (const Push* const far = far_ ? end - std::min<std::ptrdiff_t>(end - laid, kFarAhead) : laid; at < far; ++at) {
      __builtin_prefetch(records + Pushes::unpack(at[kFarAhead]).receiver);
      hear(*at);
    }
    for (; at != end; ++at) hear(*at);
    if constexpr (!kItself) {
      for (const Heard* one = heard_.data(); one != heard; ++one) {
        const auto before = static_cast<std::int64_t>(one->before);
        Waiting& receiver = records[one->to];
        receiver.spend((curve(before + one->rise) - curve(before)) *
                       (one_class ? gain_of_one : gains[of_class[one->to]]));
        *near = one->to;
        near += receiver.used_up();
      }
    }
    n_near_ = static_cast<std::size_t>(near - near_.data());
  }
}

/// In the groups that a record is in.
void Step::apply_groups(const Context& of, std::uint32_t record, int sign, int boundary) {
  const auto here = static_cast<std::size_t>(boundary);
  const auto& pairs = pairs_of(of, record);
  for (std::size_t g = 0; g < 2; ++g) {
    if (pairs[g] == 0) continue;
    const GroupLayer& layer = of.programme.groups[g];
    const std::size_t group = layer.pair_group[pairs[g]];
    const std::uint32_t in_use = of.state.in_use[g][group] += static_cast<std::uint32_t>(sign);
    // Whoever still decides is not in use, so the others are n - 1 (oneself excluded).
    const std::uint64_t share = std::uint64_t{in_use} * kFullExposure / (layer.n_members[group] - 1U);
    const std::int64_t value = of.response(static_cast<std::int64_t>(std::min<std::uint64_t>(share, kFullExposure)));
    bool above = false;
    for (auto pair = layer.pair_offsets[group]; pair < layer.pair_offsets[group + 1]; ++pair) {
      State::Pair& seen = of.state.pairs[g][pair];
      seen.offset -= (value - seen.value) * of.rates.levels_of(layer.pair_class[pair]).peer(2 + g, here);
      seen.value = value;
      above = value > seen.ceiling;
    }
    if (above && boundary < state_.outlook) raise(of, g, group, boundary);
  }
}

/// In the community of practice that a lever made.
void Step::apply_community(const Context& of, std::uint32_t record, int sign, int boundary) {
  if (of.plan.joins[record] == 0) return;
  const std::size_t region = of.programme.region[record];
  of.state.community_in_use[region] += static_cast<std::uint32_t>(sign);
  State::Pair& community = of.state.communities[region];
  const std::int64_t value = community_exposure(of, region);
  community.offset -= (value - community.value) * community_rates(of, region)[boundary];
  community.value = value;
}

void Step::count_implementing(std::span<const Event> events) {
  for (const Event& event : events) {
    const int change = (event.stage == Stage::implementing ? 1 : 0) - (event.from == Stage::implementing ? 1 : 0);
    if (change == 0) continue;
    const Who w = who(event.record);
    const auto organisation = w.of.programme.organisation[w.record];
    state_.implementing[organisation] = static_cast<std::uint8_t>(state_.implementing[organisation] + change);
    state_.touched.push_back(organisation);
  }
}

/// All of a week have moved: exposures follow, then the clocks of those who now wait.
void Step::settle(int boundary) {
  if (!state_.implementing.empty()) {
    count_implementing(std::span(state_.history.events).subspan(settled_));
  }
  settled_ = state_.history.events.size();
  for (const Context& of : contexts_) {
    for (const int sign : {-1, +1}) {
      List& uses = moves_[of.j].uses[sign > 0 ? 1 : 0];
      if (uses.empty()) continue;
      spread(of, uses, sign, boundary);
      uses.clear();
    }
  }
  for (const Context& of : contexts_) {
    List& waits = moves_[of.j].waits;
    if (waits.empty()) continue;
    wait(of, waits, boundary);
    waits.clear();
  }
}

void Step::begin() {
  const std::size_t n = model_.n_records();
  state_.records.assign(n, State::Record{});
  state_.waiting.assign(n, State::Waiting{});
  const bool one_turn = std::ranges::all_of(
      contexts_, [](const Context& of) { return of.spec.skipped.implementing && of.clocks.stop.empty(); });
  state_.turns.assign(one_turn ? 0 : n, State::Turns{});
  const bool two_layers = std::ranges::any_of(
      model_.programmes, [](const ProgrammeModel& programme) { return programme.edges[1].longest > 0; });
  state_.second.assign(two_layers ? n : 0, 0);
  records_ = state_.records.data();
  turns_ = one_turn ? nullptr : state_.turns.data();
  waiting_ = state_.waiting.data();
  second_ = state_.second.data();
  if (rescales(rates_)) keep_multipliers();
  state_.diary.begin(rates_.n_weeks, n);
  state_.history.events.reserve(n * 4);
  state_.implementing.assign(rates_.programmes[0].attention.empty() ? 0 : model_.population->n_organisations(), 0);
  state_.heeded = state_.implementing;
  for (std::size_t j = 0; j < model_.programmes.size(); ++j) {
    const ProgrammeModel& programme = model_.programmes[j];
    State::Programme& state = state_.programmes[j];
    for (std::size_t g = 0; g < 2; ++g) {
      state.pairs[g].assign(programme.groups[g].pair_class.size(), {});
      state.in_use[g].assign(programme.groups[g].n_members.size(), 0);
    }
    const std::size_t n_communities = rates_.programmes[j].added.empty() ? 0 : model_.population->regions.size();
    state.communities.assign(n_communities, {});
    state.community_in_use.assign(n_communities, 0);
    state.counts = {};
    state.counts[0] = static_cast<std::uint32_t>(programme.n_records());
  }
  open(0);
}

/// The first decision clocks of all who are unaware of a programme that skips engagement: `wait` for many.
template <int n_groups, int n_layers>
void Step::all_wait(const Context& of, int boundary) {
  if (boundary >= of.rates.closes) return;
  std::vector<std::uint32_t> phi;
  for (std::uint32_t profile = 0; profile < of.plan.profiles.size(); ++profile) {
    phi.push_back(Rates::step_at(of.rates, profile, boundary).decide);
  }
  // Kept at hand: what is written below could be any of it, for all that a compiler knows.
  const std::uint32_t* const phi_of = phi.data();
  const float* const clocks = clocks_.programmes[of.j].decide.data();
  State::Record* const records = records_ + of.first_record;
  State::Waiting* const waiting = waiting_ + of.first_record;
  const Column<std::uint32_t>& profiles = of.plan.profile;
  const bool heeds = !state_.implementing.empty();
  const auto remaining_of = [&](std::uint32_t record) {
    State::Record& own = records[record];
    const std::uint32_t effort = phi_of[profiles[record]], heeded = heeds ? heeding(of, record, effort) : effort;
    own.set(Pending::test, State::Record::kUndated);
    if (multipliers_ != nullptr) multipliers_[of.first_record + record] = heeded;
    return rescale(in_units(clocks[record], kHazardBits), kUnit, heeded);
  };
  const auto begins_to_wait = [&](std::uint32_t record) {
    if (records[record].stage() != Stage::unaware) return false;
    if (turns_ != nullptr) turns_[of.first_record + record].decisions = 1;
    return std::isfinite(clocks[record]);  // within the susceptible share
  };
  const auto n = static_cast<std::uint32_t>(of.programme.n_records());
  if (boundary >= state_.outlook) {  // the first look comes after the first clocks: until then nothing lies ahead
    for (std::uint32_t record = 0; record < n; ++record) {
      if (begins_to_wait(record)) waiting[record].wait(remaining_of(record) - 1);
    }
  } else {
    for (std::uint32_t record = 0; record < n; ++record) {
      if (!begins_to_wait(record)) continue;
      const std::int64_t ahead = Pull<n_groups, n_layers>(*this, of, record).ahead(boundary, state_.outlook);
      waiting[record].wait(remaining_of(record) - 1 - ahead);
      near_[n_near_] = record;
      n_near_ += waiting[record].used_up();
      if (n_near_ == kBlock) aim_near(of, boundary);
    }
    aim_near(of, boundary);
  }
  if (!of.maximum) return;
  for (std::uint32_t record = 0; record < n; ++record) {
    State::Record& own = records[record];
    if (own.pending() == Pending::test) aim_at(of.first_record + record, own, boundary);
  }
}

/// Programmes that begin at a boundary: what holds at the start holds on it, and the first clocks start.
void Step::open(int boundary) {
  for (const Context& of : contexts_) {
    if (of.programme.begins != boundary) continue;
    const auto n = static_cast<std::uint32_t>(of.programme.n_records());
    const auto& sites = of.rates.in_use_at_start;
    const bool engaged = of.spec.engaged_at_start && !of.spec.skipped.engaged;
    room_for_events(engaged ? n : sites.size());
    std::uint32_t next = 0;
    List &engaging = parted_[0], &starting = parted_[1];
    const auto engage_until = [&](std::uint32_t site) {
      for (; engaged && next < site; ++next) engaging.add(next);
    };
    for (const std::uint32_t site : sites) {
      engage_until(site);
      starting.add(site);
      next = site + 1;
    }
    engage_until(n);
    enter<Stage::engaged>(of, engaging, boundary);
    enter<Stage::in_use>(of, starting, boundary);
    for (List& list : parted_) list.clear();
    keep_events();
    settle(boundary);
    if (of.spec.skipped.engaged) {
      with_shape(of, [&]<int n_groups, int n_layers>() { all_wait<n_groups, n_layers>(of, boundary); });
      continue;
    }
    for (std::uint32_t id = of.first_record; id < of.first_record + n; ++id) {
      Who w = who(id);
      if (own_of(w).stage() == Stage::unaware) link(w, Pending::engage, engagement_week(w));
    }
  }
}

/// From the week of withdrawal on nobody decides or restarts; implementations under way go on to their end.
void Step::withdraw(const Context& of) {
  for (std::uint32_t record = 0; record < of.programme.n_records(); ++record) {
    State::Record& own = state_.records[of.first_record + record];
    const Pending pending = own.pending();
    if (pending == Pending::test || pending == Pending::begin || pending == Pending::restart) {
      own.set(Pending::nothing, State::Record::kUndated);
      state_.waiting[of.first_record + record].rest();
    }
  }
}

/// The rates of the weeks to come have changed: clocks whose week was known ahead are walked again. @pre the outlook has
/// been taken back to this boundary under the rates that held before it
void Step::rebind() {
  for (std::uint32_t id = 0; id < state_.records.size(); ++id) {
    Who w = who(id);
    const Pending pending = own_of(w).pending();
    const auto again = [&](int week) { link(w, pending, week); };
    if (pending == Pending::engage) again(engagement_week(w));
    if (pending == Pending::stop)
      again(stop_week(w, own_of(w).entered(), static_cast<std::uint16_t>(begun(id, &State::Turns::uses) - 1)));
    if (pending == Pending::test) {
      own_of(w).set_due(State::Record::kUndated);
      if (maximum(w)) aim_at(w.id, own_of(w), state_.boundary);
    }
  }
  look_ahead(std::min(state_.boundary + kOutlook, rates_.n_weeks));
}

/// The communities that these rates know, from who is in use; nobody has met in them yet, so no offset.
void Step::gather_communities() {
  for (const Context& of : contexts_) {
    const std::size_t n = of.rates.added.empty() ? 0 : model_.population->regions.size();
    of.state.communities.assign(n, {});
    of.state.community_in_use.assign(n, 0);
    if (n == 0) continue;
    for (std::uint32_t record = 0; record < of.programme.n_records(); ++record) {
      const bool in_use = state_.records[of.first_record + record].stage() == Stage::in_use;
      if (in_use && of.plan.joins[record] != 0) of.state.community_in_use[of.programme.region[record]] += 1;
    }
    for (std::size_t region = 0; region < n; ++region) {
      if (of.plan.joined_by_region[region] > 0) of.state.communities[region].value = community_exposure(of, region);
    }
  }
}

/// Phases of an implementation under way that are over at a boundary.
std::uint8_t Step::phases_over(Who w, const Clocks& clocks, int boundary) const {
  const Clocks::Programme& door = clocks.programmes[w.of.j];
  const bool older = own_of(w).entered() < clocks.from;  // what was over when these clocks began stays over
  const int before = older ? door.phases_over[w.record] : 0;
  const int since = older ? clocks.from : own_of(w).entered();
  return static_cast<std::uint8_t>(
      before + phases_over_after(clocks, w.of.programme, w.of.j, w.record,
                                 static_cast<std::uint16_t>(begun(w.id, &State::Turns::implementations) - 1),
                                 door.n_phases - before, boundary - since));
}

/// Sets every clock that is running to its fresh residual. The state counts occurrences from here on, and the diary is
/// written anew.
void Step::reclock(Clocks& fresh, const Clocks& old) {
  const int now = state_.boundary;
  state_.diary.begin(rates_.n_weeks, state_.records.size());
  for (std::uint32_t id = 0; id < state_.records.size(); ++id) {
    Who w = who(id);
    Clocks::Programme& programme = fresh.programmes[w.of.j];
    const Pending pending = own_of(w).pending();
    const Stage stage = own_of(w).stage();
    const bool implementing = stage == Stage::implementing;
    switch (pending) {
      case Pending::nothing:
        break;
      case Pending::engage:
        link(w, pending, engagement_week(w));
        break;
      case Pending::begin:  // refractory time is no clock
        link(w, pending, own_of(w).due());
        break;
      case Pending::test: {
        set_remaining(w, now, rescale(decide_clock(fresh, w.of.programme, w.of.j, w.record, 0), kUnit, scale(w, now)));
        break;
      }
      case Pending::finish: {
        programme.phases_over[w.record] = phases_over(w, old, now);
        const int left = programme.n_phases - programme.phases_over[w.record];
        link(w, pending, now + weeks_of_phases(fresh, w.of.programme, w.of.j, w.record, left) - 1);
        break;
      }
      case Pending::stop:
        link(w, pending, stop_week(w, own_of(w).entered(), 0));
        break;
      case Pending::restart:
        link(w, pending, restart_week(w, now, 0));
        break;
    }
    if (turns_ == nullptr) continue;
    const bool uses = stage == Stage::in_use || stage == Stage::stopped, waits = pending == Pending::test;
    const auto one_if = [](bool begun) { return static_cast<std::uint16_t>(begun ? 1 : 0); };
    turns_[id] = {.decisions = one_if(waits), .implementations = one_if(implementing), .uses = one_if(uses)};
  }
}

void Step::week() {
  const int week = state_.boundary;
  if (week == state_.outlook) look_ahead(std::min(week + kOutlook, rates_.n_weeks));
  for (std::size_t j = 0; j < rates_.programmes.size(); ++j) {
    if (model_.programmes[j].withdrawn == week) withdraw(contexts_[j]);
    const auto& changes = rates_.programmes[j].changes;
    const auto& plan = plans_[j];
    for (auto at = std::ranges::lower_bound(changes, week, {}, &Rates::Change::week);
         at != changes.end() && at->week == week; ++at) {
      for (const auto record : plan.records_of_profile[at->profile]) {
        Who w = who(model_.first_record[j] + record);
        if (waiting(w)) rescale_waiting(w, week);
      }
    }
  }
  const auto records_of = [&](std::uint32_t organisation) {
    return std::span(model_.organisation_records)
        .subspan(model_.organisation_offsets[organisation],
                 model_.organisation_offsets[organisation + 1] - model_.organisation_offsets[organisation]);
  };
  for (std::size_t i = 0; i < state_.touched.size(); ++i) {
    if (i + kNext < state_.touched.size()) {
      for (const auto id : records_of(state_.touched[i + kNext])) __builtin_prefetch(&records_[id]);
    }
    const std::uint32_t organisation = state_.touched[i];
    const std::uint8_t busy = state_.implementing[organisation];
    if (std::exchange(state_.heeded[organisation], busy) == busy) continue;
    for (const auto id : records_of(organisation)) {
      Who w = who(id);
      if (waiting(w)) rescale_waiting(w, week);
    }
  }
  state_.touched.clear();

  part(week);
  for (const Context& of : contexts_) handle(of, week);
  keep_events();
  settle(week + 1);
  open(week + 1);
  state_.boundary = week + 1;
}

}  // namespace

void Diary::begin(int n_weeks, std::size_t n_records) {
  next_.assign(static_cast<std::size_t>(n_weeks), 0);
  words_.clear();
  words_.reserve((static_cast<std::size_t>(n_weeks) + n_records / kChunk * 2 + 16) * kChunk);
  words_.resize(kChunk);
  free_ = 0;
}

/// @returns the first free word of another chunk, behind what is full
std::uint32_t Diary::open(std::uint32_t full) {
  std::uint32_t chunk = free_;
  if (chunk == 0) {
    UPTAKE_EXPECTS(words_.size() <= std::numeric_limits<std::uint32_t>::max() - kChunk);
    chunk = static_cast<std::uint32_t>(words_.size());
    words_.resize(words_.size() + kChunk);
  } else {
    free_ = words_[chunk];
  }
  words_[chunk] = full;
  return chunk + 1;
}

void Diary::take(int week, std::vector<std::uint32_t>& out) {
  for (std::uint32_t end = std::exchange(next_[static_cast<std::size_t>(week)], 0); end != 0;) {
    const std::uint32_t chunk = (end - 1) / kChunk * kChunk;
    out.insert(out.end(), words_.begin() + chunk + 1, words_.begin() + end);
    end = std::exchange(words_[chunk], free_);
    free_ = chunk;
  }
}

World::World(std::unique_ptr<State> state) : state_(std::move(state)) {}
World::World(const World& other) : state_(std::make_unique<State>(*other.state_)) {}
World::World(World&& other) noexcept = default;
World& World::operator=(const World& other) {
  if (this != &other) *state_ = *other.state_;
  return *this;
}
World& World::operator=(World&& other) noexcept = default;
World::~World() = default;

int World::boundary() const { return state_->boundary; }
Stage World::stage(std::size_t record) const { return state_->records[record].stage(); }
const History& World::history() const { return state_->history; }
std::array<std::uint32_t, kNStages> World::stage_counts(int programme) const {
  return state_->programmes[static_cast<std::size_t>(programme)].counts;
}

World start(std::shared_ptr<const Rates> rates, std::shared_ptr<const Clocks> clocks) {
  auto state = std::make_unique<State>();
  state->rates = std::move(rates);
  state->clocks = std::move(clocks);
  Step(*state).begin();
  return World(std::move(state));
}

void advance(World& world, const std::shared_ptr<const Rates>& rates, int boundary) {
  State& state = world.state();
  UPTAKE_EXPECTS(boundary <= rates->n_weeks);
  if (state.rates != rates) {
    UPTAKE_EXPECTS(state.rates->model == rates->model && first_difference(*state.rates, *rates) > state.boundary);
    const auto plans = [&](const Rates& of) {
      return std::span(rates->model->strategies[static_cast<std::size_t>(of.strategy)].programmes);
    };
    const bool same_communities =
        std::ranges::equal(plans(*state.rates), plans(*rates), {}, &ProgrammePlan::joins, &ProgrammePlan::joins);
    Step before(state);
    before.look_ahead(state.boundary);
    if (rescales(*rates)) before.keep_multipliers();
    state.rates = rates;
    Step step(state);
    if (!same_communities) step.gather_communities();
    step.rebind();
  }
  Step step(state);
  while (state.boundary < boundary) step.week();
}

void reclock(World& world, Key key) {
  State& state = world.state();
  if (state.boundary >= state.rates->n_weeks) return;  // nothing is left to happen
  const std::shared_ptr<const Clocks> old = state.clocks;
  // Of the boundary too: a key that is given twice, or that of the world itself, is new luck all the same.
  const Key mine{mix64(key.value ^ mix64(static_cast<std::uint64_t>(state.boundary) + 1))};
  const auto fresh = redraw_clocks(*state.rates->model, *old, mine, state.boundary);
  state.clocks = fresh;
  Step(state).reclock(*fresh, *old);
}

std::vector<History> simulate(const std::shared_ptr<const Model>& model, const Draw& draw, Key key) {
  const auto n = static_cast<std::size_t>(model->n_strategies());
  const auto clocks = draw_clocks(*model, draw, key);
  std::vector<std::shared_ptr<const Rates>> rates;
  for (std::size_t s = 0; s < n; ++s) rates.push_back(compile(model, static_cast<int>(s), draw));
  const int n_weeks = model->calendar().n_weeks;

  // Strategies that agree with the first for a while branch off its world, in the order of their first difference.
  std::vector<std::pair<int, std::size_t>> branch;  // boundary, strategy
  for (std::size_t s = 1; s < n; ++s) branch.emplace_back(std::max(0, first_difference(*rates[0], *rates[s]) - 1), s);
  std::ranges::stable_sort(branch, {}, &std::pair<int, std::size_t>::first);
  std::vector<History> histories(n);
  World first = start(rates[0], clocks);
  for (const auto& [boundary, s] : branch) {
    advance(first, rates[0], boundary);
    World other = boundary > 0 ? first : start(rates[s], clocks);
    advance(other, rates[s], n_weeks);
    histories[s] = std::move(other.state().history);
  }
  advance(first, rates[0], n_weeks);
  histories[0] = std::move(first.state().history);
  return histories;
}

}  // namespace uptake
