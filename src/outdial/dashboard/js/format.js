// Numbers and instants as people read them. A value that is not known is a dash.
const DASH = "–";
const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const ONE = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const STAMP = new Intl.DateTimeFormat("en-CA", {
  year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false,
});

const known = (value) => value !== null && value !== undefined && Number.isFinite(value);

/** 12,345 */
export const count = (value) => (known(value) ? WHOLE.format(value) : DASH);

/** 12.3 */
export const tenths = (value) => (known(value) ? ONE.format(value) : DASH);

/** A share of 1 as 2.3 % */
export const percent = (share) => (known(share) ? `${ONE.format(100 * share)} %` : DASH);

/** Milliseconds as 1:23 or 1:02:03 */
export function duration(ms) {
  if (!known(ms)) return DASH;
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (value) => String(value).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** UTC milliseconds as 14:05:09, in the viewer's zone */
export const clock = (utc_ms) => (known(utc_ms) ? CLOCK.format(utc_ms) : DASH);

/** UTC milliseconds as 2026-11-22 14:05:09, in the viewer's zone */
export const stamp = (utc_ms) => (known(utc_ms) ? STAMP.format(utc_ms).replace(", ", " ").replace(" 24:", " 00:") : DASH);

/** `predictive-with-seizing` as `predictive, seizing` */
export const mode_name = (mode) => mode.replace("-with-seizing", ", seizing").replace("-gvp", ", IVR").replace("push-", "push ");

/** `no_answer` as `no answer` */
export const words = (name) => name.replaceAll("_", " ").replaceAll("-", " ");

/** With a capital letter at the start */
export const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** 1 call, 2 calls */
export const counted = (value, one, many = `${one}s`) => `${count(value)} ${value === 1 ? one : many}`;
