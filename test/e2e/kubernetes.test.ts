/** The manifests in `deploy/kubernetes`: their shape, and a gateway that runs with what they set. */
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ts from 'typescript';
import { expect, onTestFinished, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { SETTINGS } from '../../src/config/config.ts';
import { startChildGateway } from '../kit/child-gateway.ts';
import { createTestDatabase, ofGateways } from '../kit/database.ts';

const FOLDER = 'deploy/kubernetes';

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: unknown;
}

interface Container {
  readonly env: readonly { readonly name: string; readonly value?: string }[];
  readonly startupProbe: Probe;
  readonly readinessProbe: Probe;
  readonly livenessProbe: Probe;
}

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

interface Pod {
  readonly terminationGracePeriodSeconds: number;
  readonly containers: readonly [Container];
}

function manifestsOf(file: string): Manifest[] {
  const documents = parseAllDocuments(readFileSync(join(FOLDER, file), 'utf8'));
  return documents.map(document => document.toJS() as Manifest);
}

const FILES = readdirSync(FOLDER).filter(file => file !== 'kustomization.yaml');

/** What the compiler says of manifests as values of the published types of Kubernetes' API. */
function problemsOf(manifests: readonly Manifest[]): string[] {
  const lines = manifests.flatMap((manifest, n) => [
    `import type { I${manifest.kind} as T${n} } from 'kubernetes-models/${manifest.apiVersion}';`,
    `export const m${n}: T${n} = ${JSON.stringify(manifest)};`,
  ]);
  // Where the types are found.
  const file = `test/e2e/manifests-${process.pid}.ts`;
  writeFileSync(file, lines.join('\n'));
  onTestFinished(() => rmSync(file, { force: true }));
  const program = ts.createProgram([file], {
    ...{ strict: true, noEmit: true, skipLibCheck: true, types: [] },
    ...{ module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext },
  });
  return ts
    .getPreEmitDiagnostics(program)
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

const podOf = (manifest: Manifest) => (manifest.spec as { template: { spec: Pod } }).template.spec;

test('every manifest has the fields that Kubernetes knows, and no other', () => {
  const manifests = FILES.flatMap(manifestsOf);
  expect(manifests.map(({ kind }) => kind)).toContain('Deployment');
  // One that is wrong shows that the others are looked at.
  const [wrong] = structuredClone(manifests) as [Manifest];
  Object.assign(podOf(wrong).containers[0].readinessProbe, { periodSecond: 2 });
  expect(problemsOf([...manifests, wrong])).toEqual([
    expect.stringContaining(`'"periodSecond"' does not exist in type 'IProbe'`),
  ]);
});

test('the kustomization names every manifest', () => {
  const [kustomization] = manifestsOf('kustomization.yaml');
  expect(kustomization).toMatchObject({ resources: FILES });
});

test('a gateway runs with the settings of its manifest, and its probes are answered', async () => {
  const [deployment] = manifestsOf('gateway.yaml') as [Manifest];
  const pod = podOf(deployment);
  const { env, startupProbe, readinessProbe, livenessProbe } = pod.containers[0];
  const names = env.map(({ name }) => name).filter(name => name !== 'NODE_OPTIONS');
  expect(Object.keys(SETTINGS)).toEqual(expect.arrayContaining(names));

  const database = await createTestDatabase();
  onTestFinished(() => database[Symbol.asyncDispose]());
  const folder = mkdtempSync(join(tmpdir(), 'sluice-secret-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const adminKeyFile = join(folder, 'admin-key');
  writeFileSync(adminKeyFile, 'an-admin-key-of-the-secret');
  const given = Object.fromEntries(env.map(({ name, value }) => [name, value ?? '']));
  await using gateway = await startChildGateway(ofGateways(database.url), {
    ...given,
    // What the pod gets from the secret, and a NATS server that is away.
    ...{ DATABASE_URL: ofGateways(database.url), SLUICE_ADMIN_KEY: '' },
    SLUICE_ADMIN_KEY_FILE: adminKeyFile,
    SLUICE_NATS_URL: 'nats://127.0.0.1:1',
  });
  for (const { httpGet } of [startupProbe, readinessProbe, livenessProbe]) {
    const { status } = await fetch(gateway.url + httpGet.path);
    expect(status).toBe(200);
  }
  const startedMs = Date.now();
  gateway.process.kill('SIGTERM');
  const [code] = (await once(gateway.process, 'exit')) as [number];
  expect(code).toBe(0);
  expect(Date.now() - startedMs).toBeLessThan(pod.terminationGracePeriodSeconds * 1_000);
});
