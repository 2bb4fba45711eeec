// What the agent says of a call: its result, a callback, no more calls.
import { Action, Refusal, say } from "./controls.js";
import { html, useState } from "./html.js";
import { Word } from "./agent_record.js";

/** The key of a result: its place, 1 … 9 and 0. DO_NOT_CALL has none: it asks once more. */
export const KEYS = "1234567890";

const HOUR_MS = 3600e3;

/** UTC milliseconds as a `datetime-local` field wants them, in the viewer's zone. */
function local(utc_ms) {
  const at = new Date(utc_ms);
  return new Date(utc_ms - at.getTimezoneOffset() * 60e3).toISOString().slice(0, 16);
}

/** Tomorrow at this hour of the viewer's clock. */
function tomorrow_at(utc_ms, hour) {
  const at = new Date(utc_ms);
  at.setDate(at.getDate() + 1);
  at.setHours(hour, 0, 0, 0);
  return at.getTime();
}

export const plain_results = (choices) => choices.results.filter((result) => result.name !== "DO_NOT_CALL");

/** `call` is what it is about: the call that is going on, else the last one. */
export function SayPanel({ desk, call, note, set_note, give }) {
  const said = call.said;
  return html`<section class="panel say" aria-labelledby="say">
    <header><h2 id="say">What came of it?</h2>
      ${said && html`<span class="aside">You said: <${Word} word=${{ ...said, given_utc_ms: null }} /></span>`}</header>
    <div class="body stack">
      <div class="field"><label for="note">Note</label>
        <textarea id="note" rows="2" maxlength=${desk.choices.note_characters_max} value=${note}
          onInput=${(event) => set_note(event.target.value)} /></div>
      <div class="results" role="group" aria-label="Result">
        ${plain_results(desk.choices).map((result, place) => html`<button type="button" key=${result.name}
          aria-pressed=${said?.call_result === result.name && !said.callback_at_utc_ms} onClick=${() => give(result.name)}
          ><span>${result.label}</span>${place < KEYS.length && html`<kbd aria-hidden="true">${KEYS[place]}</kbd>`}</button>`)}
      </div>
      <${CallbackForm} key=${call.call_id} desk=${desk} call=${call} note=${note} set_note=${set_note} />
      <div class="row"><${Action} label="Do not call again" sure="Sure? No more calls" kind="danger" what="Do not call"
        run=${async () => {
          await desk.ask("dnc", { call_id: call.call_id, note });
          set_note("");
        }} done="The number will not be called again" /></div>
    </div>
  </section>`;
}

function CallbackForm({ desk, call, note, set_note }) {
  const [at, set_at] = useState("");
  const [problem, set_problem] = useState(null);
  const [is_busy, set_busy] = useState(false);
  const now = desk.now();
  const latest = now + desk.choices.callback_ahead_ms_max;

  async function submit(event) {
    event.preventDefault();
    const form = new FormData(event.target);
    set_busy(true);
    set_problem(null);
    try {
      await desk.ask("callback", {
        at_utc_ms: Math.max(new Date(at).getTime(), Math.ceil(desk.now()) + 1000),
        personal: form.get("personal") === "on",
        number: form.get("number").replace(/[\s()./-]/g, ""),
        note,
        call_id: call.call_id,
      });
      say("Callback noted");
      set_note("");
    } catch (refused) {
      set_problem(refused);
    } finally {
      set_busy(false);
    }
  }

  const quick = [["in 1 hour", now + HOUR_MS], ["in 3 hours", now + 3 * HOUR_MS], ["tomorrow 10:00", tomorrow_at(now, 10)]];
  return html`<details class="callback"><summary>Call back later</summary>
    <form onSubmit=${submit} class="stack">
      <div class="field"><label for="at">When (your time)</label>
        <input id="at" name="at" type="datetime-local" required value=${at} min=${local(now)} max=${local(latest)}
          onInput=${(event) => set_at(event.target.value)} />
        <div class="row">${quick.map(([name, utc_ms]) => html`<button type="button" class="small" key=${name}
          onClick=${() => set_at(local(utc_ms))}>${name}</button>`)}</div></div>
      <div class="field"><label for="number">At another number</label>
        <input id="number" name="number" type="tel" autocomplete="off" placeholder=${call.record.number} /></div>
      <label class="check"><input type="checkbox" name="personal" defaultChecked /> By me, not by anybody of the group</label>
      <${Refusal} problem=${problem} />
      <div class="row"><button class="main" disabled=${is_busy}>Note the callback</button></div>
    </form>
  </details>`;
}
