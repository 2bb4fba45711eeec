// Signing in: with a name and a password, or with an API token.
import { sign_in } from "./api.js";
import { Refusal } from "./controls.js";
import { html, useState } from "./html.js";

export function SignIn() {
  const [with_token, set_with_token] = useState(false);
  const [problem, set_problem] = useState(null);
  const [is_busy, set_busy] = useState(false);

  async function submit(event) {
    event.preventDefault();
    const form = new FormData(event.target);
    set_busy(true);
    set_problem(null);
    try {
      await sign_in(Object.fromEntries(form));
    } catch (refused) {
      set_problem(refused);
      set_busy(false);
    }
  }

  return html`<form class="sign-in panel" onSubmit=${submit} aria-labelledby="sign-in">
    <img src="assets/icon.svg" alt="" />
    <h1 id="sign-in">Sign in to outdial</h1>
    <div class="tabs" role="group" aria-label="How">
      <button type="button" aria-pressed=${!with_token}
        onClick=${() => set_with_token(false)}>Name and password</button>
      <button type="button" aria-pressed=${with_token} onClick=${() => set_with_token(true)}>Token</button>
    </div>
    ${with_token
      ? html`<div class="field" key="token"><label for="token">Token</label>
          <input id="token" name="token" type="password" autocomplete="off" required /></div>`
      : html`<div class="field" key="login"><label for="login">Name</label>
          <input id="login" name="login" autocomplete="username" autocapitalize="none" spellcheck=${false} required />
            </div>
        <div class="field" key="password"><label for="password">Password</label>
          <input id="password" name="password" type="password" autocomplete="current-password" required /></div>`}
    <${Refusal} problem=${problem} />
    <button class="main" disabled=${is_busy}>Sign in</button>
  </form>`;
}
