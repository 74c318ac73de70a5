/// A series of a record: what the file says of it, and the points that its rows make.
#pragma once

#include "reading/toml.hpp"
#include "record/rows.hpp"
#include "uptake/record.hpp"

namespace uptake {

/// A programme whose series are read.
struct SeriesOf {
  const HistoricProgramme& programme;
  bool is_good = true;   ///< the programme's file holds what it should
  double ambiguous = 1;  ///< factor on the error of counting of rows whose quality is ambiguous
};

/// Reads `[[programme.series]]` and takes its rows. @return without points where that went wrong, which is a problem then
[[nodiscard]] ObservedSeries read_series(TableRows& table, TableReader& fields, const SeriesOf& of);

}  // namespace uptake
