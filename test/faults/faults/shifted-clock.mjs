/** Preloaded into a gateway: at each SIGUSR2 its time of day jumps to what a file says. */
import { readFileSync } from 'node:fs';

const Real = Date;
let shiftMs = 0;
const now = () => Real.now() + shiftMs;

globalThis.Date = new Proxy(Real, {
  construct: (target, given, shape) =>
    Reflect.construct(target, given.length === 0 ? [now()] : given, shape),
  apply: () => new Real(now()).toString(),
  get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
});

process.on('SIGUSR2', () => {
  shiftMs = Number(readFileSync(process.env.FAULTS_CLOCK, 'utf8'));
});
