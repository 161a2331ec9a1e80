/**
 * The command table. What needs the gateway or its database is loaded when it is asked for: the other
 * commands start in a third of the time.
 */
import { Command, Option } from 'commander';
import { VERSION } from '../config/version.ts';
import {
  choiceArgument,
  consumeCommand,
  exportCommand,
  graphqlCommand,
  queryCommand,
  sendCommand,
} from './commands.ts';
import { printCompletion, SHELLS } from './completion.ts';
import { definitionsCommand } from './definitions/command.ts';
import { EXIT, EXIT_CODES_HELP, UsageError } from './errors.ts';
import { checkpointCommand, proveCommand } from './evidence.ts';
import { generateCommand } from './generate/command.ts';
import { importCommand } from './import/command.ts';
import { keysCommand } from './keys-command.ts';
import { loginCommand, logoutCommand } from './login.ts';
import { metersCommand } from './meters.ts';
import { withConnection, withExamples, withFilter, withWorkspace } from './options.ts';
import { quarantineCommand } from './quarantine.ts';
import { redactCommand } from './redact.ts';
import type { VerifyEvidenceOptions } from './verify-evidence.ts';
import { workspacesCommand } from './workspaces.ts';

export const program = new Command('sluice')
  .description('A self-hosted GraphQL event gateway over Postgres.')
  .version(VERSION)
  .addHelpText('after', EXIT_CODES_HELP);

const serveCommand = program
  .command('serve')
  .description('Serve the gateway. Settings come from the environment: see docs/settings.md.')
  .action(async () => (await import('./serve.ts')).serve());
withExamples(serveCommand, 'sluice serve', 'PORT=8080 DATABASE_URL=postgres://… sluice serve');

const migrateCommand = program
  .command('migrate')
  .description('Migrate the database to this version, as serve does when it starts.')
  .option('--role <name>', 'also let gateways serve as this role, which owns nothing')
  .action(async options => (await import('./database.ts')).migrateDatabase(options));
withExamples(
  migrateCommand,
  'DATABASE_URL=postgres://… sluice migrate',
  'DATABASE_URL=postgres://owner:…@… sluice migrate --role sluice_gateway',
);

program.addCommand(loginCommand());
program.addCommand(logoutCommand());
program.addCommand(keysCommand());
program.addCommand(workspacesCommand());
program.addCommand(definitionsCommand());
program.addCommand(generateCommand());
program.addCommand(sendCommand());
program.addCommand(importCommand());
program.addCommand(exportCommand());

const tailCommand = program
  .command('tail')
  .description(
    'Print events as they are recorded, as text on a terminal or as JSON lines into a pipe.',
  )
  .option('--after <cursor>', 'begin right after this cursor (default: with new events)')
  .option('--json', 'print JSON lines on a terminal too, as into a pipe')
  .action(async options => (await import('./tail.ts')).tail(options));
withFilter(withWorkspace(withConnection(tailCommand)));
withExamples(
  tailCommand,
  'sluice tail --workspace acme --type user.signup',
  'sluice tail | jq .payload',
);

program.addCommand(consumeCommand());
program.addCommand(queryCommand());
program.addCommand(graphqlCommand());
program.addCommand(metersCommand());
program.addCommand(quarantineCommand());
program.addCommand(redactCommand());
program.addCommand(checkpointCommand());
program.addCommand(proveCommand());

const mcpCommand = program
  .command('mcp')
  .description(
    'Serve the tools of a gateway to an agent over standard input and output (Model Context Protocol).',
  )
  .action(async options => (await import('./mcp.ts')).serveMcp(options));
withExamples(
  withConnection(mcpCommand),
  'SLUICE_URL=https://events.example.org SLUICE_KEY=… sluice mcp',
);

