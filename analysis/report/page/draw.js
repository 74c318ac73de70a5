// Charts as functions of (element, data). They know nothing of the page, so that another page can use them.
// Every mark that carries meaning differs in more than colour: dashes for the comparator, shapes for observations.
"use strict";
const draw = (() => {
  const colour = { own: "#005eb8", other: "#425563", net: "#007f3b", observed: "#ae2573", line: "#d8dde0", ink: "#212b32" };
  const number = value => {
    if (value === null || !isFinite(value)) return "–";
    const size = Math.abs(value);
    if (size >= 1e9) return d3.format(",.3~r")(value / 1e9) + " bn";
    if (size >= 1e6) return d3.format(",.3~r")(value / 1e6) + " m";
    if (size >= 1000) return d3.format(",.3~r")(value);
    // Two digits of what is small, as tables have them.
    return d3.format(size >= 10 ? ",.3~r" : size >= 0.095 || size === 0 ? ",.2~f" : size >= 0.0095 ? ",.3~f" : ",.2~r")(value);
  };
  // Charts narrower than this (a telephone) carry names above their bars; text keeps its size. [px]
  const kNarrow = 560;
  const name = (g, narrow, margin, y) => g.append("text").attr("x", narrow ? 2 : margin.left - 10).attr("y", narrow ? 16 : y)
    .attr("text-anchor", narrow ? "start" : "end").attr("stroke", narrow ? "#fff" : null).attr("stroke-width", 4).attr("paint-order", "stroke").text(b => b.name);
  // The line that bars start from: beside each bar alone where names stand above them, for it would run through those.
  const start = (svg, at, narrow, { top, bottom, head, row, n }) => {
    const pieces = narrow ? d3.range(n).map(i => [top + i * row + head + 2, top + (i + 1) * row - 2]) : [[top - 4, bottom]];
    for (const [from, to] of pieces) svg.append("line").attr("x1", at).attr("x2", at).attr("y1", from).attr("y2", to).attr("stroke", colour.ink);
  };
  const percent = d3.format(".0%");
  // Words in lines of at most `most` letters.
  function lines(text, most) {
    const all = [];
    for (const word of text.split(" ")) {
      const last = all.length - 1;
      if (last >= 0 && all[last].length + 1 + word.length <= most) all[last] += " " + word; else all.push(word);
    }
    return all;
  }
  const day = text => d3.timeParse("%Y-%m-%d")(text);
  const shown = d3.timeFormat("%B %Y");

  function canvas(element, width, height, label) {
    element.textContent = "";
    return d3.select(element).append("svg").attr("viewBox", `0 0 ${width} ${height}`).attr("width", width)
      .attr("role", "img").attr("aria-label", label);
  }
  function axes(svg, x, y, width, height, margin, unit, format = number) {
    const left = svg.append("g").attr("transform", `translate(${margin.left},0)`)
      .call(d3.axisLeft(y).ticks(Math.max(2, Math.round(height / 50))).tickFormat(format).tickSizeInner(-(width - margin.left - margin.right)));
    left.select(".domain").remove();
    left.selectAll(".tick line").attr("stroke", colour.line);
    svg.append("g").attr("transform", `translate(0,${height - margin.bottom})`).call(d3.axisBottom(x).ticks(Math.max(2, Math.round(width / 110))).tickSizeOuter(0));
    if (unit) svg.append("text").attr("x", 4).attr("y", 13).text(unit);
    return svg;
  }

  // series: [{name, own, p05, p25, p50, p75, p95}] over times; observed: [{date, value, label}]; values in [0, 1] where
  // unit is "share"; most: end of the axis, where several drawings share one
  function fan(element, { times, series, observed = [], unit = "", label = "", width = 760, height = 360, small = false, most }) {
    const margin = small ? { left: 38, right: 16, top: 10, bottom: 22 } : { left: 62, right: 20, top: 34, bottom: 26 };
    const svg = canvas(element, width, height, label).attr("class", small ? "small" : null);
    const dates = times.map(day);
    const within = observed.filter(o => day(o.date) >= dates[0] && day(o.date) <= dates[dates.length - 1]);
    const all = series.flatMap(s => [...s.p05, ...s.p95]).concat(within.map(o => o.value)).filter(v => v !== null);
    const x = d3.scaleTime().domain(d3.extent(dates)).range([margin.left, width - margin.right]);
    const y = d3.scaleLinear().domain([Math.min(0, d3.min(all) || 0), most || d3.max(all) || 1]).nice().range([height - margin.bottom, margin.top]);
    axes(svg, x, y, width, height, margin, small ? "" : unit, unit === "share" ? percent : number);
    const area = (low, high) => d3.area().defined((d, i) => low[i] !== null).x((d, i) => x(dates[i])).y0((d, i) => y(low[i])).y1((d, i) => y(high[i]));
    const line = middle => d3.line().defined((d, i) => middle[i] !== null).x((d, i) => x(dates[i])).y((d, i) => y(middle[i]));
    for (const s of series) {
      const ink = s.own ? colour.own : colour.other;
      svg.append("path").attr("class", "band90").attr("d", area(s.p05, s.p95)(times)).attr("fill", ink).attr("opacity", s.own ? 0.16 : 0.12);
      if (!small) svg.append("path").attr("class", "band50").attr("d", area(s.p25, s.p75)(times)).attr("fill", ink).attr("opacity", 0.2);
      svg.append("path").attr("class", "median").attr("d", line(s.p50)(times)).attr("fill", "none").attr("stroke", ink)
        .attr("stroke-width", 2).attr("stroke-dasharray", s.own ? null : "6 4");
    }
    const marks = svg.selectAll("g.observed").data(within).enter().append("g").attr("class", "observed")
      .attr("transform", o => `translate(${x(day(o.date))},${y(o.value)})`);
    marks.append("path").attr("d", d3.symbol().type(d3.symbolDiamond).size(small ? 40 : 90)).attr("fill", colour.observed);
    marks.append("title").text(o => `${o.label}: ${unit === "share" ? percent(o.value) : number(o.value)} (${shown(day(o.date))})`);
    return svg;
  }

  // bars: [{name, value, text, low, high, kind}]; the text is the value as tables write it
  function waterfall(element, { bars, unit, label, width = 760 }) {
    const narrow = width < kNarrow, row = narrow ? 64 : 46, head = narrow ? 18 : 0;
    const bottom = unit ? 46 : 26;
    const margin = narrow ? { left: 30, right: 78, top: 8, bottom } : { left: 230, right: 90, top: 8, bottom };
    const height = margin.top + margin.bottom + row * bars.length;
    const svg = canvas(element, width, height, label);
    const ends = bars.flatMap(b => [b.from, b.to, b.low, b.high]).filter(v => v !== undefined && v !== null);
    const x = d3.scaleLinear().domain([Math.min(0, d3.min(ends)), Math.max(0, d3.max(ends)) || 1]).nice().range([margin.left, width - margin.right]);
    svg.append("g").attr("transform", `translate(0,${height - margin.bottom})`).call(d3.axisBottom(x).ticks(narrow ? 3 : 5).tickFormat(number));
    start(svg, x(0), narrow, { top: margin.top, bottom: height - margin.bottom, head, row, n: bars.length });
    const g = svg.selectAll("g.bar").data(bars).enter().append("g").attr("class", "bar").attr("transform", (b, i) => `translate(0,${margin.top + i * row})`);
    g.append("rect").attr("x", b => x(Math.min(b.from, b.to))).attr("width", b => Math.abs(x(b.to) - x(b.from))).attr("y", 6 + head).attr("height", row - 18 - head)
      .attr("fill", b => ({ gross: colour.own, anyway: "none", net: colour.net })[b.kind])
      .attr("stroke", b => b.kind === "anyway" ? colour.other : null).attr("stroke-dasharray", b => b.kind === "anyway" ? "5 3" : null).attr("stroke-width", 2);
    const middle = (row + head) / 2;
    g.filter(b => b.low !== undefined).append("path").attr("d", b => `M${x(b.low)},${middle - 3}H${x(b.high)}M${x(b.low)},${middle - 8}v10M${x(b.high)},${middle - 8}v10`)
      .attr("stroke", colour.ink).attr("stroke-width", 1.5);
    name(g, narrow, margin, row / 2);
    g.append("text").attr("x", width - margin.right + 10).attr("y", middle).text(b => b.text);
    if (unit) svg.append("text").attr("x", width - margin.right).attr("y", height - 6).attr("text-anchor", "end").text(unit);
  }

  // tiles: [{name, short, column, row}], values: by tile, in [0, 1]
  const ramp = d3.scaleLinear().domain([0, 0.5, 1]).range(["#f0f4f5", "#5a9bd5", "#003087"]).interpolate(d3.interpolateRgb).clamp(true);
  function tiles(element, { tiles, values, most = 1, label, size = 56 }) {
    const columns = d3.max(tiles, t => t.column) + 1, rows = d3.max(tiles, t => t.row) + 1, gap = 3;
    let svg = d3.select(element).select("svg");
    if (svg.empty()) {
      svg = canvas(element, columns * size, rows * size + 44, label);
      const g = svg.selectAll("g.tile").data(tiles).enter().append("g").attr("class", "tile")
        .attr("transform", t => `translate(${t.column * size + 1},${t.row * size + 1})`);
      g.append("rect").attr("width", size - gap).attr("height", size - gap).attr("rx", 4).attr("stroke", colour.other);
      g.append("text").attr("class", "short").attr("x", (size - gap) / 2).attr("y", size * 0.42).attr("text-anchor", "middle");
      g.append("text").attr("class", "value").attr("x", (size - gap) / 2).attr("y", size * 0.75).attr("text-anchor", "middle");
      g.append("title");
    }
    const g = svg.selectAll("g.tile").data(tiles);
    const ink = i => values[i] === null || values[i] / most < 0.45 ? colour.ink : "#fff";
    g.select("rect").attr("fill", (t, i) => values[i] === null ? "#fff" : ramp(values[i] / most));
    g.select(".short").style("fill", (t, i) => ink(i)).style("font-size", size < 50 ? "10px" : "12px").text(t => t.short);
    g.select(".value").style("fill", (t, i) => ink(i)).style("font-weight", 600).style("font-size", size < 50 ? "11px" : "13px")
      .text((t, i) => values[i] === null ? "–" : Math.round(100 * values[i]) + "%");
    g.select("title").text((t, i) => `${t.name}: ${values[i] === null ? "nobody eligible" : d3.format(".1%")(values[i])} in use`);
    svg.attr("aria-label", label);
    if (+svg.attr("data-most") === most) return;
    svg.attr("data-most", most).select("g.ramp").remove();
    const key = svg.append("g").attr("class", "ramp").attr("transform", `translate(1,${rows * size + 10})`), step = 26;
    d3.range(6).forEach(i => {
      key.append("rect").attr("x", i * step).attr("width", step).attr("height", 12).attr("fill", ramp(i / 5)).attr("stroke", colour.other);
      if (i === 0 || i === 5) key.append("text").attr("x", (i + 0.5) * step).attr("y", 28).attr("text-anchor", "middle").text(percent(i / 5 * most));
    });
    key.append("text").attr("x", 6 * step + 10).attr("y", 11).text("in use");
  }

  // points: [[extra QALYs, extra cost]]; thresholds drawn as lines
  function plane(element, { points, threshold, label, width = 520, height = 380 }) {
    const margin = { left: 70, right: 24, top: 34, bottom: 40 };
    const svg = canvas(element, width, height, label);
    const scale = (k, range) => d3.scaleLinear().domain(d3.extent(points.map(p => p[k]).concat(0))).nice().range(range);
    const x = scale(0, [margin.left, width - margin.right]), y = scale(1, [height - margin.bottom, margin.top]);
    axes(svg, x, y, width, height, margin, "Extra cost, GBP");
    svg.append("text").attr("x", width - margin.right).attr("y", height - 4).attr("text-anchor", "end").text("Extra QALYs");
    svg.selectAll("circle").data(points).enter().append("circle").attr("cx", p => x(p[0])).attr("cy", p => y(p[1])).attr("r", 3).attr("fill", colour.own).attr("opacity", 0.45);
    const [low, high] = x.domain();
    svg.append("line").attr("x1", x(low)).attr("x2", x(high)).attr("y1", y(low * threshold)).attr("y2", y(high * threshold)).attr("stroke", colour.observed).attr("stroke-dasharray", "6 4");
    svg.append("line").attr("x1", x(low)).attr("x2", x(high)).attr("y1", y(0)).attr("y2", y(0)).attr("stroke", colour.ink);
    svg.append("line").attr("x1", x(0)).attr("x2", x(0)).attr("y1", margin.top).attr("y2", height - margin.bottom).attr("stroke", colour.ink);
  }
  // curve: [[threshold, probability]]
  function acceptability(element, { curve, label, width = 520, height = 300 }) {
    const margin = { left: 50, right: 34, top: 34, bottom: 40 };
    const svg = canvas(element, width, height, label);
    const x = d3.scaleLinear().domain([0, d3.max(curve, c => c[0])]).range([margin.left, width - margin.right]);
    const y = d3.scaleLinear().domain([0, 1]).range([height - margin.bottom, margin.top]);
    axes(svg, x, y, width, height, margin, "Chance of being cost-effective", percent);
    svg.append("text").attr("x", width - margin.right).attr("y", height - 4).attr("text-anchor", "end").text("GBP per QALY");
    svg.append("path").attr("d", d3.line().x(c => x(c[0])).y(c => y(c[1]))(curve)).attr("fill", "none").attr("stroke", colour.own).attr("stroke-width", 2);
    svg.selectAll("circle").data(curve).enter().append("circle").attr("cx", c => x(c[0])).attr("cy", c => y(c[1])).attr("r", 4).attr("fill", colour.own);
  }
  // bars: [{name, meaning, at_low, at_high}] around base
  function tornado(element, { bars, base, unit, label, width = 760 }) {
    const narrow = width < kNarrow, letters = narrow ? 46 : 50;
    const texts = bars.map(b => lines(b.meaning || b.name, letters)), most = d3.max(texts, t => t.length) || 1;
    const head = narrow ? 15 * most + 4 : 0, row = narrow ? head + 24 : Math.max(26, 15 * most + 8);
    const title = lines(unit, 44), margin = { left: narrow ? 30 : 360, right: 30, top: 14 + 16 * title.length, bottom: 26 };
    const height = margin.top + margin.bottom + row * bars.length;
    const svg = canvas(element, width, height, label);
    const x = d3.scaleLinear().domain(d3.extent(bars.flatMap(b => [b.at_low, b.at_high]).concat(base))).nice().range([margin.left, width - margin.right]);
    svg.append("g").attr("transform", `translate(0,${height - margin.bottom})`).call(d3.axisBottom(x).ticks(narrow ? 3 : 6).tickFormat(number));
    title.forEach((line, k) => svg.append("text").attr("x", narrow ? 2 : margin.left).attr("y", 14 + 16 * k).text(line));
    const g = svg.selectAll("g.bar").data(bars).enter().append("g").attr("class", "bar").attr("transform", (b, i) => `translate(0,${margin.top + i * row})`);
    g.append("title").text(b => `${b.name}: ${number(b.at_low)} at its low end, ${number(b.at_high)} at its high end`);
    const half = (end, fill, stroke) => g.append("rect").attr("x", b => Math.min(x(base), x(b[end]))).attr("width", b => Math.abs(x(b[end]) - x(base)))
      .attr("y", 4 + head).attr("height", row - 9 - head).attr("fill", fill).attr("stroke", stroke);
    half("at_low", "#fff", colour.own);
    half("at_high", colour.own, colour.own);
    g.each(function (b, i) {
      const first = narrow ? 14 + 15 * (most - texts[i].length) : row / 2 + 4 - 7.5 * (texts[i].length - 1);
      texts[i].forEach((line, k) => d3.select(this).append("text").attr("x", narrow ? 2 : margin.left - 10).attr("y", first + 15 * k)
        .attr("text-anchor", narrow ? "start" : "end").attr("stroke", narrow ? "#fff" : null).attr("stroke-width", 4).attr("paint-order", "stroke")
        .style("font-size", "12px").text(line));
    });
    start(svg, x(base), narrow, { top: margin.top, bottom: height - margin.bottom, head, row, n: bars.length });
  }
  // rows: [{name, observed, p05, p25, p50, p75, p95, hollow}] one under the other on one axis
  function intervals(element, { rows, unit, label, width = 760 }) {
    const narrow = width < kNarrow, row = 24, margin = { left: narrow ? 80 : 130, right: 24, top: 24, bottom: 26 };
    const height = margin.top + margin.bottom + row * rows.length;
    const svg = canvas(element, width, height, label);
    const all = rows.flatMap(r => [r.p05, r.p95, r.observed]);
    const x = d3.scaleLinear().domain([Math.min(0, d3.min(all)), Math.max(0, d3.max(all)) || 1]).nice().range([margin.left, width - margin.right]);
    svg.append("g").attr("transform", `translate(0,${height - margin.bottom})`).call(d3.axisBottom(x).ticks(narrow ? 3 : 6).tickFormat(number));
    svg.append("text").attr("x", margin.left).attr("y", 14).text(unit);
    const g = svg.selectAll("g.row").data(rows).enter().append("g").attr("class", "row").attr("transform", (r, i) => `translate(0,${margin.top + i * row})`);
    const band = (low, high, inset, opacity) => g.append("rect").attr("x", r => x(r[low])).attr("width", r => Math.max(1, x(r[high]) - x(r[low])))
      .attr("y", inset).attr("height", row - 2 * inset).attr("fill", colour.own).attr("opacity", opacity);
    band("p05", "p95", 6, 0.25);
    band("p25", "p75", 4, 0.45);
    g.append("line").attr("x1", r => x(r.p50)).attr("x2", r => x(r.p50)).attr("y1", 2).attr("y2", row - 2).attr("stroke", colour.ink).attr("stroke-width", 2);
    g.append("path").attr("class", "observed").attr("d", d3.symbol().type(d3.symbolDiamond).size(80)).attr("transform", r => `translate(${x(r.observed)},${row / 2})`)
      .attr("fill", r => r.hollow ? "#fff" : colour.observed).attr("stroke", colour.observed).attr("stroke-width", 2);
    g.append("text").attr("x", margin.left - 10).attr("y", row / 2 + 4).attr("text-anchor", "end").text(r => r.name);
  }
  // rows: [{name, mean, text, low, high}] one under the other on one axis with a line at 0
  function forest(element, { rows, unit, label, width = 760 }) {
    const narrow = width < kNarrow, row = narrow ? 42 : 26, head = narrow ? 18 : 0;
    const letter = 7.6;  // [px], the widest that a name's letters are on average
    const left = Math.min(Math.max(120, letter * (d3.max(rows, r => r.name.length) || 0) + 16), width / 2);
    const margin = { left: narrow ? 34 : left, right: 76, top: unit ? 26 : 6, bottom: 26 };
    const height = margin.top + margin.bottom + row * rows.length;
    const svg = canvas(element, width, height, label);
    const ends = rows.flatMap(r => [r.low, r.high, r.mean]);
    const x = d3.scaleLinear().domain([Math.min(0, d3.min(ends)), Math.max(0, d3.max(ends)) || 1]).nice().range([margin.left, width - margin.right]);
    svg.append("g").attr("transform", `translate(0,${height - margin.bottom})`).call(d3.axisBottom(x).ticks(Math.max(2, Math.min(6, Math.round((width - margin.left - margin.right) / 80)))).tickFormat(number));
    start(svg, x(0), narrow, { top: margin.top, bottom: height - margin.bottom, head, row, n: rows.length });
    svg.append("text").attr("x", narrow ? 2 : 4).attr("y", 14).text(unit);
    const g = svg.selectAll("g.row").data(rows).enter().append("g").attr("class", "row").attr("transform", (r, i) => `translate(0,${margin.top + i * row})`);
    const middle = (row + head) / 2;
    g.append("path").attr("d", r => `M${x(r.low)},${middle}H${x(r.high)}M${x(r.low)},${middle - 5}v10M${x(r.high)},${middle - 5}v10`).attr("stroke", colour.own).attr("stroke-width", 2);
    g.append("circle").attr("cx", r => x(r.mean)).attr("cy", middle).attr("r", 5).attr("fill", colour.own);
    name(g, narrow, margin, row / 2 + 4);
    g.append("text").attr("x", width - margin.right + 10).attr("y", middle + 4).text(r => r.text);
  }
  // panels: [{name, values by year}] side by side on one scale; partial: years that are no whole ones, drawn open
  function columns(element, { years, partial = [], panels, label, width = 760, height = 220 }) {
    const across = width < kNarrow ? 1 : panels.length, gap = 20, left = 56, right = 16, top = 34, bottom = 24;
    const w = (width - left - right - gap * (across - 1)) / across, rows = Math.ceil(panels.length / across);
    const svg = canvas(element, width, height * rows, label);
    const all = panels.flatMap(p => p.values).filter(v => v !== null);
    const y = d3.scaleLinear().domain([Math.min(0, d3.min(all)), Math.max(0, d3.max(all))]).nice().range([height - bottom, top]);
    const x = d3.scaleBand().domain(years).range([0, w]).padding(0.25);
    const every = Math.ceil(years.length * 52 / w);
    panels.forEach((panel, i) => {
      const column = i % across, g = svg.append("g").attr("transform", `translate(${left + column * (w + gap)},${height * Math.floor(i / across)})`);
      const axis = d3.axisLeft(y).ticks(4).tickSizeInner(-w).tickFormat(column === 0 ? number : "");
      const ticks = g.append("g").call(axis);
      ticks.select(".domain").remove();
      ticks.selectAll(".tick line").attr("stroke", colour.line);
      g.append("text").attr("x", 0).attr("y", 16).style("font-weight", 600).text(panel.name);
      g.selectAll("rect").data(panel.values).enter().append("rect").attr("x", (v, k) => x(years[k])).attr("width", x.bandwidth())
        .attr("y", v => y(Math.max(0, v || 0))).attr("height", v => Math.abs(y(v || 0) - y(0)))
        .attr("fill", (v, k) => partial.includes(years[k]) ? "#fff" : colour.own).attr("stroke", colour.own)
        .attr("stroke-dasharray", (v, k) => partial.includes(years[k]) ? "4 3" : null)
        .append("title").text((v, k) => `${panel.name}, ${years[k]}${partial.includes(years[k]) ? " (part of the year)" : ""}: ${number(v)}`);
      // Bars too low to be seen are told.
      const most = d3.max(panel.values, v => Math.abs(v || 0)), [low, high] = y.domain();
      if (most < 0.03 * (high - low)) g.append("text").attr("x", w / 2).attr("y", (y(low) + y(high)) / 2).attr("text-anchor", "middle").attr("class", "low")
        .text(most === 0 ? "none in any year" : panel.values.every(v => (v || 0) >= 0) ? `at most ${number(most)} a year`
          : `between ${number(d3.min(panel.values, v => v || 0))} and ${number(d3.max(panel.values, v => v || 0))} a year`);
      g.append("line").attr("x2", w).attr("y1", y(0)).attr("y2", y(0)).attr("stroke", colour.ink);
      years.forEach((year, k) => {
        if (k % every === 0) g.append("text").attr("x", x(year) + x.bandwidth() / 2).attr("y", height - 6).attr("text-anchor", "middle").style("font-size", "11px").text(year);
      });
    });
  }
  return { fan, intervals, forest, columns, waterfall, tiles, plane, acceptability, tornado, number, day, shown };
})();
