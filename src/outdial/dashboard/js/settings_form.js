// Settings of a running group: what is in effect, what the file says, who changed it; changing and taking back.
import { Problem, request } from "./api.js";
import { Action, Refusal, say } from "./controls.js";
import { stamp, words } from "./format.js";
import { html, useEffect, useState } from "./html.js";

/** What a person typed, in the type of the value that it replaces. */
function typed(setting, text) {
  const like = setting.value ?? setting.file_value;
  if (typeof like === "boolean") return text === "true";
  if (typeof like === "number" || (like === null && /^-?\d+(\.\d+)?$/.test(text))) return text.trim() === "" ? null : Number(text);
  return text;
}

const shown = (value) => (value === null || value === undefined ? "" : String(value));

export function SettingsForm({ dbid }) {
  const [known, set_known] = useState(null);
  const [changes, set_changes] = useState({});
  const [problem, set_problem] = useState(null);
  const path = `/groups/${dbid}`;

  async function load() {
    try {
      const { data, etag } = await request("GET", `${path}/settings`);
      set_known({ settings: data.settings, etag });
    } catch (refused) {
      if (!(refused instanceof Problem)) throw refused;
      set_known({ settings: [], etag: null, refused });
    }
  }
  useEffect(() => {
    load();
  }, [dbid]);

  async function submit(event) {
    event.preventDefault();
    set_problem(null);
    const changed = known.settings.filter((each) => each.name in changes);
    const wanted = Object.fromEntries(changed.map((each) => [each.name, typed(each, changes[each.name])]));
    try {
      const { data, etag } = await request("PATCH", path, { body: wanted, etag: known.etag });
      set_known({ settings: data.settings, etag });
      set_changes({});
      say("The settings are in effect");
    } catch (refused) {
      set_problem(refused);
      if (refused.status === 412) await load(); // somebody was quicker: show theirs, keep what was typed
    }
  }

  const take_back = (name) => async () => {
    const { data, etag } = await request("DELETE", `${path}/settings/${name}`, { etag: known.etag });
    set_known({ settings: data.settings, etag });
    return { text: `${words(name)} is as the file says` };
  };

  if (!known || known.refused?.status === 404) return null;
  if (known.refused) return html`<section class="panel"><header><h2>Settings</h2></header>
    <p class="empty">${known.refused.message}</p></section>`;
  const count = Object.keys(changes).length;
  return html`<section class="panel" aria-label="Settings"><header><h2>Settings</h2>
    <span class="aside">take effect at once, outlive restarts</span></header>
    <form onSubmit=${submit}>
      <ul class="settings">${known.settings.map((each) => html`<${Setting} key=${each.name} setting=${each}
        text=${changes[each.name]} take_back=${take_back(each.name)}
        change=${(text) => {
          const next = { ...changes, [each.name]: text };
          if (text === shown(each.value)) delete next[each.name];
          set_changes(next);
        }} />`)}</ul>
      <div class="body stack tight"><${Refusal} problem=${problem} />
        <div class="row"><button class="main"
          disabled=${count === 0}>${count > 1 ? `Change ${count} settings` : "Change"}</button>
          ${count > 0 && html`<button type="button" class="plain"
            onClick=${() => set_changes({})}>Forget changes</button>`}</div></div>
    </form></section>`;
}

function Setting({ setting, text, change, take_back }) {
  const { name, value, file_value, unit, allowed, choices, overridden_by, since_utc_ms, left_out } = setting;
  const id = `setting-${name}`;
  const current = text ?? shown(value);
  const field = choices.length
    ? html`<select id=${id} value=${current} aria-describedby=${`${id}-hint`}
      onChange=${(event) => change(event.target.value)}>
      ${!choices.includes(shown(value)) && html`<option value=${shown(value)}>not set</option>`}
      ${choices.map((each) => html`<option key=${each}>${each}</option>`)}</select>`
    : html`<input id=${id} value=${current} aria-describedby=${`${id}-hint`} placeholder="not set"
      onInput=${(event) => change(event.target.value)} />`;
  return html`<li class=${text !== undefined ? "changed" : ""}>
    <div class="field"><label for=${id}>${words(name)}${unit && html` <span
      class="muted">(${unit})</span>`}</label>${field}
      <span class="hint" id=${`${id}-hint`} title=${setting.text}>${choices.length ? setting.text : allowed}</span></div>
    ${overridden_by && html`<p
      class="small muted">changed by ${overridden_by}, ${stamp(since_utc_ms)}; the file says ${shown(file_value) || "nothing"}
      <${Action} kind="plain small" label="Take back" name=${words(name)} run=${take_back} /></p>`}
    ${left_out && html`<p class="small warn-text">no effect: ${left_out}</p>`}
  </li>`;
}
