// How things stand: whole from `GET /v1/snapshot` or the stream's `snapshot`, then kept by its `change` events. Whoever
// shows it is told at most once per frame.

const KINDS = { groups: "dbid", pools: "dialer", nodes: "dbid", agents: "dbid" };

export class Board {
  constructor() {
    /** Difference of the server's clock and ours. Unit: ms. */
    this.skew_ms = 0;
    this.utc_ms = 0;
    this.is_known = false;
    this.link = "connecting";
    this.alarms = [];
    this.stops = [];
    this.by = Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, new Map()]));
    this._ordered = {};
    this._places = null;
    this._watchers = new Set();
    this._is_due = false;
  }

  /** Everything anew. */
  replace(snapshot) {
    for (const [kind, key] of Object.entries(KINDS)) {
      this.by[kind] = new Map((snapshot[kind] ?? []).map((item) => [item[key], item]));
    }
    this.is_known = true;
    this._rest(snapshot);
  }

  /** Some objects changed, some are gone. */
  apply(change) {
    for (const [kind, key] of Object.entries(KINDS)) {
      for (const item of change[kind] ?? []) this.by[kind].set(item[key], item);
      for (const gone of change.removed?.[kind] ?? []) this.by[kind].delete(gone);
    }
    this._rest(change);
  }

  _rest(told) {
    this._ordered = {};
    this._places = null;
    if (told.utc_ms) {
      this.utc_ms = told.utc_ms;
      this.skew_ms = told.utc_ms - Date.now();
    }
    if (told.alarms) this.alarms = told.alarms;
    if (told.stops) this.stops = told.stops;
    this.changed();
  }

  /** Clock of the server now. Unit: UTC ms. */
  now_utc_ms() {
    return Date.now() + this.skew_ms;
  }

  set_link(state) {
    this.link = state;
    this.changed();
  }

  changed() {
    if (this._is_due) return;
    this._is_due = true;
    const tell = () => {
      this._is_due = false;
      for (const callback of this._watchers) callback(this);
    };
    // a page in the background gets no frames, yet its history must go on
    if (document.hidden) setTimeout(tell, 250);
    else requestAnimationFrame(tell);
  }

  watch(callback) {
    this._watchers.add(callback);
    return () => this._watchers.delete(callback);
  }

  get groups() { return this._in_order("groups", "dbid"); }
  get pools() { return this._in_order("pools", "name"); }
  get nodes() { return this._in_order("nodes", "dbid"); }
  get agents() { return this._in_order("agents", "dbid"); }

  group(dbid) { return this.by.groups.get(dbid); }

  /** Colour class of a group: the same on every page. */
  hue(dbid) {
    this._places ??= new Map(this.groups.map((group, place) => [group.dbid, place]));
    return `g${((this._places.get(dbid) ?? 0) % 8) + 1}`;
  }

  /** Objects of a kind in order, put there once for each change: a page asks many times. */
  _in_order(kind, key) {
    this._ordered[kind] ??= [...this.by[kind].values()].sort((a, b) => (a[key] < b[key] ? -1 : a[key] > b[key] ? 1 : 0));
    return this._ordered[kind];
  }
}
