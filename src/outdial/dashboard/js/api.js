// The public API over fetch: sessions with their CSRF token, and refusals (RFC 9457) as one kind of error.

const ROOT = "/v1";

/** A refusal of the server, or no answer at all (status 0). */
export class Problem extends Error {
  constructor(status, code, detail, mistakes = [], retry_after_s = null) {
    super(detail);
    this.status = status;
    this.code = code;
    this.mistakes = mistakes;
    this.retry_after_s = retry_after_s;
  }
}

let session = null;
const watchers = new Set();

/** Who is signed in: {name, scopes, campaigns, agent_id, csrf_token, …}, or null. */
export function current_session() {
  return session;
}

/** Whether the session has a scope. */
export function may(scope) {
  return session !== null && session.scopes.includes(scope);
}

/** Hear of sign-in and sign-out. Returns what ends it. */
export function watch_session(callback) {
  watchers.add(callback);
  return () => watchers.delete(callback);
}

function become(next) {
  session = next;
  for (const callback of watchers) callback(session);
  return session;
}

/** Sign in with {key}, {token} or {login, password}. */
export async function sign_in(proof) {
  return become((await request("POST", "/session", { body: proof, may_sign_out: false })).data);
}

/** The session that the browser's cookie names; null: none. */
export async function resume_session() {
  try {
    return become((await request("GET", "/session", { may_sign_out: false })).data);
  } catch (problem) {
    if (problem.status === 401 || problem.status === 403) return become(null);
    throw problem;
  }
}

/** Change the own password with {password, new_password}. This session goes on as a new one. */
export async function change_password(change) {
  return become((await request("POST", "/session/password", { body: change })).data);
}

export async function sign_out() {
  try {
    await request("DELETE", "/session", { may_sign_out: false });
  } finally {
    become(null);
  }
}

/** An Idempotency-Key: the server does a request with the same key only once. */
export function new_key() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * One request. `body` is sent as JSON, unless it is text, a Blob or a File and `type` names its media type.
 * Returns {data, etag, status}; throws a Problem.
 */
export async function request(method, path, options = {}) {
  const { body, type, etag, key, signal, may_sign_out = true } = options;
  const headers = { Accept: "application/json" };
  if (method !== "GET" && session) headers["X-CSRF-Token"] = session.csrf_token ?? "";
  if (etag) headers["If-Match"] = etag;
  if (key) headers["Idempotency-Key"] = key;
  const init = { method, headers, signal, credentials: "same-origin", cache: "no-store" };
  if (body !== undefined) {
    headers["Content-Type"] = type ?? "application/json";
    init.body = type ? body : JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(ROOT + path, init);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, "unreachable", "the server does not answer");
  }
  const text = response.status === 204 ? "" : await response.text();
  if (!response.ok) {
    if (response.status === 401 && may_sign_out) become(null);
    throw problem_of(response.status, response.statusText, response.headers.get("Retry-After"), text);
  }
  return { data: parsed(text), etag: response.headers.get("ETag"), status: response.status };
}

/** Send a file; `on_progress` hears which share of it has left. Answers and refusals as of `request`. */
export function upload(path, file, type, on_progress) {
  return new Promise((resolve, reject) => {
    const sent = new XMLHttpRequest();
    sent.open("POST", ROOT + path);
    sent.setRequestHeader("Accept", "application/json");
    sent.setRequestHeader("Content-Type", type);
    sent.setRequestHeader("Idempotency-Key", new_key());
    if (session) sent.setRequestHeader("X-CSRF-Token", session.csrf_token ?? "");
    sent.upload.onprogress = ({ loaded, total }) => on_progress(total ? loaded / total : 0);
    sent.onerror = () => reject(new Problem(0, "unreachable", "the server does not answer"));
    sent.onload = () => {
      if (sent.status < 300) return resolve(parsed(sent.responseText));
      if (sent.status === 401) become(null);
      return reject(problem_of(sent.status, sent.statusText, sent.getResponseHeader("Retry-After"), sent.responseText));
    };
    sent.send(file);
  });
}

function problem_of(status, title, retry_after, text) {
  const told = parsed(text) ?? {};
  return new Problem(status, told.code ?? "unknown", told.detail ?? `${status} ${title}`, told.mistakes ?? [], Number(retry_after) || null);
}

function parsed(text) {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

export const get = async (path, options) => (await request("GET", path, options)).data;
export const post = async (path, body, options) => (await request("POST", path, { body, ...options })).data;
export const patch = async (path, body, options) => (await request("PATCH", path, { body, ...options })).data;
export const remove = async (path, options) => (await request("DELETE", path, options)).data;

/** Every page of a list: follows `next_cursor` until there is none, `pages_max` at most. */
export async function get_all(path, name, pages_max = 20) {
  const found = [];
  let cursor = null;
  for (let page = 0; page < pages_max; page += 1) {
    const joint = path.includes("?") ? "&" : "?";
    const answer = await get(cursor ? `${path}${joint}cursor=${encodeURIComponent(cursor)}` : path);
    found.push(...answer[name]);
    cursor = answer.next_cursor;
    if (!cursor) break;
  }
  return found;
}
