/// Threads that play the processes of a team.
#pragma once

#include <barrier>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "uptake/ensemble.hpp"

namespace uptake {

/// Calls act(team) for each member of a team, all at the same time. @return how often they exchanged
inline std::size_t with_team(std::size_t size, const std::function<void(const Team&)>& act) {
  std::vector<std::string> given(size);
  std::barrier together(static_cast<std::ptrdiff_t>(size));
  std::size_t n_exchanges = 0;  // of rank 0
  std::vector<std::jthread> members;
  for (std::size_t rank = 0; rank < size; ++rank) {
    members.emplace_back([&, rank] {
      act({rank, size, [&, rank](const std::string& mine) {
             given[rank] = mine;
             if (rank == 0) ++n_exchanges;
             together.arrive_and_wait();
             std::vector<std::string> all = given;
             together.arrive_and_wait();
             return all;
           }});
    });
  }
  members.clear();
  return n_exchanges;
}

}  // namespace uptake
