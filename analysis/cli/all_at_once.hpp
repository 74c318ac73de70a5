/// Problems of several steps in one message.
#pragma once

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "uptake/error.hpp"

namespace uptake::cli {

/// Does steps that do not need each other, and says at the end what was wrong with all of them.
class AllAtOnce {
 public:
  /// What `step()` returns; nothing when it threw an InputError, or a FileError.
  template <typename Step>
  auto operator()(const Step& step) -> std::optional<decltype(step())> {
    try {
      return step();
    } catch (const InputError& error) {
      problems_.insert(problems_.end(), error.problems().begin(), error.problems().end());
    } catch (const FileError& error) {
      if (!unreadable_) unreadable_ = error;
    }
    return std::nullopt;
  }
  void add(Problem problem) { problems_.push_back(std::move(problem)); }
  /// @throws InputError with everything, or FileError when that is all there was
  void throw_if_any() const {
    if (!unreadable_ && problems_.empty()) return;
    if (problems_.empty()) throw FileError(*unreadable_);
    std::vector<Problem> all;  // an option is wrong for each scenario that it is for
    for (const Problem& problem : problems_) {
      const auto is_same = [&](const Problem& one) { return one.text() == problem.text(); };
      if (std::none_of(all.begin(), all.end(), is_same)) all.push_back(problem);
    }
    if (unreadable_) all.push_back(unreadable_->problem());
    throw InputError(std::move(all));
  }

 private:
  std::vector<Problem> problems_;
  std::optional<FileError> unreadable_;
};

}  // namespace uptake::cli
