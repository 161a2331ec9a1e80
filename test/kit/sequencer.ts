import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Files whose tests mostly wait for a time to pass: beside each other they would leave the cores
 * idle. What a key has beside a crowd is measured apart from them.
 */
const WAITING =
  /\/test\/(?:(?:torture|faults)\/(?!crowding)|e2e\/(?:notifications|consume|webhooks)\/|.*\/(?:revocation|otlp-exporters|gateways|transports|db\/client|http\/http)\.test\.ts$)/;

/** Browsers and processes: files whose tests are far more work than their size tells. */
const BUSY = /\/test\/e2e\/(?:console|cli|package|client)\//;

/** How many others begin for each file that waits. */
const OTHERS = 3;

/**
 * Vitest begins with the largest files, and would end with few that take long. This begins with what
 * takes long, and spreads what waits among what works, so that there is always work for each core.
 */
export class Mixed extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const kindOf = ({ moduleId }: TestSpecification) =>
      WAITING.test(moduleId) ? 'waiting' : BUSY.test(moduleId) ? 'busy' : 'other';
    const of = (kind: string) => sorted.filter(file => kindOf(file) === kind);
    const working = [...of('busy'), ...of('other')];
    return [...of('waiting').flatMap(file => [file, ...working.splice(0, OTHERS)]), ...working];
  }
}
