/** CPU time of a gateway and of the Postgres that it has started, from /proc: Linux alone. */
import { readFileSync } from 'node:fs';

const TICKS_PER_S = 100;

/** In ms, user and system together; null where there is no /proc. */
export function cpuOf(pid) {
  try {
    const postgres = childrenOf(pid).flatMap(child => [child, ...childrenOf(child)]);
    return {
      gateway: ownMs(pid),
      postgres: postgres.reduce((sum, each) => sum + wholeMs(each), 0),
    };
  } catch {
    return null;
  }
}

function childrenOf(pid) {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ');
}

function ownMs(pid) {
  return timesOf(pid).slice(0, 2).reduce(add);
}

/** With its children that have ended: sessions come and go. */
function wholeMs(pid) {
  return timesOf(pid).reduce(add);
}

const add = (a, b) => a + b;

/** User and system, its own and those of its ended children. */
function timesOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields.slice(11, 15).map(ticks => (Number(ticks) * 1_000) / TICKS_PER_S);
  } catch {
    // It has ended meanwhile.
    return [0];
  }
}
