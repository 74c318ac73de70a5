"""A small portfolio that several tests run."""

# As delivered, without competition for attention, and with three times the effort for one.
TWO_TOOLS = """schema = 1
title = "Two tools"
population = "minimal"
programmes = ["minimal/example-tool.toml", "minimal/second-tool.toml"]
start = 2021-04-01
horizon = "105 weeks"
report_at = [2022-03-31, 2023-03-31]
seed = 7
shapley = true
{settings}
[[published]]
metric = "ever_adopted"
to = 2022-03-15
value = 5
source = "S41"
{published}
[[strategy]]
name = "as-delivered"

[[strategy]]
name = "apart"
attention = "off"

[[strategy]]
name = "more-of-one"
[[strategy.lever]]
kind = "facilitation"
factor = 3
programmes = ["second-tool"]
"""


def two_tools(settings, published=""):
    """A scenario file of them, with more settings and published figures."""
    return TWO_TOOLS.format(settings=settings, published=published)
