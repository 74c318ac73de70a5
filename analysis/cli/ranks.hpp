/// The processes that one run is shared by: MPI ranks, or this process alone.
#pragma once

#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "commands.hpp"
#include "uptake/ensemble.hpp"
#include "uptake/error.hpp"

namespace uptake::cli {

/// What the variables of a launcher (mpirun, srun) say of this process; alone where there is none.
struct Launched {
  int rank = 0, size = 1;
};
[[nodiscard]] Launched launched();

/// Ranks of an MPI job from construction to destruction. A build without MPI, a process that no launcher started, and
/// `alone` are one rank. Every rank calls the same members in the same order, from one thread.
class Ranks {
 public:
  enum class Launch { together, alone };
  /// Must be made after Interruption: the threads of MPI inherit its mask of signals.
  /// @throws InputError under a launcher of several ranks when this build has no MPI
  explicit Ranks(Launch launch);
  ~Ranks() = default;
  Ranks(const Ranks&) = delete;
  Ranks& operator=(const Ranks&) = delete;
  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int size() const { return size_; }
  [[nodiscard]] bool first() const { return rank_ == 0; }

  /// Does `step` on every rank and waits for all. What one rank throws or returns holds for all: the worst code comes
  /// back on each, once the first rank that has it has said why. One rank alone throws what `step` throws.
  ExitCode together(const std::function<ExitCode()>& step) const;
  /// As `work()`, while a stop that one rank is asked for is asked of all. An exception of `work` stops the others
  /// before it leaves. Waits for nobody's work.
  void passing_on_stops(const std::stop_source& stop, const std::function<void()>& work) const;
  /// As passing_on_stops, for work whose tasks the ranks share. `team` is null where there is one rank alone. When one
  /// of them leaves by an exception, so do the others, at their next exchange or at the end of their work; `together`
  /// then says what the one had to say.
  void sharing(const std::stop_source& stop, const std::function<void(const Team* team)>& work) const;
  /// Texts of all ranks in their order on the first rank, nothing on the others.
  [[nodiscard]] std::vector<std::string> gather(const std::string& text) const;
  /// Sum over ranks, on every rank.
  [[nodiscard]] std::size_t sum(std::size_t mine) const;

  /// Name of the MPI library of this build, or empty.
  [[nodiscard]] static std::string library();

 private:
  /// MPI, once it is started: ended here whatever happens, so that a launcher hears of no other fault than the run's.
  struct Library {
    bool is_started = false;
    Library() = default;
    ~Library();
    Library(const Library&) = delete;
    Library& operator=(const Library&) = delete;
  };
  Library mpi_;
  int rank_ = 0, size_ = 1;
  mutable std::mutex turn_;  // to call MPI, where two threads do
};

/// Says on the first rank where all ranks are, when there are several or Slurm chose the place. Every rank calls it.
void print_placement(const Ranks& ranks, int n_threads, const Output& output);

}  // namespace uptake::cli
