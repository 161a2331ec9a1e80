/**
 * Ids for lines that have none. They say which line of which input this is, so that an import may
 * be broken off and run again, here or elsewhere, and the gateway knows what it has: there is no
 * state beside the input that could be lost, be wrong or speak of another gateway. A state file
 * would save sending again what is stored; `--from` does that too.
 *
 * A UUID of version 8 (RFC 9562, 5.8): 48 bits of the input's name and first record, 32 of the
 * line's number, 40 of its text. The ids of an input lie together, as the index of ids likes it.
 */
import { createHash } from 'node:crypto';

const LINE_MAX = 2 ** 32;

export interface LineIds {
  idOf(line: number, text: string): string;
}

/** @param firstRecord tells files of one name apart, such as a log of each day. */
export function lineIds(name: string, firstRecord: string): LineIds {
  const input = digest(`${name}\n${firstRecord}`).slice(0, 12);
  return {
    idOf(line, text) {
      const number = (line % LINE_MAX).toString(16).padStart(8, '0');
      const variant = `8${number.slice(3, 6)}`;
      const node = `${number.slice(6)}${digest(text).slice(0, 10)}`;
      return `${input.slice(0, 8)}-${input.slice(8)}-8${number.slice(0, 3)}-${variant}-${node}`;
    },
  };
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
