/** A server that reads a request and answers with nothing of its own: what HTTP alone costs. */
import { createServer } from 'node:http';

const server = createServer((req, res) => {
  req.resume().on('end', () => res.setHeader('content-length', 2).end('{}'));
});
server.listen(0, '127.0.0.1', () => process.send(server.address().port));
