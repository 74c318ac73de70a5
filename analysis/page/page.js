// Puts the charts on the page. The text and the tables are there already; without scripts nothing is missing but pictures.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  document.documentElement.classList.add("js");
  const at = id => document.getElementById(id);
  const state = { programme: data.programme, time: data.headline_time };
  const course = (metric, strategy, place) => {
    const values = data.course[metric].values[strategy][state.programme][place];
    return { p05: values[0], p25: values[1], p50: values[2], p75: values[3], p95: values[4] };
  };
  const unique = [...new Set([data.lead, data.comparator])];
  const title = () => data.programmes[state.programme].title;

  // Drawn as wide as there is room, so that text keeps its size on a telephone; nothing where the element is folded away.
  const room = (element, most) => Math.max(280, Math.min(most, element.parentElement.clientWidth || most));
  function fans() {
    for (const figure of document.querySelectorAll("[data-fan]")) {
      const metric = figure.dataset.fan;
      if (!data.course[metric]) continue;
      const known = unique.some(s => course(metric, s, 0).p50.some(v => v !== null));
      figure.closest("figure").hidden = !known;
      if (!known) continue;
      draw.fan(figure, {
        times: data.times, width: room(figure, 760), height: room(figure, 760) < 560 ? 260 : 360, unit: data.course[metric].unit,
        series: unique.map(s => ({ name: data.strategies[s], own: s === data.lead, ...course(metric, s, 0) })),
        observed: data.observed.filter(o => o.metric === metric && o.programme === state.programme),
        label: `${data.course[metric].long_name}, ${title()}: ${data.strategies[data.lead]} against ${data.strategies[data.comparator]}`,
      });
    }
  }
  function multiples() {
    const element = at("multiples");
    if (!element) return;
    element.textContent = "";
    data.places.forEach((place, p) => {
      if (p === 0) return;
      const figure = document.createElement("figure");
      const caption = document.createElement("figcaption");
      caption.textContent = place;
      const chart = document.createElement("div");
      figure.append(caption, chart);
      element.append(figure);
      const regional = s => {
        const v = data.regional.values[s][state.programme][p];
        return { p05: v[0], p25: v[0], p50: v[1], p75: v[2], p95: v[2] };
      };
      draw.fan(chart, { times: data.times, width: 240, height: 150, small: true, label: `In use, ${place}, ${title()}`,
        series: unique.map(s => ({ own: s === data.lead, ...regional(s) })) });
    });
  }
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
      draw.tiles(element, { tiles: layer.tiles, values, size: element.dataset.tiles === "board" ? 44 : 62,
        label: `Share in use by ${element.dataset.tiles}, ${title()}, ${when}` });
    }
  }
  function fixed() {
    if (data.waterfall && at("waterfall")) draw.waterfall(at("waterfall"), { ...data.waterfall, width: room(at("waterfall"), 760) });
    if (data.plane && at("plane")) draw.plane(at("plane"), { ...data.plane, width: room(at("plane"), 520) });
    if (data.acceptability && at("acceptability")) draw.acceptability(at("acceptability"), { ...data.acceptability, width: room(at("acceptability"), 520) });
    if (data.tornado && at("tornado")) draw.tornado(at("tornado"), { ...data.tornado, width: room(at("tornado"), 760) });
    for (const element of document.querySelectorAll("[data-bars]")) draw.waterfall(element, { ...data.bars[+element.dataset.bars], width: room(element, 760) });
    for (const element of document.querySelectorAll("[data-intervals]")) draw.intervals(element, { ...data.intervals[+element.dataset.intervals], width: room(element, 760) });
  }
  function all() { fans(); multiples(); maps(); }

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
    fans();
  });
  // What was folded away had no width to be drawn to.
  document.addEventListener("toggle", event => { if (event.target.open && event.target.querySelector("[data-intervals]")) fixed(); }, true);
})();
