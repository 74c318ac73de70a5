/// One simulated world: the only mutable state. A copy is a branch; assignment reuses its memory.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "uptake/model.hpp"

namespace uptake {

enum class Stage : std::uint8_t { unaware, engaged, implementing, in_use, stopped };
inline constexpr int kNStages = 5;
inline constexpr std::array<std::string_view, kNStages> kStageNames{"unaware", "engaged", "implementing", "in use",
                                                                    "stopped"};

/// One move: record (over all programmes, Model::first_record) entered `stage` at `boundary`.
struct Event {
  std::uint32_t record;
  std::uint16_t boundary;
  Stage stage;
  Stage from;
  friend bool operator==(const Event&, const Event&) = default;
};

/// Who entered which stage of which programme when, in order of boundary; within one boundary in an order that is the
/// same in every run but means nothing.
/// Everybody starts unaware; initial stages are events at boundary 0.
struct History {
  std::vector<Event> events;
};

/// Opaque value. Copyable, movable.
class World {
 public:
  World(const World& other);
  World(World&& other) noexcept;
  World& operator=(const World& other);
  World& operator=(World&& other) noexcept;
  ~World();

  [[nodiscard]] int boundary() const;
  [[nodiscard]] Stage stage(std::size_t record) const;
  [[nodiscard]] const History& history() const;
  /// Organisations of a programme in each stage now; sums to the programme's eligible organisations.
  [[nodiscard]] std::array<std::uint32_t, kNStages> stage_counts(int programme) const;

  struct State;
  explicit World(std::unique_ptr<State> state);
  [[nodiscard]] State& state() { return *state_; }
  [[nodiscard]] const State& state() const { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

/// A world at boundary 0.
[[nodiscard]] World start(std::shared_ptr<const Rates> rates, std::shared_ptr<const Clocks> clocks);
/// Steps the world to `boundary` under `rates`. If `rates` are not those the world was started or last advanced with,
/// @pre first_difference of the two > world.boundary(): clocks that begin at a boundary read the week after it.
void advance(World& world, const std::shared_ptr<const Rates>& rates, int boundary);

/// New luck from here on, as if nothing were known of the old: the residual of every clock that has not fired is a fresh
/// unit exponential (exact, by memorylessness), an Erlang duration keeps the phases that are over and redraws the rest, and
/// all later draws are keyed by `key`. What an organisation is (readiness, susceptibility, its region's effect) stays.
/// Without it resampled copies of a filter would stay identical for ever.
void reclock(World& world, Key key);

/// Histories of all strategies of one replicate, in the order of the model's strategies: paired by the same clocks,
/// branched where they first differ.
[[nodiscard]] std::vector<History> simulate(const std::shared_ptr<const Model>& model, const Draw& draw, Key key);

/// Fidelity after `age` years in use: dF/dt = r (1 - F) - turnover F from F0 (docs/odd.md 7.4).
[[nodiscard]] double fidelity_at(double age, double fidelity_start, double retraining, double turnover);

}  // namespace uptake
