/** `npm run faults`: every fault, or those named, each with a line of what came of it. */
import { FAULTS, faultsNamed } from './all.ts';
import { openArena, type Fault, type RunningArena } from './arena.ts';

async function main(): Promise<void> {
  const names = process.argv.slice(2);
  const faults = names.length === 0 ? FAULTS : faultsNamed(names);
  const broken: string[] = [];
  let arena: RunningArena | null = null;
  let stage = '';
  for (const fault of faults) {
    const missing = fault.missing?.() ?? null;
    if (missing !== null) {
      console.log(`${fault.name}: left out, ${missing}`);
      continue;
    }
    const needs = JSON.stringify(fault.stage ?? {});
    if (arena === null || needs !== stage) {
      await arena?.[Symbol.asyncDispose]();
      arena = await openArena(fault.stage);
      stage = needs;
    }
    if (await run(arena, fault)) continue;
    broken.push(fault.name);
    await arena[Symbol.asyncDispose]();
    arena = null;
  }
  await arena?.[Symbol.asyncDispose]();
  const verdict = broken.length === 0 ? 'every promise held' : `broken by ${broken.join(', ')}`;
  console.log(`${faults.length} faults: ${verdict}`);
  process.exitCode = broken.length === 0 ? 0 : 1;
}

async function run(arena: RunningArena, fault: Fault): Promise<boolean> {
  const startedMs = performance.now();
  const { faults, ...figures } = await arena.inflict(fault);
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
  const counts = Object.entries(figures).map(([name, value]) => `${name} ${value}`);
  const verdict = faults.length === 0 ? 'ok' : 'BROKEN';
  console.log(`${fault.name}: ${verdict} in ${seconds} s (${fault.what})\n  ${counts.join(', ')}`);
  for (const each of faults) console.log(`  BROKEN ${each}`);
  return faults.length === 0;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));
await main();
process.exit();
