import { Command } from 'commander';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { createClient } from '../client/index.ts';
import { endpointOf } from '../client/transport.ts';
import { UsageError } from './errors.ts';
import { keyIn } from './gateway-connection.ts';
import { withExamples } from './options.ts';
import { printable, tell } from './output.ts';
import { DEFAULT_PROFILE, readProfiles, writeProfiles } from './profiles.ts';

interface LoginOptions {
  readonly profile: string;
  readonly keyFile?: string;
}

interface LogoutOptions {
  readonly profile: string;
  readonly all?: boolean;
}

const PROFILE = ['--profile <name>', 'the name to keep it under', DEFAULT_PROFILE] as const;

export function loginCommand(): Command {
  const command = new Command('login')
    .argument('<url>', 'the gateway')
    .description(
      'Keep the address of a gateway and a key for later commands. Asks for the key, or reads it from standard input.',
    )
    .option('--key-file <file>', 'a file that holds the key')
    .option(...PROFILE)
    .action(login);
  return withExamples(
    command,
    'sluice login https://events.example.org',
    'sluice login https://staging.example.org --profile staging --key-file key',
    'sluice tail --profile staging',
  );
}

export function logoutCommand(): Command {
  const command = new Command('logout')
    .description('Forget the address and the key of a profile. The key remains valid.')
    .option(...PROFILE)
    .option('--all', 'forget all profiles')
    .action(logout);
  return withExamples(command, 'sluice logout --profile staging');
}

async function login(url: string, { profile, keyFile }: LoginOptions): Promise<void> {
  endpointOf(url);
  const key = keyFile === undefined ? await askForKey() : keyIn(keyFile);
  if (key === '' || /\s/.test(key)) throw new UsageError('Expected a key and nothing else.');
  const { viewer } = await createClient({ url, key }).query<{
    viewer: { scopes: readonly string[]; workspace: { slug: string } | null };
  }>('{ viewer { scopes workspace { slug } } }');
  const file = writeProfiles({
    ...readProfiles(),
    [profile]: { url: url.replace(/\/+$/, ''), key },
  });
  const where = viewer.workspace === null ? 'all workspaces' : `workspace ${viewer.workspace.slug}`;
  tell(`The key is valid: ${viewer.scopes.join(' ')}, ${where}. It is kept in ${printable(file)}.`);
}

function logout({ profile, all = false }: LogoutOptions): void {
  if (all) return void writeProfiles({});
  const { [profile]: forgotten, ...others } = readProfiles();
  if (forgotten === undefined) throw new UsageError(`There is no profile ${profile}.`);
  writeProfiles(others);
}

/** What is typed is not shown. */
async function askForKey(): Promise<string> {
  if (process.stdin.isTTY !== true) return (await text(process.stdin)).trim();
  process.stderr.write('Key: ');
  const hidden = new Writable({ write: (_chunk, _encoding, done) => done() });
  const asking = createInterface({ input: process.stdin, output: hidden, terminal: true });
  try {
    return (await asking.question('')).trim();
  } finally {
    asking.close();
    process.stderr.write('\n');
  }
}
