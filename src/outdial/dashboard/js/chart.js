// Curves over time: uPlot draws, the legend is ours and can be read without seeing the curves.
import { clock } from "./format.js";
import { html, useEffect, useRef, useState } from "./html.js";

const DARK = matchMedia("(prefers-color-scheme: dark)");
/** Shortest stretch of time that is shown. Unit: s. */
const SPAN_S_MIN = 120;

function colour_of(element, name) {
  return getComputedStyle(element).getPropertyValue(name).trim();
}

/** Rows on top of each other: what uPlot draws of a stack. A null stays a null. */
export function stacked(rows) {
  const sums = [];
  for (const row of rows) {
    const below = sums.at(-1);
    sums.push(row.map((value, n) => (value === null || value === undefined ? null : value + (below?.[n] ?? 0))));
  }
  return sums;
}

/**
 * A chart of the last minutes.
 *
 * `rows`: instants in s, then one row of numbers per line. `lines`: [{name, hue, is_stacked, is_dashed}], hue being a
 * colour variable; the stacked ones come first, lowest first. `label`: what the chart shows, in one sentence.
 */
export function Chart({ rows, lines, label, height = 220, text = String }) {
  const place = useRef(null);
  const plot = useRef(null);
  const [at, set_at] = useState(null);
  const [theme, set_theme] = useState(DARK.matches);
  const signature = lines.map((line) => `${line.name}/${line.hue}/${line.is_stacked}`).join("|");

  useEffect(() => {
    const on_change = () => set_theme(DARK.matches);
    DARK.addEventListener("change", on_change);
    return () => DARK.removeEventListener("change", on_change);
  }, []);

  useEffect(() => {
    const made = new globalThis.uPlot(options(place.current, lines, height, set_at), drawn(rows, lines), place.current);
    plot.current = made;
    const sizes = new ResizeObserver(() => place.current && made.setSize({ width: place.current.clientWidth, height }));
    sizes.observe(place.current);
    return () => {
      sizes.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [signature, theme, height]);

  useEffect(() => plot.current?.setData(drawn(rows, lines)), [rows]);

  const index = at === null || at >= rows[0].length ? rows[0].length - 1 : at;
  return html`<figure class="chart">
    <div class="canvas" ref=${place} role="img" aria-label=${label}></div>
    <figcaption>
      <ul class="legend">
        ${lines.map((line, n) => html`<li key=${line.name}>
          <span class=${`swatch ${line.is_dashed ? "dashed" : ""}`} style=${{ "--hue": `var(${line.hue})` }}></span>
          ${line.name} <b>${value_text(rows[n + 1][index], text)}</b>
        </li>`)}
      </ul>
      <span class="muted instant">${at === null ? "now" : clock(rows[0][index] * 1000)}</span>
    </figcaption>
  </figure>`;
}

const value_text = (value, text) => (value === null || value === undefined ? "–" : text(value));

function drawn(rows, lines) {
  const [instants, ...values] = rows;
  const below = lines.filter((line) => line.is_stacked).length;
  return [instants, ...stacked(values.slice(0, below)), ...values.slice(below)];
}

function options(element, lines, height, set_at) {
  const muted = colour_of(element, "--muted");
  const grid = { stroke: colour_of(element, "--line"), width: 1 };
  const axis = { stroke: muted, font: `11px ${colour_of(element, "--sans")}`, grid, ticks: { show: false } };
  return {
    width: element.clientWidth || 300,
    height,
    padding: [8, 24, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
    scales: {
      x: { range: (plot) => span(plot.data[0]) },
      y: { range: (_, low, high) => [0, Math.max(4, Math.ceil((high ?? 0) * 1.08))] },
    },
    axes: [
      { ...axis, size: 26, space: 90, values: (_, splits) => splits.map((s) => clock(s * 1000)) },
      { ...axis, size: 36, space: 34, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000] },
    ],
    series: [{}, ...lines.map((line) => series(element, line))],
    bands: lines.flatMap((line, n) => (line.is_stacked && n > 0
      ? [{ series: [n + 1, n], fill: colour_of(element, line.hue) + "b0" }]
      : [])),
    hooks: { setCursor: [(plot) => set_at(plot.cursor.idx ?? null)] },
  };
}

/** What is shown of time: all that is known, or `SPAN_S_MIN`. uPlot's own idea of it is none with a single instant. */
function span(instants) {
  const last = instants.at(-1) ?? Date.now() / 1000;
  return [Math.min(instants[0] ?? last, last - SPAN_S_MIN), last];
}

function series(element, line) {
  const stroke = colour_of(element, line.hue);
  return {
    stroke,
    width: line.is_stacked ? 1 : 1.5,
    dash: line.is_dashed ? [5, 4] : undefined,
    fill: line.is_stacked ? stroke + "b0" : undefined,
    points: { show: false },
    spanGaps: false,
    paths: globalThis.uPlot.paths.stepped({ align: 1 }),
  };
}
