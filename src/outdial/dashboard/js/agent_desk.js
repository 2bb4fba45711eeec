// One agent's desk: what the server tells of it, and what the agent asks for. Every message is the whole desk.
import { get, new_key, post } from "./api.js";
import { listen } from "./stream.js";

export class AgentDesk {
  constructor(dbid) {
    this.dbid = dbid;
    this.desk = null;
    this.choices = null;
    this.link = "connecting";
    this.ahead_ms = 0; // how far the server's clock is ahead of this one
    this.watchers = new Set();
  }

  /** Hear of every change. Returns what ends it. */
  watch(callback) {
    this.watchers.add(callback);
    return () => this.watchers.delete(callback);
  }

  /** Follow the desk. Returns what ends it; throws a Problem when there is no such desk. */
  async open() {
    const page = await get(`${this.path}/desk`);
    this.choices = page.choices;
    this.take(page.desk);
    return listen(`/agents/${this.dbid}/stream`, { desk: (desk) => this.take(desk) }, (state) => {
      this.link = state;
      this.tell();
    });
  }

  /** Ask for something; the answer is the desk as it is then. Throws a Problem. */
  async ask(act, body) {
    this.take(await post(`${this.path}/${act}`, body, { key: new_key() }));
  }

  get path() {
    return `/agents/${this.dbid}`;
  }

  take(desk) {
    if (this.desk && order(desk.version) < order(this.desk.version)) return; // an answer that the stream has overtaken
    this.ahead_ms = desk.now_utc_ms - Date.now();
    this.desk = desk;
    this.tell();
  }

  tell() {
    for (const callback of this.watchers) callback();
  }

  may(act) {
    return this.desk.may.includes(act);
  }

  /** The server's clock. */
  now() {
    return Date.now() + this.ahead_ms;
  }
}

/** `1795355096623-13`: the start of the server, and the number of the version since. */
function order(version) {
  const [start, n] = version.split("-").map(Number);
  return start * 1e6 + n;
}
