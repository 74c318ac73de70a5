# The adoption fan of a run and its headline, from results.h5 by label, in base R with rhdf5.
#
# Usage: Rscript figure.R results/care-homes/results.h5 fan.svg
# Needs rhdf5 (Debian: r-bioc-rhdf5; elsewhere BiocManager::install("rhdf5")). Prints the headline as CSV, in all digits of
# the file, and draws adopters with the strategy and without it: medians, and the band that holds 90 % of the worlds.
suppressPackageStartupMessages(library(rhdf5))

# A dataset with the labels of its axes. R has the first axis of the file last, and rhdf5 does not read which scale belongs to
# which axis: `axes` are those of docs/results-format.md, in its order, and the lengths are checked.
labelled <- function(file, group, name, axes) {
  values <- h5read(file, paste(group, name, sep = "/"))
  labels <- lapply(setNames(rev(axes), rev(axes)), function(axis) as.character(h5read(file, paste(group, axis, sep = "/"))))
  stopifnot(identical(as.integer(dim(values)), unname(lengths(labels))))
  array(values, dim(values), labels)
}

text_attribute <- function(file, path, name) {
  id <- H5Fopen(file, flags = "H5F_ACC_RDONLY")
  on.exit(H5Fclose(id))
  object <- H5Dopen(id, path)
  attribute <- H5Aopen(object, name)
  value <- H5Aread(attribute)
  H5Aclose(attribute)
  H5Dclose(object)
  value
}

shown <- c("engaged", "adopters", "ever_adopted", "patients_benefited", "admissions_avoided", "events_avoided",
           "savings_cash_gbp", "capacity_released_gbp", "cost_gbp", "net_present_value_gbp")

main <- function(file, picture) {
  lead <- as.character(h5read(file, "provenance/lead"))
  place <- as.character(h5read(file, "provenance/focus"))
  programme <- tail(as.character(h5read(file, "programme")), 1)  # `all` comes last where there are several

  kept <- h5ls(file)
  kept <- kept$name[kept$group == "/report"]
  cat("metric,view,unit,report,mean,p05,p95\n")
  for (name in intersect(shown, kept)) {
    x <- labelled(file, "report", name, c("strategy", "view", "statistic", "programme", "report", "region"))
    first <- dimnames(x)$report[1]
    unit <- text_attribute(file, paste0("report/", name), "units")
    for (view in dimnames(x)$view) {
      cells <- x[place, first, programme, c("mean", "p05", "p95"), view, lead]
      if (is.finite(cells["mean"])) {
        cat(paste(c(name, view, unit, first, sprintf("%.10g", cells)), collapse = ","), "\n", sep = "")
      }
    }
  }

  x <- labelled(file, "", "adopters", c("strategy", "view", "statistic", "programme", "time", "region"))
  day <- as.Date(as.integer(dimnames(x)$time), origin = "1970-01-01")
  fan <- function(view, statistic) x[place, , programme, statistic, view, lead]
  colours <- c(gross = "#005eb8", counterfactual = "#425563")
  svg(picture, width = 7.2, height = 4)
  plot(range(day), c(0, max(fan("gross", "p95"), fan("counterfactual", "p95"))), type = "n", xlab = "",
       ylab = text_attribute(file, "adopters", "units"), main = paste0("In use: ", programme, ", ", place))
  for (view in names(colours)) {
    polygon(c(day, rev(day)), c(fan(view, "p05"), rev(fan(view, "p95"))), border = NA,
            col = adjustcolor(colours[view], 0.2))
    lines(day, fan(view, "p50"), col = colours[view], lwd = 2, lty = if (view == "gross") 1 else 2)
  }
  legend("topleft", names(colours), col = colours, lty = c(1, 2), lwd = 2, bty = "n")
  invisible(dev.off())
}

arguments <- commandArgs(trailingOnly = TRUE)
if (length(arguments) != 2) stop("usage: Rscript figure.R results.h5 fan.svg")
main(arguments[1], arguments[2])
