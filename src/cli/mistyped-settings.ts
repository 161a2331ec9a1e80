import { SETTINGS } from '../config/config.ts';
import { nearest } from './similar-names.ts';

const PREFIX = 'SLUICE_';
/** What other commands and the client read. */
const OTHERS = ['SLUICE_URL', 'SLUICE_KEY'];
/** As Kubernetes gives `SLUICE_PORT` to the containers beside a service that is called sluice. */
const OF_A_SERVICE = /^(tcp|udp|sctp):\/\//;

/**
 * A sentence for each variable that is no setting and looks like one, by what follows the prefix:
 * that is also how one gets found that has none (`SLUICE_DATABASE_URL`). Values are not repeated.
 */
export function mistypedSettings(
  environment: Readonly<Record<string, string | undefined>>,
): string[] {
  const settings = new Map(Object.keys(SETTINGS).map(name => [bare(name), name]));
  return Object.entries(environment).flatMap(([name, value = '']) => {
    if (!name.startsWith(PREFIX) || name in SETTINGS || OTHERS.includes(name)) return [];
    if (value === '' || OF_A_SERVICE.test(value)) return [];
    const [near] = nearest(bare(name), [...settings.keys()]);
    if (near === undefined) return [];
    return [`${name} is not a setting: did you mean ${settings.get(near)}?`];
  });
}

function bare(name: string): string {
  return name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name;
}
