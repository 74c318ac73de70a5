#include "ranks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <limits>
#include <mutex>
#include <new>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>
#include <utility>

#ifdef UPTAKE_MPI
#include <mpi.h>
#endif

#include "ensemble/placement.hpp"
#include "run_folder.hpp"

namespace uptake::cli {

namespace {
int number_in(const char* variable) {
  const char* text = std::getenv(variable);
  int n = 0;
  if (text != nullptr) std::from_chars(text, text + std::strlen(text), n);
  return n;
}

#ifdef UPTAKE_MPI
/// How bad an end is. An interruption may follow from another rank's error, so errors come first.
int severity(ExitCode code) {
  return code == ExitCode::done ? 0 : 1 + static_cast<int>(ExitCode::interrupted) - static_cast<int>(code);
}

/// Another rank left by an exception; whatever it was, that rank says it.
struct RankLeft : std::runtime_error {
  RankLeft() : std::runtime_error("another rank has left") {}
};

constexpr int kStopTag = 4;

/// Between looks at what the other ranks do. A blocking call of MPI would spin, and take the core of a rank that works.
constexpr std::chrono::milliseconds kBetweenLooks{2};

/// @param turn held for a call of MPI while another thread may make one
void await(MPI_Request* request, std::mutex& turn) {
  for (;;) {
    int done = 0;
    {
      const std::lock_guard mine(turn);
      MPI_Test(request, &done, MPI_STATUS_IGNORE);
    }
    if (done != 0) return;
    std::this_thread::sleep_for(kBetweenLooks);
  }
}

/// Bytes of all ranks, by rank, on every rank.
std::vector<std::string> all_bytes(const std::string& mine, std::size_t n_ranks, std::mutex& turn) {
  const unsigned long long length = mine.size();
  std::vector<unsigned long long> lengths(n_ranks);
  MPI_Request request = MPI_REQUEST_NULL;
  {
    const std::lock_guard ours(turn);
    MPI_Iallgather(&length, 1, MPI_UNSIGNED_LONG_LONG, lengths.data(), 1, MPI_UNSIGNED_LONG_LONG, MPI_COMM_WORLD,
                   &request);
  }
  await(&request, turn);
  std::vector<int> counts, starts;
  std::size_t total = 0;
  for (const unsigned long long theirs : lengths) {
    starts.push_back(static_cast<int>(total));
    counts.push_back(static_cast<int>(theirs));
    total += theirs;
    // MPI counts in int; the same on every rank, so that all throw.
    if (total > std::numeric_limits<int>::max()) throw std::length_error("ranks exchange more than 2 GiB at once");
  }
  std::string bytes(total, '\0');
  {
    const std::lock_guard ours(turn);
    MPI_Iallgatherv(mine.data(), static_cast<int>(length), MPI_CHAR, bytes.data(), counts.data(), starts.data(),
                    MPI_CHAR, MPI_COMM_WORLD, &request);
  }
  await(&request, turn);
  std::vector<std::string> all;
  for (std::size_t r = 0; r < n_ranks; ++r)
    all.push_back(bytes.substr(static_cast<std::size_t>(starts[r]), static_cast<std::size_t>(counts[r])));
  return all;
}

/// Whether a launcher of MPI processes started this one. Without one MPI would start a daemon for nothing.
bool has_launcher() {
  return std::ranges::any_of(std::array{"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_SIZE"},
                             [](const char* name) { return std::getenv(name) != nullptr; });
}

/// Sends and receives the one message that there is, "stop".
class StopMessages {
 public:
  StopMessages(int rank, int size, std::stop_source stop, std::mutex& turn)
      : rank_(rank), requests_(static_cast<std::size_t>(size), MPI_REQUEST_NULL), stop_(std::move(stop)), turn_(turn) {}

  void look() {
    const std::lock_guard mine(turn_);
    for (int there = 1; there != 0;) {
      MPI_Status status;
      MPI_Iprobe(MPI_ANY_SOURCE, kStopTag, MPI_COMM_WORLD, &there, &status);
      if (there != 0) receive(status.MPI_SOURCE);
    }
    // Who was told by another rank need not tell the rest: that rank has told them.
    if (sent_ == 0 && n_received_ == 0 && stop_.stop_requested()) send();
  }

  /// Takes what is still under way, so that nothing is left when all ranks are here.
  void finish() {
    std::vector<int> senders(requests_.size());
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Iallgather(&sent_, 1, MPI_INT, senders.data(), 1, MPI_INT, MPI_COMM_WORLD, &request);
    await(&request, turn_);
    const auto n_senders = std::ranges::count(senders, 1) - sent_;
    while (n_received_ < n_senders) {
      MPI_Status status;
      MPI_Probe(MPI_ANY_SOURCE, kStopTag, MPI_COMM_WORLD, &status);
      receive(status.MPI_SOURCE);
    }
    MPI_Waitall(static_cast<int>(requests_.size()), requests_.data(), MPI_STATUSES_IGNORE);
  }

