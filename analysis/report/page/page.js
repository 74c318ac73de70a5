// Puts the charts on the page. The text and the tables are there already; without scripts nothing is missing but pictures.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  document.documentElement.classList.add("js");
  const at = id => document.getElementById(id);
  const state = { programme: data.programme || 0, time: data.headline_time || 0 };
  const course = (metric, strategy, place) => {
    const values = data.course[metric].values[strategy][state.programme][place];
    return values && { p05: values[0], p25: values[1], p50: values[2], p75: values[3], p95: values[4] };
  };
  const unique = [...new Set([data.lead, data.comparator])];  // strategies that are drawn
  const title = () => data.programmes[state.programme].title;

  // Drawn as wide as there is room, so that text keeps its size on a telephone; nothing where the element is folded away.
  const room = (element, most) => Math.max(280, Math.min(most, element.parentElement.clientWidth || most));
  function fans() {
    for (const figure of document.querySelectorAll("[data-fan]")) {
      const metric = figure.dataset.fan;
      if (!data.course[metric]) continue;
      const known = unique.some(s => course(metric, s, 0));
      const whole = figure.closest("figure");
      whole.hidden = !known;
      whole.parentElement.hidden = !known && !whole.parentElement.querySelector("table");
      if (!known) continue;
      const width = room(figure, 760);
      draw.fan(figure, {
        times: data.times, width, height: Math.max(230, Math.min(360, width * 0.56)), unit: data.course[metric].unit,
        series: unique.filter(s => course(metric, s, 0)).map(s => ({ name: data.strategies[s], own: s === data.lead, ...course(metric, s, 0) })),
        observed: data.observed.filter(o => o.metric === metric && o.programme === state.programme),
        label: `${data.course[metric].long_name}, ${title()}: ${unique.map(s => data.strategies[s]).join(" against ")}`,
      });
    }
    if (at("published-key")) at("published-key").hidden = !document.querySelector("figure:not([hidden]) > [data-fan] .observed");
  }
  // Of a network: its share in use where the number of eligible organisations is known, else its number.
  function regional(s, place) {
    const region = data.map.region, tile = region ? region.tiles.findIndex(t => t.place === place) : -1;
    const eligible = tile < 0 ? 0 : region.eligible[state.programme][tile];
    const share = values => eligible > 0 ? values.map(v => v === null ? null : v / eligible) : values;
    const all = data.regional.values[s][state.programme];
    if (all && all[place]) return { p05: share(all[place][0]), p50: share(all[place][1]), p95: share(all[place][2]) };
    // Of one of many programmes only the mean of the lead strategy's world is on the page.
    if (tile < 0 || s !== data.lead) return null;
    const mean = share(region.values[s][state.programme].map(at => at[tile]));
    return { p05: mean, p50: mean, p95: mean };
  }
  function multiples() {
    const element = at("multiples");
    if (!element) return;
    element.textContent = "";
    const places = data.places.map((name, place) => ({ name, series: unique.map(s => ({ own: s === data.lead, ...regional(s, place) })).filter(s => s.p50) }));
    const shares = data.map.region !== undefined;
    const most = shares ? Math.max(...places.slice(1).flatMap(p => p.series.flatMap(s => s.p95)).filter(v => v !== null), 0.01) : undefined;
    at("multiples-note").textContent = (shares ? `${data.words.adoption_share}, on one scale` : data.words.adopters)
      + (data.regional.values[data.lead][state.programme] ? `; line: median, band: 90 % of the worlds${data.lead === data.comparator ? "" : `; dashed: without ${data.adds}`}.` : `; the mean with ${data.adds}.`);
    places.forEach((place, p) => {
      if (p === 0) return;
      const figure = document.createElement("figure");
      const caption = document.createElement("figcaption");
      caption.textContent = place.name;
      const chart = document.createElement("div");
      figure.append(caption, chart);
      element.append(figure);
      if (place.series.length === 0) return;
      draw.fan(chart, { times: data.times, width: Math.max(150, Math.min(240, chart.clientWidth || 200)), height: 130, small: true, unit: shares ? "share" : "", most,
        label: `In use, ${place.name}, ${title()}`, series: place.series.map(s => ({ ...s, p25: s.p05, p75: s.p95 })) });
    });
  }
  // The largest share of any tile at any time, rounded up: the end of the colours. They stay the same while time runs.
  function most_in_use() {
    let most = 0;
    for (const layer of Object.values(data.map)) {
      const eligible = layer.eligible[state.programme];
      for (const row of layer.values[data.lead][state.programme]) row.forEach((v, i) => { if (eligible[i] > 0) most = Math.max(most, v / eligible[i]); });
    }
    return Math.max(0.05, Math.min(1, most > 0.5 ? Math.ceil(10 * most) / 10 : Math.ceil(20 * most) / 20));
  }
  let most = 1;
  function maps() {
    const when = draw.shown(draw.day(data.times[state.time]));
    const text = at("map-time");
    if (!text) return;
    text.textContent = when;
    for (const element of document.querySelectorAll("[data-when]")) element.textContent = when;
    at("map-slider").setAttribute("aria-valuetext", when);
    for (const element of document.querySelectorAll("[data-tiles]")) {
      const layer = data.map[element.dataset.tiles];
      if (!layer) continue;
      const eligible = layer.eligible[state.programme];
      const values = layer.values[data.lead][state.programme][state.time].map((v, i) => eligible[i] > 0 ? v / eligible[i] : null);
      draw.tiles(element, { tiles: layer.tiles, values, most, size: element.dataset.tiles === "board" ? 44 : 62,
        label: `Share in use by ${element.dataset.tiles}, ${title()}, ${when}` });
    }
  }
  function fixed() {
    if (data.waterfall && at("waterfall")) draw.waterfall(at("waterfall"), { ...data.waterfall, width: room(at("waterfall"), 760) });
    if (data.plane && at("plane")) draw.plane(at("plane"), { ...data.plane, width: room(at("plane"), 520) });
    if (data.acceptability && at("acceptability")) draw.acceptability(at("acceptability"), { ...data.acceptability, width: room(at("acceptability"), 520) });
    if (data.tornado && at("tornado")) draw.tornado(at("tornado"), { ...data.tornado, width: room(at("tornado"), 960) });
    for (const element of document.querySelectorAll("[data-bars]")) draw.waterfall(element, { ...data.bars[+element.dataset.bars], width: room(element, 760) });
    if (data.years && at("years")) draw.columns(at("years"), { ...data.years, width: room(at("years"), 900) });
    for (const element of document.querySelectorAll("[data-ledger]")) draw.waterfall(element, { ...data.ledger[+element.dataset.ledger], width: room(element, 530) });
    for (const element of document.querySelectorAll("[data-forest]")) draw.forest(element, { ...data.forests[+element.dataset.forest], width: room(element, 760) });
    for (const element of document.querySelectorAll("[data-intervals]")) draw.intervals(element, { ...data.intervals[+element.dataset.intervals], width: room(element, 760) });
  }
  function all() {
    if (!data.course) return;
    most = data.map ? most_in_use() : 1;
    fans();
    multiples();
    maps();
  }

  const slider = at("map-slider");
  if (slider) {
    slider.max = data.times.length - 1;
    slider.value = state.time;
    slider.addEventListener("input", () => { state.time = +slider.value; maps(); });
    let timer = null;
    const play = at("map-play");
    play.addEventListener("click", () => {
      if (timer) { clearInterval(timer); timer = null; play.textContent = "Play"; return; }
      play.textContent = "Pause";
      if (state.time === data.times.length - 1) state.time = 0;
      timer = setInterval(() => {
        if (state.time >= data.times.length - 1) { clearInterval(timer); timer = null; play.textContent = "Play"; return; }
        slider.value = ++state.time;
        maps();
      }, 150);
    });
  }
  const choice = at("programme");
  if (choice) choice.addEventListener("change", () => { state.programme = +choice.value; all(); });
  fixed();
  all();
  let before = window.innerWidth;
  window.addEventListener("resize", () => {
    if (window.innerWidth === before) return;
    before = window.innerWidth;
    fixed();
    if (data.course) { fans(); multiples(); }
  });
  // What was folded away had no width to be drawn to.
  document.addEventListener("toggle", event => { if (event.target.open && event.target.querySelector("[data-intervals]")) fixed(); }, true);
})();
