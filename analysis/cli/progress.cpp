#include "progress.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "uptake/grouped.hpp"

namespace uptake::cli {

namespace {
/// Below this a progress line is noise.
constexpr double kSecondsBeforeShowing = 2;
constexpr double kSecondsBetweenLines = 10;
}  // namespace

std::string duration_text(double seconds) {
  const auto whole = std::llround(std::max(0.0, seconds));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

std::string size_text(double bytes) {
  return bytes < 1e9 ? fmt::format("{:.1f} MB", bytes / 1e6) : fmt::format("{:.1f} GB", bytes / 1e9);
}

ProgressLine::ProgressLine(ProgressStyle style, Verbosity verbosity) {
  if (verbosity == Verbosity::quiet || style == ProgressStyle::off) {
    shape_ = Shape::none;
  } else if (style == ProgressStyle::json) {
    shape_ = Shape::json;
  } else {
    shape_ = style == ProgressStyle::automatic && isatty(STDERR_FILENO) ? Shape::rewriting : Shape::lines;
  }
}

ProgressLine::~ProgressLine() {
  if (width_ > 0) tell("\r{:{}}\r", "", width_);
}

void ProgressLine::show(const std::string& label, const Progress& progress) {
  const double elapsed = progress.elapsed.count();
  if (shape_ == Shape::none || progress.done == 0) return;
  const double left =
      elapsed / static_cast<double>(progress.done) * static_cast<double>(progress.total - progress.done);
  if (shape_ == Shape::json) {
    tell("{{{}\"done\": {}, \"total\": {}, \"elapsed_seconds\": {:.1f}, \"seconds_left\": {:.1f}}}\n",
         label.empty() ? "" : fmt::format("\"of\": \"{}\", ", label), progress.done, progress.total, elapsed, left);
    return;
  }
  if (label != of_) last_shown_ = 0;
  of_ = label;
  print(elapsed, fmt::format("{}{} of {} {} ({:.0f} %), {} left", label.empty() ? "" : label + ": ",
                             grouped(progress.done), grouped(progress.total), label.empty() ? "replicates" : "draws",
                             100.0 * static_cast<double>(progress.done) / static_cast<double>(progress.total),
                             duration_text(left)));
}

void ProgressLine::show_writing(const std::string& what, const Progress& progress) {
  const double elapsed = progress.elapsed.count(), done = static_cast<double>(progress.done);
  if (shape_ == Shape::none || progress.done == 0) return;
  const double left = elapsed / done * static_cast<double>(progress.total - progress.done);
  if (shape_ == Shape::json) {
    tell(
        "{{\"writing\": \"{}\", \"done\": {}, \"total\": {}, \"elapsed_seconds\": {:.1f}, \"seconds_left\": {:.1f}}}\n",
        what, progress.done, progress.total, elapsed, left);
    return;
  }
  if (what != of_) last_shown_ = 0;
  of_ = what;
  // The first pieces are the largest: what is left cannot be told by them.
  const double share = done / static_cast<double>(progress.total);
  print(elapsed, fmt::format("writing results: {}, {:.0f} %{}", what, 100 * share,
                             share < 0.1 ? "" : fmt::format(", {} left", duration_text(left))));
}

void ProgressLine::show(const std::string& label, const CalibrationProgress& progress) {
  if (shape_ == Shape::none) return;
  const double elapsed = progress.elapsed.count(), left = progress.remaining.count();
  if (shape_ == Shape::json) {
    tell(
        "{{\"calibrating\": \"{}\", \"generation\": {}, \"tolerance\": {}, \"acceptance\": {:.4f}, "
        "\"way\": {}, \"simulations\": {}, \"budget\": {}, \"elapsed_seconds\": {:.1f}, \"seconds_left\": {:.1f}}}\n",
        label, progress.generation,
        std::isfinite(progress.tolerance) ? fmt::format("{:.4g}", progress.tolerance) : "null", progress.acceptance,
        progress.budget == 0 ? fmt::format("{:.4g}", progress.way) : "null", progress.n_simulations, progress.budget,
        elapsed, left);
    return;
  }
  if (label != of_) last_shown_ = 0;
  of_ = label;
  if (progress.generation == 0) {
    print(elapsed, fmt::format("{}: {} runs under the prior", label, grouped(progress.n_simulations)));
  } else if (progress.budget == 0) {
    print(elapsed,
          fmt::format("{}: step {}, {:.2g} of the way from prior to posterior, {} evaluations, about {} left", label,
                      progress.generation, progress.way, grouped(progress.n_simulations), duration_text(left)));
  } else {
    print(elapsed,
          fmt::format("{}: generation {}, tolerance {:.3g}, acceptance {:.1f} %, {} of {} runs, at most {} left", label,
                      progress.generation, progress.tolerance, 100 * progress.acceptance,
                      grouped(progress.n_simulations), grouped(progress.budget), duration_text(left)));
  }
}

void ProgressLine::print(double elapsed, const std::string& line) {
  if (elapsed < kSecondsBeforeShowing) return;
  if (shape_ == Shape::lines && last_shown_ > 0 && elapsed - last_shown_ < kSecondsBetweenLines) return;
  last_shown_ = elapsed;
  if (shape_ == Shape::lines) {
    tell("{}\n", line);
  } else {
    tell("\r{:{}}", line, width_);
    width_ = std::max(width_, line.size());
    static_cast<void>(std::fflush(stderr));
  }
}

Interruption::Interruption() {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGINT);
  sigaddset(&signals_, SIGTERM);
  sigaddset(&signals_, SIGUSR1);  // what batch systems send ahead of the end of the time
  // A script starts background jobs with SIGINT ignored, and an ignored signal cannot be waited for.
  static_cast<void>(std::signal(SIGINT, SIG_DFL));
  // Threads made from here on inherit the mask, so that only the waiting thread ever sees the signals.
  pthread_sigmask(SIG_BLOCK, &signals_, &before_);
  waiting_ = std::jthread([signals = signals_, source = source_](const std::stop_token& end) mutable {
    constexpr timespec kWait{0, 50'000'000};
    while (!end.stop_requested()) {
      if (sigtimedwait(&signals, nullptr, &kWait) < 0) continue;
      if (!source.request_stop()) std::_Exit(static_cast<int>(ExitCode::interrupted));
      tell("\nstopping when what is under way is finished (again to stop at once)\n");
    }
  });
}

Interruption::~Interruption() {
  waiting_.request_stop();
  waiting_.join();
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

}  // namespace uptake::cli