const verifyCommand = program
  .command('verify')
  .description(
    'Check the invariants of the database, and its logs against their trees. The exit code is 1 if ' +
      'one is broken.',
  )
  .option(
    '--receipts <file>',
    'check receipts instead, one JSON object per line; - means standard input',
  )
  .option(
    '-w, --workspace <slug>',
    'the workspace of receipts whose line and cursor do not name one',
  )
  .option('--checkpoint <file>', 'check that the log is still the one of this earlier checkpoint')
  .addOption(
    new Option(
      '--export <file>',
      'with --checkpoint: check an export with evidence, without a database',
    ).conflicts(['receipts', 'proof']),
  )
  .addOption(
    new Option(
      '--proof <file>',
      'check proofs, or exported events with evidence, without a gateway or a database',
    ).conflicts(['receipts', 'checkpoint']),
  )
  .addOption(
    new Option(
      '--audit <file>',
      'with --export or --proof: an export of the audit with evidence, whose acts must explain every redaction',
    ).conflicts(['receipts']),
  )
  .option('--verifier-key <key>', 'the key that must have signed')
  .action(verifyAnything);
withExamples(
  verifyCommand,
  'sluice verify',
  'DATABASE_URL=postgres://… sluice verify',
  'sluice send < events.jsonl > receipts.jsonl && sluice verify --receipts receipts.jsonl',
  'sluice verify --checkpoint acme.checkpoint',
  'sluice verify --checkpoint acme.checkpoint --export acme.ndjson --verifier-key sluice/acme/…',
);

interface VerifyOptions extends VerifyEvidenceOptions {
  readonly receipts?: string;
  readonly workspace?: string;
}

async function verifyAnything(options: VerifyOptions): Promise<void> {
  const { receipts, checkpoint, proof } = options;
  if (receipts !== undefined) {
    return (await import('./verify-receipts.ts')).verifyReceiptsOf({ ...options, receipts });
  }
  if (checkpoint !== undefined || proof !== undefined) {
    if (options.audit !== undefined && options.export === undefined && proof === undefined) {
      throw new UsageError('--audit needs --export or --proof: a database has its own audit.');
    }
    return (await import('./verify-evidence.ts')).verifyEvidence(options);
  }
  if (options.export !== undefined) throw new UsageError('--export needs --checkpoint.');
  if (options.audit !== undefined) throw new UsageError('--audit needs --export or --proof.');
  return (await import('./database.ts')).verifyDatabase();
}

const rotateCommand = program
  .command('rotate-evidence-key')
  .description(
    'Make a new key that signs checkpoints. What the earlier ones signed can still be verified.',
  )
  .action(async () => (await import('./database.ts')).rotateDatabaseEvidenceKey());
withExamples(rotateCommand, 'DATABASE_URL=postgres://… sluice rotate-evidence-key');

const epochCommand = program
  .command('epoch')
  .description('Run this after a restore: older cursors are then refused. Stop the gateways first.')
  .option('--keep', 'nothing was lost: keep the epoch, and accept that the database has moved')
  .action(async options => (await import('./database.ts')).renewDatabaseEpoch(options));
withExamples(epochCommand, 'sluice epoch');

const completionCommand = program
  .command('completion')
  .description('Print a script that completes commands and options in a shell.')
  .addArgument(choiceArgument('<shell>', 'the shell', SHELLS))
  .action(shell => printCompletion(shell, program));
withExamples(
  completionCommand,
  'eval "$(sluice completion bash)"',
  'sluice completion fish | source',
);

/** Faults of the command line, one line each, with where to look. */
function settle(command: Command): void {
  command.exitOverride(({ exitCode, code }) => {
    process.exit(exitCode === 0 || code === 'commander.help' ? 0 : EXIT.USAGE);
  });
  command.configureOutput({
    outputError: (text, print) => {
      print(`sluice: ${text.replace(/^error: /, '')}`);
      if (command !== program) print(`See "sluice ${pathOf(command)} --help".\n`);
    },
  });
  command.commands.forEach(settle);
}

function pathOf(command: Command): string {
  const { parent } = command;
  return parent === null || parent === program
    ? command.name()
    : `${pathOf(parent)} ${command.name()}`;
}

settle(program);
