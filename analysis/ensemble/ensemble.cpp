#include "uptake/ensemble.hpp"

#include <oneapi/tbb/info.h>
#include <oneapi/tbb/parallel_pipeline.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/version.h>
#include <sched.h>

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>

#include "ensemble/cgroup.hpp"
#include "files/libraries.hpp"

namespace uptake {

namespace {
using Clock = std::chrono::steady_clock;
using Task = std::function<std::vector<double>(std::size_t)>;
using Sink = std::function<void(std::size_t, std::vector<double>&&)>;

/// Results that may wait for the sink, by thread: enough to ride out uneven tasks, few enough to bound memory.
constexpr std::size_t kWaitingPerThread = 4;

/// The sink with its count and its progress reports.
class Drain {
 public:
  Drain(const Sink& sink, std::size_t total, const Control& control) : sink_(sink), total_(total), control_(control) {}

  void operator()(std::size_t i, std::vector<double>&& value) {
    sink_(i, std::move(value));
    ++done_;
    if (!control_.progress) return;
    const Clock::time_point now = Clock::now();
    // The last one is always told of: who reads along sees the end.
    if (done_ < total_ && reported_ && now - *reported_ < std::chrono::milliseconds{100}) return;
    reported_ = now;
    control_.progress({done_, total_, now - begin_});
  }
  [[nodiscard]] std::size_t done() const { return done_; }

 private:
  const Sink& sink_;
  std::size_t total_;
  const Control& control_;
  std::size_t done_ = 0;
  Clock::time_point begin_ = Clock::now();
  std::optional<Clock::time_point> reported_;
};

void run_serial(std::size_t n, const Task& task, Drain& drain, const Control& control) {
  for (std::size_t i = 0; i < n && !control.stop.stop_requested(); ++i) drain(i, task(i));
}

void run_tbb(std::size_t n, std::size_t n_threads, const Task& task, Drain& drain, const Control& control) {
  struct Value {
    std::size_t i;
    std::vector<double> value;
  };
  std::size_t next = 0;
  namespace tbb = oneapi::tbb;
  // oneTBB complains on stderr when asked for more threads than there are.
  tbb::task_arena arena(std::min(static_cast<int>(n_threads), tbb::info::default_concurrency()));
  arena.execute([&] {
    tbb::parallel_pipeline(kWaitingPerThread * n_threads,
                           tbb::make_filter<void, std::size_t>(tbb::filter_mode::serial_in_order,
                                                               [&](tbb::flow_control& flow) -> std::size_t {
                                                                 if (next == n || control.stop.stop_requested()) {
                                                                   flow.stop();
                                                                   return 0;
                                                                 }
                                                                 return next++;
                                                               }) &
                               tbb::make_filter<std::size_t, Value>(tbb::filter_mode::parallel,
                                                                    [&](std::size_t i) {
                                                                      return Value{i, task(i)};
                                                                    }) &
                               tbb::make_filter<Value, void>(tbb::filter_mode::serial_in_order, [&](Value value) {
                                 drain(value.i, std::move(value.value));
                               }));
  });
}

/// Plain threads: a window of started tasks, and whoever finishes the next one in order carries values to the sink.
class ThreadRun {
 public:
  ThreadRun(std::size_t n, std::size_t n_threads, const Task& task, Drain& drain, const Control& control)
      : n_(n), task_(task), drain_(drain), control_(control), waiting_(kWaitingPerThread * n_threads) {}

  void work() {
    std::unique_lock lock(mutex_);
    try {
      for (;;) {
        // A stop request wakes nobody, but whoever waits here waits for the sink, which goes on.
        moved_.wait(lock, [&] { return failure_ || started_ == n_ || started_ < sunk_ + waiting_.size(); });
        if (failure_ || started_ == n_ || control_.stop.stop_requested()) return;
        const std::size_t i = started_++;
        lock.unlock();
        std::vector<double> value = task_(i);
        lock.lock();
        waiting_[i % waiting_.size()] = std::move(value);
        if (!sinking_) sink_what_is_next(lock);
      }
    } catch (...) {
      if (!lock.owns_lock()) lock.lock();
      fail(std::current_exception());
    }
  }

