// The first page: what the whole dialer does now.
import { AlarmList } from "./alarms.js";
import { count, percent, tenths } from "./format.js";
import { html } from "./html.js";
import { NodeMap } from "./node_map.js";
import { PoolChart } from "./pool_chart.js";
import { Wall } from "./wall.js";

const sum = (items, value_of) => items.reduce((total, item) => total + value_of(item), 0);

function Tile({ name, value, of, note, kind = "" }) {
  return html`<div class=${`tile ${kind}`}><dt>${name}</dt>
    <dd><b>${value}</b>${of !== undefined && html`<span class="of"> / ${of}</span>`} <span class="note">${note}</span>
      </dd></div>`;
}

function Tiles({ board }) {
  const { groups, pools } = board;
  const ports = sum(pools, (pool) => pool.ports);
  const used = sum(pools, (pool) => pool.used);
  const signed_in = board.agents.filter((agent) => agent.state !== "logged out");
  const ready = signed_in.filter((agent) => agent.state === "ready").length;
  const running = groups.filter((group) => group.state === "running").length;
  const rate = sum(groups, (group) => group.rates.attempts_per_hour) / 60;
  // groups of one campaign tell of the same ledger: each campaign counts once
  const ledgers = new Map(groups.map((group) => [group.campaign.dbid, group.abandonment.windows.find((each) => each.window === "day")]));
  const today = [...ledgers.values()].filter(Boolean);
  const is_kept = today.length > 0; // without a ledger, only what happened since the start is known
  const calls = is_kept ? sum(today, (each) => each.calls) : sum(groups, (group) => group.totals.answered);
  const abandoned = is_kept ? sum(today, (each) => each.abandoned) : sum(groups, (group) => group.totals.abandoned + group.totals.dropped);
  return html`<dl class="tiles">
    <${Tile} name="Groups running" value=${count(running)} of=${count(groups.length)} />
    <${Tile} name="Ports in use" value=${count(used)} of=${count(ports)}
      note=${pools.some((pool) => pool.shortage) ? "shortage" : ""} />
    <${Tile} name="Dialing" value=${count(sum(groups, (group) => group.calls.dialing))}
      note=${`${count(sum(groups, (group) => group.calls.ringing))} ringing`} />
    <${Tile} name="Connected" value=${count(sum(groups, (group) => group.calls.connected))}
      note=${`${count(sum(groups, (group) => group.calls.waiting))} waiting`} />
    <${Tile} name="Agents ready" value=${count(ready)} of=${count(signed_in.length)} />
    <${Tile} name="Attempts / min" value=${count(Math.round(rate))} note=${`${tenths(rate / 60)} / s`} />
    <${Tile} name=${is_kept ? "Abandoned today" : "Abandoned"} value=${percent(calls ? abandoned / calls : null)}
      note=${calls ? `${count(abandoned)} of ${count(calls)}` : ""} />
  </dl>`;
}

export function BoardPage({ board, history }) {
  return html`<h1 class="unseen">Board</h1>
    <${Tiles} board=${board} />
    <${Wall} board=${board} />
    <div class="columns">
      <div class="stack">${board.pools.map((pool) => html`<${PoolChart} key=${pool.dialer} board=${board}
        history=${history} pool=${pool} />`)}</div>
      <div class="stack">
        <${AlarmList} board=${board} />
        <${NodeMap} board=${board} history=${history} />
      </div>
    </div>`;
}
