// Who is signed in, at the top of every page: the name, the own password, signing out.
import { change_password, sign_out } from "./api.js";
import { Refusal, say, say_problem } from "./controls.js";
import { html, useEffect, useRef, useState } from "./html.js";

const PERSON = "user ";

/** `end` is what the button says that signs out. */
export function Account({ session, end }) {
  const [is_open, set_open] = useState(false);
  if (!session.csrf_token) return html`<span class="name">${session.name}</span>`;
  return html`<span class="name">${session.name}</span>
    ${session.name.startsWith(PERSON) && html`<button class="plain" aria-haspopup="dialog"
      onClick=${() => set_open(true)}>Password</button>`}
    <button class="plain"
      onClick=${() => sign_out().catch((problem) => say_problem(problem, "Signing out"))}>${end}</button>
    ${is_open && html`<${OwnPassword} login=${session.name.slice(PERSON.length)} close=${() => set_open(false)} />`}`;
}

function OwnPassword({ login, close }) {
  const dialog = useRef(null);
  const [problem, set_problem] = useState(null);
  const [is_busy, set_busy] = useState(false);
  useEffect(() => dialog.current.showModal(), []);

  async function submit(event) {
    event.preventDefault();
    const { password, new_password, again } = Object.fromEntries(new FormData(event.target));
    if (new_password !== again) return set_problem({ message: "The two new passwords differ." });
    set_busy(true);
    set_problem(null);
    try {
      await change_password({ password, new_password });
      say("Your password is changed; your other sessions have ended");
      close();
    } catch (refused) {
      set_problem(refused);
      set_busy(false);
    }
  }

  const field = (name, label, autocomplete, length_min) => html`<div class="field">
    <label for=${`own-${name}`}>${label}</label>
    <input id=${`own-${name}`} name=${name} type="password" autocomplete=${autocomplete} minlength=${length_min} required />
  </div>`;
  return html`<dialog ref=${dialog} aria-labelledby="own-title" onClose=${close}>
    <form onSubmit=${submit}>
      <h2 id="own-title">Change your password</h2>
      <input name="login" autocomplete="username" value=${login} readonly hidden />
      ${field("password", "Present password", "current-password")}
      ${field("new_password", "New password, 12 characters or more", "new-password", 12)}
      ${field("again", "The new one again", "new-password")}
      <${Refusal} problem=${problem} />
      <div class="row">
        <button class="main" disabled=${is_busy} aria-busy=${is_busy}>Change it</button>
        <button type="button" class="plain" onClick=${close}>Cancel</button>
      </div>
    </form>
  </dialog>`;
}
