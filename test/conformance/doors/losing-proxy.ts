/** A proxy that can lose answers, to test what clients do then. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface LosingProxy extends AsyncDisposable {
  readonly url: string;
  /** How many answers were lost. */
  readonly lost: number;
  /** The answers to so many next requests are lost, after the gateway has done its work. */
  loseAnswers(count: number): void;
}

export async function startLosingProxy(target: string): Promise<LosingProxy> {
  let toLose = 0;
  let lost = 0;
  const server = createServer((req, res) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of req) chunks.push(chunk as Buffer);
      const {
        host: _host,
        connection: _connection,
        'content-length': _length,
        ...kept
      } = req.headers;
      const method = req.method ?? 'GET';
      const answer = await fetch(target + (req.url ?? ''), {
        method,
        headers: kept as Record<string, string>,
        ...(chunks.length === 0 ? {} : { body: Buffer.concat(chunks) }),
      });
      const body = Buffer.from(await answer.arrayBuffer());
      if (toLose > 0) {
        toLose -= 1;
        lost += 1;
        return void res.destroy();
      }
      res.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' });
      res.end(body);
    })().catch(() => res.destroy());
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get lost() {
      return lost;
    },
    loseAnswers(count) {
      toLose = count;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>(resolve => server.close(() => resolve()));
    },
  };
}
