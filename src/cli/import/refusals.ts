import { open, type FileHandle } from 'node:fs/promises';
import type { EventProblem } from '../../client/index.ts';
import { printableJson } from '../output.ts';
import type { ImportRecord } from './mapping.ts';

/** The side file: a JSON line for each line that was refused, made with the first of them. */
export class Refusals {
  readonly file: string;
  count = 0;
  readonly #flags: 'w' | 'a';
  #handle: FileHandle | null = null;
  /** One write after the other. */
  #written: Promise<void> = Promise.resolve();

  constructor(file: string, flags: 'w' | 'a') {
    this.file = file;
    this.#flags = flags;
  }

  /** Resolves when it is written. @throws the reason for which it can not be */
  add(line: number, text: string, problems: readonly EventProblem[]): Promise<void> {
    this.count += 1;
    const why = problems.map(({ code, message, pointer }) => ({ code, message, pointer }));
    this.#written = this.#written.then(async () => {
      this.#handle ??= await open(this.file, this.#flags);
      await this.#handle.write(`${printableJson(JSON.stringify({ line, problems: why, text }))}\n`);
    });
    // `close` throws it, for whoever does not wait.
    this.#written.catch(() => {});
    return this.#written;
  }

  async close(): Promise<void> {
    await this.#written;
    await this.#handle?.close();
  }
}

type Refused = Extract<ImportRecord, { problems: unknown }>;

/** For people. */
export function refusalOf({ line, problems }: Refused): string {
  return `line ${line}: ${problems.map(({ message }) => message).join(' ')}`;
}