 private:
  void receive(int source) {
    MPI_Recv(nullptr, 0, MPI_BYTE, source, kStopTag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    ++n_received_;
    stop_.request_stop();
  }
  void send() {
    sent_ = 1;
    for (int to = 0; to < static_cast<int>(requests_.size()); ++to) {
      if (to != rank_)
        MPI_Isend(nullptr, 0, MPI_BYTE, to, kStopTag, MPI_COMM_WORLD, &requests_[static_cast<std::size_t>(to)]);
    }
  }

  int rank_;
  int sent_ = 0;  // to all others
  std::ptrdiff_t n_received_ = 0;
  std::vector<MPI_Request> requests_;
  std::stop_source stop_;
  std::mutex& turn_;
};
#endif
}  // namespace

Launched launched() {
  constexpr std::array<std::pair<const char*, const char*>, 3> kLaunchers{
      {{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"},
       {"PMI_RANK", "PMI_SIZE"},
       {"SLURM_PROCID", "SLURM_STEP_NUM_TASKS"}}};
  Launched most;
  for (const auto& [rank, size] : kLaunchers)
    if (const int n = number_in(size); n > most.size) most = {number_in(rank), n};
  return most;
}

Ranks::Ranks(Launch launch) {
  if (launch == Launch::alone) return;
#ifdef UPTAKE_MPI
  if (!has_launcher()) return;
  int level = 0;
  // Calls come from two threads in turns: the one that listens for stops, and the main one.
  MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &level);
  mpi_.is_started = true;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
  MPI_Comm_size(MPI_COMM_WORLD, &size_);
  if (level < MPI_THREAD_SERIALIZED) throw std::runtime_error("this MPI takes calls from its first thread alone");
  // A launcher whose processes do not find each other starts as many runs as there are processes.
  if (size_ > 1) return;
#endif
  const int n_launched = launched().size;
  if (n_launched <= 1) return;
  const auto refusal = [&](const char* what, const char* advice) {
    return InputError({{fmt::format("{} processes", n_launched), what, advice}});
  };
  if (library().empty()) {
    throw refusal("were started together, and this build has no MPI",
                  "`UPTAKE_PRESET=mpi ./uptake --version` makes the one that has; or give each `--task I/N`");
  }
  throw refusal("were started together, and MPI finds only one of them",
                "start them with OpenMPI's mpirun or `srun --mpi=pmix`; or give each `--task I/N`");
}

// NOLINTNEXTLINE(modernize-use-equals-default): of a build without MPI
Ranks::Library::~Library() {
#ifdef UPTAKE_MPI
  if (is_started) MPI_Finalize();
#endif
}

ExitCode Ranks::together(const std::function<ExitCode()>& step) const {
  if (size_ == 1) return step();
  Failure mine{ExitCode::fault, {}};
#ifdef UPTAKE_MPI
  try {
    mine.code = step();
  } catch (const RankLeft&) {
    mine.code = ExitCode::interrupted;  // the least of what can be said
  } catch (...) {
    mine = failure_of(std::current_exception());
  }
  // MPI_MAXLOC takes the first rank among those with the worst end.
  struct {
    int severity, rank;
  } here{severity(mine.code), rank_}, worst{};
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Iallreduce(&here, &worst, 1, MPI_2INT, MPI_MAXLOC, MPI_COMM_WORLD, &request);
  await(&request, turn_);
  if (worst.severity > 0) {
    if (worst.rank == rank_) print_problems(mine.problems);
    // A launcher ends the ranks that are left as soon as one has ended with an error: first it is said.
    MPI_Ibarrier(MPI_COMM_WORLD, &request);
    await(&request, turn_);
  }
  mine.code = std::ranges::find(kExitCodes, worst.severity, [](const ExitCodeMeaning& row) {
                return severity(row.code);
              })->code;
#endif
  return mine.code;
}

void Ranks::passing_on_stops([[maybe_unused]] const std::stop_source& stop, const std::function<void()>& work) const {
  if (size_ == 1) {
    work();
    return;
  }
#ifdef UPTAKE_MPI
  StopMessages messages(rank_, size_, stop, turn_);
  std::exception_ptr failure;
  {
    const std::jthread listening([&messages](const std::stop_token& end) {
      constexpr std::chrono::milliseconds kBetweenProbes{20};
      while (!end.stop_requested()) {
        messages.look();
        std::this_thread::sleep_for(kBetweenProbes);
      }
    });
    try {
      work();
    } catch (...) {
      failure = std::current_exception();
      std::stop_source(stop).request_stop();
    }
  }
  messages.look();
  messages.finish();
  if (failure) std::rethrow_exception(failure);
#endif
}

void Ranks::sharing([[maybe_unused]] const std::stop_source& stop,
                    const std::function<void(const Team* team)>& work) const {
  if (size_ == 1) {
    work(nullptr);
    return;
  }
#ifdef UPTAKE_MPI
  // Every message opens with what its sender means to do next. Who leaves says so in one last exchange, where others
  // bring values or the end of their work.
  constexpr char kGoesOn = 'g', kIsDone = 'd', kFailed = 'f';
  const auto n = static_cast<std::size_t>(size_);
  bool over = false;  // nothing is exchanged any more
  const auto exchange = [&](char means, const std::string& mine) {
    std::vector<std::string> all = all_bytes(means + mine, n, turn_);
    over = std::ranges::any_of(all, [](const std::string& text) { return text.front() != kGoesOn; });
    if (std::ranges::any_of(all, [](const std::string& text) { return text.front() == kFailed; })) throw RankLeft();
    if (over && means == kGoesOn) throw std::logic_error("ranks have lost step with each other");
    for (std::string& text : all) text.erase(0, 1);
    return all;
  };
  passing_on_stops(stop, [&] {
    const Team team{static_cast<std::size_t>(rank_), n,
                    [&](const std::string& mine) { return exchange(kGoesOn, mine); }};
    try {
      work(&team);
    } catch (...) {
      if (over) throw;
      try {
        exchange(kFailed, {});
      } catch (const RankLeft&) {
      }
      throw;
    }
    exchange(kIsDone, {});
  });
#endif
}

std::vector<std::string> Ranks::gather(const std::string& text) const {
  if (size_ == 1) return {text};
  std::vector<std::string> texts;
#ifdef UPTAKE_MPI
  const auto n = static_cast<std::size_t>(size_);
  const int length = static_cast<int>(text.size());
  std::vector<int> lengths(n), starts(n);
  MPI_Gather(&length, 1, MPI_INT, lengths.data(), 1, MPI_INT, 0, MPI_COMM_WORLD);
  std::size_t total = 0;
  for (std::size_t r = 0; r < n; ++r) {
    starts[r] = static_cast<int>(total);
    total += static_cast<std::size_t>(lengths[r]);
  }
  std::string all(first() ? total : 0, '\0');
  MPI_Gatherv(text.data(), length, MPI_CHAR, all.data(), lengths.data(), starts.data(), MPI_CHAR, 0, MPI_COMM_WORLD);
  for (std::size_t r = 0; first() && r < n; ++r)
    texts.push_back(all.substr(static_cast<std::size_t>(starts[r]), static_cast<std::size_t>(lengths[r])));
#endif
  return texts;
}

std::size_t Ranks::sum(std::size_t mine) const {
  if (size_ == 1) return mine;
  unsigned long long all = mine;
#ifdef UPTAKE_MPI
  const unsigned long long here = mine;
  MPI_Allreduce(&here, &all, 1, MPI_UNSIGNED_LONG_LONG, MPI_SUM, MPI_COMM_WORLD);
#endif
  return static_cast<std::size_t>(all);
}

std::string Ranks::library() {
#ifdef UPTAKE_MPI
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0;
  MPI_Get_library_version(text.data(), &length);
  const std::string all(text.data(), static_cast<std::size_t>(length));
  return all.substr(0, all.find(','));  // "Open MPI v4.1.4", then who built it
#else
  return {};
#endif
}

void print_placement(const Ranks& ranks, int n_threads, const Output& output) {
  if (ranks.size() == 1 && std::getenv("SLURM_JOB_ID") == nullptr) return;
  const Placement here = placement_of_this_process(n_threads);
  const nlohmann::json mine{
      {"host", here.host}, {"threads", here.n_threads}, {"cores", here.cores}, {"numa", here.numa_nodes}};
  std::vector<Placement> all;
  for (const std::string& text : ranks.gather(mine.dump())) {
    const auto json = nlohmann::json::parse(text);
    all.push_back({json["host"], json["threads"], json["cores"], json["numa"]});
  }
  if (!ranks.first()) return;
  for (const std::string& line : placement_table(all)) say(output, line);
  for (const std::string& warning : placement_warnings(all)) say(output, "warning: " + warning);
}

}  // namespace uptake::cli
