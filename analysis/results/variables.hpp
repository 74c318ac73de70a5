/// Large datasets of results.h5, each with the work that makes its chunks: any thread may do a piece of it, at any time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "files/hdf5_writer.hpp"
#include "uptake/outcomes.hpp"
#include "uptake/results.hpp"

namespace uptake {

/// One compressed piece of a dataset. Several offsets when the same values stand in several places.
struct Chunk {
  std::vector<Extents> offsets;
  std::vector<unsigned char> packed;  ///< empty when all values are undefined: the fill value stands for them
};
/// Works out some chunks of a variable.
using Work = std::function<std::vector<Chunk>()>;

struct Variable {
  std::string name;
  std::vector<std::string> dimensions;
  Extents chunk_shape;
  Attributes attributes;
  std::vector<Work> work;  ///< in the order in which chunks are written
};

/// Statistics of a block: a chunk is one (strategy, view, programme). The counterfactual is the comparator's gross, so
/// it is worked out once and stands in every strategy. @param memory that a piece of work may take, bytes
[[nodiscard]] Variable statistics_variable(const RunRecord& record, const Block& block, std::size_t memory);

enum class Places : std::uint8_t { all, england };
/// Series of the replicates themselves, as they are stored (gross; net of a paired measure).
[[nodiscard]] Variable replicate_variable(const RunRecord& record, const Block& block, std::string name, Places places);

/// Parameter vectors by replicate, drawn again: they are a function of the seed.
/// @param n_parameters of a vector, from the first on
[[nodiscard]] Variable drawn_variable(const RunRecord& record, std::size_t n_parameters);

/// The lead strategy's result split over its drivers, by place: a chunk is one programme.
/// @param worlds strategies that the drivers' sets are run as @param memory as above
[[nodiscard]] Variable split_variable(const RunRecord& record, const Block& block, const std::vector<int>& worlds,
                                      std::size_t memory);

}  // namespace uptake
