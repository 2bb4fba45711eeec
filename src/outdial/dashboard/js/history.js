// The last minutes of ports and calls: the server's own samples first, then one a second out of the live board.
import { get } from "./api.js";

const STEP_MS = 1000;
const KEPT = 900;
/** A gap longer than this breaks the line. Unit: ms. */
const GAP_MS = 5000;
/** Told later than something newer, a board may be this old; older than that, the server's clock was set back. Unit: ms. */
const BACK_MS = 10000;

export class History {
  constructor() {
    /** Oldest first: {t, pools: {dialer: ports}, groups: {dbid: [used, maximum, demand]}, nodes: {dbid: requests}} */
    this.samples = [];
    this._asked = new Set();
  }

  /** Take a sample if it is time. */
  look(board) {
    const t = board.utc_ms;
    const last = this.samples.at(-1);
    if (last && t < last.t - BACK_MS) this.samples = [];
    else if (!board.is_known || (last && t - last.t < STEP_MS)) return;
    this.samples.push({
      t,
      pools: Object.fromEntries(board.pools.map((pool) => [pool.dialer, pool.ports])),
      groups: Object.fromEntries(
        board.groups.map(({ dbid, ports }) => [dbid, [ports.used, ports.maximum, ports.need]]),
      ),
      nodes: Object.fromEntries(board.nodes.map((node) => [node.dbid, node.requests])),
    });
    if (this.samples.length > KEPT) this.samples.splice(0, this.samples.length - KEPT);
  }

  /** Put what the server remembers before what we have seen. */
  async recall(board) {
    const dialers = board.pools.map((pool) => pool.dialer).filter((dialer) => !this._asked.has(dialer));
    if (dialers.length === 0) return;
    for (const dialer of dialers) this._asked.add(dialer);
    const told = await Promise.all(dialers.map((dialer) => get(`/pools/${dialer}/history`)));
    const first = this.samples[0]?.t ?? Infinity;
    const by_instant = new Map();
    for (const { dialer, samples } of told) {
      for (const { utc_ms, ports, used } of samples) {
        if (utc_ms >= first) break;
        const sample = by_instant.get(utc_ms) ?? { t: utc_ms, pools: {}, groups: {}, nodes: {} };
        sample.pools[dialer] = ports;
        for (const [dbid, count] of Object.entries(used)) sample.groups[dbid] = [count];
        by_instant.set(utc_ms, sample);
      }
    }
    this.samples = [...[...by_instant.values()].sort((a, b) => a.t - b.t), ...this.samples].slice(-KEPT);
    board.changed();
  }

  /** Rows for a chart: instants in s, then one row of numbers per function. A gap becomes a null. */
  rows(...values_of) {
    const rows = [[], ...values_of.map(() => [])];
    let before = null;
    for (const sample of this.samples) {
      if (before !== null && sample.t - before > GAP_MS) {
        rows[0].push((before + STEP_MS) / 1000);
        values_of.forEach((_, n) => rows[n + 1].push(null));
      }
      rows[0].push(sample.t / 1000);
      values_of.forEach((value_of, n) => rows[n + 1].push(value_of(sample) ?? null));
      before = sample.t;
    }
    return rows;
  }

  /** Growth of a total per minute over the last `ms`; null: not known yet. */
  per_minute(value_of, ms = 15000) {
    const last = this.samples.at(-1);
    const known = (sample) => Number.isFinite(value_of(sample));
    const first = this.samples.find((sample) => last.t - sample.t <= ms && known(sample));
    if (!first || !known(last) || last.t - first.t < 2000) return null;
    return Math.max(0, ((value_of(last) - value_of(first)) * 60000) / (last.t - first.t));
  }
}
