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
    <dd><b>${value}</b>${of !== undefined && html`<span class="of"> / ${of}</span>`} <span class="note">${note}</span></dd></div>`;
}

function Tiles({ board, history }) {
  const { groups, pools } = board;
  const ports = sum(pools, (pool) => pool.ports);
  const used = sum(pools, (pool) => pool.used);
  const signed_in = board.agents.filter((agent) => agent.state !== "logged out");
  const ready = signed_in.filter((agent) => agent.state === "ready").length;
  const running = groups.filter((group) => group.state === "running").length;
  const rate = history.samples.length ? history.per_minute((sample) => sum(Object.values(sample.groups), (row) => row[3])) : null;
  // groups of one campaign tell of the same ledger: each campaign counts once
  const ledgers = new Map(groups.map((group) => [group.campaign.dbid, group.abandonment.windows.find((each) => each.window === "day")]));
  const today = [...ledgers.values()].filter(Boolean);
  const calls = sum(today, (each) => each.calls);
  const abandoned = sum(today, (each) => each.abandoned);
  return html`<dl class="tiles">
    <${Tile} name="Groups running" value=${count(running)} of=${count(groups.length)} />
    <${Tile} name="Ports in use" value=${count(used)} of=${count(ports)} note=${pools.some((pool) => pool.shortage) ? "shortage" : ""} />
    <${Tile} name="Dialing" value=${count(sum(groups, (group) => group.calls.dialing))} note="not answered yet" />
    <${Tile} name="Connected" value=${count(sum(groups, (group) => group.calls.connected))}
      note=${`${count(sum(groups, (group) => group.calls.waiting))} waiting`} />
    <${Tile} name="Agents ready" value=${count(ready)} of=${count(signed_in.length)} />
    <${Tile} name="Attempts / min" value=${count(rate === null ? null : Math.round(rate))} note=${rate === null ? "" : `${tenths(rate / 60)} / s`} />
    <${Tile} name="Abandoned today" value=${percent(calls ? abandoned / calls : null)} note=${calls ? `${count(abandoned)} of ${count(calls)}` : ""} />
  </dl>`;
}

export function BoardPage({ board, history }) {
  return html`<h1 class="unseen">Board</h1>
    <${Tiles} board=${board} history=${history} />
    <${Wall} board=${board} />
    <div class="columns">
      <div class="stack">${board.pools.map((pool) => html`<${PoolChart} key=${pool.dialer} board=${board} history=${history} pool=${pool} />`)}</div>
      <div class="stack">
        <${AlarmList} board=${board} />
        <${NodeMap} board=${board} history=${history} />
      </div>
    </div>`;
}
