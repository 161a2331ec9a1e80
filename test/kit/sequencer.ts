import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Short files whose tests take long. Vitest begins with the largest files: these would come last,
 * when the other workers have nothing left to do. What a key has beside a crowd is not measured beside
 * all of them as well.
 */
const LONG =
  /\/test\/(?:torture|faults)\/(?!crowding)|\/(?:install|revocation|otlp-exporters|gateways|recipes|csv-spectrum)\.test\.ts$/;

/** Begins with what takes longest. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification) => LONG.test(moduleId);
    return [...sorted.filter(isLong), ...sorted.filter(file => !isLong(file))];
  }
}
