/** CPU time of a gateway and of the Postgres that it has started, from /proc: Linux alone. */
import { readFileSync } from 'node:fs';

const TICKS_PER_S = 100;

/** In ms, user and system together; null where there is no /proc. */
export function cpuOf(pid) {
  try {
    const postgres = childrenOf(pid).flatMap(child => [child, ...childrenOf(child)]);
    return { gateway: ownMs(pid), postgres: postgres.reduce((sum, each) => sum + ownMs(each), 0) };
  } catch {
    return null;
  }
}

function childrenOf(pid) {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ');
}

function ownMs(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [user, system] = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 13);
    return ((Number(user) + Number(system)) * 1_000) / TICKS_PER_S;
  } catch {
    // It has ended meanwhile.
    return 0;
  }
}
