/// How a run shows how far it is, and how it is asked to stop.
#pragma once

#include <csignal>
#include <stop_token>
#include <string>
#include <thread>

#include "commands.hpp"
#include "uptake/calibration.hpp"
#include "uptake/ensemble.hpp"

namespace uptake::cli {

/// `4 s`, `3 min 20 s`, `2 h 05 min`.
[[nodiscard]] std::string duration_text(double seconds);
/// `12.5 MB`, `7.7 GB`.
[[nodiscard]] std::string size_text(double bytes);

/// Progress with the time that is left, on stderr: a line that rewrites itself on a terminal, a line every ten seconds
/// elsewhere, or JSON lines. Runs under two seconds show nothing, except as JSON.
class ProgressLine {
 public:
  ProgressLine(ProgressStyle style, Verbosity verbosity);
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  void show(const Progress& progress) { show("", progress); }
  /// @param label what is simulated; empty where nothing else is
  void show(const std::string& label, const Progress& progress);
  /// @param what is being done to the results of a run
  void show_writing(const std::string& what, const Progress& progress);
  /// @param label what is being calibrated
  void show(const std::string& label, const CalibrationProgress& progress);

 private:
  /// A line for people, unless it is too soon after the last one. @param elapsed seconds
  void print(double elapsed, const std::string& line);
  enum class Shape : std::uint8_t { rewriting, lines, json, none };
  Shape shape_;
  double last_shown_ = 0;  ///< seconds into the run
  std::string of_;         ///< label shown last; the next one has a clock of its own
  std::size_t width_ = 0;  ///< of the line on the terminal
};

/// While it lives, SIGINT, SIGTERM and SIGUSR1 ask the token to stop instead of ending the process; a second one ends it
/// at once (finished replicates are kept). Must be made before any thread that computes.
class Interruption {
 public:
  Interruption();
  ~Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;
  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }

 private:
  sigset_t signals_{}, before_{};
  std::stop_source source_;
  std::jthread waiting_;
};

}  // namespace uptake::cli
