// SIP cluster nodes: which application is in use, what they carry, and taking one out of service.
import { current_session, may, post } from "./api.js";
import { Action } from "./controls.js";
import { count, counted, duration } from "./format.js";
import { html } from "./html.js";

function state_of(node) {
  if (node.state === "inactive") return ["bad", "down"];
  if (node.admin === "draining") return ["warn", "draining"];
  return node.is_backup ? ["warn", "on backup"] : ["good", "active"];
}

function NodeActions({ node, with_promote }) {
  // a node serves every campaign, so whoever is bound to some of them may not touch it
  if (!may("operate") || current_session().campaigns !== null) return null;
  const send = (what) => () => post(`/nodes/${node.dbid}/${what}`);
  const promote = with_promote && !node.is_prime && node.state !== "inactive" && html`<${Action} key="promote"
    kind="small" label="Make prime" sure="Make it prime?"
    name=${node.name} what=${`Promote ${node.name}`} run=${send("promote")} done=${`${node.name} is the prime node`} />`;
  if (node.admin === "draining") {
    return html`${promote} <${Action} key="enable" kind="small" label="Enable" name=${node.name}
      what=${`Enable ${node.name}`}
      run=${send("enable")} done=${`${node.name} takes calls again`} />`;
  }
  return html`${promote} <${Action} key="drain" kind="small" label="Drain" sure="Drain it?" name=${node.name}
    what=${`Drain ${node.name}`}
    run=${send("drain")} done=${`${node.name} takes no new calls`} />`;
}

function Applications({ node }) {
  const is_down = node.state === "inactive";
  const stands_by = node.state.includes("stands by");
  const primary = !is_down && !node.is_backup ? "used" : stands_by && node.is_backup ? "ready" : "off";
  const backup = !is_down && node.is_backup ? "used" : stands_by && !node.is_backup ? "ready" : "off";
  const text = { used: "in use", ready: "stands by", off: "not connected" };
  return html`<ul class="applications">
    <li class=${primary} title=${`primary: ${text[primary]}`}>primary<span class="unseen">: ${text[primary]}</span></li>
    ${node.has_backup && html`<li class=${backup} title=${`backup: ${text[backup]}`}>backup<span
      class="unseen">: ${text[backup]}</span></li>`}
  </ul>`;
}

function Node({ board, history, node, with_promote }) {
  const [kind, text] = state_of(node);
  const rate = history.samples.length ? history.per_minute((sample) => sample.nodes[node.dbid]) : null;
  return html`<li class=${`node ${kind}`}>
    <div class="row"><h3>${node.name}</h3>${node.is_prime && html`<span class="chip accent">prime</span>`}
      <span class=${`chip ${kind}`}>${text}</span> <span
        class="muted since">${duration(board.now_utc_ms() - node.since_utc_ms)}</span><span class="end">
        <${NodeActions} node=${node} with_promote=${with_promote} /></span></div>
    <div class="row figures">
      <${Applications} node=${node} />
      <span><b>${count(node.calls)}</b> ${node.calls === 1 ? "call" : "calls"}</span>
      <span><b>${count(rate === null ? null : Math.round(rate))}</b> / min</span>
      <span class=${node.faults > 0 ? "faulty" : ""}>
        <b>${count(node.faults)}</b> failed of ${count(node.requests)}</span>
    </div>
    ${node.note && html`<p class="muted">${node.note}</p>`}
  </li>`;
}

export function NodeMap({ board, history, level = "h2" }) {
  const active = board.nodes.filter((node) => node.state !== "inactive").length;
  return html`<section class="panel" aria-label="Nodes">
    <header>${level === "h1" ? html`<h1>Nodes</h1>` : html`<h2>Nodes</h2>`}
      <span class="aside">${active} of ${counted(board.nodes.length, "node")} active</span></header>
    <ul class=${`nodes ${level === "h1" ? "wide" : ""}`}>${board.nodes.map((node) => html`<${Node} key=${node.dbid}
      board=${board} history=${history} node=${node} with_promote=${level === "h1"} />`)}</ul>
    ${board.nodes.length === 0 && html`<p class="empty">No node is configured.</p>`}
  </section>`;
}

export function NodesPage({ board, history }) {
  return html`<${NodeMap} board=${board} history=${history} level="h1" />`;
}
