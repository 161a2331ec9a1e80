import { spawn, type ChildProcess } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { sluiceProgram } from '../../kit/program.ts';

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
  /** Each line of the output, as JSON. */
  readonly json: () => Record<string, unknown>[];
}

export interface Started {
  readonly process: ChildProcess;
  readonly ended: Promise<Ran>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** `sluice …` in a process of its own, between pipes. */
export function startSluice(args: readonly string[], environment: Environment = {}): Started {
  const child = spawn(process.execPath, [...sluiceProgram(), ...args], {
    env: { ...process.env, SLUICE_DATA_DIR: '/nonexistent', ...environment },
  });
  child.stdin.on('error', () => {});
  const exit = new Promise<number | null>(resolve => child.on('close', resolve));
  const ended = Promise.all([exit, text(child.stdout), text(child.stderr)]);
  return {
    process: child,
    ended: ended.then(([code, out, err]) => ({ code, out, err, json: () => linesOf(out) })),
  };
}

export async function sluice(
  args: readonly string[],
  environment: Environment = {},
  stdin: string | Buffer = '',
): Promise<Ran> {
  const { process: child, ended } = startSluice(args, environment);
  child.stdin?.end(stdin);
  return ended;
}

function linesOf(out: string): Record<string, unknown>[] {
  return out
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line) as Record<string, unknown>);
}