  void fail(std::exception_ptr failure) {
    if (!failure_) failure_ = std::move(failure);
    moved_.notify_all();
  }
  void fail_from_outside(std::exception_ptr failure) {
    const std::lock_guard lock(mutex_);
    fail(std::move(failure));
  }
  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  void sink_what_is_next(std::unique_lock<std::mutex>& lock) {
    sinking_ = true;
    while (!failure_ && waiting_[sunk_ % waiting_.size()]) {
      std::vector<double> value = std::move(*waiting_[sunk_ % waiting_.size()]);
      waiting_[sunk_ % waiting_.size()].reset();
      const std::size_t i = sunk_;
      lock.unlock();
      drain_(i, std::move(value));
      lock.lock();
      ++sunk_;
      moved_.notify_all();
    }
    sinking_ = false;
  }

  std::size_t n_;
  const Task& task_;
  Drain& drain_;
  const Control& control_;
  std::mutex mutex_;
  std::condition_variable moved_;
  std::vector<std::optional<std::vector<double>>> waiting_;  // by index modulo the window
  std::size_t started_ = 0, sunk_ = 0;
  bool sinking_ = false;
  std::exception_ptr failure_;
};

void run_threads(std::size_t n, std::size_t n_threads, const Task& task, Drain& drain, const Control& control) {
  ThreadRun run(n, n_threads, task, drain, control);
  {
    std::vector<std::jthread> helpers;
    try {
      for (std::size_t i = 1; i < n_threads; ++i) helpers.emplace_back([&run] { run.work(); });
      run.work();
    } catch (...) {  // the system gives no more threads
      run.fail_from_outside(std::current_exception());
    }
  }
  run.rethrow();
}

void append_to(std::string& bytes, const void* data, std::size_t size) {
  bytes.append(static_cast<const char*>(data), size);
}

/// This process' share of the tasks, then everybody's values.
void run_in_team(std::size_t n, const Task& task, Drain& drain, const Control& control) {
  const Team& team = *control.team;
  Control alone = control;
  alone.team = nullptr;
  alone.progress = nullptr;
  std::string bytes;  // size and values of each result
  run_tasks(
      n > team.rank ? (n - team.rank - 1) / team.size + 1 : 0,
      [&](std::size_t i) { return task(team.rank + i * team.size); },
      [&](std::size_t, std::vector<double>&& value) {
        const std::size_t size = value.size();
        append_to(bytes, &size, sizeof size);
        append_to(bytes, value.data(), size * sizeof(double));
      },
      alone);
  const std::vector<std::string> all = team.exchange(bytes);
  std::vector<std::size_t> at(team.size, 0);
  for (std::size_t i = 0; i < n; ++i) {
    const std::string& theirs = all[i % team.size];
    std::size_t& place = at[i % team.size];
    if (place == theirs.size()) return;  // who was to do it stopped before
    std::size_t size = 0;
    std::memcpy(&size, theirs.data() + place, sizeof size);
    std::vector<double> value(size);
    if (size > 0) std::memcpy(value.data(), theirs.data() + place + sizeof size, size * sizeof(double));
    place += sizeof size + size * sizeof(double);
    drain(i, std::move(value));
  }
}

/// Cores that Slurm gives this task; nothing outside of it.
std::optional<int> slurm_threads() {
  const char* text = std::getenv("SLURM_CPUS_PER_TASK");
  if (text == nullptr) return std::nullopt;
  int n = 0;
  const char* end = text + std::strlen(text);
  const auto [read, error] = std::from_chars(text, end, n);
  return error == std::errc() && read == end && n > 0 ? std::optional(n) : std::nullopt;
}
}  // namespace

int available_threads() {
  int n = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  // The mask of a machine with more than 1,024 processors does not fit; then hardware_concurrency stands.
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (sched_getaffinity(0, sizeof mask, &mask) == 0) n = std::max(1, CPU_COUNT(&mask));
  n = std::min(n, cgroup_threads("/proc/self/cgroup", "/sys/fs/cgroup").value_or(n));
  return std::min(n, slurm_threads().value_or(n));
}

double thread_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

std::string tbb_version() { return TBB_runtime_version(); }

std::size_t run_tasks(std::size_t n, const Task& task, const Sink& sink, const Control& control) {
  const auto n_threads = static_cast<std::size_t>(control.n_threads > 0 ? control.n_threads : available_threads());
  Drain drain(sink, n, control);
  if (control.team != nullptr) {
    run_in_team(n, task, drain, control);
    return drain.done();
  }
  switch (control.body) {
    case Body::serial:
      run_serial(n, task, drain, control);
      break;
    case Body::tbb:
      run_tbb(n, n_threads, task, drain, control);
      break;
    case Body::threads:
      run_threads(n, n_threads, task, drain, control);
      break;
  }
  return drain.done();
}

}  // namespace uptake
