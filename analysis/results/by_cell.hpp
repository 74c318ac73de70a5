/// Reading ensembles by replicate and by cell.
#pragma once

#include <cstddef>
#include <span>

#include "uptake/results.hpp"

namespace uptake {

/// Values first .. first + out.size() of one replicate in part files. @throws FileError
void read_record(const PartRecords& records, std::size_t replicate, std::size_t first, std::span<double> out);
/// Memory that by_cell takes.
[[nodiscard]] std::size_t memory_of_by_cell(std::size_t n_replicates, std::size_t width, int n_threads);
/// Tells the system that replicates first .. first + n are not read again, so that what it kept of them in memory makes
/// room. Reading them again is only slower.
void forget_records(const PartRecords& records, std::size_t first, std::size_t n);

}  // namespace uptake
