/**
 * The tree of a workspace as files (C2SP tlog-tiles), for tools and witnesses that know nothing of
 * this gateway: `/evidence/<workspace>/checkpoint`, `/tile/<level>/<number>` and
 * `/tile/entries/<number>`. They need a key that reads the workspace, with each request.
 */
import { GatewayError } from '../core/errors.ts';
import { noEvidence } from '../core/evidence.ts';
import { TILE_WIDTH } from '../core/merkle.ts';
import { requireScope } from '../core/principal.ts';
import type { EvidenceReader } from '../evidence/evidence-reader.ts';
import type { Admission } from '../http/admission.ts';
import { admit } from '../http/admit.ts';
import { keyOf, type HttpCall } from '../http/call.ts';
import { pathOf, type HttpHandler } from '../http/handler.ts';
import type { Access } from '../security/access.ts';
import type { AuthenticateCaller, RateLimits } from '../security/rate-limits.ts';

export interface EvidenceHandlerOptions {
  readonly services: {
    readonly access: Access;
    readonly authenticate: AuthenticateCaller;
    readonly rateLimits: Pick<RateLimits, 'tenantOf'>;
    readonly evidence: EvidenceReader;
  };
  readonly admission: Admission;
}

const PREFIX = '/evidence/';
const PATH =
  /^\/evidence\/([^/]+)\/(?:(checkpoint)|tile\/(\d{1,2}|entries)\/((?:x\d{3}\/){0,5}\d{3})(?:\.p\/(\d{1,3}))?)$/;
const LEVEL_MAX = 63;

interface Asked {
  readonly workspace: string;
  /** Null: the checkpoint. */
  readonly tile: { readonly level: number | 'entries'; number: number; width: number } | null;
}

/** What a path names; null where it names nothing, or not in its one form. */
export function readEvidencePath(path: string): Asked | null {
  const [, workspace, checkpoint, level = '', number = '', width] = PATH.exec(path) ?? [];
  if (workspace === undefined) return null;
  if (checkpoint !== undefined) return { workspace, tile: null };
  const asked = {
    level: level === 'entries' ? level : Number(level),
    number: Number(number.replaceAll(/[x/]/g, '')),
    width: width === undefined ? TILE_WIDTH : Number(width),
  } as const;
  const isPlain =
    (asked.level === 'entries' || (String(asked.level) === level && asked.level <= LEVEL_MAX)) &&
    (width === undefined ||
      (String(asked.width) === width && asked.width >= 1 && asked.width < TILE_WIDTH));
  return isPlain && tilePath(asked.number) === number ? { workspace, tile: asked } : null;
}

/** 1234067 is x001/x234/067. */
export function tilePath(number: number): string {
  const digits = String(number);
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, '0');
  const parts = padded.match(/\d{3}/g) ?? [];
  return parts.map((part, at) => (at < parts.length - 1 ? `x${part}` : part)).join('/');
}

export function createEvidenceHandler(options: EvidenceHandlerOptions): HttpHandler {
  return {
    name: 'evidence',
    readOnly: 'Evidence supports GET.',
    matches: path => path.startsWith(PREFIX),
    async handle(call) {
      const { admission, services } = options;
      const secret = keyOf(call.headers);
      await admit(call, admission, services.rateLimits.tenantOf(call, secret));
      const principal = requireScope(await services.authenticate(secret, call), 'EVENTS_READ');
      const asked = readEvidencePath(pathOf(call.req));
      if (asked === null) throw new GatewayError('NOT_FOUND', 'Nothing is served at this path.');
      const { id } = await services.access(principal, asked.workspace, 'EVENTS_READ');
      if (asked.tile === null) return sendCheckpoint(call, services.evidence, id);
      const { level, number, width } = asked.tile;
      const bytes =
        level === 'entries'
          ? await services.evidence.entries(id, number, width)
          : await services.evidence.tile(id, { level, number }, width);
      if (bytes === null) {
        const message =
          'The tree has no such tile: it has not grown so far yet, or retention has ' +
          'removed the tile.';
        throw new GatewayError('NOT_FOUND', message);
      }
      send(call, bytes, { 'content-type': 'application/octet-stream', 'cache-control': FOR_EVER });
    },
  };
}

/** Only the reader's own cache: others would answer without asking for the key. */
const FOR_EVER = 'private, max-age=31536000, immutable';
const FOR_A_SECOND = 'private, max-age=1';

async function sendCheckpoint(
  call: HttpCall,
  evidence: EvidenceReader,
  workspaceId: number,
): Promise<void> {
  const checkpoint = await evidence.checkpoint(workspaceId);
  if (checkpoint === null) throw noEvidence();
  const type = 'text/plain; charset=utf-8';
  send(call, Buffer.from(checkpoint.note), {
    'content-type': type,
    'cache-control': FOR_A_SECOND,
  });
}

function send({ res }: HttpCall, body: Buffer, headers: Readonly<Record<string, string>>): void {
  if (res.headersSent || res.destroyed) return;
  res.writeHead(200, { ...headers, vary: 'authorization', 'content-length': body.length });
  res.end(body);
}
